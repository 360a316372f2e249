-- +goose NO TRANSACTION
-- +goose Up
-- The inbox: facts that wait to be folded into a customer's state. No mail goes out to a customer with a row here.
-- The foreign key is the fence: it locks the customer until the transaction that recorded the fact has ended.
CREATE TABLE IF NOT EXISTS goen_inbox (
    shop_id     VARCHAR(255) NOT NULL,
    customer_id VARCHAR(255) NOT NULL,
    fact_id     VARCHAR(255) NOT NULL,
    bucket      TINYINT UNSIGNED NOT NULL, -- the customer's
    PRIMARY KEY (shop_id, customer_id, fact_id),
    KEY fact (shop_id, fact_id),
    FOREIGN KEY (shop_id, customer_id) REFERENCES goen_customer (shop_id, customer_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

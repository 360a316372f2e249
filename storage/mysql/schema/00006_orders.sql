-- +goose NO TRANSACTION
-- +goose Up
-- An order, as its facts add up. If facts give one order two customers, each of them has a row.
CREATE TABLE IF NOT EXISTS goen_orders (
    shop_id     VARCHAR(255) NOT NULL,
    customer_id VARCHAR(255) NOT NULL,
    order_id    VARCHAR(255) NOT NULL,
    status      VARCHAR(255) NOT NULL,
    currency    VARCHAR(16) NOT NULL, -- ISO 4217, '' before the order itself is known
    total       BIGINT NOT NULL,      -- revenue before refunds
    refunded    BIGINT NOT NULL,      -- sum of refunds
    placed_at   DATETIME(6) NULL,
    counted_at  DATETIME(6) NULL,     -- since when it counts as a purchase
    state       LONGTEXT NULL,        -- JSON, filled up with spaces. NULL once the customer was erased
    PRIMARY KEY (shop_id, customer_id, order_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

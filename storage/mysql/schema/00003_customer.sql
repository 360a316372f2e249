-- The tables of goen. They are yours to query. What all of them have in common:
--
--   shop_id leads every key. Ids are compared byte by byte, so 'a', 'A' and 'a '
--   are three. Times are UTC with microseconds, NULL where there is none. Columns
--   named state (of a customer or order) and body hold JSON: JSON_VALUE(state,
--   '$.rank') reads a field. Amounts are minor units of their currency. A bucket
--   is a hash of the row's own id, 0 to 63, by which workers share them out.
--
-- Write to them only through the library; rows of goen_incoming are the exception.

-- +goose NO TRANSACTION
-- +goose Up
-- A customer: an account, a guest known by an address, or a cart that nobody has put a name to.
CREATE TABLE IF NOT EXISTS goen_customer (
    shop_id     VARCHAR(255) NOT NULL,
    customer_id VARCHAR(255) NOT NULL,
    bucket      TINYINT UNSIGNED NOT NULL,
    next_due    DATETIME(6) NULL, -- when her earliest timer is due
    next_review DATETIME(6) NULL, -- when her earliest review is due
    state       LONGTEXT NULL,    -- JSON: all that is known of her, filled up with spaces. NULL until her first fact is folded
    PRIMARY KEY (shop_id, customer_id),
    KEY due (shop_id, next_due, bucket),
    KEY review (shop_id, next_review, bucket)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

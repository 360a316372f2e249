-- +goose NO TRANSACTION
-- +goose Up
-- The decision log: what happened to a customer and why. Append-only, without personal data.
CREATE TABLE IF NOT EXISTS goen_decision (
    shop_id     VARCHAR(255) NOT NULL,
    seq         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, -- the order in which it was written
    customer_id VARCHAR(255) NOT NULL,
    at          DATETIME(6) NOT NULL,   -- when it took effect
    kind        VARCHAR(32) NOT NULL,   -- enroll, refuse, branch, wait, queue, skip, exit, finish, send, retry, fail, unknown, rank, report, merge or erase
    journey     VARCHAR(255) NOT NULL,
    version     INT NOT NULL,
    enrollment  VARCHAR(1024) NOT NULL,
    step        VARCHAR(255) NOT NULL,
    message_id  VARCHAR(255) NOT NULL,
    reason      VARCHAR(255) NOT NULL,
    detail      TEXT NOT NULL,
    PRIMARY KEY (shop_id, seq),
    KEY seq (seq),
    KEY customer (shop_id, customer_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

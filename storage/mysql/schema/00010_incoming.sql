-- +goose NO TRANSACTION
-- +goose Up
-- Facts that a cart has inserted, in a transaction of its own: it gives shop_id and body, and the library takes them
-- from here. What is refused stays, with the reason.
CREATE TABLE IF NOT EXISTS goen_incoming (
    shop_id     VARCHAR(255) NOT NULL,
    seq         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    body        LONGTEXT NOT NULL,   -- JSON
    received_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    refused     VARCHAR(255) NULL,   -- why it is no fact
    PRIMARY KEY (shop_id, seq),
    KEY seq (seq),
    KEY waiting (shop_id, refused)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- +goose NO TRANSACTION
-- +goose Up
-- How far an import has come.
CREATE TABLE IF NOT EXISTS goen_import (
    shop_id   VARCHAR(255) NOT NULL,
    import_id VARCHAR(255) NOT NULL,
    position  BIGINT NOT NULL,
    PRIMARY KEY (shop_id, import_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

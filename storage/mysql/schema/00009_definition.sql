-- +goose NO TRANSACTION
-- +goose Up
-- A definition: one published version of a journey, template, rank ladder or the shop's settings. Append-only.
CREATE TABLE IF NOT EXISTS goen_definition (
    shop_id       VARCHAR(255) NOT NULL,
    kind          VARCHAR(32) NOT NULL,    -- journey, template, ladder or settings
    definition_id VARCHAR(255) NOT NULL,
    version       INT NOT NULL,            -- from 1
    revision      BIGINT NOT NULL,         -- counts the shop's definitions
    hash          VARBINARY(255) NOT NULL, -- digest of body
    body          LONGTEXT NOT NULL,       -- JSON
    published_at  DATETIME(6) NULL,
    PRIMARY KEY (shop_id, kind, definition_id, version),
    UNIQUE KEY revision (shop_id, revision)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

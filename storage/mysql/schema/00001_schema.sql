-- What the library may expect of these tables. One row.
--
-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS goen_schema (
    one    TINYINT NOT NULL DEFAULT 1,
    oldest BIGINT NOT NULL, -- the oldest schema version whose library may still work on these tables
    PRIMARY KEY (one),
    CHECK (one = 1)
) ENGINE = InnoDB;

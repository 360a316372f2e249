-- +goose NO TRANSACTION
-- +goose Up
-- A fact: what happened, as it was told. Append-only. An erased customer's facts keep id and hash and lose their body.
CREATE TABLE IF NOT EXISTS goen_fact (
    shop_id     VARCHAR(255) NOT NULL,
    fact_id     VARCHAR(255) NOT NULL,
    customer_id VARCHAR(255) NOT NULL,  -- whom it is about
    type        VARCHAR(255) NOT NULL,
    event_at    DATETIME(6) NOT NULL,   -- when it happened
    recorded_at DATETIME(6) NULL,       -- when goen was told
    hash        VARBINARY(255) NOT NULL, -- digest of the content: the same id with another hash is refused
    set_aside   VARCHAR(1024) NULL,     -- why it could not be applied
    body        LONGTEXT NULL,          -- JSON, NULL once purged
    PRIMARY KEY (shop_id, fact_id),
    KEY time (shop_id, event_at),
    KEY customer (shop_id, customer_id, event_at),
    KEY set_aside (shop_id, set_aside(16))
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

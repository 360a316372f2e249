-- +goose NO TRANSACTION
-- +goose Up
-- A message: one mail, from the decision to send it to its end. Defaults are there for statements that change some
-- columns of many rows at once; the library gives every new row all of them.
CREATE TABLE IF NOT EXISTS goen_message (
    shop_id          VARCHAR(255) NOT NULL,
    message_id       VARCHAR(255) NOT NULL,
    bucket           TINYINT UNSIGNED NOT NULL DEFAULT 0,
    state            VARCHAR(16) NOT NULL,            -- queued, claimed, started, sent, failed, unknown or skipped
    lane             VARCHAR(16) NOT NULL DEFAULT '', -- bulk, or prompt or '', which are the same
    attempt          INT NOT NULL DEFAULT 0,          -- counts claims
    customer_id      VARCHAR(255) NOT NULL DEFAULT '',
    address_key      VARCHAR(255) NOT NULL DEFAULT '', -- customer_id of the guest behind the address
    cart_key         VARCHAR(255) NOT NULL DEFAULT '', -- customer_id of the cart it is about, or ''
    send_at          DATETIME(6) NOT NULL,            -- when it is due
    lease_until      DATETIME(6) NULL,                -- when a worker's claim runs out
    deadline         DATETIME(6) NULL,                -- when it is no longer worth sending
    started_at       DATETIME(6) NULL,
    settled_at       DATETIME(6) NULL,
    reason           VARCHAR(255) NOT NULL DEFAULT '', -- why it was skipped, failed, put off or is unknown
    stopped          VARCHAR(255) NOT NULL DEFAULT '', -- why it must not be tried again, although it was being sent when that turned out
    failures         INT NOT NULL DEFAULT 0,
    unknowns         INT NOT NULL DEFAULT 0,
    enrollment       VARCHAR(1024) NOT NULL DEFAULT '',
    journey          VARCHAR(255) NOT NULL DEFAULT '',
    version          INT NOT NULL DEFAULT 0,
    step             VARCHAR(255) NOT NULL DEFAULT '',
    visit            INT NOT NULL DEFAULT 0,
    template         VARCHAR(255) NOT NULL DEFAULT '',
    template_version INT NOT NULL DEFAULT 0,
    class            VARCHAR(32) NOT NULL DEFAULT '',  -- transactional, service or marketing
    order_id         VARCHAR(255) NOT NULL DEFAULT '',
    recipient        VARCHAR(1024) NOT NULL DEFAULT '', -- the address, '' once erased
    is_open          BOOLEAN AS (state IN ('queued', 'claimed', 'started', 'unknown')) STORED, -- whether it may still be skipped or stopped
    next_at          DATETIME(6) AS (IF(state IN ('claimed', 'started'), lease_until, send_at)) STORED, -- when it comes up: when it is due, or a claim runs out
    content          LONGBLOB NULL,                   -- what was given to the mail system
    PRIMARY KEY (shop_id, message_id),
    KEY due (shop_id, state, lane, next_at),
    KEY customer (shop_id, customer_id, is_open)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- The tables of goen. They are yours to query. What all of them have in common:
--
--   shop_id leads every key. Times are microseconds since 1970-01-01 UTC, NULL
--   where there is none: datetime(send_at / 1e6, 'unixepoch') shows one. Columns
--   named state (of a customer or order) and body hold JSON: state ->> '$.rank'
--   reads a field. Amounts are minor units of their currency.
--
-- A bucket is a number from 0 to 63 made from an id, by which workers share
-- rows. Write to them only through the library, but for goen_incoming.

-- +goose Up

-- A customer: an account, a guest known by an address, or a cart that nobody has put a name to.
CREATE TABLE goen_customer (
    shop_id     TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    state       TEXT,     -- JSON: all that is known of her. NULL until her first fact is folded
    next_due    INTEGER,  -- when her earliest timer is due
    next_review INTEGER,  -- when her earliest review is due: work that can wait
    bucket      INTEGER NOT NULL,
    version     INTEGER NOT NULL DEFAULT 0, -- counts the decisions that she had part in
    PRIMARY KEY (shop_id, customer_id)
) STRICT;

-- Who has a timer due: asked for all the time, and most customers have none.
CREATE INDEX goen_customer_due ON goen_customer (shop_id, next_due, customer_id, bucket) WHERE next_due IS NOT NULL;
CREATE INDEX goen_customer_review ON goen_customer (shop_id, next_review, customer_id, bucket) WHERE next_review IS NOT NULL;

-- A fact: what happened, as it was told. Append-only. An erased customer's facts keep id and hash and lose their body.
CREATE TABLE goen_fact (
    shop_id     TEXT NOT NULL,
    fact_id     TEXT NOT NULL,
    customer_id TEXT NOT NULL,    -- whom it is about
    type        TEXT NOT NULL,
    event_at    INTEGER NOT NULL, -- when it happened
    recorded_at INTEGER,          -- when goen was told
    hash        BLOB NOT NULL,    -- digest of the content: the same id with another hash is refused
    set_aside   TEXT,             -- why it could not be applied
    body        TEXT,             -- JSON, NULL once purged
    PRIMARY KEY (shop_id, fact_id)
) STRICT;

CREATE INDEX goen_fact_time ON goen_fact (shop_id, event_at, fact_id);
CREATE INDEX goen_fact_customer ON goen_fact (shop_id, customer_id, event_at, fact_id);
-- What may be purged one day.
CREATE INDEX goen_fact_body ON goen_fact (shop_id, event_at) WHERE body IS NOT NULL;
CREATE INDEX goen_fact_set_aside ON goen_fact (shop_id, event_at, fact_id) WHERE set_aside IS NOT NULL;

-- The inbox: facts that wait to be folded into a customer's state. No mail goes out to a customer with a row here.
CREATE TABLE goen_inbox (
    shop_id     TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    fact_id     TEXT NOT NULL,
    PRIMARY KEY (shop_id, customer_id, fact_id),
    FOREIGN KEY (shop_id, customer_id) REFERENCES goen_customer (shop_id, customer_id)
) STRICT, WITHOUT ROWID;

-- Whether a fact still waits.
CREATE INDEX goen_inbox_fact ON goen_inbox (shop_id, fact_id);

-- Incoming facts: what a cart inserts that is not written in Go, in a transaction of its own:
--
--   INSERT INTO goen_incoming (shop_id, body) VALUES ('shop', '{"id": …}');
--
-- A row is taken within a second or so, and deleted. As long as it is there no mail of the shop goes out, unless it
-- was refused: then it stays until you have looked at it and deleted it, or set refused to NULL to have it tried again.
CREATE TABLE goen_incoming (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    shop_id     TEXT NOT NULL,
    body        TEXT NOT NULL,    -- JSON
    received_at INTEGER NOT NULL DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000),
    refused     TEXT              -- why it is no fact
) STRICT;

CREATE INDEX goen_incoming_waiting ON goen_incoming (shop_id, seq) WHERE refused IS NULL;
CREATE INDEX goen_incoming_refused ON goen_incoming (shop_id, seq) WHERE refused IS NOT NULL;

-- An import of history, and how far it has come.
CREATE TABLE goen_import (
    shop_id   TEXT NOT NULL,
    import_id TEXT NOT NULL,
    position  INTEGER NOT NULL, -- in the source, such as a number of lines
    PRIMARY KEY (shop_id, import_id)
) STRICT, WITHOUT ROWID;

-- An order, as its facts add up. If facts give one order two customers, each of them has a row.
CREATE TABLE goen_orders (
    shop_id     TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    order_id    TEXT NOT NULL,
    status      TEXT NOT NULL,
    currency    TEXT NOT NULL,    -- ISO 4217, '' before the order itself is known
    total       INTEGER NOT NULL, -- revenue before refunds
    refunded    INTEGER NOT NULL, -- sum of refunds
    placed_at   INTEGER,
    counted_at  INTEGER,          -- since when it counts as a purchase
    state       TEXT,             -- JSON, NULL once its customer was erased: then it counts in statistics alone
    PRIMARY KEY (shop_id, customer_id, order_id)
) STRICT;

-- A message: one mail, from the decision to send it to its end.
CREATE TABLE goen_message (
    shop_id          TEXT NOT NULL,
    message_id       TEXT NOT NULL,
    state            TEXT NOT NULL,    -- queued, claimed, started, sent, failed, unknown or skipped
    attempt          INTEGER NOT NULL, -- counts claims
    customer_id      TEXT NOT NULL,
    address_key      TEXT NOT NULL,    -- customer_id of the guest behind the address
    cart_key         TEXT NOT NULL,    -- customer_id of the cart it is about, or ''
    send_at          INTEGER NOT NULL, -- when it is due
    lease_until      INTEGER,          -- when a worker's claim runs out
    deadline         INTEGER,          -- when it is no longer worth sending
    started_at       INTEGER,
    settled_at       INTEGER,
    reason           TEXT NOT NULL,    -- why it was skipped, failed, put off or is unknown
    stopped          TEXT NOT NULL,    -- why it must not be tried again, although it was being sent when that turned out
    failures         INTEGER NOT NULL,
    unknowns         INTEGER NOT NULL,
    enrollment       TEXT NOT NULL,
    journey          TEXT NOT NULL,
    version          INTEGER NOT NULL,
    step             TEXT NOT NULL,
    visit            INTEGER NOT NULL,
    template         TEXT NOT NULL,
    template_version INTEGER NOT NULL,
    class            TEXT NOT NULL,    -- transactional, service or marketing
    order_id         TEXT NOT NULL,
    recipient        TEXT NOT NULL,    -- the address, '' once erased
    content          BLOB,             -- what was given to the mail system
    lane             TEXT NOT NULL,    -- prompt, or bulk: what can wait
    bucket           INTEGER NOT NULL,
    PRIMARY KEY (shop_id, message_id)
) STRICT;

-- What is due to be sent.
CREATE INDEX goen_message_queue ON goen_message (shop_id, lane, send_at, message_id, bucket) WHERE state = 'queued';
-- What is in another state.
CREATE INDEX goen_message_state ON goen_message (shop_id, state, send_at, message_id) WHERE state <> 'queued';
-- Whose lease has run out.
CREATE INDEX goen_message_lease ON goen_message (shop_id, lease_until, message_id) WHERE lease_until IS NOT NULL;
-- What may still be skipped or stopped, loaded with its customer. Without IN, for which SQLite would make a table of
-- the four states, anew for each row that is written.
CREATE INDEX goen_message_open ON goen_message (shop_id, customer_id, message_id)
    WHERE state = 'queued' OR state = 'claimed' OR state = 'started' OR state = 'unknown';
-- What may be purged one day.
CREATE INDEX goen_message_settled ON goen_message (shop_id, settled_at) WHERE settled_at IS NOT NULL AND (content IS NOT NULL OR recipient <> '');
CREATE INDEX goen_message_customer ON goen_message (shop_id, customer_id, send_at, message_id);

-- The decision log: what happened to a customer and why. Append-only, without personal data.
CREATE TABLE goen_decision (
    shop_id     TEXT NOT NULL,
    seq         INTEGER NOT NULL, -- the order in which it was written, within the shop
    customer_id TEXT NOT NULL,
    at          INTEGER NOT NULL, -- when it took effect
    kind        TEXT NOT NULL,    -- enroll, refuse, branch, wait, queue, skip, exit, finish, send, retry, fail, unknown, rank, report, merge or erase
    journey     TEXT NOT NULL,
    version     INTEGER NOT NULL,
    enrollment  TEXT NOT NULL,
    step        TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    PRIMARY KEY (shop_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX goen_decision_customer ON goen_decision (shop_id, customer_id, seq);

-- A definition: one published version of a journey, template, rank ladder or the shop's settings. Append-only.
CREATE TABLE goen_definition (
    shop_id       TEXT NOT NULL,
    kind          TEXT NOT NULL,    -- journey, template, ladder or settings
    definition_id TEXT NOT NULL,
    version       INTEGER NOT NULL, -- from 1
    revision      INTEGER NOT NULL, -- counts the shop's definitions
    hash          BLOB NOT NULL,    -- digest of body
    body          TEXT NOT NULL,    -- JSON
    published_at  INTEGER,
    PRIMARY KEY (shop_id, kind, definition_id, version)
) STRICT;

CREATE UNIQUE INDEX goen_definition_revision ON goen_definition (shop_id, revision);

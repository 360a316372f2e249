-- The vendor's own tables, as they were before goen came.

CREATE TABLE IF NOT EXISTS users (
    id    TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    name  TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS orders (
    id        TEXT PRIMARY KEY,
    user_id   TEXT REFERENCES users (id),
    placed_at INTEGER NOT NULL,
    yen       INTEGER NOT NULL
) STRICT;

-- What goen keeps, under names of the vendor's choice. shop leads every key.
-- Times are microseconds since 1970, NULL where there is none.

CREATE TABLE IF NOT EXISTS crm_shop (
    shop TEXT PRIMARY KEY
) STRICT;

-- Everybody goen has heard of: users, guests, and carts without a name.
CREATE TABLE IF NOT EXISTS crm_person (
    shop      TEXT NOT NULL REFERENCES crm_shop (shop),
    id        TEXT NOT NULL,
    user_id   TEXT REFERENCES users (id) ON DELETE SET NULL, -- who she is, if she is a user
    bucket    INTEGER NOT NULL,
    state     TEXT,
    due_at    INTEGER,
    review_at INTEGER,
    PRIMARY KEY (shop, id)
) STRICT;
CREATE INDEX IF NOT EXISTS crm_person_due ON crm_person (shop, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS crm_person_review ON crm_person (shop, review_at) WHERE review_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS crm_fact (
    shop      TEXT NOT NULL,
    id        TEXT NOT NULL,
    person    TEXT NOT NULL,
    type      TEXT NOT NULL,
    happened  INTEGER NOT NULL,
    told      INTEGER,
    hash      BLOB NOT NULL,
    body      TEXT,
    set_aside TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (shop, id)
) STRICT;
CREATE INDEX IF NOT EXISTS crm_fact_time ON crm_fact (shop, happened, id);
CREATE INDEX IF NOT EXISTS crm_fact_person ON crm_fact (shop, person, happened, id);

CREATE TABLE IF NOT EXISTS crm_inbox (
    shop   TEXT NOT NULL,
    person TEXT NOT NULL,
    fact   TEXT NOT NULL,
    PRIMARY KEY (shop, person, fact),
    FOREIGN KEY (shop, person) REFERENCES crm_person (shop, id),
    FOREIGN KEY (shop, fact) REFERENCES crm_fact (shop, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS crm_inbox_fact ON crm_inbox (shop, fact);

-- What goen makes of an order. number is the id of one in the table orders.
CREATE TABLE IF NOT EXISTS crm_order (
    shop       TEXT NOT NULL,
    person     TEXT NOT NULL,
    number     TEXT NOT NULL,
    status     TEXT NOT NULL,
    currency   TEXT NOT NULL,
    total      INTEGER NOT NULL,
    refunded   INTEGER NOT NULL,
    placed_at  INTEGER,
    counted_at INTEGER,
    state      TEXT,
    PRIMARY KEY (shop, person, number)
) STRICT;

-- A message is a document, with columns for what the store itself asks for.
CREATE TABLE IF NOT EXISTS crm_mail (
    shop        TEXT NOT NULL,
    id          TEXT NOT NULL,
    person      TEXT NOT NULL,
    address_key TEXT NOT NULL,
    cart_key    TEXT NOT NULL,
    bucket      INTEGER NOT NULL,
    lane        TEXT NOT NULL,
    state       TEXT NOT NULL,
    send_at     INTEGER NOT NULL,
    lease_until INTEGER,
    doc         TEXT NOT NULL,
    content     BLOB,
    PRIMARY KEY (shop, id)
) STRICT;
CREATE INDEX IF NOT EXISTS crm_mail_state ON crm_mail (shop, state, lane, send_at, id);
CREATE INDEX IF NOT EXISTS crm_mail_lease ON crm_mail (shop, lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX IF NOT EXISTS crm_mail_person ON crm_mail (shop, person, send_at, id);
CREATE INDEX IF NOT EXISTS crm_mail_time ON crm_mail (shop, send_at, id);

CREATE TABLE IF NOT EXISTS crm_decision (
    seq    INTEGER PRIMARY KEY, -- the order in which it was written
    shop   TEXT NOT NULL,
    person TEXT NOT NULL,
    doc    TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS crm_decision_shop ON crm_decision (shop, seq);
CREATE INDEX IF NOT EXISTS crm_decision_person ON crm_decision (shop, person, seq);

CREATE TABLE IF NOT EXISTS crm_definition (
    shop      TEXT NOT NULL,
    kind      TEXT NOT NULL,
    id        TEXT NOT NULL,
    version   INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    body      TEXT NOT NULL,
    published INTEGER,
    PRIMARY KEY (shop, kind, id, version)
) STRICT;

-- A user with what goen knows of her, and an order with what has become of it.
CREATE VIEW IF NOT EXISTS user_overview AS
SELECT u.*, p.shop, p.state AS crm FROM users u JOIN crm_person p ON p.user_id = u.id;

CREATE VIEW IF NOT EXISTS order_overview AS
SELECT o.*, c.shop, c.status, c.refunded FROM orders o JOIN crm_order c ON c.number = o.id AND c.person = o.user_id;

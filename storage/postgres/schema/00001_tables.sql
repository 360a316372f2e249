-- The tables of goen. They are yours to query. What all of them have in common:
--
--   shop_id leads every key. A time is NULL where there is none. Columns named
--   state (of a customer or order) and body hold JSON: state ->> 'rank' reads a
--   field. Amounts are minor units of their currency. Ids are compared byte by
--   byte. bucket is a hash of the row's id, by which workers share a shop.
--
--   Indexes that serve one purpose have a condition that only its queries imply,
--   so that nothing else is ever looked up by them: a row is found by its key or
--   not at all, also by plans that were made when the tables were empty.
--
-- Write to them only through the library, but for goen_incoming. The prefix
-- goen_ is another where the store was told so.

-- A customer: an account, a guest known by an address, or a cart that nobody has put a name to.
CREATE TABLE goen_customer (
    shop_id     text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    bucket      smallint NOT NULL,
    next_due    timestamptz, -- when her earliest timer is due
    next_review timestamptz, -- when her earliest review is due
    state       json,        -- all that is known of her. NULL until her first fact is folded
    PRIMARY KEY (shop_id, customer_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- Whose timer or review is due: asked for all the time. The last column lets a worker pass over other workers' customers in the index.
-- Without the id, those who are due at one time share an entry.
CREATE INDEX goen_customer_due ON goen_customer (shop_id, next_due, (bucket % 8)) WHERE next_due IS NOT NULL;
CREATE INDEX goen_customer_review ON goen_customer (shop_id, next_review, (bucket % 8)) WHERE next_review IS NOT NULL;
-- Which of all shops have either.
CREATE INDEX goen_customer_all_due ON goen_customer (least(next_due, next_review), shop_id) WHERE least(next_due, next_review) IS NOT NULL;

-- A fact: what happened, as it was told. Append-only. A fact keeps id and hash when its body is purged or its customer erased.
CREATE TABLE goen_fact (
    shop_id     text COLLATE "C" NOT NULL,
    fact_id     text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL, -- whom it is about
    type        text COLLATE "C" NOT NULL,
    event_at    timestamptz NOT NULL,      -- when it happened
    recorded_at timestamptz,               -- when goen was told
    hash        bytea NOT NULL,            -- digest of the content: the same id with another hash is refused
    set_aside   text,                      -- why it could not be applied
    body        json,                      -- NULL once purged
    PRIMARY KEY (shop_id, fact_id)
);

-- Two indexes in place of one: what is purged is found without passing what was purged before.
CREATE INDEX goen_fact_time ON goen_fact (shop_id, event_at, fact_id) WHERE body IS NOT NULL;
CREATE INDEX goen_fact_purged ON goen_fact (shop_id, event_at, fact_id) WHERE body IS NULL;
CREATE INDEX goen_fact_customer ON goen_fact (shop_id, customer_id, event_at, fact_id) WHERE customer_id IS NOT NULL;
CREATE INDEX goen_fact_set_aside ON goen_fact (shop_id, event_at, fact_id) WHERE set_aside IS NOT NULL;

-- The inbox: facts that wait to be folded into a customer's state. No mail goes out to a customer with a row here.
-- Its foreign key is a lock: while a transaction that has put a row here is open, nobody can claim the messages of a customer whom it found.
CREATE TABLE goen_inbox (
    shop_id     text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    fact_id     text COLLATE "C" NOT NULL,
    share       smallint NOT NULL, -- the customer's bucket % 8: a worker reads its own share alone
    fence       text COLLATE "C",  -- customer_id again; NULL if the same transaction made her known, whom nobody else can see or lock then
    PRIMARY KEY (shop_id, share, customer_id, fact_id),
    FOREIGN KEY (shop_id, fence) REFERENCES goen_customer (shop_id, customer_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

-- An order, as its facts add up. If facts give one order two customers, each of them has a row.
CREATE TABLE goen_orders (
    shop_id     text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    order_id    text COLLATE "C" NOT NULL,
    status      text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL, -- ISO 4217, '' before the order itself is known
    total       bigint NOT NULL,           -- revenue before refunds
    refunded    bigint NOT NULL,           -- sum of refunds
    placed_at   timestamptz,
    counted_at  timestamptz,               -- since when it counts as a purchase
    state       json,                      -- NULL once its customer was erased
    PRIMARY KEY (shop_id, customer_id, order_id)
) WITH (fillfactor = 85);

-- A message: one mail, from the decision to send it to its end.
CREATE TABLE goen_message (
    shop_id          text COLLATE "C" NOT NULL,
    message_id       text COLLATE "C" NOT NULL,
    bucket           smallint NOT NULL,
    attempt          integer NOT NULL,          -- counts claims
    failures         integer NOT NULL,
    unknowns         integer NOT NULL,
    version          integer NOT NULL,
    visit            integer NOT NULL,
    template_version integer NOT NULL,
    send_at          timestamptz NOT NULL,      -- when it is due
    lease_until      timestamptz,               -- when a worker's claim runs out
    deadline         timestamptz,               -- when it is no longer worth sending
    started_at       timestamptz,
    settled_at       timestamptz,
    state            text COLLATE "C" NOT NULL, -- queued, claimed, started, sent, failed, unknown or skipped
    lane             text COLLATE "C" NOT NULL, -- prompt, which '' means too, or bulk
    customer_id      text COLLATE "C" NOT NULL,
    address_key      text COLLATE "C" NOT NULL, -- customer_id of the guest behind the address
    cart_key         text COLLATE "C" NOT NULL, -- customer_id of the cart it is about, or ''
    reason           text COLLATE "C" NOT NULL, -- why it was skipped, failed, put off or is unknown
    stopped          text COLLATE "C" NOT NULL, -- why it must not be tried again, although it was being sent when that turned out
    enrollment       text COLLATE "C" NOT NULL,
    journey          text COLLATE "C" NOT NULL,
    step             text COLLATE "C" NOT NULL,
    template         text COLLATE "C" NOT NULL,
    class            text COLLATE "C" NOT NULL, -- transactional, service or marketing
    order_id         text COLLATE "C" NOT NULL,
    recipient        text NOT NULL,             -- the address, '' once erased
    content          bytea,                     -- what was given to the mail system
    PRIMARY KEY (shop_id, message_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- What is due to be sent, in one shop and lane and in all shops.
CREATE INDEX goen_message_due ON goen_message (shop_id, ((lane = 'bulk')::int), send_at, message_id) WHERE state = 'queued';
CREATE INDEX goen_message_all_due ON goen_message (send_at, shop_id) WHERE state = 'queued';
-- Whose lease has run out. Few are leased at a time, so that all shops share an index.
CREATE INDEX goen_message_lease ON goen_message (lease_until, shop_id) WHERE state IN ('claimed', 'started');
-- All others, in the order in which they are listed.
CREATE INDEX goen_message_state ON goen_message (shop_id, state, send_at, message_id) WHERE state NOT IN ('queued', 'claimed', 'started');
-- A customer's messages; those that may still be skipped or stopped are loaded with her.
CREATE INDEX goen_message_customer ON goen_message (shop_id, customer_id, (state IN ('queued', 'claimed', 'started', 'unknown')), send_at)
    WHERE customer_id IS NOT NULL;
-- Whose content is there to be purged.
CREATE INDEX goen_message_settled ON goen_message (shop_id, settled_at)
    WHERE settled_at IS NOT NULL AND state <> 'unknown' AND (content IS NOT NULL OR recipient <> '');

-- The decision log: what happened to a customer and why. Append-only, without personal data.
CREATE TABLE goen_decision (
    shop_id     text COLLATE "C" NOT NULL,
    seq         bigint GENERATED ALWAYS AS IDENTITY, -- the order in which it was written
    version     integer NOT NULL,
    at          timestamptz NOT NULL,      -- when it took effect
    customer_id text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL, -- enroll, refuse, branch, wait, queue, skip, exit, finish, send, retry, fail, unknown, rank, report, merge or erase
    journey     text COLLATE "C" NOT NULL,
    enrollment  text COLLATE "C" NOT NULL,
    step        text COLLATE "C" NOT NULL,
    message_id  text COLLATE "C" NOT NULL,
    reason      text COLLATE "C" NOT NULL,
    detail      text COLLATE "C" NOT NULL,
    PRIMARY KEY (shop_id, seq)
);

CREATE INDEX goen_decision_customer ON goen_decision (shop_id, customer_id, seq) WHERE customer_id IS NOT NULL;

-- A definition: one published version of a journey, template, rank ladder or the shop's settings. Append-only.
CREATE TABLE goen_definition (
    shop_id       text COLLATE "C" NOT NULL,
    kind          text COLLATE "C" NOT NULL, -- journey, template, ladder or settings
    definition_id text COLLATE "C" NOT NULL,
    version       integer NOT NULL,          -- from 1
    revision      bigint NOT NULL,           -- counts the shop's definitions
    hash          bytea NOT NULL,            -- digest of body
    body          json NOT NULL,
    published_at  timestamptz,
    PRIMARY KEY (shop_id, kind, definition_id, version)
);

CREATE UNIQUE INDEX goen_definition_revision ON goen_definition (shop_id, revision);

-- Incoming facts, for carts that are not written in Go: INSERT INTO goen_incoming (shop_id, body) VALUES ('shop', '{…}').
-- A row is deleted when it was taken; one that is no fact stays, with the reason.
CREATE TABLE goen_incoming (
    shop_id     text COLLATE "C" NOT NULL,
    seq         bigint GENERATED BY DEFAULT AS IDENTITY,
    body        text NOT NULL, -- JSON. Not of that type, so that a mistake in it does not fail the cart's transaction
    received_at timestamptz NOT NULL DEFAULT now(),
    refused     text,          -- why it is no fact
    PRIMARY KEY (shop_id, seq)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

CREATE INDEX goen_incoming_waiting ON goen_incoming (shop_id, seq) WHERE refused IS NULL;

-- How far imports have come.
CREATE TABLE goen_import (
    shop_id   text COLLATE "C" NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    position  bigint NOT NULL,
    PRIMARY KEY (shop_id, import_id)
);

-- The oldest version of this schema whose library may work with the tables as they are.
CREATE TABLE goen_compatible (since bigint NOT NULL);

INSERT INTO goen_compatible VALUES (1);

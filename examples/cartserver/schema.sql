-- The shop's own tables, in SQL that both SQLite and PostgreSQL understand.
-- Times are seconds since 1970, amounts are yen.

CREATE TABLE IF NOT EXISTS product (
    id       TEXT PRIMARY KEY,
    title_ja TEXT NOT NULL,
    title_en TEXT NOT NULL,
    about_ja TEXT NOT NULL,
    about_en TEXT NOT NULL,
    price    BIGINT NOT NULL,
    stock    BIGINT NOT NULL CHECK (stock >= 0)
);

CREATE TABLE IF NOT EXISTS account (
    id         TEXT PRIMARY KEY,
    email      TEXT NOT NULL UNIQUE, -- as crm.NormalizeEmail writes it
    password   TEXT NOT NULL,        -- salted and derived: see password.go
    family     TEXT NOT NULL,
    given      TEXT NOT NULL,
    newsletter BIGINT NOT NULL,      -- 1 while she wants news
    revision   BIGINT NOT NULL       -- counts changes
);

CREATE TABLE IF NOT EXISTS session (
    token      TEXT PRIMARY KEY, -- a digest of what the cookie holds
    account_id TEXT NOT NULL REFERENCES account (id),
    expires_at BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS cart (
    id         TEXT PRIMARY KEY,         -- unguessable: it is the cookie and the link in the mail
    account_id TEXT NOT NULL,            -- '' while nobody is signed in
    revision   BIGINT NOT NULL,          -- counts changes
    email      TEXT NOT NULL DEFAULT '', -- what the checkout asked for
    family     TEXT NOT NULL DEFAULT '',
    given      TEXT NOT NULL DEFAULT '',
    address    TEXT NOT NULL DEFAULT ''
);

CREATE TABLE IF NOT EXISTS cart_item (
    cart_id    TEXT NOT NULL REFERENCES cart (id),
    product_id TEXT NOT NULL REFERENCES product (id),
    quantity   BIGINT NOT NULL,
    PRIMARY KEY (cart_id, product_id)
);

CREATE TABLE IF NOT EXISTS orders (
    id         TEXT PRIMARY KEY, -- unguessable: it is the link to the order's page
    cart_id    TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL,    -- '' for a guest
    email      TEXT NOT NULL,
    name       TEXT NOT NULL,
    address    TEXT NOT NULL,
    method     TEXT NOT NULL,    -- card, bank_transfer or cash_on_delivery
    status     TEXT NOT NULL,    -- placed, paid, shipped, delivered, cancelled or refunded
    shipping   BIGINT NOT NULL,
    placed_at  BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS order_line (
    order_id   TEXT NOT NULL REFERENCES orders (id),
    product_id TEXT NOT NULL,
    title      TEXT NOT NULL,
    price      BIGINT NOT NULL,
    quantity   BIGINT NOT NULL,
    PRIMARY KEY (order_id, product_id)
);

CREATE TABLE IF NOT EXISTS secret (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

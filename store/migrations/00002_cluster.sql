-- Membership of the cluster and ownership of buckets (package store/membership). Every write to these tables happens
-- in a transaction that first locks the one row of cluster_epoch.
-- +goose NO TRANSACTION

-- +goose Up
-- One row for each process; it is a member until `expires`, by the database's clock.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS members (
    id      text        NOT NULL PRIMARY KEY,
    host    text        NOT NULL,
    port    int4        NOT NULL,
    kinds   text[]      NOT NULL,
    load    int4        NOT NULL,
    leaving bool        NOT NULL,
    expires timestamptz NOT NULL
);
-- +goose StatementEnd

-- The epoch numbers the changes of members and buckets; last_tick is the time of the last beat of anybody, so that an
-- outage of the database can be told from the death of all nodes.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cluster_epoch (
    one       bool        NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    epoch     int8        NOT NULL,
    last_tick timestamptz NULL
);
-- +goose StatementEnd

-- +goose StatementBegin
INSERT INTO cluster_epoch (one, epoch, last_tick) VALUES (true, 0, NULL) ON CONFLICT (one) DO NOTHING;
-- +goose StatementEnd

-- A lease lasts as long as the row of the member it names, which every beat renews: a bucket is written only when it
-- changes hands. A bucket without a row was never owned. `node` is empty while nobody owns it.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS buckets (
    bucket int2 NOT NULL PRIMARY KEY CHECK (bucket BETWEEN 0 AND 255),
    node   text NOT NULL,
    epoch  int8 NOT NULL
);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE IF EXISTS buckets;
-- +goose StatementEnd

-- +goose StatementBegin
DROP TABLE IF EXISTS cluster_epoch;
-- +goose StatementEnd

-- +goose StatementBegin
DROP TABLE IF EXISTS members;
-- +goose StatementEnd

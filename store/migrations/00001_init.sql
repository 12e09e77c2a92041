-- +goose NO TRANSACTION
-- The engine's tables. Portable to PostgreSQL and CockroachDB; one statement at a time, each repeatable, so that
-- a migration that was interrupted can simply be run again. Keys begin with the tenant. Indexes are on columns
-- that do not change: an index on a hot column would make every update of the row rewrite it.

-- +goose Up
CREATE TABLE IF NOT EXISTS tenants (
  id text PRIMARY KEY,
  name text NOT NULL,
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS agents (
  tenant text NOT NULL REFERENCES tenants (id),
  id text NOT NULL,
  name text NOT NULL,
  email text NOT NULL DEFAULT '',
  role text NOT NULL CHECK (role IN ('agent', 'supervisor', 'admin')),
  state jsonb NOT NULL DEFAULT '{}',
  version int8 NOT NULL,
  presence text NOT NULL DEFAULT 'offline',
  presence_until timestamptz,
  current_call text,
  PRIMARY KEY (tenant, id)
) WITH (fillfactor = 70);

CREATE TABLE IF NOT EXISTS lines (
  tenant text NOT NULL REFERENCES tenants (id),
  id text NOT NULL,
  name text NOT NULL,
  phone_number_id text NOT NULL,
  display_number text NOT NULL DEFAULT '',
  waba_id text NOT NULL DEFAULT '',
  graph_url text NOT NULL DEFAULT '',
  api_version text NOT NULL DEFAULT '',
  secrets bytea NOT NULL,
  settings jsonb NOT NULL DEFAULT '{}',
  state jsonb NOT NULL DEFAULT '{}',
  version int8 NOT NULL,
  PRIMARY KEY (tenant, id)
);

CREATE UNIQUE INDEX IF NOT EXISTS lines_by_phone_number_id ON lines (phone_number_id);

CREATE TABLE IF NOT EXISTS contacts (
  tenant text NOT NULL REFERENCES tenants (id),
  id text NOT NULL,
  bucket int2 NOT NULL,
  version int8 NOT NULL,
  name text NOT NULL DEFAULT '',
  name_folded text NOT NULL DEFAULT '',
  phone text NOT NULL DEFAULT '',
  status text NOT NULL DEFAULT '',
  tags text[] NOT NULL DEFAULT '{}',
  order_no text NOT NULL DEFAULT '',
  quote_cents int8 NOT NULL DEFAULT 0,
  assigned_agent text NOT NULL DEFAULT '',
  may_call_until timestamptz,
  may_call_line text NOT NULL DEFAULT '',
  window_until timestamptz,
  ongoing_call text,
  last_activity timestamptz NOT NULL,
  state jsonb NOT NULL DEFAULT '{}',
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, id)
) WITH (fillfactor = 70);

CREATE TABLE IF NOT EXISTS contact_identifiers (
  tenant text NOT NULL,
  kind text NOT NULL,
  value text NOT NULL,
  contact_id text NOT NULL,
  PRIMARY KEY (tenant, kind, value)
);

CREATE INDEX IF NOT EXISTS contact_identifiers_by_contact ON contact_identifiers (tenant, contact_id);

CREATE TABLE IF NOT EXISTS calls (
  tenant text NOT NULL,
  id text NOT NULL,
  line text NOT NULL,
  contact text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
  node text NOT NULL,
  provider_call_id text,
  state text NOT NULL,
  created_at timestamptz NOT NULL,
  answered_at timestamptz,
  ended_at timestamptz,
  talk_ms int8 NOT NULL DEFAULT 0,
  end_reason text NOT NULL DEFAULT '',
  ended_by text NOT NULL DEFAULT '',
  agents text[] NOT NULL DEFAULT '{}',
  seq int8 NOT NULL,
  fold jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant, id)
) WITH (fillfactor = 70);

CREATE UNIQUE INDEX IF NOT EXISTS calls_by_provider_id ON calls (tenant, line, provider_call_id);

CREATE INDEX IF NOT EXISTS calls_by_time ON calls (tenant, created_at, id);

CREATE INDEX IF NOT EXISTS calls_by_contact ON calls (tenant, contact, created_at, id);

CREATE INDEX IF NOT EXISTS calls_ongoing_by_node ON calls (node) WHERE ended_at IS NULL;

CREATE TABLE IF NOT EXISTS call_events (
  tenant text NOT NULL,
  call text NOT NULL,
  seq int8 NOT NULL,
  type text NOT NULL,
  data jsonb NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (tenant, call, seq)
);

CREATE TABLE IF NOT EXISTS call_tombstones (
  tenant text NOT NULL,
  line text NOT NULL,
  provider_call_id text NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (tenant, line, provider_call_id)
);

CREATE TABLE IF NOT EXISTS inbox (
  id text PRIMARY KEY,
  tenant text NOT NULL,
  line text NOT NULL,
  dedupe text NOT NULL,
  bucket int2 NOT NULL,
  body bytea NOT NULL,
  received_at timestamptz NOT NULL,
  processed_at timestamptz,
  attempts int4 NOT NULL DEFAULT 0,
  error text NOT NULL DEFAULT '',
  parked bool NOT NULL DEFAULT false
);

CREATE UNIQUE INDEX IF NOT EXISTS inbox_by_dedupe ON inbox (tenant, line, dedupe);

CREATE INDEX IF NOT EXISTS inbox_pending ON inbox (bucket, received_at) WHERE processed_at IS NULL AND NOT parked;

CREATE TABLE IF NOT EXISTS messages (
  tenant text NOT NULL,
  contact text NOT NULL,
  id text NOT NULL,
  line text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
  kind text NOT NULL,
  body jsonb NOT NULL DEFAULT '{}',
  provider_id text,
  status text NOT NULL,
  status_detail text NOT NULL DEFAULT '',
  agent text NOT NULL DEFAULT '',
  at timestamptz NOT NULL,
  PRIMARY KEY (tenant, contact, id)
);

CREATE UNIQUE INDEX IF NOT EXISTS messages_by_provider_id ON messages (tenant, line, provider_id);

CREATE INDEX IF NOT EXISTS messages_by_time ON messages (tenant, contact, at, id);

CREATE TABLE IF NOT EXISTS audit (
  tenant text NOT NULL,
  id text NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL DEFAULT '',
  data jsonb NOT NULL DEFAULT '{}',
  at timestamptz NOT NULL,
  PRIMARY KEY (tenant, id)
);

CREATE INDEX IF NOT EXISTS audit_by_time ON audit (tenant, at, id);

-- +goose Down
DROP TABLE IF EXISTS audit;
DROP TABLE IF EXISTS messages;
DROP TABLE IF EXISTS inbox;
DROP TABLE IF EXISTS call_tombstones;
DROP TABLE IF EXISTS call_events;
DROP TABLE IF EXISTS calls;
DROP TABLE IF EXISTS contact_identifiers;
DROP TABLE IF EXISTS contacts;
DROP TABLE IF EXISTS lines;
DROP TABLE IF EXISTS agents;
DROP TABLE IF EXISTS tenants;

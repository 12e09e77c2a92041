-- Finds contacts whose permission has just ended. The column changes with permissions only, so ordinary updates stay in place.
-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX IF NOT EXISTS contacts_by_permission_end ON contacts (may_call_until);

-- +goose Down
DROP INDEX IF EXISTS contacts_by_permission_end;

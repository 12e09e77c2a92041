package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"ramal/internal/fault"
)

// SQLSTATE codes that are treated specially (PostgreSQL manual, appendix A; CockroachDB uses the same).
const (
	uniqueViolation      = "23505"
	foreignKeyViolation  = "23503"
	checkViolation       = "23514"
	notNullViolation     = "23502"
	serializationFailure = "40001"
	ambiguousResult      = "40003" // CockroachDB: the commit's outcome is unknown
	deadlockDetected     = "40P01"
	queryCanceled        = "57014" // statement_timeout
)

// Codes of faults made here, for callers that branch on them.
const (
	CodeNotSent      = "not_sent"      // Unavailable: the database never saw the statement
	CodeMaybeApplied = "maybe_applied" // Unavailable: sent, but no answer came; repeating is safe
	CodeExists       = "exists"        // Conflict: there is such a row already
	CodeNoParent     = "no_parent"     // Invalid: the row belongs to something that does not exist, such as an unknown tenant
	CodeStale        = "stale"         // Conflict: the row is no longer at the version the write was computed from
)

// wrap gives an error of the driver its kind. A nil err stays nil, an error that has a kind keeps it.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*fault.Error](err); ok {
		return known
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return &fault.Error{Kind: fault.NotFound, Op: op, Code: "no_row", Detail: "there is no such row", Cause: err}
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		kind, code := answerKind(pg)
		return &fault.Error{Kind: kind, Op: op, Code: code, Cause: err}
	}
	if unreachable(err) {
		code := CodeMaybeApplied
		if pgconn.SafeToRetry(err) || isConnectError(err) {
			code = CodeNotSent
		}
		return &fault.Error{Kind: fault.Unavailable, Op: op, Code: code, Cause: err}
	}
	return fault.Wrap(fault.Internal, op, err)
}

// answerKind classifies an error that the server itself sent.
func answerKind(pg *pgconn.PgError) (fault.Kind, string) {
	switch pg.Code {
	case uniqueViolation:
		return fault.Conflict, CodeExists
	case foreignKeyViolation:
		return fault.Invalid, CodeNoParent
	case checkViolation, notNullViolation:
		return fault.Invalid, pg.ConstraintName
	case serializationFailure, deadlockDetected:
		return fault.Unavailable, CodeNotSent // rolled back whole
	case ambiguousResult, queryCanceled:
		return fault.Unavailable, CodeMaybeApplied
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "08", "53", "57": // connection, resources, operator intervention
		return fault.Unavailable, CodeMaybeApplied
	case "22": // data exception: a value that does not fit its column
		return fault.Invalid, "bad_value"
	}
	return fault.Internal, ""
}

func isConnectError(err error) bool {
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok
}

// unreachable reports whether err says that no answer came: everything but an answer of the server, and a
// defect in our own use of the driver (which pgx reports without touching the connection).
func unreachable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || pgconn.Timeout(err) {
		return true
	}
	return isConnectError(err) || pgconn.SafeToRetry(err) || isNetwork(err)
}

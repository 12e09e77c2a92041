//go:build !unix

// Package embedded runs a private PostgreSQL for one process, on systems with Unix processes. On others Start says
// that a database URL must be configured instead.
package embedded

import (
	"context"
	"log/slog"

	"ramal/internal/fault"
)

// Config is described where Start works.
type Config struct {
	DataDir, CacheDir string
	Port              int
	Ephemeral         bool
	Settings          map[string]string
	Progress          func(string)
	Logger            *slog.Logger
}

// Server never exists on this system.
type Server struct{}

// MaybeSupervise does nothing on this system.
func MaybeSupervise() {}

// Start answers Unavailable on this system.
func Start(context.Context, Config) (*Server, error) {
	return nil, fault.New(fault.Unavailable, "embedded.start", "unsupported",
		"a private PostgreSQL cannot be run on this system: configure a database URL")
}

// URL is empty.
func (*Server) URL() string { return "" }

// DataDir is empty.
func (*Server) DataDir() string { return "" }

// Done is closed by nobody.
func (*Server) Done() <-chan struct{} { return nil }

// Stop does nothing.
func (*Server) Stop() error { return nil }

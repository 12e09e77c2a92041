//go:build unix

// Package embedded runs a private PostgreSQL for one process: `ramal dev` and the tests need a database, and the
// machine need not have one. The binaries are fetched once into a cache and shared; the data of each folder is its
// own. It is not how production runs: there is no replica, no backup and no upgrade to another major version.
//
//	program ──pipe──> supervisor ──signals──> postgres
//	   │              (the same binary)          │
//	   └───────────────── TCP, 127.0.0.1 ────────┘
//
// The supervisor is this very program, started once more with an environment variable that MaybeSupervise looks for.
// It owns the lock on the data folder and the server's process, and lives as long as the pipe from the program does:
// however the program ends, kill -9 included, the server is shut down in order and nothing stays behind.
//
// PostgreSQL refuses to run as root. A root program runs it as the account "postgres" where there is one, else as
// nobody (65534). Folders that this account cannot reach, such as those under /root, are replaced by ones under
// /var/lib/ramal and /var/cache/ramal; Progress says so.
//
// Only this account and the program's can read the data folder. The server listens on the loopback interface only,
// with a random password that lies beside the data in a file of mode 0600.
package embedded

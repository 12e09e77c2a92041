package media

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"time"
)

// Config is everything an Engine can be told. The zero value is a working default; every field says its
// unit, its default and what it changes.
type Config struct {
	// UDPAddr is the "host:port" that all browsers' media goes through. An empty host binds every usable
	// local address on the one port; port 0 takes any free port. Default ":0".
	UDPAddr string
	// ContactPorts are the UDP ports of the contacts' connections, first and last. Each contact's connection needs one of its
	// own: all calls may go to one address of WhatsApp's relay, and what comes back says nothing but that address. They need not
	// be open to the outside: we always speak first. Default: any free port.
	ContactPorts [2]uint16
	// PublicIPs are advertised instead of the local addresses (a node behind 1:1 NAT). Default: none.
	PublicIPs []string
	// IncludeLoopback also offers loopback addresses: development and tests. Default false; loopback is
	// offered anyway when UDPAddr names a loopback address.
	IncludeLoopback bool
	// AgentSlots is the most receive slots a browser gets, 1 to 31. Default 7: eight participants.
	AgentSlots int
	// MaxParticipants bounds the legs of one conference, 2 to 32. Default 8.
	MaxParticipants int
	// Shards is the number of mixing goroutines, each with its own 20 ms clock. Default GOMAXPROCS.
	Shards int
	// Complexity of the Opus encoder, 1 to 10; CPU against quality. Default 5.
	Complexity int
	// KeepAlive is the interval of connectivity checks on a working path. Default 1 s.
	KeepAlive time.Duration
	// DisconnectedAfter is how long a path may stay silent before Interrupted is told. Default 3 s.
	DisconnectedAfter time.Duration
	// FailedAfter is how long it may stay silent after that before Failed is told. Default 30 s.
	FailedAfter time.Duration
	// Logger receives rare events, never packets. Default slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	setDefault(&c.UDPAddr, ":0")
	setDefault(&c.AgentSlots, 7)
	setDefault(&c.MaxParticipants, 8)
	setDefault(&c.Shards, runtime.GOMAXPROCS(0))
	setDefault(&c.Complexity, 5)
	setDefault(&c.KeepAlive, time.Second)
	setDefault(&c.DisconnectedAfter, 3*time.Second)
	setDefault(&c.FailedAfter, 30*time.Second)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports every fault of the configuration at once. It judges the values as they will be used, so a
// zero field is its default.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	if _, err := net.ResolveUDPAddr("udp", c.UDPAddr); err != nil {
		fault(true, "udp address %q: %w", c.UDPAddr, err)
	}
	for _, ip := range c.PublicIPs {
		if _, err := netip.ParseAddr(ip); err != nil {
			fault(true, "public ip %q: %w", ip, err)
		}
	}
	fault(c.ContactPorts[0] > c.ContactPorts[1], "contact ports: %d is after %d", c.ContactPorts[0], c.ContactPorts[1])
	fault(c.AgentSlots < 1 || c.AgentSlots > 31, "agent slots: %d is not in 1..31", c.AgentSlots)
	fault(c.MaxParticipants < 2 || c.MaxParticipants > 32, "max participants: %d is not in 2..32", c.MaxParticipants)
	fault(c.Shards < 1 || c.Shards > 256, "shards: %d is not in 1..256", c.Shards)
	fault(c.Complexity < 1 || c.Complexity > 10, "complexity: %d is not in 1..10", c.Complexity)
	fault(c.KeepAlive < 100*time.Millisecond, "keep-alive: %v is under 100ms", c.KeepAlive)
	fault(c.DisconnectedAfter < c.KeepAlive, "disconnected after: %v is under the keep-alive of %v",
		c.DisconnectedAfter, c.KeepAlive)
	fault(c.FailedAfter < 0, "failed after: %v is negative", c.FailedAfter)
	return errors.Join(faults...)
}

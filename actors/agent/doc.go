// Package agent is the pure core of one member of the staff: presence, sessions, offers, the one call, notices.
package agent

// Package system tests the whole of Ramal over real sockets: engines on a real database, the simulator in Meta's place,
// and agents that speak the agent protocol with real audio. It holds tests only. Each test builds its own world and owns
// all of it; nothing is shared but the database server.
//
// Every participant has a tone of its own, and what is asserted is what reaches each ear.
package system

// Package agentclient is a client of the agent protocol, written from docs/agent-protocol.md alone: it imports nothing of
// the engine, and repeats in Go what that page says. Benchmarks and whole-system tests act as agents through it.
//
// It is not a console: it shows nothing, decides nothing and does not reconnect by itself. A Session is one WebSocket
// and the state that its snapshot and events add up to; a REST is the calls beside it; a Media is what all the audio
// of a program has in common, and a Leg one connection, with a voice and an ear for each track.
//
// Each Session, Media and Leg owns its goroutines and ends them in Close. What a Session shows is changed only by the
// goroutine that reads its WebSocket, under the Session's mutex.
package agentclient

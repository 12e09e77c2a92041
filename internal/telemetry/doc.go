// Package telemetry holds every metric of the engine: their names in names.go, the observers that others call in
// observe.go, and the collectors that ask others for their state at scrape time in collect.go. Prometheus's
// library is used here and nowhere else.
//
// It is not a logger and decides nothing. All observers are safe for concurrent use and never block; their
// state is owned by the registry inside Metrics. Labels come from closed lists only: a word that is on no list
// is counted as "other", so that no call, person or address can ever become a label.
package telemetry

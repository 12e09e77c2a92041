// Package line is the pure core of the calling side of one business number: settings, hours, concurrency.
package line

// Package archtest holds the shape of the project as tests: who may import whom, where vendors' libraries may
// appear, what pure packages must not touch, that every package says what it is, and how large a file may grow. A new
// package fails until it has a row in the table, and that row is the design review.
package archtest

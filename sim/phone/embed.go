// Package phone serves the customer's phone: the embedded web page and its API (PHONE-API.md). It holds no state of
// its own; the simulated world it shows is owned by package cloud.
package phone

import "embed"

// dist is the built page. It holds only .gitkeep until "make web" was run.
//
//go:embed all:dist
var dist embed.FS

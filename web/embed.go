// Package web carries the agent console that "npm run build" makes of the TypeScript sources beside it. It serves
// nothing itself and holds no state: package gateway serves what FS returns. On a clean clone the folder holds no
// index.html, and the gateway then says how to build it.
package web

import (
	"embed"
	"io/fs"
)

// dist is the built page; .gitkeep keeps the folder in a clone that has not been built.
//
//go:embed all:dist
var dist embed.FS

// FS returns the built console, rooted at the folder of its index.html.
func FS() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: the embedded folder is missing: " + err.Error()) // cannot happen: the directive above names it
	}
	return sub
}

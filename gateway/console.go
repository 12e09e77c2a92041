package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// pagePolicy lets the console load its own files, talk to its own server and play call audio, and nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"media-src 'self' blob: data:; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// consoleFile is one file, ready to serve.
type consoleFile struct {
	content []byte
	kind    string
	etag    string
}

// Console serves a built single-page application: files below /assets/ have a hash in their name and never change, other
// files are checked at each use, and "/" is index.html. The application keeps its own place in the address's fragment,
// so any other address is 404. Without an index.html it says how to build one.
func Console(files fs.FS) http.Handler {
	loaded := map[string]consoleFile{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		kind := mime.TypeByExtension(path.Ext(name))
		if kind == "" {
			kind = "application/octet-stream"
		}
		loaded[name] = consoleFile{content, kind, `"` + hex.EncodeToString(sum[:12]) + `"`}
		return nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, built := loaded["index.html"]; err != nil || !built {
			http.Error(w, "The console is not built. Run: make web", http.StatusServiceUnavailable)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if name == "" {
			name = "index.html"
		}
		file, ok := loaded[name]
		if !ok {
			refuse(w, r, http.StatusNotFound, "no_file", "there is no such address")
			return
		}
		h := w.Header()
		h.Set("Content-Type", file.kind)
		h.Set("ETag", file.etag)
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=(), display-capture=(), payment=()")
		h.Set("Cache-Control", "no-cache")
		if strings.HasPrefix(name, "assets/") {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(file.content))
	})
}

// emptyFS is a console that was not built.
type emptyFS struct{}

// Open implements fs.FS.
func (emptyFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

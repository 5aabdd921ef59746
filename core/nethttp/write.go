package nethttp

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// bufferedByHTTP is the size up to which net/http finds out the Content-Length itself; it would send more in chunks.
const bufferedByHTTP = 2048

// Write writes resp, which has no Page, as it is.
func Write(w http.ResponseWriter, resp *mandate.Response) { write(w, resp, nil) }

// write is Write with room for the values of header fields.
func write(w http.ResponseWriter, resp *mandate.Response, room []string) {
	writeFields(w, resp, room)
	if n := len(resp.Body); n > bufferedByHTTP && w.Header().Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(n))
	}
	w.WriteHeader(resp.Status)
	if len(resp.Body) > 0 {
		_, _ = w.Write(resp.Body) // #nosec G705 -- the answer as core made it; who hung up cannot be told
	}
}

// WriteFields sets the header fields of resp but for those called without. A field replaces what others set under its name,
// except where values add up: cookies and Vary.
func WriteFields(w http.ResponseWriter, resp *mandate.Response, without ...string) {
	writeFields(w, resp, nil, without...)
}

func writeFields(w http.ResponseWriter, resp *mandate.Response, room []string, without ...string) {
	header, values := w.Header(), room[:0]
	if len(resp.Header) > cap(room) {
		values = make([]string, 0, len(resp.Header)) // one piece of memory for all that have one value
	}
	for i, f := range resp.Header {
		if len(without) > 0 && slices.ContainsFunc(without, func(name string) bool { return strings.EqualFold(name, f.Name) }) {
			continue
		}
		name := canonical(f.Name)
		if name != "Set-Cookie" && name != "Vary" && !slices.ContainsFunc(resp.Header[:i], func(f mandate.Field) bool { return len(f.Name) == len(name) && canonical(f.Name) == name }) {
			values = append(values, f.Value)
			header[name] = slices.Clip(values[len(values)-1:])
		} else {
			header[name] = append(header[name], f.Value)
		}
	}
}

// canonical is http.CanonicalHeaderKey, which looks at every letter, for those who are met all the time.
func canonical(name string) string {
	switch name {
	case "Authorization", "Content-Type", "Cookie", "Origin", "Cache-Control", "Pragma", "Location", "Referrer-Policy":
		return name
	}
	return http.CanonicalHeaderKey(name)
}

func unreadable() *mandate.Response {
	return &mandate.Response{
		Status: http.StatusBadRequest,
		Header: mandate.Fields{{Name: "Content-Type", Value: "application/json"}, {Name: "Cache-Control", Value: "no-store"}},
		Body:   []byte(`{"error":"invalid_request","error_description":"the request body broke off"}`),
	}
}

// presetWriter has a status that holds where the application writes none.
type presetWriter struct {
	http.ResponseWriter
	status int // 0: it is written, or another one was
}

// WriteHeader overrides the preset status.
func (w *presetWriter) WriteHeader(status int) {
	if status >= 200 {
		w.status = 0
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes the preset status before the body begins.
func (w *presetWriter) Write(p []byte) (int, error) {
	w.finish()
	return w.ResponseWriter.Write(p)
}

// FlushError is what http.ResponseController flushes with.
func (w *presetWriter) FlushError() error {
	w.finish()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController find the writer below.
func (w *presetWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *presetWriter) finish() {
	if w.status != 0 {
		w.WriteHeader(w.status)
	}
}

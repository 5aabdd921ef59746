package measure

import "net/http"

// Writer is an http.ResponseWriter that keeps what it is told and costs next to nothing. It is for one goroutine.
type Writer struct {
	Status int
	Body   []byte

	header http.Header
}

// NewWriter returns an empty writer.
func NewWriter() *Writer { return &Writer{header: make(http.Header, 8)} }

// Header implements http.ResponseWriter.
func (w *Writer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *Writer) WriteHeader(status int) { w.Status = status }

// Write implements http.ResponseWriter.
func (w *Writer) Write(p []byte) (int, error) {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	w.Body = append(w.Body, p...)
	return len(p), nil
}

// WriteString implements io.StringWriter.
func (w *Writer) WriteString(s string) (int, error) {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	w.Body = append(w.Body, s...)
	return len(s), nil
}

// Clear makes the writer ready for the next answer. It keeps its memory.
func (w *Writer) Clear() {
	clear(w.header)
	w.Status, w.Body = 0, w.Body[:0]
}

package mandate

import (
	"slices"
	"strings"
)

// Field is one header field, or one parameter of a form.
type Field struct{ Name, Value string }

// Fields is an ordered header in which a name may repeat. It is a [Header], so that a request to
// the outside is built of the same parts as an answer. Names are written in canonical form.
type Fields []Field

// Get returns the first value of the field called name, or "".
func (f Fields) Get(name string) string {
	for _, x := range f {
		if strings.EqualFold(x.Name, name) {
			return x.Value
		}
	}
	return ""
}

// Values returns all values of the field called name.
func (f Fields) Values(name string) []string {
	var values []string
	for _, x := range f {
		if strings.EqualFold(x.Name, name) {
			values = append(values, x.Value)
		}
	}
	return values
}

// Response is an answer. Endpoints and guards make it, adapters write it as it is, each field on a
// line of its own. Refusals are made once and answered often: nobody changes a Response that was handed over;
// [Response.With] returns a changed copy.
type Response struct {
	Status int
	Header Fields
	Body   []byte
	Err    error // why, for the log; never written

	// Page, if not nil, writes status and body in the framework's own way, after the header fields: a
	// page of the application. Status, if not zero, is what it starts from. Body is empty.
	Page func() error
}

// With returns a copy with one more header field.
func (r *Response) With(name, value string) *Response {
	c := *r
	c.Header = append(slices.Clip(c.Header), Field{name, value})
	return &c
}

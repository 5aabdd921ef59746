package oauth1

import (
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// maxParams bounds the parameters of one request, wherever they stand.
const maxParams = 10_000

// maxProtocol bounds those of the protocol, of which each is compared with all before it.
const maxProtocol = 64

const formType = "application/x-www-form-urlencoded"

// isForm reports whether a Content-Type is that of a form, whatever its parameters (RFC 5849, section 3.4.1.3.1).
func isForm(kind string) bool {
	if kind == "" || kind == formType {
		return kind != ""
	}
	kind, _, _ = strings.Cut(kind, ";")
	return strings.EqualFold(strings.TrimSpace(kind), formType)
}

// bodyForm is what a Content-Type makes of a body.
type bodyForm int

const (
	noForm    bodyForm = iota
	form               // signed as it is
	likeForm           // some frameworks take it for a form, others do not
	multipart          // a form that no signature covers
)

// formOf returns what a Content-Type makes of a body.
func formOf(kind string) bodyForm {
	if isForm(kind) {
		return form
	}
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch {
	case strings.HasPrefix(kind, formType):
		return likeForm
	case strings.HasPrefix(kind, "multipart/"):
		return multipart
	}
	return noForm
}

// params collects the parameters of a request, decoded, each with what it came with: one without a value is there
// with an empty one, and one that is repeated is there as often (RFC 5849, section 3.4.1.3.1).
type params struct {
	list  mandate.Params
	arena []byte // what was decoded; it is not moved, for the list points into it, but followed by a larger one
}

// newParams returns room for the parameters of some texts, of which the first is a header.
func newParams(header, query, body string) params {
	n := strings.Count(header, ",") + 1 + pairs(query) + pairs(body)
	return params{list: make(mandate.Params, 0, min(n, maxParams))}
}

// pairs returns how many parameters a form has, or more.
func pairs(s string) int {
	if s == "" {
		return 0
	}
	return strings.Count(s, "&") + 1
}

// add appends one parameter. It is false for one too many.
func (p *params) add(name, value string) bool {
	if len(p.list) == maxParams {
		return false
	}
	p.list = append(p.list, mandate.Field{Name: name, Value: value})
	return true
}

// decode returns what s stands for, kept in the arena unless that is s.
func (p *params) decode(s string, form bool) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && (!form || strings.IndexByte(s, '+') < 0) {
		return s, true
	}
	if cap(p.arena)-len(p.arena) < len(s) {
		p.arena = make([]byte, 0, max(len(s), 2*cap(p.arena), 64))
	}
	from := len(p.arena)
	arena, ok := appendUnescaped(p.arena, s, form)
	p.arena = arena
	return text(arena[from:len(arena):len(arena)]), ok
}

// addForm appends the parameters of a query or a form body. Only "&" parts them. Where says which, for the error.
func (p *params) addForm(s, where string) error {
	for s != "" {
		var pair string
		pair, s, _ = strings.Cut(s, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, ok1 := p.decode(name, true)
		value, ok2 := p.decode(value, true)
		if !ok1 || !ok2 {
			return rejected(name, "a parameter of the %s is not valid percent-encoding", where)
		}
		if !p.add(name, value) {
			return rejected("", "more than %d parameters", maxParams)
		}
	}
	return nil
}

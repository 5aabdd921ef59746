package oauth1

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// baseString returns the signature base string (RFC 5849, section 3.4.1.1) of a request to u. Of params,
// oauth_signature is left out; realm is not among them if it came in the header.
func (u *address) baseString(method string, params mandate.Params) string {
	size := len(method) + len(u.host) + len(u.path) + 40
	for i := range params {
		size += len(params[i].Name) + len(params[i].Value) + 6
	}
	base := make([]byte, 0, size+size/4)
	for i := range len(method) {
		c := method[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if unreserved(c) {
			base = append(base, c)
		} else {
			base = append(base, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	base = append(base, '&')
	base = u.appendEscaped(base)
	base = append(base, '&')
	return text(appendNormalized(base, params))
}

// pair is a parameter as it will stand in the base string.
type pair struct{ name, value []byte }

// appendNormalized appends the parameters, each half encoded, ordered by name and then by value, joined, and all of it encoded
// again (RFC 5849, section 3.4.1.3.2).
func appendNormalized(dst []byte, params mandate.Params) []byte {
	var room [24]pair
	var space [1024]byte
	pairs, scratch := room[:0], space[:0]
	if len(params) > len(room) {
		pairs = make([]pair, 0, len(params))
	}
	size := 0
	for i := range params {
		size += len(params[i].Name) + len(params[i].Value)
	}
	if 5*size > len(space) {
		// It may yet grow; what was put into it before stays where it is.
		scratch = make([]byte, 0, size+size/2)
	}
	for i := range params {
		p := &params[i]
		if p.Name == "oauth_signature" {
			continue
		}
		from := len(scratch)
		scratch = appendTwice(scratch, p.Name)
		middle := len(scratch)
		scratch = appendTwice(scratch, p.Value)
		pairs = append(pairs, pair{scratch[from:middle:middle], scratch[middle:len(scratch):len(scratch)]})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(strings.Compare(text(a.name), text(b.name)), strings.Compare(text(a.value), text(b.value)))
	})
	for i := range pairs {
		if i > 0 {
			dst = append(dst, "%26"...)
		}
		dst = append(dst, pairs[i].name...)
		dst = append(dst, "%3D"...)
		dst = append(dst, pairs[i].value...)
	}
	return dst
}

// address is the parts of a URL that the base string URI has (RFC 5849, section 3.4.1.2).
type address struct {
	scheme, host string // not yet in lower case; an IPv6 address is in brackets
	port         string // with its colon; "" if it is the scheme's own
	path         string
	query        string
}

// splitURL takes an absolute URL apart. User information and fragment are left out.
func splitURL(s string) (address, error) {
	var u address
	bad := func(why string) (address, error) {
		// The URL may hold secrets in its query, and is not repeated.
		return address{}, fmt.Errorf("oauth1: the URL has %s: it must be absolute, like https://api.example.com/photos", why)
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme == "" {
		return bad("no scheme")
	}
	for i := range len(scheme) {
		if c := lower(scheme[i]); (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return bad("no scheme")
		}
	}
	u.scheme = scheme
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		u.query, rest = rest[i+1:], rest[:i]
	}
	host := rest
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, u.path = rest[:i], rest[i:]
	}
	if u.path == "" {
		u.path = "/"
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	port := ""
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 || end > 1 && strings.IndexByte(host[1:end], ':') < 0 {
			return bad("a broken IPv6 address")
		}
		host, port = host[:end+1], host[end+1:]
		if host == "[]" {
			return bad("no host")
		}
	} else if i := strings.IndexByte(host, ':'); i >= 0 {
		host, port = host[:i], host[i:]
	}
	if host == "" {
		return bad("no host")
	}
	if port != "" && port != ":" {
		n, err := strconv.ParseUint(strings.TrimPrefix(port, ":"), 10, 16)
		if err != nil || n == 0 || port[0] != ':' {
			return bad("a port that is none")
		}
		own := n == 80 && strings.EqualFold(scheme, "http") || n == 443 && strings.EqualFold(scheme, "https")
		if !own {
			u.port = port
		}
	}
	u.host = host
	return u, nil
}

// appendEscaped appends the base string URI, percent-encoded. A space, which is no part of a URL, is taken for %20.
func (u *address) appendEscaped(dst []byte) []byte {
	for i := range len(u.scheme) {
		if c := lower(u.scheme[i]); unreserved(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	dst = append(dst, "%3A%2F%2F"...)
	for i := range len(u.host) {
		switch c := lower(u.host[i]); {
		case unreserved(c):
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, "%2520"...)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	dst = appendEscaped(dst, u.port)
	for path := u.path; path != ""; {
		part, rest, space := strings.Cut(path, " ")
		dst = appendEscaped(dst, part)
		if space {
			dst = append(dst, "%2520"...)
		}
		path = rest
	}
	return dst
}

package oauth1

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// appendBase appends the signature base string (RFC 5849, section 3.4.1.1) of a request to u. Of params,
// oauth_signature is left out; realm is not among them if it came in the header.
func (u *address) appendBase(dst []byte, method string, params mandate.Params) []byte {
	size := len(method) + len(u.host) + len(u.path) + 48
	for i := range params {
		size += len(params[i].Name) + len(params[i].Value) + 8
	}
	dst = slices.Grow(dst, size)
	for i := range len(method) {
		c := method[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if unreserved[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	dst = append(dst, '&')
	dst = u.appendEscaped(dst)
	dst = append(dst, '&')
	return appendNormalized(dst, params)
}

// appendNormalized appends the parameters, each half encoded, ordered by name and then by value, joined, and all of it encoded
// again (RFC 5849, section 3.4.1.3.2).
func appendNormalized(dst []byte, params mandate.Params) []byte {
	var room [32]int
	order := room[:0]
	if len(params) > len(room) {
		order = make([]int, 0, len(params))
	}
	for i := range params {
		if params[i].Name != "oauth_signature" {
			order = append(order, i)
		}
	}
	if len(params) <= len(room) {
		for i := 1; i < len(order); i++ { // nearly in order, as most clients send them
			for j := i; j > 0 && compare(&params[order[j-1]], &params[order[j]]) > 0; j-- {
				order[j-1], order[j] = order[j], order[j-1]
			}
		}
	} else {
		slices.SortFunc(order, func(a, b int) int { return compare(&params[a], &params[b]) })
	}
	for i, at := range order {
		if i > 0 {
			dst = append(dst, "%26"...)
		}
		dst = appendTwice(dst, params[at].Name)
		dst = append(dst, "%3D"...)
		dst = appendTwice(dst, params[at].Value)
	}
	return dst
}

// compare orders two parameters by name and then by value, both as they are encoded.
func compare(a, b *mandate.Field) int {
	if order := compareEscaped(a.Name, b.Name); order != 0 {
		return order
	}
	return compareEscaped(a.Value, b.Value)
}

// compareEscaped orders two texts as they are when they are encoded, without encoding them: "%" comes before all that stands for
// itself, and upper-case hexadecimal digits are in the order of what they stand for.
func compareEscaped(a, b string) int {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		switch ux, uy := unreserved[x], unreserved[y]; {
		case ux == uy:
			return cmp.Compare(x, y)
		case ux:
			return 1
		default:
			return -1
		}
	}
	return cmp.Compare(len(a), len(b))
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
	if before, after, ok0 := strings.Cut(rest, "?"); ok0 {
		u.query, rest = after, before
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
		if c := lower(u.scheme[i]); unreserved[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	dst = append(dst, "%3A%2F%2F"...)
	for i := range len(u.host) {
		switch c := lower(u.host[i]); {
		case unreserved[c]:
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

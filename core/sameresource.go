package mandate

import "strings"

// SameResource reports whether a and b name one resource (RFC 8707). URLs are compared after scheme and host
// were put in lower case, the scheme's default port was dropped and an empty path became "/": clients send both spellings
// of an origin. Every other difference counts, a trailing slash too, and what is no URL is compared byte by byte.
func SameResource(a, b string) bool {
	if a == b {
		return true
	}
	left, ok := splitResource(a)
	if !ok {
		return false
	}
	right, ok := splitResource(b)
	return ok && left.rest == right.rest && left.port == right.port &&
		sameLetters(left.scheme, right.scheme) && sameLetters(left.host, right.host)
}

// sameLetters is strings.EqualFold without the letters beyond ASCII that it takes for k and s, which are longer.
func sameLetters(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

type resourceParts struct{ scheme, host, port, rest string }

// splitResource takes a hierarchical URL apart without decoding anything. It is false for what has no host, or
// has user information, whose letter case counts.
func splitResource(s string) (p resourceParts, ok bool) {
	var after string
	p.scheme, after, ok = strings.Cut(s, "://")
	if !ok || p.scheme == "" {
		return p, false
	}
	p.host, p.rest = after, ""
	if i := strings.IndexAny(after, "/?#"); i >= 0 {
		p.host, p.rest = after[:i], after[i:]
	}
	if p.host == "" || strings.ContainsRune(p.host, '@') {
		return p, false
	}
	if i := strings.LastIndexByte(p.host, ':'); i > strings.LastIndexByte(p.host, ']') {
		p.host, p.port = p.host[:i], p.host[i+1:]
	}
	if strings.EqualFold(p.scheme, "https") && p.port == "443" || strings.EqualFold(p.scheme, "http") && p.port == "80" {
		p.port = ""
	}
	if p.rest == "" || p.rest[0] != '/' {
		p.rest = "/" + p.rest
	}
	return p, true
}

package oauth2

import (
	"fmt"
	"net/url"
	"strings"
)

// maxURI bounds a redirect URI.
const maxURI = 2048

// CheckRedirectURI returns why uri may not be registered, or nil. It must be absolute and without
// fragment (RFC 6749, section 3.1.2), without user information, backslash or control character; https, or
// http on loopback, or a private-use scheme with a dot in it (RFC 8252, section 7.1).
func CheckRedirectURI(uri string) error {
	if uri == "" || len(uri) > maxURI {
		return fmt.Errorf("redirect URI has %d characters, want 1 to %d", len(uri), maxURI)
	}
	for i := range len(uri) {
		if c := uri[i]; c <= 0x20 || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return fmt.Errorf("redirect URI %q has a character that no URI has", uri)
		}
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Scheme == "":
		return fmt.Errorf("redirect URI %q is not an absolute URI", uri)
	case strings.Contains(uri, "#"):
		return fmt.Errorf("redirect URI %q has a fragment", uri)
	case u.User != nil:
		return fmt.Errorf("redirect URI %q has user information", uri)
	case u.Scheme == "https":
		if u.Hostname() == "" {
			return fmt.Errorf("redirect URI %q has no host", uri)
		}
	case u.Scheme == "http":
		if !isLoopback(u.Hostname()) {
			return fmt.Errorf("redirect URI %q is http and not on loopback: use https", uri)
		}
	case !strings.Contains(u.Scheme, "."):
		return fmt.Errorf("redirect URI %q has the scheme %q: a private-use scheme is a domain name that you own, reversed (com.example.app)", uri, u.Scheme)
	}
	if u.Port() != "" && !validPort(u.Port()) || strings.HasSuffix(u.Host, ":") {
		return fmt.Errorf("redirect URI %q has an impossible port", uri)
	}
	return nil
}

// MatchRedirectURI reports whether the URI of a request is the registered one: byte for byte, except
// that where anyPort is set, a registered http URI on 127.0.0.1, [::1] or localhost matches with any port
// (RFC 8252, section 7.3).
func MatchRedirectURI(registered, requested string, anyPort bool) bool {
	if registered == requested {
		return true
	}
	if !anyPort || !LoopbackURI(registered) {
		return false
	}
	head, _, tail, ok := cutPort(registered)
	if !ok {
		return false
	}
	rhead, port, rtail, ok := cutPort(requested)
	return ok && head == rhead && tail == rtail && (port == "" || validPort(port))
}

// LoopbackURI reports whether uri is http on 127.0.0.1, [::1] or localhost.
func LoopbackURI(uri string) bool {
	head, _, _, ok := cutPort(uri)
	return ok && isLoopback(strings.Trim(strings.TrimPrefix(head, "http://"), "[]"))
}

// PrivateUseURI reports whether uri has a scheme of its own (RFC 8252, section 7.1).
func PrivateUseURI(uri string) bool {
	return !strings.HasPrefix(uri, "https://") && !strings.HasPrefix(uri, "http://")
}

// cutPort parts an http URI without user information: scheme and host, port, and the rest from "/" or "?" on.
func cutPort(uri string) (head, port, tail string, ok bool) {
	const scheme = "http://"
	rest, ok := strings.CutPrefix(uri, scheme)
	if !ok {
		return "", "", "", false
	}
	end := strings.IndexAny(rest, "/?#\\")
	if end < 0 {
		end = len(rest)
	}
	host, tail := rest[:end], rest[end:]
	if strings.Contains(host, "@") {
		return "", "", "", false
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		if port = host[i+1:]; port == "" {
			return "", "", "", false
		}
		host = host[:i]
	}
	return scheme + host, port, tail, true
}

func isLoopback(host string) bool {
	return host == "127.0.0.1" || host == "::1" || host == "localhost"
}

func validPort(port string) bool {
	n := 0
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
		n = n*10 + int(port[i]-'0')
		if n > 65535 {
			return false
		}
	}
	return n > 0 && port[0] != '0'
}

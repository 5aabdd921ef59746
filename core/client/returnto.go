package client

import (
	"net/url"
	"strings"
)

// maxReturnTo bounds what of a URL travels in the cookie of a login, in bytes.
const maxReturnTo = 1 << 10

// SafeReturnTo returns target if it is a path of this application, or a URL of it, whose path it is then, and fallback otherwise: whatever a browser
// makes of it, it stays on this host. Where the page's own redirect is built from a parameter, it must pass through here.
func (reg *Registry) SafeReturnTo(target, fallback string) string {
	if rest, ok := strings.CutPrefix(target, reg.origin); ok && (rest == "" || rest[0] == '/' || rest[0] == '?') {
		target = rest
		if rest == "" || rest[0] == '?' {
			target = "/" + rest
		}
	}
	if !localPath(target) {
		return fallback
	}
	return target
}

// localPath reports whether target leads to this host in every browser. They take "//", "/\" and what is left of either when tabs and line
// breaks are gone for another host.
func localPath(target string) bool {
	if target == "" || len(target) > maxReturnTo || target[0] != '/' || strings.HasPrefix(target, "//") {
		return false
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	_, err := url.Parse(target)
	return err == nil
}

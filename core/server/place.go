package server

import (
	"fmt"
	"net/url"
	"strings"
)

// place is where the server lives: the parts of its issuer.
type place struct {
	origin string // scheme and host
	path   string // of the issuer, without a slash at its end
	secure bool   // https
	loop   bool   // on loopback
}

// parseIssuer takes an issuer apart (RFC 8414, section 2).
func parseIssuer(issuer string) (place, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(issuer, "?#") || u.Scheme != "https" && u.Scheme != "http" {
		return place{}, fmt.Errorf("server: Issuer %q is not an https URL without query and fragment", issuer)
	}
	if strings.HasSuffix(issuer, "/") {
		return place{}, fmt.Errorf("server: Issuer %q ends with a slash: leave it out, clients compare issuers byte for byte", issuer)
	}
	if u.Host != strings.ToLower(u.Host) || u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" {
		return place{}, fmt.Errorf("server: Issuer %q has capitals in its host or the port that its scheme has anyway: write it as browsers do", issuer)
	}
	host := u.Hostname()
	at := place{origin: u.Scheme + "://" + u.Host, path: u.EscapedPath(), secure: u.Scheme == "https"}
	at.loop = isLoopback(host)
	if !at.secure && !at.loop {
		return place{}, fmt.Errorf("server: Issuer %q is http and not on loopback: use https", issuer)
	}
	return at, nil
}

// isLoopback reports whether host is this machine.
func isLoopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

package fetch

import (
	"fmt"
	"net/url"
	"strings"
)

// parseURL returns s if it is an absolute URL with a host and without user and fragment.
func parseURL(s string) (*url.URL, error) {
	if len(s) > maxURL {
		return nil, fmt.Errorf("%w: URL has %d bytes, want at most %d", ErrRefused, len(s), maxURL)
	}
	u, err := url.Parse(s) // its error shows the URL, query and all
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: not a URL", ErrRefused)
	case u.Opaque != "" || u.Hostname() == "":
		return nil, fmt.Errorf("%w: URL has no host", ErrRefused)
	case u.User != nil:
		return nil, fmt.Errorf("%w: URL has a user", ErrRefused)
	case strings.Contains(s, "#"):
		return nil, fmt.Errorf("%w: URL has a fragment", ErrRefused)
	}
	return u, nil
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// redact returns s without what may be secret: user, query and fragment.
func redact(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "URL"
	}
	const most = 200
	name := origin(u) + u.EscapedPath()
	if len(name) > most {
		name = name[:most] + "..."
	}
	return name
}

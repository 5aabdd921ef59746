package fetch

import (
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"net/url"
	"time"
)

// Config is what a [Fetcher] may do. The zero value is safe and right for production.
type Config struct {
	// Timeout bounds a fetch from the wait for its turn to the last byte. Default: 10 seconds.
	Timeout time.Duration

	// Concurrency is how many fetches may run at once for each class of trust, PerHost how many of
	// them from one host; more wait for their turn. Default: 64 and 8.
	Concurrency, PerHost int

	// RootCAs are the authorities whose certificates are taken. Default: those of the system.
	RootCAs *x509.CertPool

	// Resolver looks up the names of hosts. Wherever its answers lead, the address of each connection is checked. Default: that of the system.
	Resolver *net.Resolver

	// UserAgent is the User-Agent of requests that bring none. Default: "mandate".
	UserAgent string

	// Documents answers these URLs without a network: a GET of a key gets its value, as JSON. For tests, and
	// where the outside is known beforehand.
	Documents map[string]string

	// AllowPrivateNetworks lets strangers' URLs lead to private, loopback and any other address. DANGEROUS:
	// a stranger can then reach what only this host can. For tests and closed networks.
	AllowPrivateNetworks bool

	// AllowInsecureHTTP lets the operator's URLs be plain http beyond loopback. DANGEROUS: who is
	// in between reads and writes keys and answers. Strangers' URLs stay https.
	AllowInsecureHTTP bool

	// InsecureSkipVerify takes any certificate. DANGEROUS: nothing that is fetched can be believed. For
	// tests against servers with certificates of nobody; RootCAs is the better way.
	InsecureSkipVerify bool
}

func (c Config) withDefaults() (Config, error) {
	if c.Timeout < 0 {
		return c, fmt.Errorf("fetch: Timeout is %v, want more than 0, or 0 for the default", c.Timeout)
	}
	if c.Concurrency < 0 || c.PerHost < 0 {
		return c, fmt.Errorf("fetch: Concurrency is %d and PerHost %d, want more than 0, or 0 for the default", c.Concurrency, c.PerHost)
	}
	for u := range c.Documents {
		if p, err := url.Parse(u); err != nil || p.Host == "" {
			return c, fmt.Errorf("fetch: Documents has the key %q, want an absolute URL", u)
		}
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Concurrency == 0 {
		c.Concurrency = 64
	}
	if c.PerHost == 0 {
		c.PerHost = 8
	}
	if c.UserAgent == "" {
		c.UserAgent = "mandate"
	}
	c.Documents = maps.Clone(c.Documents)
	return c, nil
}

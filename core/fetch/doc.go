// Package fetch reaches the outside for the other packages: it is the guarded implementation of
// [mandate.Fetcher], on net/http.
//
// A URL that a stranger wrote ([mandate.Untrusted]) is fetched over https from a public address alone. The
// address is checked when the connection is made, after the name was looked up, so that a name that
// changes its mind gains nothing. No redirect is followed. A URL that the operator wrote
// ([mandate.Operator]) may be in a private network and may redirect within its origin; plain http is
// for loopback.
//
// For both, size, time and concurrency are bounded, the two do not share connections, one cannot use up the other's
// share, and no proxy is taken from the environment.
package fetch

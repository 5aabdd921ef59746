package client

import (
	"context"
	"net/http"

	"github.com/go-mandate/mandate/core/oauth1"
)

// Signed returns the API with calls that signer signs (OAuth 1.0a): for the user whose credentials it has, or for the client alone.
func (a *API) Signed(signer *oauth1.Signer) *API {
	return a.signedBy(func(context.Context) (*oauth1.Signer, error) { return signer, nil })
}

func (a *API) signedBy(by func(ctx context.Context) (*oauth1.Signer, error)) *API {
	if a.broken() != nil {
		return a
	}
	out, t := *a, *a.direct
	out.direct = &t
	out.client = &http.Client{Transport: &signed{&t, by}, CheckRedirect: t.checkRedirect}
	return &out
}

// signed is an http.RoundTripper that signs requests to the origins of an API, and sends none to others.
type signed struct {
	t  *Transport // whose Source is not asked
	by func(ctx context.Context) (*oauth1.Signer, error)
}

// RoundTrip implements http.RoundTripper.
func (s *signed) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case s.t.strayed(r):
		return s.t.Base.RoundTrip(stripped(r))
	case !s.t.allows(r.URL):
		return refuse(r, wrongHost(r.URL))
	}
	signer, err := s.by(r.Context())
	if err != nil {
		return refuse(r, err)
	}
	out := r
	if s.t.Before != nil {
		out = r.Clone(r.Context())
		if out.Header == nil {
			out.Header = http.Header{}
		}
		if err := s.t.Before(out); err != nil {
			return refuse(r, err)
		}
		if !s.t.allows(out.URL) {
			return refuse(r, wrongHost(out.URL))
		}
	}
	if elsewhere(out) {
		return s.t.Base.RoundTrip(out)
	}
	out, err = (&OAuth1Transport{Signer: signer}).sign(out)
	if err != nil {
		return refuse(r, &Error{Kind: Fault, Cause: err})
	}
	return s.t.Base.RoundTrip(out)
}

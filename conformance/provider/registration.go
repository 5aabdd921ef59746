package main

import (
	"context"
	"crypto/subtle"
	"errors"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// registration says whether and how clients register themselves.
type registration struct {
	Enabled    bool    `json:"enabled"`
	Token      *string `json:"initial_access_token"` // nil: everybody may
	Management bool    `json:"management"`
	Trusted    bool    `json:"trusted"`
}

func (r *registration) check() error {
	switch {
	case r.Token != nil && *r.Token == "":
		return errors.New("registration.initial_access_token is empty: leave it out, so that everybody may register")
	case r.Enabled:
		return nil
	case r.Token != nil:
		return errors.New("registration.initial_access_token is set and registration.enabled is false")
	case r.Management:
		return errors.New("registration.management is true and registration.enabled is false")
	case r.Trusted:
		return errors.New("registration.trusted is true and registration.enabled is false")
	}
	return nil
}

// serverRegistration is the configuration's, or nil where it is off.
func (c *config) serverRegistration() *server.Registration {
	r := &c.Registration
	if !r.Enabled {
		return nil
	}
	all := &server.Registration{Open: r.Token == nil, Management: r.Management, Trusted: r.Trusted, Scopes: scopesOf(c.Scopes), Policy: func(_ context.Context, r *server.Registering) error {
		c.consent(r.Client)
		return nil
	}}
	all.ScopeIsDefault = c.MCP != nil // its clients register for what they need first, and need more later
	if r.Token != nil {
		want := mandate.DigestOf(*r.Token)
		all.Token = func(_ context.Context, token string) (limits server.RegistrationLimits, err error) {
			have := mandate.DigestOf(token)
			if subtle.ConstantTimeCompare(want[:], have[:]) != 1 {
				err = mandate.InvalidToken
			}
			return limits, err
		}
	}
	return all
}

// clientDocuments are those of clients whose client_id is a URL, or nil where they are off.
func (c *config) clientDocuments() *server.ClientDocuments {
	if on := c.Features.CIMD; on == nil || !*on {
		return nil
	}
	return &server.ClientDocuments{Scopes: scopesOf(c.Scopes), Policy: func(_ context.Context, client *store.Client) error {
		c.consent(client)
		return nil
	}}
}

// consent lets nobody be asked about client, where the configuration says so.
func (c *config) consent(client *store.Client) {
	if c.AutoConsent {
		client.Policy.Consent, client.Policy.AssumeIdentity = "never", true
	}
}

// scopesOf returns names as a set.
func scopesOf(names []string) mandate.Scopes {
	var all mandate.Scopes
	for _, name := range names {
		all = all.With(mandate.Scopes(name))
	}
	return all
}

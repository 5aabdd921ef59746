package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
)

// resourceConfig is an API of the provider's own: it tells whoever has the right token what the token says.
type resourceConfig struct {
	Path        string   `json:"path"`
	Resource    string   `json:"resource"`
	Scope       string   `json:"scope"`
	TokenFormat string   `json:"token_format"`
	Methods     []string `json:"methods"`
}

// guarded is a resource, ready to be registered behind its guard with any framework.
type guarded struct {
	guard    *resource.Guard
	scopes   []string                                                          // what a token needs, all of them
	need     func(ctx context.Context, r *mandate.Request) mandate.Requirement // in their place, where a request says what it needs
	describe bool                                                              // the guard's metadata is to be mounted: once for each identifier
	endpoint mandate.Endpoint
}

// audience returns the resource identifiers: what tokens are good for that were asked for without one.
func (c *config) audience() []string {
	var audience []string
	for _, r := range c.Resources {
		if !slices.Contains(audience, r.Resource) {
			audience = append(audience, r.Resource)
		}
	}
	if c.MCP != nil && c.MCP.Resource != "" && !slices.Contains(audience, c.MCP.Resource) {
		audience = append(audience, c.MCP.Resource)
	}
	return audience
}

// maxResourceBody is the most that a resource reads of a request.
const maxResourceBody = 1 << 20

// guardAll returns the resources of srv. They may not lie on the path other.
func (s *settings) guardAll(srv *server.Server, other string) ([]guarded, error) {
	var all []guarded
	taken, described := map[string]bool{other: true}, map[string]bool{}
	add := func(one guarded, name string) error {
		path := one.endpoint.Path
		if taken[path] || srv.Serves(path) {
			return fmt.Errorf("path %q is taken", path)
		}
		one.describe = len(one.guard.Endpoints()) > 0 && !described[name]
		taken[path], described[name] = true, true
		all = append(all, one)
		return nil
	}
	for i, r := range s.config.Resources {
		one, err := s.guard(srv, r)
		if err == nil {
			err = add(one, r.Resource)
		}
		if err != nil {
			return nil, fmt.Errorf("resources[%d]: %w", i, err)
		}
	}
	if c := s.config.OAuth1; c != nil && c.Path != "" {
		one, err := guarded{}, plainPath(c.Path)
		if err == nil {
			one, err = s.guardOAuth1(srv)
		}
		if err == nil {
			err = add(one, "")
		}
		if err != nil {
			return nil, fmt.Errorf("oauth1.resource_path: %w", err)
		}
	}
	if m := s.config.MCP; m != nil {
		one, err := s.guardMCP(srv, m)
		if err == nil {
			err = add(one, m.Resource)
		}
		if err != nil {
			return nil, fmt.Errorf("mcp: %w", err)
		}
	}
	return all, nil
}

func (s *settings) guard(srv *server.Server, r resourceConfig) (guarded, error) {
	if r.Methods == nil {
		r.Methods = []string{"GET"}
	}
	if err := plainPath(r.Path); err != nil {
		return guarded{}, err
	}
	switch {
	case r.Resource == "":
		return guarded{}, errors.New("resource is missing: it names the API in tokens")
	case r.TokenFormat != "" && r.TokenFormat != string(server.Opaque) && r.TokenFormat != string(server.JWT):
		return guarded{}, fmt.Errorf("token_format %q is neither opaque nor jwt", r.TokenFormat)
	}
	if err := known("methods", r.Methods, []string{"GET", "POST", "PUT", "PATCH", "DELETE"}); err != nil {
		return guarded{}, err
	}
	if err := s.knownScopes(r.Scope); err != nil {
		return guarded{}, err
	}
	verifier := resource.Of(srv)
	if r.TokenFormat != "" {
		verifier = only{verifier, r.TokenFormat == string(server.JWT)}
	}
	g, err := resource.New(resource.Config{
		Audience: r.Resource, Verifiers: []resource.Verifier{verifier}, Hooks: guardHooks(s.log), Now: s.clock.now, Metadata: s.metadata(r.Resource),
	})
	if err != nil {
		return guarded{}, err
	}
	return guarded{guard: g, scopes: strings.Fields(r.Scope), endpoint: mandate.Endpoint{Name: "resource", Path: r.Path, Methods: r.Methods, Limit: maxResourceBody, Handle: tell}}, nil
}

// plainPath refuses a path that frameworks would read differently.
func plainPath(path string) error {
	plain := strings.HasPrefix(path, "/") && !strings.ContainsAny(path, ":*{}?#%+()<>\\ ") && !strings.Contains(path, "//") && !strings.Contains(path, "/.")
	if !plain || len(path) > 1 && strings.HasSuffix(path, "/") {
		return fmt.Errorf("path %q is not a plain absolute path", path)
	}
	return nil
}

// knownScopes refuses scopes that the server does not have.
func (s *settings) knownScopes(text string) error {
	scopes, err := mandate.ParseScopes(text)
	if err != nil {
		return fmt.Errorf("scope %q: %w", text, err)
	}
	for scope := range scopes.All() {
		if !slices.Contains(s.config.Scopes, scope) {
			return fmt.Errorf("scope %q is not among scopes", scope)
		}
	}
	return nil
}

// metadata returns what the resource called name says about itself (RFC 9728); nil where it does not lie at the issuer's origin, so that
// nothing that is said could be found.
func (s *settings) metadata(name string) *oauth2.ResourceMetadata {
	issuer, err := url.Parse(s.config.Issuer)
	at, wrong := oauth2.ResourceMetadataURL(name)
	if err != nil || wrong != nil || at.Scheme != issuer.Scheme || at.Host != issuer.Host || at.RawQuery != "" {
		return nil
	}
	m := &oauth2.ResourceMetadata{Resource: name, AuthorizationServers: []string{s.config.Issuer}}
	var scopes []string
	for _, r := range s.config.Resources {
		if r.Resource == name {
			scopes = append(scopes, strings.Fields(r.Scope)...)
		}
	}
	if c := s.config.MCP; c != nil && c.Resource == name {
		scopes = append(scopes, c.scopes()...)
	}
	for _, scope := range s.config.Scopes {
		if slices.Contains(scopes, scope) {
			m.Scopes = append(m.Scopes, scope)
		}
	}
	return m
}

// tell answers with what the current token says.
func tell(ctx context.Context, _ *mandate.Request) *mandate.Response {
	tok := mandate.TokenFrom(ctx)
	return server.JSON(200, struct {
		Subject  string         `json:"subject"` // empty where the client acts for itself
		ClientID string         `json:"client"`
		Scopes   mandate.Scopes `json:"scope"`
	}{tok.Subject(), tok.ClientID(), tok.Scopes()})
}

// only is a verifier that takes tokens of one format.
type only struct {
	resource.Verifier
	jwt bool
}

// Open implements [resource.Verifier].
func (o only) Open(s resource.Settings) (resource.Opened, error) {
	opened, err := o.Verifier.Open(s)
	verify := opened.Verify
	opened.Verify = func(ctx context.Context, raw string, now time.Time) (*mandate.Token, error) {
		if (strings.Count(raw, ".") == 2) != o.jwt {
			return nil, mandate.Errorf(mandate.InvalidToken, errors.New("token is of another format"), "")
		}
		return verify(ctx, raw, now)
	}
	return opened, err
}

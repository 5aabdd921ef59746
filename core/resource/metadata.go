package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
)

var _ mandate.Mountable = (*Guard)(nil)

// Endpoints returns the endpoint of the guard's metadata (RFC 9728); none without Config.Metadata. The adapters' MountResource registers it.
func (g *Guard) Endpoints() []mandate.Endpoint {
	if g == nil {
		return nil
	}
	return slices.Clone(g.published)
}

// publish makes the endpoint of RFC 9728, if there is something to say, and has challenges tell where it is.
func (g *Guard) publish(c *Config, issuers []string) error {
	if c.Metadata == nil {
		if c.MetadataKey != nil {
			return errors.New("resource: Config.MetadataKey signs Config.Metadata, which is nil")
		}
		return nil
	}
	m := *c.Metadata
	switch {
	case m.Resource == "":
		m.Resource = c.Audience
	case c.Audience != "" && !oauth2.SameResource(m.Resource, c.Audience):
		return fmt.Errorf("resource: Config.Metadata.Resource is %q and Config.Audience %q: clients would ask for tokens that this guard refuses", m.Resource, c.Audience)
	}
	at, err := oauth2.ResourceMetadataURL(m.Resource)
	if err != nil {
		return fmt.Errorf("resource: Config.Metadata.Resource: %w", err)
	}
	if m.AuthorizationServers == nil {
		m.AuthorizationServers = issuers
	}
	if m.BearerMethods == nil {
		m.BearerMethods = g.bearerMethods()
	}
	if c.MetadataKey != nil {
		if m.Signed, err = signed(c.MetadataKey, m, c); err != nil {
			return fmt.Errorf("resource: Config.MetadataKey: %w", err)
		}
	}
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("resource: Config.Metadata: %w", err)
	}
	g.challenges.metadata = at.String()
	answer := &mandate.Response{
		Status: 200,
		Header: mandate.Fields{{Name: "Content-Type", Value: "application/json"}, {Name: "Cache-Control", Value: "public, max-age=300"}},
		Body:   body,
	}
	g.published = []mandate.Endpoint{{
		Name: "protected_resource", Origin: at.Scheme + "://" + at.Host, Path: at.EscapedPath(), Methods: []string{"GET"}, CORS: true,
		Handle: func(context.Context, *mandate.Request) *mandate.Response { return answer },
	}}
	return nil
}

// bearerMethods are the places where g looks for a bearer token.
func (g *Guard) bearerMethods() []string {
	methods := []string{}
	if len(g.verifiers) > 0 {
		methods = append(methods, "header")
		if g.body {
			methods = append(methods, "body")
		}
		if g.query {
			methods = append(methods, "query")
		}
	}
	return methods
}

// signed returns m as a JWT of the resource itself (RFC 9728, section 2.2).
func signed(key *jose.Key, m oauth2.ResourceMetadata, c *Config) (string, error) {
	m.Signed = ""
	data, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	claims := jose.Claims{Issuer: m.Resource, IssuedAt: c.Now()}
	if err := json.Unmarshal(data, &claims.Other); err != nil {
		return "", err
	}
	return jose.Sign(key, "JWT", claims)
}

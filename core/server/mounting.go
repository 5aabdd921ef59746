package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
)

// Mounting is how an adapter ties the server to its framework. The context that the functions get is the one that
// the adapter gave to [mandate.Endpoint.Serve]: the framework's own context is in it, put there by the adapter.
type Mounting struct {
	// Decide asks the application. Nil: the built-in pages, which need Config.SignIn.
	Decide func(ctx context.Context, ask *Ask) (Answer, error)
	// Error writes the page for an error that may not go to the client by redirect. Nil: the built-in
	// page, or JSON for what is no browser. It becomes the Page of a [mandate.Response].
	Error func(ctx context.Context, err *mandate.Error) error
}

// limitAuthorize is the body limit of the authorization endpoint: parameters alone.
const limitAuthorize = 64 << 10

// Endpoints returns all endpoints, ready to be registered. It fails where neither m.Decide nor Config.SignIn could decide about
// an authorization request.
func (s *Server) Endpoints(m Mounting) ([]mandate.Endpoint, error) {
	mount := mounted{s, m}
	list := s.backChannel()
	if len(s.responses) > 0 || s.config.Device != nil || s.config.OAuth1 != nil {
		if m.Decide == nil {
			if s.config.SignIn == nil {
				return nil, errors.New("server: nobody decides about authorization requests: give MountConfig a Decide, or server.Config a SignIn for the built-in pages, or set Config.GrantTypes without AuthorizationCode, and neither Config.Device nor Config.OAuth1, for a server of machines alone")
			}
			mount.Decide = s.builtIn
			list = append(list,
				s.endpoint("login", mandate.Endpoint{Methods: []string{"GET", "POST"}, Handle: mount.handleLogin}),
				s.endpoint("accounts", mandate.Endpoint{Methods: []string{"GET", "POST"}, Handle: mount.handleAccounts}),
				s.endpoint("consent", mandate.Endpoint{Methods: []string{"GET", "POST"}, Handle: mount.handleConsent}))
			if s.config.AccountPage {
				list = append(list, s.endpoint(applications, mandate.Endpoint{Methods: []string{"GET", "POST"}, Handle: mount.handleApplications}))
			}
			if s.config.Logos {
				list = append(list, s.endpoint("logo", mandate.Endpoint{Methods: []string{"GET"}, Handle: s.handleLogo}))
			}
		} else if s.config.AccountPage {
			return nil, errors.New("server: AccountPage is one of the built-in pages, and MountConfig has a Decide: make a page of your own with Server.Connections, or leave Decide out")
		}
	}
	if len(s.responses) > 0 {
		list = append(list, s.endpoint("authorization", mandate.Endpoint{Methods: []string{"GET", "POST"}, Limit: limitAuthorize, Handle: mount.handleAuthorize}))
	}
	if s.config.Device != nil {
		list = append(list,
			s.endpoint("device_authorization", mandate.Endpoint{Methods: []string{"POST"}, Limit: limitDevice, Handle: s.handleDeviceAuthorization}),
			s.endpoint("device", mandate.Endpoint{Methods: []string{"GET", "POST"}, Handle: mount.handleDevice}))
	}
	list = append(list, mount.oauth1Endpoints()...)
	for i := range list {
		list[i].Handle = mount.watched(list[i])
		if isPage(list[i].Name) {
			list[i].TooLarge = mount.tooLarge
		}
	}
	return list, nil
}

// backChannel returns the endpoints that show nothing to people.
func (s *Server) backChannel() []mandate.Endpoint {
	get, post := []string{"GET"}, []string{"POST"}
	list := []mandate.Endpoint{
		s.endpoint("token", mandate.Endpoint{Methods: post, CORS: true, Handle: s.handleToken}),
		s.endpoint("revocation", mandate.Endpoint{Methods: post, CORS: true, Handle: s.handleRevocation}),
		s.endpoint("introspection", mandate.Endpoint{Methods: post, Handle: s.handleIntrospection}),
		s.endpoint("jwks", mandate.Endpoint{Methods: get, CORS: true, Handle: s.handleJWKS}),
		{
			Name: "metadata", Origin: s.at.origin, Path: s.paths["metadata"], Methods: get, CORS: true,
			Handle: func(context.Context, *mandate.Request) *mandate.Response {
				return &mandate.Response{Status: 200, Header: publicHeader, Body: s.metadata}
			},
		},
	}
	if s.config.PushedRequests != nil {
		list = append(list, s.endpoint(endpointPushed, mandate.Endpoint{Methods: post, CORS: true, Limit: limitAuthorize, Handle: s.handlePushed}))
	}
	list = append(list, s.registrations()...)
	for _, own := range s.added {
		list = append(list, s.endpoint(own.Name, own))
	}
	return list
}

// endpoint completes e with its place.
func (s *Server) endpoint(name string, e mandate.Endpoint) mandate.Endpoint {
	e.Name, e.Origin, e.Path = name, s.at.origin+s.config.BasePath, s.paths[name]
	if e.CORS && name != "jwks" && e.AllowOrigin == nil && s.config.AllowOrigin != nil {
		e.AllowOrigin = s.allowOrigin
	}
	return e
}

// public returns the path of an endpoint as browsers see it.
func (s *Server) public(name string) string { return s.config.BasePath + s.paths[name] }

// pageURL returns the path of a page, with the pending request that it is for.
func (s *Server) pageURL(name, handle string) string {
	return s.public(name) + "?" + fieldHandle + "=" + handle
}

// paths of the endpoints below issuer and prefix.
//
//nolint:gochecknoglobals // constant by nature
var endpointPaths = map[string]string{
	"authorization": "/authorize",
	"token":         "/token",
	"revocation":    "/revoke",
	"introspection": "/introspect",
	"jwks":          "/jwks",
	"login":         "/interaction/login",
	"accounts":      "/interaction/accounts",
	"consent":       "/interaction/consent",
}

// devicePaths are the paths of the endpoints that Config.Device adds.
//
//nolint:gochecknoglobals // constant by nature
var devicePaths = map[string]string{
	"device_authorization": "/device_authorization",
	"device":               "/device",
}

// describe fills in paths and the metadata document (RFC 8414).
func (s *Server) describe() error {
	s.paths = map[string]string{"metadata": "/.well-known/oauth-authorization-server" + s.at.path}
	base := s.at.path + s.config.Prefix
	place := func(name, path string) error {
		if _, ok := s.paths[name]; ok {
			return fmt.Errorf("server: endpoint %q is there twice", name)
		}
		s.paths[name] = strings.TrimPrefix(base+path, s.config.BasePath)
		return nil
	}
	paths := maps.Clone(endpointPaths)
	if s.config.AccountPage {
		paths[applications] = "/interaction/applications"
	}
	if s.config.Logos {
		paths["logo"] = "/interaction/logo"
	}
	if s.config.Device != nil {
		maps.Copy(paths, devicePaths)
	}
	if s.config.OAuth1 != nil {
		maps.Copy(paths, oauth1Paths)
	}
	for name, path := range paths {
		if err := place(name, path); err != nil {
			return err
		}
	}
	if s.config.PushedRequests != nil {
		if err := place(endpointPushed, "/par"); err != nil {
			return err
		}
	}
	for name, path := range s.registrationPaths() {
		if err := place(name, path); err != nil {
			return err
		}
	}
	extra := make(map[string]json.RawMessage)
	for _, e := range s.config.Extensions {
		if e.Endpoints != nil {
			for _, own := range e.Endpoints(s) {
				if own.Name == "" || !strings.HasPrefix(own.Path, "/") || own.Handle == nil || len(own.Methods) == 0 {
					return fmt.Errorf("server: extension %q has an endpoint without name, methods, Handle or a path that begins with a slash", e.Name)
				}
				if err := place(own.Name, own.Path); err != nil {
					return err
				}
				location, err := json.Marshal(s.url(own.Name))
				if err != nil {
					return err
				}
				extra[own.Name+"_endpoint"] = location
				s.added = append(s.added, own)
			}
		}
	}
	for _, e := range s.config.Extensions {
		if e.Metadata != nil {
			if err := e.Metadata(extra); err != nil {
				return fmt.Errorf("server: metadata of extension %q: %w", e.Name, err)
			}
		}
	}
	var err error
	s.metadata, err = json.Marshal(s.describeAs(extra))
	return err
}

// describeAs returns the metadata document: what is on, and nothing else.
func (s *Server) describeAs(extra map[string]json.RawMessage) oauth2.ServerMetadata {
	confidential := slices.DeleteFunc(slices.Clone(s.config.ClientAuthMethods), func(m string) bool { return m == "none" })
	d := oauth2.ServerMetadata{
		Issuer:                   s.config.Issuer,
		TokenEndpoint:            s.url("token"),
		JWKSURI:                  s.url("jwks"),
		RevocationEndpoint:       s.url("revocation"),
		RevocationAuthMethods:    s.config.ClientAuthMethods,
		IntrospectionEndpoint:    s.url("introspection"),
		IntrospectionAuthMethods: confidential,
		AuthMethods:              s.config.ClientAuthMethods,
		GrantTypes:               slices.Sorted(maps.Keys(s.grants)),
		ResponseTypes:            []string{},
		Extra:                    extra,
	}
	if on := s.config.SignedIntrospection; on != nil {
		for _, alg := range on.Algs {
			d.IntrospectionAlgs = append(d.IntrospectionAlgs, string(alg))
		}
	}
	for _, alg := range s.assertionAlgs {
		d.AuthAlgs = append(d.AuthAlgs, string(alg))
	}
	d.RevocationAuthAlgs, d.IntrospectionAuthAlgs = d.AuthAlgs, d.AuthAlgs
	if s.config.Registration != nil {
		d.RegistrationEndpoint = s.url("registration")
	}
	d.UILocales = s.uiLocales()
	d.ClientDocuments = s.config.ClientDocuments != nil
	for _, scope := range s.config.Scopes {
		d.Scopes = append(d.Scopes, scope.Name)
	}
	if s.config.InsecureImplicit {
		d.GrantTypes = slices.Sorted(slices.Values(append(d.GrantTypes, grantImplicit)))
	}
	if len(s.responses) > 0 {
		d.AuthorizationEndpoint = s.url("authorization")
		d.ResponseTypes = slices.Sorted(maps.Keys(s.responses))
		if s.config.InsecureImplicit && s.grants[grantCode] != nil {
			d.ResponseTypes = append(d.ResponseTypes, "code "+responseToken)
		}
		d.ResponseModes = signedModes(s.config.ResponseModes)
		if slices.Contains(s.config.ResponseModes, modeJWT) {
			d.AuthorizationAlgs = s.answerAlgs()
		}
		d.ChallengeMethods = []string{oauth2.S256}
		d.IssParameter = !s.config.OmitIss
		for i := range s.config.RichTypes {
			d.RichTypes = append(d.RichTypes, s.config.RichTypes[i].Name)
		}
		if o := s.config.RequestObjects; o != nil {
			d.RequestParameter, d.RequestURIParameter, d.RequireSignedRequest = true, &o.ByReference, o.Required
			for _, alg := range o.Algs {
				d.RequestAlgs = append(d.RequestAlgs, string(alg))
			}
		}
		if p := s.config.PushedRequests; p != nil {
			d.PushedEndpoint, d.RequirePushed = s.url(endpointPushed), p.Required
		}
	}
	if s.config.Device != nil {
		d.DeviceEndpoint = s.url("device_authorization")
	}
	return d
}

// url returns the absolute URL of an endpoint.
func (s *Server) url(name string) string { return s.at.origin + s.public(name) }

// Serves reports whether path, as a request has it, is one of the server's endpoints. CSRF and
// cache middleware of others must leave these alone.
func (s *Server) Serves(path string) bool {
	for _, p := range s.paths {
		if p == path {
			return true
		}
		if folder, ok := strings.CutSuffix(p, "{id}"); ok {
			if id, below := strings.CutPrefix(path, folder); below && id != "" && !strings.Contains(id, "/") {
				return true
			}
		}
	}
	return false
}

// ReturnTo returns target if it is one of this server's own pages that waits for the browser to come
// back, and fallback otherwise: so that a sign-in page is no open redirect.
func (s *Server) ReturnTo(target, fallback string) string {
	path, query, ok := strings.Cut(target, "?")
	params, err := mandate.ParseParams(query)
	handle := params.Get(fieldHandle)
	if !ok || err != nil || handle == "" || strings.Contains(query, "#") {
		return fallback
	}
	for _, name := range [...]string{"authorization", "device", endpointConsent1} {
		if s.paths[name] != "" && path == s.public(name) {
			return s.pageURL(name, url.QueryEscape(handle))
		}
	}
	return fallback
}

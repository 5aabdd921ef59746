package server

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// authMethods returns the client authentication methods that the server knows.
func authMethods() []string { return []string{"client_secret_basic", "client_secret_post", "none"} }

// clientError is invalid_client with the answer's status: 401 and a challenge where the client used the
// Authorization header or nothing at all, 400 otherwise (RFC 6749, section 5.2).
type clientError struct {
	refusal   *mandate.Error
	challenge bool
}

// Error returns what the client is told.
func (e *clientError) Error() string { return e.refusal.Error() }

// Unwrap returns the refusal itself.
func (e *clientError) Unwrap() error { return e.refusal }

// AuthenticateClient returns the client that sent r, a form post, once it has proven who it is in exactly one way (RFC 6749,
// section 2.3). A refusal is [mandate.InvalidClient] or [mandate.InvalidRequest]; answer it with [Server.Refuse].
func (s *Server) AuthenticateClient(ctx context.Context, r *mandate.Request) (Client, error) {
	form, err := r.Form()
	if err != nil {
		return Client{}, err
	}
	if err := checkForm(form); err != nil {
		return Client{}, err
	}
	return s.authenticate(ctx, r, form)
}

// credentials are what a request says of its client.
type credentials struct {
	id, secret, method string
}

func (s *Server) authenticate(ctx context.Context, r *mandate.Request, form mandate.Params) (Client, error) {
	c, err := readCredentials(r, form)
	if err != nil {
		return Client{}, err
	}
	refuse := func(cause error) (Client, error) {
		s.hooks.Tell(ctx, mandate.Event{Name: mandate.ClientRefused, ClientID: c.id, Err: cause})
		return Client{}, &clientError{
			mandate.Errorf(mandate.InvalidClient, cause, "client authentication failed"),
			c.method == "client_secret_basic",
		}
	}
	client, err := s.client(ctx, c.id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refuse(errors.New("client is unknown"))
	case err != nil:
		return Client{}, fault("read client", err)
	case client.Disabled:
		return refuse(errors.New("client is disabled"))
	case !slices.Contains(s.config.ClientAuthMethods, c.method):
		return refuse(errors.New("client used " + c.method + ", which is not among ClientAuthMethods"))
	case client.Metadata.Method() != c.method:
		return refuse(errors.New("client used " + c.method + " and is registered for " + client.Metadata.Method()))
	}
	if c.method != "none" {
		ok, err := s.proves(ctx, r, client, c.secret)
		if err != nil {
			return Client{}, err
		}
		if !ok {
			return refuse(errors.New("client secret is wrong or over"))
		}
	}
	s.hooks.Tell(ctx, mandate.Event{Name: mandate.ClientAuthenticated, ClientID: client.ID})
	return Client{client, c.method}, nil
}

// readCredentials returns the one set of credentials that r carries.
func readCredentials(r *mandate.Request, form mandate.Params) (credentials, error) {
	header := r.Header.Values("Authorization")
	id, secret := form.Get("client_id"), form.Get("client_secret")
	assertion := form.Get("client_assertion") != "" || form.Get("client_assertion_type") != ""
	switch {
	case len(header) > 1, len(header) == 1 && (secret != "" || assertion), assertion && secret != "":
		return credentials{}, mandate.Errorf(mandate.InvalidRequest, nil, "more than one client authentication method")
	case len(header) == 1:
		c, ok := parseBasic(header[0])
		if !ok {
			return c, &clientError{mandate.Errorf(mandate.InvalidClient, nil, "the Authorization header is not well-formed Basic credentials"), true}
		}
		if id != "" && id != c.id {
			return c, mandate.Errorf(mandate.InvalidRequest, nil, "client_id is not the client of the Authorization header")
		}
		return c, nil
	case assertion:
		return credentials{}, &clientError{mandate.Errorf(mandate.InvalidClient, nil, "client assertions are not accepted here"), false}
	case id == "" && secret == "":
		return credentials{}, &clientError{mandate.Errorf(mandate.InvalidClient, nil, "client authentication is missing"), true}
	case secret != "":
		return credentials{id, secret, "client_secret_post"}, nil
	default:
		return credentials{id, "", "none"}, nil
	}
}

// parseBasic reads an Authorization field: base64 of id and secret, each form-encoded (RFC 6749, section 2.3.1).
func parseBasic(header string) (credentials, bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") || len(encoded) > 4096 {
		return credentials{}, false
	}
	var in, out [256]byte // most fit, so that nothing is allocated but the string
	src, raw := append(in[:0], strings.TrimLeft(encoded, " ")...), out[:]
	if n := base64.StdEncoding.DecodedLen(len(src)); n > len(raw) {
		raw = make([]byte, n)
	}
	n, err := base64.StdEncoding.Decode(raw, src)
	if err != nil {
		return credentials{}, false
	}
	text := string(raw[:n])
	id, secret, found := strings.Cut(text, ":")
	if plain, ok := mandate.Unescape(text); ok && plain == text { // neither half has an escape, as nearly always
		return credentials{id, secret, "client_secret_basic"}, found && id != ""
	}
	id, ok1 := mandate.Unescape(id)
	secret, ok2 := mandate.Unescape(secret)
	return credentials{id, secret, "client_secret_basic"}, found && ok1 && ok2 && id != ""
}

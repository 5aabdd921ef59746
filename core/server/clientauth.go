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

// clientError is invalid_client with the answer's status: 401 and a challenge where the client used the
// Authorization header or nothing at all, 400 otherwise (RFC 6749, section 5.2).
type clientError struct {
	refusal   *mandate.Error
	challenge bool
	scheme    string // of the challenge; empty: Basic
}

// Error returns what the client is told.
func (e *clientError) Error() string { return e.refusal.Error() }

// Unwrap returns the refusal itself.
func (e *clientError) Unwrap() error { return e.refusal }

// AuthenticateClient returns the client that sent r, a form post, once it has proven who it is in exactly one way (RFC 6749,
// section 2.3). What proves it is used up where it is good once, as an assertion is; an endpoint that may yet ask its client to try again calls [Server.ProveClient] instead.
// A refusal is [mandate.InvalidClient] or [mandate.InvalidRequest]; answer it, and whatever else, with [Server.Refuse].
func (s *Server) AuthenticateClient(ctx context.Context, r *mandate.Request) (Client, error) {
	c, err := s.ProveClient(ctx, r)
	if err == nil {
		err = s.SpendProof(ctx, c)
	}
	if err != nil {
		return Client{}, err
	}
	return c, nil
}

// ProveClient is [Server.AuthenticateClient] without the last step: what is good once is not used up. Call [Server.SpendProof] after everything that
// can refuse the request, and before anything that the request changes.
func (s *Server) ProveClient(ctx context.Context, r *mandate.Request) (Client, error) {
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
	raw                string           // the secret as it came, where that is another and could be one
	assertion          string           // a JWT; method is then the client's own, as soon as it is known
	own                ClientAuthMethod // of the application
	scheme             string           // of the Authorization header that own has read
}

// byHeader reports whether c came in the Authorization header.
func (c *credentials) byHeader() bool { return c.method == methodBasic || c.scheme != "" }

func (s *Server) authenticate(ctx context.Context, r *mandate.Request, form mandate.Params) (Client, error) {
	c, err := s.readCredentials(r, form)
	if err != nil {
		return Client{}, err
	}
	refuse := func(cause error) (Client, error) {
		s.clientRefused(ctx, r, c.id, cause)
		return Client{}, &clientError{mandate.Errorf(mandate.InvalidClient, cause, "%s", toldOf(cause)), c.byHeader(), c.scheme}
	}
	client, err := s.client(ctx, c.id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refuse(errors.New("client is unknown"))
	case err != nil:
		return Client{}, unreadClient(err)
	case client.Disabled:
		return refuse(errors.New("client is disabled"))
	}
	method := client.Metadata.Method()
	if c.assertion != "" && (method == methodPrivateKeyJWT || method == methodSecretJWT) {
		c.method = method
	}
	switch {
	case !slices.Contains(s.config.ClientAuthMethods, c.method):
		return refuse(errors.New("client used " + c.method + ", which is not among ClientAuthMethods"))
	case method != c.method:
		return refuse(errors.New("client used " + c.method + " and is registered for " + method))
	}
	proof, wrong, err := s.prove(ctx, r, client, &c)
	switch {
	case err != nil:
		return Client{}, err
	case wrong != nil:
		return refuse(wrong)
	}
	if s.hooks.On != nil {
		s.hooks.Tell(ctx, mandate.Event{Name: mandate.ClientAuthenticated, ClientID: client.ID})
	}
	return Client{client, c.method, proof}, nil
}

// clientRefused tells the hooks why the client that r names is not believed.
func (s *Server) clientRefused(ctx context.Context, r *mandate.Request, id string, cause error) {
	if s.hooks.On != nil {
		s.hooks.Tell(ctx, mandate.Event{Name: mandate.ClientRefused, Endpoint: s.endpointOf(r), ClientID: id, Remote: s.remote(r), Err: cause})
	}
}

// requestRefused tells the hooks what a proven client does not get.
func (s *Server) requestRefused(ctx context.Context, r *mandate.Request, endpoint string, c Client, grantType string, err error) {
	if s.hooks.On != nil {
		s.hooks.Tell(ctx, mandate.Event{Name: mandate.RequestRefused, Endpoint: endpoint, ClientID: c.ID, GrantType: grantType, Remote: s.remote(r), Err: err})
	}
}

// endpointOf returns the name of the endpoint that r came to, or "" where its path is written in another way than the configuration has it.
func (s *Server) endpointOf(r *mandate.Request) string {
	for name, own := range s.paths {
		if folder, ok := strings.CutSuffix(own, "{id}"); own == r.Path || ok && strings.HasPrefix(r.Path, folder) {
			return name
		}
	}
	return ""
}

// isFree reports whether anybody can ask in c's name, or have a name as good: it proves nothing, or the operator did not make it a client.
func (c Client) isFree() bool { return c.method == methodNone || c.Origin != store.ByOperator }

// errSecret means that a client showed a secret that is not its own.
var errSecret = errors.New("client secret is wrong or over")

// prove holds c against client. wrong says why it does not prove anything, and err that nobody could tell.
func (s *Server) prove(ctx context.Context, r *mandate.Request, client *store.Client, c *credentials) (proof *singleUse, wrong, err error) {
	switch {
	case c.method == methodNone:
		return nil, nil, nil
	case c.own != nil:
		return s.proveOwn(ctx, r, client, c)
	case c.assertion != "":
		return s.proveAssertion(ctx, client, c)
	}
	var ok bool
	if c.raw == "" {
		ok, err = s.proves(ctx, r, client, c.secret)
	} else {
		ok, err = s.proves(ctx, r, client, c.secret, c.raw)
	}
	if err == nil && !ok {
		wrong = errSecret
	}
	return nil, wrong, err
}

// toldOf returns what a client is told of why it was refused: nothing but that, unless it has proven already that the message is its own.
func toldOf(cause error) string {
	if told, ok := errors.AsType[claimError](cause); ok {
		return string(told)
	}
	return "client authentication failed"
}

// readCredentials returns the one set of credentials that r carries.
func (s *Server) readCredentials(r *mandate.Request, form mandate.Params) (credentials, error) {
	header := r.Header.Values("Authorization")
	id, secret := form.Get("client_id"), form.Get("client_secret")
	assertion, kind := form.Get("client_assertion"), form.Get("client_assertion_type")
	asserts := assertion != "" || kind != ""
	if len(header) > 1 || len(header) == 1 && (secret != "" || asserts) || asserts && secret != "" {
		return credentials{}, errTwoMethods
	}
	if len(s.config.ClientAuth) > 0 {
		if c, ok, err := s.readOwn(r, id, carriers{len(header) == 1, secret != "", asserts}); ok || err != nil {
			return c, err
		}
	}
	switch {
	case len(header) == 1:
		c, ok := parseBasic(header[0])
		if !ok {
			return c, &clientError{refusal: mandate.Errorf(mandate.InvalidClient, nil, "the Authorization header is not well-formed Basic credentials"), challenge: true}
		}
		if id != "" && id != c.id {
			return c, mandate.Errorf(mandate.InvalidRequest, nil, "client_id is not the client of the Authorization header")
		}
		return c, nil
	case asserts:
		return s.readAssertion(id, assertion, kind)
	case id == "" && secret == "":
		return credentials{}, &clientError{refusal: mandate.Errorf(mandate.InvalidClient, nil, "client authentication is missing"), challenge: true}
	case secret != "":
		return credentials{id: id, secret: secret, method: methodPost}, nil
	default:
		return credentials{id: id, method: methodNone}, nil
	}
}

// errTwoMethods answers who authenticates in more than one way (RFC 6749, section 2.3).
var errTwoMethods = mandate.Errorf(mandate.InvalidRequest, nil, "more than one client authentication method")

// parseBasic reads an Authorization field: base64 of id and secret, each form-encoded (RFC 6749, section 2.3.1). Many clients do not encode: a secret that
// looks as if it were encoded is kept as it came, too.
func parseBasic(header string) (credentials, bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") || len(encoded) > 4096 {
		return credentials{}, false
	}
	var room [256]byte // most fit, so that nothing is allocated but the string
	raw := room[:]
	encoded = strings.TrimLeft(encoded, " ")
	if n := base64.StdEncoding.DecodedLen(len(encoded)); n > len(raw) {
		raw = make([]byte, n)
	}
	n, err := strictStd.Decode(raw, []byte(encoded))
	if err != nil {
		return credentials{}, false
	}
	text := string(raw[:n])
	id, secret, found := strings.Cut(text, ":")
	if plain, ok := mandate.Unescape(text); ok && plain == text { // neither half has an escape, as nearly always
		return credentials{id: id, secret: secret, method: methodBasic}, found && id != ""
	}
	id, ok1 := mandate.Unescape(id)
	plain, ok2 := mandate.Unescape(secret)
	c := credentials{id: id, secret: plain, method: methodBasic}
	switch {
	case !visible(secret, true):
	case !ok2:
		c.secret, ok2 = secret, true
	case plain != secret:
		c.raw = secret
	}
	return c, found && ok1 && ok2 && id != ""
}

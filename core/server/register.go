package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// limitRegistration is the body limit of a registration, which anybody may send: a row in the store is made of it.
const limitRegistration = 32 << 10

// registrationPaths returns where clients register, if they do.
func (s *Server) registrationPaths() map[string]string {
	switch r := s.config.Registration; {
	case r == nil:
		return nil
	case r.Management:
		return map[string]string{"registration": "/register", "registration_management": "/register/{id}"}
	}
	return map[string]string{"registration": "/register"}
}

// registrations returns the endpoints of RFC 7591 and RFC 7592.
func (s *Server) registrations() []mandate.Endpoint {
	r := s.config.Registration
	if r == nil {
		return nil
	}
	list := []mandate.Endpoint{s.endpoint("registration", mandate.Endpoint{Methods: []string{"POST"}, CORS: true, Limit: limitRegistration, Handle: s.handleRegistration})}
	if r.Management {
		list = append(list, s.endpoint("registration_management", mandate.Endpoint{Methods: []string{"GET", "PUT", "DELETE"}, CORS: true, Limit: limitRegistration, Handle: s.handleManagement}))
	}
	return list
}

// bearerError is a refusal of what came as a Bearer token: 401 and a challenge (RFC 6750, section 3).
type bearerError struct{ refusal *mandate.Error }

// Error returns what the client is told.
func (e *bearerError) Error() string { return e.refusal.Error() }

// Unwrap returns the refusal itself.
func (e *bearerError) Unwrap() error { return e.refusal }

// refuseRegistration is Refuse, with the challenge of a Bearer token where one was refused or is missing.
func (s *Server) refuseRegistration(err error) *mandate.Response {
	resp := s.Refuse(err)
	if _, ok := errors.AsType[*forbidden](err); ok {
		no := *resp
		no.Status = 403
		return &no
	}
	e, ok := errors.AsType[*bearerError](err)
	if !ok {
		return resp
	}
	challenge := `Bearer realm="` + mandate.Printable(s.config.Issuer) + `"`
	if code := e.refusal.Code; code != mandate.MissingAuthorization {
		challenge += `, error="` + string(code) + `"`
	}
	return resp.With("WWW-Authenticate", challenge)
}

// bearerOf returns the Bearer token of r, or "" where r has no Authorization field.
func bearerOf(r *mandate.Request) (string, error) {
	header := r.Header.Values("Authorization")
	if len(header) == 0 {
		return "", nil
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	token = strings.TrimLeft(token, " ")
	if len(header) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxText || !visible(token, false) {
		return "", &bearerError{mandate.Errorf(mandate.InvalidToken, nil, "Authorization is not one Bearer token")}
	}
	return token, nil
}

// registrationBody returns the members of the JSON object that r carries.
func registrationBody(r *mandate.Request) (map[string]string, error) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch {
	case r.Body == "":
		return nil, mandate.Errorf(mandate.InvalidRequest, nil, "body is empty")
	case !strings.EqualFold(strings.TrimSpace(kind), "application/json"):
		return nil, mandate.Errorf(mandate.InvalidRequest, nil, "content type must be application/json")
	}
	return readMembers(r.Body)
}

// handleRegistration is the client registration endpoint (RFC 7591, section 3).
func (s *Server) handleRegistration(ctx context.Context, r *mandate.Request) *mandate.Response {
	resp, err := s.register(ctx, r)
	if err != nil {
		return s.refuseRegistration(err)
	}
	return resp
}

func (s *Server) register(ctx context.Context, r *mandate.Request) (*mandate.Response, error) {
	w := &writing{server: s, request: r, via: viaOpen}
	token, err := bearerOf(r)
	if err != nil {
		return nil, err
	}
	spend := func(context.Context) error { return nil }
	if token != "" {
		w.via = viaToken
		if w.limits, spend, err = s.tokenLimits(ctx, token); err != nil {
			return nil, err
		}
	}
	members, err := registrationBody(r)
	if err != nil {
		return nil, err
	}
	if err := w.read(members, ""); err != nil {
		return nil, err
	}
	if w.via == viaOpen && !s.config.Registration.Open {
		return nil, &bearerError{mandate.Errorf(mandate.MissingAuthorization, nil, "registration needs an initial access token")}
	}
	c := &store.Client{ID: strings.ToLower(rand.Text()), Created: s.now()}
	if err := w.fill(ctx, c, nil); err != nil {
		return nil, err
	}
	if w.via != viaToken { // a software statement is no secret: all copies of the software have it
		if err := s.mayWrite(ctx, r, RegistrationAttempt, "registration", ""); err != nil {
			return nil, err
		}
	}
	manage := ""
	if s.config.Registration.Management {
		manage = s.newToken(kindManage)
		c.Policy.RegistrationKey = mandate.DigestOf(manage)
	}
	if err := spend(ctx); err != nil { // before the client is there: one that nobody was allowed would be worse than a token that is lost
		return nil, err
	}
	if err := s.clientWriter().PutClient(ctx, c); err != nil {
		return nil, fault("put client", err)
	}
	s.hooks.Tell(ctx, mandate.Event{Name: mandate.ClientRegistered, Endpoint: "registration", ClientID: c.ID})
	return s.clientInformation(201, c, w.secret, manage)
}

// clientWriter returns the part of the store that Registration.check has seen.
func (s *Server) clientWriter() store.ClientWriter {
	w, _ := s.store.(store.ClientWriter)
	return w
}

// writing is one registration, or one change of a registration, on its way.
type writing struct {
	server  *Server
	request *mandate.Request
	via     string
	limits  RegistrationLimits

	members   map[string]json.RawMessage // as they were sent
	statement *jose.Claims
	raw       string // the software statement, as JSON
	metadata  oauth2.ClientMetadata
	secret    string // a new one, to be shown once
}

// read takes what the client says of itself, with what its software statement says instead. kept is the statement that it is registered by.
func (w *writing) read(members map[string]string, kept string) (err error) {
	w.members = make(map[string]json.RawMessage, len(members))
	for name, raw := range members {
		w.members[name] = json.RawMessage(raw)
	}
	claims, limits, err := w.server.applyStatement(members, kept)
	if err != nil {
		return err
	}
	if claims != nil {
		w.statement, w.raw = claims, members[memberStatement]
		if w.via != viaToken { // whose limits count
			w.via, w.limits = viaStatement, limits
		}
	}
	w.metadata, err = readMetadata(members)
	return err
}

// fill makes c what its client asks for, or says why it cannot be. old is what it was, or nil.
func (w *writing) fill(ctx context.Context, c, old *store.Client) error {
	s := w.server
	r, b := s.config.Registration, s.boundsOf(w.via, w.limits)
	asked := w.metadata.Scope
	c.Metadata = w.metadata.Clone()
	if err := s.completeMetadata(&c.Metadata, b); err != nil {
		return err
	}
	if w.raw != "" {
		if c.Metadata.Extra == nil {
			c.Metadata.Extra = make(map[string]json.RawMessage)
		}
		c.Metadata.Extra[memberStatement] = json.RawMessage(w.raw)
	}
	if old == nil {
		if c.Origin = store.ByRegistration; r.Trusted || w.limits.Trusted {
			c.Origin = store.ByOperator
		}
	}
	if r.ScopeIsDefault {
		if own := s.config.DefaultScopes.Only(b.scopes); asked == "" && own != "" {
			c.Metadata.Scope = string(own)
		}
		c.Policy.Scopes, c.Policy.Default = b.scopes, mandate.Scopes(c.Metadata.Scope) // what it is shown is what it gets
	}
	c.Policy.Registered = store.Registered{Via: w.via, Scopes: w.limits.Scopes, GrantTypes: strings.Join(w.limits.GrantTypes, " "), Trusted: w.limits.Trusted}
	if r.Policy != nil {
		id := c.ID
		err := r.Policy(ctx, &Registering{Client: c, Old: old, Via: w.via, Statement: w.statement, Members: maps.Clone(w.members), Request: w.request})
		if err != nil {
			return refusalOr("Registration.Policy", err)
		}
		c.ID = id
	}
	w.secret = s.keepSecret(c)
	if err := s.CheckClient(c); err != nil {
		why := strings.TrimPrefix(err.Error(), "server: ")
		return mandate.Errorf(mandate.InvalidClientMetadata, err, "%s", strings.ReplaceAll(why, `"`, "'"))
	}
	return nil
}

// refusalOr returns err if it is a refusal, and a fault otherwise.
func refusalOr(doing string, err error) error {
	if _, ok := errors.AsType[*mandate.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[mandate.Code](err); ok {
		return err
	}
	return fault(doing, err)
}

// keepSecret gives c a secret, which it returns, where c authenticates with one and has none that will do. Where c needs none it takes those away
// that there are.
func (s *Server) keepSecret(c *store.Client) string {
	form := store.SHA256
	switch c.Metadata.Method() {
	case "client_secret_basic", "client_secret_post":
	case "client_secret_jwt":
		form = store.Sealed
	default:
		c.Secrets = nil
		return ""
	}
	now := s.now()
	if slices.ContainsFunc(c.Secrets, func(k store.Secret) bool { return goodAt(&k, now) && (form != store.Sealed || k.Form == store.Sealed) }) {
		return ""
	}
	secret, kept := NewClientSecret()
	if form == store.Sealed {
		secret += randomText() // HS512 wants 64 bytes
		kept = store.Secret{Form: store.Sealed, Value: s.atRest.Seal([]byte(secret), []byte(c.ID), now)}
	}
	kept.ID = strings.ToLower(rand.Text()[:8])
	c.Secrets = []store.Secret{kept}
	return secret
}

// clientInformation is the answer of RFC 7591, section 3.2.1: what is stored, and what is shown this once.
func (s *Server) clientInformation(status int, c *store.Client, secret, manage string) (*mandate.Response, error) {
	data, err := json.Marshal(c.Metadata)
	if err != nil {
		return nil, fault("encode client", err)
	}
	all := make(map[string]any)
	var own map[string]json.RawMessage
	if err := json.Unmarshal(data, &own); err != nil {
		return nil, fault("encode client", err)
	}
	for name, raw := range own {
		all[name] = raw
	}
	all["client_id"] = c.ID
	if !c.Created.IsZero() {
		all["client_id_issued_at"] = c.Created.Unix()
	}
	if secret != "" {
		all["client_secret"], all["client_secret_expires_at"] = secret, 0
	}
	if manage != "" {
		all["registration_access_token"] = manage
		all["registration_client_uri"] = s.url("registration") + "/" + c.ID
	}
	return JSON(status, all), nil
}

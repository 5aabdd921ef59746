package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// RequestObjects lets clients sign authorization requests (RFC 9101): the parameters are claims of a JWT, and none beside it counts. It comes as the
// parameter "request", also in a pushed request, or from where "request_uri" leads. Encrypted ones are not taken, nor unsigned ones.
type RequestObjects struct {
	// Algs are the algorithms that clients may sign with. One that a client registered as request_object_signing_alg is its only one. Symmetric
	// algorithms are for clients with a sealed secret. Default: those of public keys that package jose has.
	Algs []jose.Alg
	// Required refuses requests without. One client alone: store.Policy.SignedRequest, or its require_signed_request_object.
	Required bool
	// ByReference takes the parameter request_uri too: what a client registered among its request_uris, and what URIs allows. A fragment of 43
	// characters is the SHA-256 of the content, in base64url (OpenID Connect Core, section 6.2), which is then kept for longer.
	ByReference bool
	// URIs are further URLs that every client may name, https; one that ends with a slash stands for all below. Default: none.
	URIs []string
}

func (o *RequestObjects) withDefaults() (*RequestObjects, error) {
	if o == nil {
		return nil, nil //nolint:nilnil // off
	}
	c := *o
	c.URIs = slices.Clone(c.URIs)
	if c.Algs = slices.Clone(c.Algs); c.Algs == nil {
		c.Algs = jose.Asymmetric()
	}
	for _, alg := range c.Algs {
		if !alg.Known() {
			return nil, fmt.Errorf("server: RequestObjects.Algs has %q, which package jose does not know: choose some of %v", alg, jose.Asymmetric())
		}
	}
	if len(c.Algs) == 0 {
		return nil, errors.New("server: RequestObjects.Algs is empty: leave it nil for the default")
	}
	if len(c.URIs) > 0 && !c.ByReference {
		return nil, errors.New("server: RequestObjects.URIs is set and ByReference is not: set it, or leave URIs out")
	}
	for _, uri := range c.URIs {
		if err := checkRequestURI(uri); err != nil || strings.ContainsAny(uri, "?#") {
			return nil, fmt.Errorf("server: RequestObjects.URIs has %q, which is not an https URL without query and fragment", uri)
		}
	}
	return &c, nil
}

// mustSign reports whether requests of c must be signed.
func (s *Server) mustSign(c *store.Client) bool {
	o := s.config.RequestObjects
	return o != nil && (o.Required || c.Policy.SignedRequest || c.Metadata.RequireSignedRequest)
}

// checkObjects returns why this server cannot take the request objects of c.
func (s *Server) checkObjects(c *store.Client) error {
	o, d := s.config.RequestObjects, &c.Metadata
	if o == nil {
		return nil
	}
	if alg := jose.Alg(d.RequestAlg); alg != "" && !slices.Contains(o.Algs, alg) {
		return fmt.Errorf("server: client %q has request_object_signing_alg %q, which is not among RequestObjects.Algs: %v", c.ID, alg, o.Algs)
	} else if alg.Symmetric() && !slices.ContainsFunc(c.Secrets, func(k store.Secret) bool { return k.Form == store.Sealed }) {
		return fmt.Errorf("server: client %q has request_object_signing_alg %q and no sealed secret: it needs a new secret, of Server.SealSecret", c.ID, alg)
	}
	if (c.Policy.SignedRequest || d.RequireSignedRequest) && len(d.JWKS) == 0 && d.JWKSURI == "" && !jose.Alg(d.RequestAlg).Symmetric() {
		return fmt.Errorf("server: client %q must sign its requests and has no keys: give it jwks or jwks_uri", c.ID)
	}
	for _, uri := range d.RequestURIs {
		if err := checkRequestURI(uri); o.ByReference && err != nil {
			return fmt.Errorf("server: client %q: request_uris: %w", c.ID, err)
		}
	}
	return nil
}

// paramDetails is the parameter of RFC 9396, whose value is JSON.
const paramDetails = "authorization_details"

const maxClaims = 100 // of a request object

// objectOf returns the parameters that count: those of the request object that params have, or params themselves where they have none. An
// error leaves a with what tells the client, if params prove where that may go.
func (s *Server) objectOf(ctx context.Context, a *Ask, params mandate.Params) (mandate.Params, error) {
	object, uri := params.Get("request"), params.Get("request_uri")
	if object == "" && uri == "" || s.config.RequestObjects == nil {
		return params, nil
	}
	claims, err := s.readObject(ctx, a, params, object, uri)
	if err == nil {
		a.signed = true
		return claims, nil
	}
	// What could not be read says nothing: the answer goes where the request beside it may have it sent.
	if to, fail := redirectTo(a.Client, params.Get("redirect_uri")); fail == nil {
		if _, ok := good(params, "redirect_uri"); ok {
			a.Request.RedirectURI = to
			_ = s.readAnswer(a, params)
		}
	}
	return nil, err
}

func (s *Server) readObject(ctx context.Context, a *Ask, params mandate.Params, object, uri string) (mandate.Params, error) {
	_, once := good(params, "request")
	_, one := good(params, "request_uri")
	switch {
	case !once || !one:
		return nil, mandate.Errorf(mandate.InvalidRequest, nil, "parameter request or request_uri is repeated or malformed")
	case object != "" && uri != "":
		return nil, mandate.Errorf(mandate.InvalidRequest, nil, "request and request_uri cannot both be there (RFC 9101, section 5)")
	case uri != "" && !s.config.RequestObjects.ByReference:
		return nil, mandate.Errorf(mandate.RequestURINotSupported, nil, "")
	case uri != "":
		var err error
		if object, err = s.fetchObject(ctx, a.Client, uri); err != nil {
			return nil, err
		}
	}
	header, payload, err := s.verifyObject(ctx, a.Client, object)
	switch {
	case errors.Is(err, jose.ErrInvalid):
		return nil, mandate.Errorf(mandate.InvalidRequestObject, err, "the request object is not signed as it must be")
	case err != nil:
		return nil, err
	case header.Type != "" && !header.Is("oauth-authz-req+jwt") && !header.Is("JWT"):
		return nil, badObject("typ is neither oauth-authz-req+jwt nor JWT")
	}
	claims, err := jose.ParseClaims(payload)
	if err != nil {
		return nil, mandate.Errorf(mandate.InvalidRequestObject, err, "the request object is not a JSON object of claims, each once")
	}
	if err := s.checkObject(a, claims); err != nil {
		return nil, err
	}
	return paramsOfClaims(claims)
}

func badObject(why string) error {
	return mandate.Errorf(mandate.InvalidRequestObject, nil, "%s", "request object: "+why)
}

// verifyObject returns header and payload of a request object that c signed.
func (s *Server) verifyObject(ctx context.Context, c *store.Client, object string) (jose.Header, []byte, error) {
	algs := s.config.RequestObjects.Algs
	if own := jose.Alg(c.Metadata.RequestAlg); own != "" {
		if !slices.Contains(algs, own) {
			return jose.Header{}, nil, fmt.Errorf("%w: client is registered for %q, which is not among RequestObjects.Algs", jose.ErrInvalid, own)
		}
		algs = []jose.Alg{own}
	}
	header, _, err := jose.Unverified(object)
	if err != nil {
		return header, nil, err
	}
	var shared, public []jose.Alg
	for _, alg := range algs {
		if alg.Symmetric() {
			shared = append(shared, alg)
		} else {
			public = append(public, alg)
		}
	}
	if header.Alg.Symmetric() {
		return s.verifyBySecret(c, object, shared)
	}
	return s.verifyByClient(ctx, c, object, public)
}

// checkObject holds the claims of a request object against RFC 9101, sections 4 and 10.8: it is this client's, for this server, of now,
// and no client assertion. What may be used once is noted in the flow, to be used up at its end.
func (s *Server) checkObject(a *Ask, claims *jose.Claims) error {
	now, id, strict := s.now(), a.Client.ID, s.config.StrictAssertionAudience
	late := now.Add(assertionLeeway)
	switch {
	case claims.Text("client_id") != id:
		return badObject("client_id is missing or another")
	case claims.Issuer != "" && claims.Issuer != id:
		return badObject("iss is not the client_id")
	case claims.Subject == id:
		return badObject("sub is the client_id: this is a client assertion")
	case (len(claims.Audience) > 0 || strict) && !claims.For(s.config.Issuer):
		return badObject("aud is not the issuer of this server: " + s.config.Issuer)
	case strict && len(claims.Audience) != 1:
		return badObject("aud has more than the issuer of this server")
	case strict && claims.Expires.IsZero():
		return badObject("exp is missing")
	case !claims.Expires.IsZero() && !now.Before(claims.Expires.Add(assertionLeeway)):
		return badObject("it is over")
	case claims.NotBefore.After(late) || claims.IssuedAt.After(late):
		return badObject("nbf or iat is ahead of the time here: " + now.Format(time.RFC3339))
	}
	if claims.ID == "" {
		return nil
	}
	switch {
	case claims.Expires.IsZero():
		return badObject("a jti needs an exp, or it would have to be remembered for ever")
	case claims.Expires.After(late.Add(maxAssertion)):
		return badObject("exp is more than an hour ahead")
	}
	once := s.onceOnly("request object", id, claims.ID, claims.Expires.Add(assertionLeeway+flowTTL))
	a.flow.Object, a.flow.ObjectUntil = once.key[:], once.until.UnixMilli()
	return nil
}

// paramsOfClaims returns the parameters that claims are: strings and numbers as they are, arrays of strings as a repeated parameter where one may
// repeat, everything else as JSON.
func paramsOfClaims(claims *jose.Claims) (mandate.Params, error) {
	if len(claims.Other) > maxClaims {
		return nil, badObject("too many claims")
	}
	var params mandate.Params
	for _, name := range slices.Sorted(maps.Keys(claims.Other)) {
		raw := claims.Other[name]
		switch name {
		case "request", "request_uri":
			return nil, badObject(name + " cannot be in it (RFC 9101, section 4)")
		case fieldHandle, fieldCSRF, fieldAction, "client_secret", "client_assertion", "client_assertion_type":
			continue
		}
		values := []string{string(raw)}
		var list []string
		switch {
		case raw[0] == '"':
			if err := json.Unmarshal(raw, &values[0]); err != nil {
				return nil, badObject("a claim is not a string")
			}
		case raw[0] == '[' && !single(name) && json.Unmarshal(raw, &list) == nil:
			values = list
		case name == "claims", name == paramDetails, !single(name), raw[0] >= '0' && raw[0] <= '9':
		default:
			return nil, badObject("claim " + mandate.Printable(name) + " has the wrong type")
		}
		for _, v := range values {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return nil, badObject("a claim has a NUL, or is not UTF-8")
			}
			if v != "" {
				params = append(params, mandate.Field{Name: name, Value: v})
			}
		}
	}
	if len(params) > 2*maxClaims {
		return nil, badObject("too many claims")
	}
	return params, nil
}

// useObject uses up the request object that a began with, where it has a jti: of all flows that began with it one ends.
func (s *Server) useObject(ctx context.Context, a *Ask) error {
	f := &a.flow
	if len(f.Object) != len(mandate.Digest{}) {
		return nil
	}
	err := s.store.UseOnce(ctx, "request object", mandate.Digest(f.Object), s.now(), time.UnixMilli(f.ObjectUntil).UTC())
	switch {
	case errors.Is(err, store.ErrUsed):
		return mandate.Errorf(mandate.InvalidRequestObject, err, "the request object was used before")
	case err != nil:
		return fault("use up request object", err)
	}
	return nil
}

package server

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// Introspected is what the introspection endpoint is about to say of a token that is good and that its caller may know of. It is for one
// call of Config.Introspect.
type Introspected struct {
	Client Client         // who asks
	Token  *mandate.Token // the access token; nil for a refresh token
	Grant  store.Grant    // of a refresh token; empty for an access token
	// Members is the answer (RFC 7662, section 2.2), without "active". Set and delete members as you like, "username" and "sub" for
	// instance; nil answers that the token is not active. Those that say how the token may be used stay as they are whatever becomes
	// of them here: iss, aud, exp, nbf, token_type and cnf.
	Members map[string]any
}

// held are the members that Config.Introspect cannot change: without them a token would be good where it is not.
func held() []string { return []string{"iss", "aud", "exp", "nbf", "token_type", "cnf"} }

// introspected returns the JSON object of out, with the members of the JSON object more that out does not have, after the application
// has changed it.
func (s *Server) introspected(ctx context.Context, a Introspected, out introspection, more string) ([]byte, error) {
	body, err := json.Marshal(out)
	if err == nil && more != "" {
		body, err = joined(body, more)
	}
	if err != nil {
		return nil, fault("encode introspection", err)
	}
	if s.config.Introspect == nil {
		return body, nil
	}
	var own map[string]json.RawMessage
	if err := json.Unmarshal(body, &own); err != nil {
		return nil, fault("decode introspection", err)
	}
	delete(own, "active")
	a.Members = make(map[string]any, len(own))
	for name, raw := range own {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return nil, fault("decode introspection", err)
		}
		a.Members[name] = value
	}
	if err := s.config.Introspect(ctx, &a); err != nil {
		return nil, fmt.Errorf("Config.Introspect: %w", err)
	}
	if a.Members == nil {
		return inactive, nil
	}
	a.Members["active"] = true
	for _, name := range held() {
		delete(a.Members, name)
		if raw, ok := own[name]; ok {
			a.Members[name] = raw
		}
	}
	if body, err = json.Marshal(a.Members); err != nil {
		return nil, fault("encode introspection", err)
	}
	return body, nil
}

// joined returns the JSON object own with the members of more that it does not have.
func joined(own []byte, more string) ([]byte, error) {
	var all, mine map[string]json.RawMessage
	if err := json.Unmarshal([]byte(more), &all); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(own, &mine); err != nil {
		return nil, err
	}
	maps.Copy(all, mine)
	return json.Marshal(all)
}

// SignedIntrospection is Config.SignedIntrospection: answers of the introspection endpoint that their reader can prove to others (RFC
// 9701). A caller gets one that asks for it, with Accept: application/token-introspection+jwt. Refusals stay JSON.
type SignedIntrospection struct {
	// Algs are the signature algorithms that clients may register as introspection_signed_response_alg. The first signs for those that
	// registered none. Default: Config.SigningAlg.
	Algs []jose.Alg
}

const typeIntrospection = "token-introspection+jwt"

// checkSignedIntrospection sets the defaults, and refuses what nobody could verify.
func (c *Config) checkSignedIntrospection() error {
	if c.SignedIntrospection == nil {
		return nil
	}
	algs := slices.Clone(c.SignedIntrospection.Algs)
	if len(algs) == 0 {
		algs = []jose.Alg{c.SigningAlg}
	}
	c.SignedIntrospection = &SignedIntrospection{Algs: algs}
	for i, alg := range algs {
		switch {
		case !slices.Contains(jose.Asymmetric(), alg) || slices.Contains(algs[:i], alg):
			return fmt.Errorf("server: SignedIntrospection.Algs has %q, which is not an asymmetric algorithm, once: choose of %v", alg, jose.Asymmetric())
		case c.Keys != (jose.Ring{}) && c.Keys.Signer(alg, c.Now()) == nil:
			return fmt.Errorf("server: SignedIntrospection.Algs has %s, for which Keys has no key: add one, or leave it out", alg)
		}
	}
	return nil
}

// checkIntrospectionAlg refuses a client that wants answers signed in a way that this server does not.
func (s *Server) checkIntrospectionAlg(c *store.Client) error {
	alg := c.Metadata.IntrospectionAlg
	for _, name := range []string{"introspection_encrypted_response_alg", "introspection_encrypted_response_enc"} {
		if c.Metadata.Extra[name] != nil {
			return fmt.Errorf("server: client %q has %s, and answers are not encrypted here: leave it out", c.ID, name)
		}
	}
	switch on := s.config.SignedIntrospection; {
	case alg == "":
	case on == nil:
		return fmt.Errorf("server: client %q has introspection_signed_response_alg %q, and Config.SignedIntrospection is nil: set it, or leave the member out", c.ID, alg)
	case !slices.Contains(on.Algs, jose.Alg(alg)):
		return fmt.Errorf("server: client %q has introspection_signed_response_alg %q, which is not among SignedIntrospection.Algs: %v", c.ID, alg, on.Algs)
	}
	return nil
}

// answerSigned returns body, the JSON object of an answer, as a JWT for client (RFC 9701, section 5).
func (s *Server) answerSigned(ctx context.Context, client Client, body []byte) (*mandate.Response, error) {
	alg := s.config.SignedIntrospection.Algs[0]
	if own := client.Metadata.IntrospectionAlg; own != "" {
		alg = jose.Alg(own)
	}
	if !slices.Contains(s.config.SignedIntrospection.Algs, alg) {
		return nil, mandate.Errorf(mandate.InvalidRequest, nil, "introspection_signed_response_alg %s of this client is not supported", alg)
	}
	key, err := s.keys.signer(ctx, alg)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(body)+256)
	b = appendString(append(b, `{"iss":`...), s.config.Issuer)
	b = appendString(append(b, `,"aud":`...), client.ID)
	b = strconv.AppendInt(append(b, `,"iat":`...), s.now().Unix(), 10)
	b = append(append(append(b, `,"token_introspection":`...), body...), '}')
	text, err := jose.Sign(key, typeIntrospection, b)
	if err != nil {
		return nil, fault("sign introspection", err)
	}
	header := slices.Clone(jsonHeader)
	header[0].Value = "application/" + typeIntrospection
	return &mandate.Response{Status: 200, Header: header, Body: []byte(text)}, nil
}

// wantsSigned reports whether r asks for a signed answer, and for JSON not more (RFC 9110, section 12.5.1).
func wantsSigned(r *mandate.Request) bool {
	signed, plain := -1.0, -1.0
	for _, field := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(field, ",") {
			kind, params, _ := strings.Cut(part, ";")
			q := 1.0
			for param := range strings.SplitSeq(params, ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
				if strings.EqualFold(name, "q") {
					var err error
					if q, err = strconv.ParseFloat(value, 64); err != nil {
						q = 0
					}
				}
			}
			switch kind = strings.TrimSpace(kind); {
			case strings.EqualFold(kind, "application/"+typeIntrospection):
				signed = max(signed, q)
			case strings.EqualFold(kind, "application/json"):
				plain = max(plain, q)
			}
		}
	}
	return signed > 0 && signed >= plain
}

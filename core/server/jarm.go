package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// Signed authorization responses (JWT Secured Authorization Response Mode for OAuth 2.0, JARM).
const (
	modeJWT   = "jwt"
	suffixJWT = ".jwt"
	jarmTTL   = 10 * time.Minute // JARM, section 2.1
)

// signedModes returns modes with those that "jwt" stands for.
func signedModes(modes []string) []string {
	if !slices.Contains(modes, modeJWT) {
		return modes
	}
	all := slices.Clone(modes)
	for _, m := range modes {
		if m != modeJWT {
			all = append(all, m+suffixJWT)
		}
	}
	return all
}

// signAnswer returns the one parameter that is params, state and issuer, signed for the client.
func (s *Server) signAnswer(ctx context.Context, a *Ask, params []mandate.Field) ([]mandate.Field, error) {
	key, err := s.keys.signer(ctx, s.answerAlg(a.Client))
	if err != nil {
		return nil, err
	}
	claims := &jose.Claims{Issuer: s.config.Issuer, Audience: []string{a.Client.ID}, Expires: s.now().Add(jarmTTL)}
	if a.Request.State != "" {
		params = append(slices.Clip(params), mandate.Field{Name: "state", Value: a.Request.State})
	}
	for _, p := range params {
		if err := claims.Set(p.Name, p.Value); err != nil {
			return nil, fault("encode authorization response", err)
		}
	}
	text, err := jose.Sign(key, "JWT", claims)
	if err != nil {
		return nil, fault("sign authorization response", err)
	}
	return []mandate.Field{{Name: "response", Value: text}}, nil
}

// answerAlg returns what signs authorization responses for c.
func (s *Server) answerAlg(c *store.Client) jose.Alg {
	if alg := c.Metadata.AuthorizationAlg; alg != "" {
		return jose.Alg(alg)
	}
	return s.config.SigningAlg
}

// answerAlgs returns what may sign authorization responses, the usual one first.
func (s *Server) answerAlgs() []string {
	algs := []string{string(s.config.SigningAlg)}
	for _, alg := range jose.Asymmetric() {
		if alg != s.config.SigningAlg && (s.config.Keys == (jose.Ring{}) || s.config.Keys.Signer(alg, s.now()) != nil) {
			algs = append(algs, string(alg))
		}
	}
	return algs
}

// checkAnswers returns why this server cannot sign authorization responses as c wants them.
func (s *Server) checkAnswers(c *store.Client) error {
	alg := c.Metadata.AuthorizationAlg
	if alg == "" || !slices.Contains(s.config.ResponseModes, modeJWT) {
		return nil
	}
	if algs := s.answerAlgs(); !slices.Contains(algs, alg) {
		return fmt.Errorf("server: client %q has authorization_signed_response_alg %q, for which there is no key: choose one of %v, or add one to Config.Keys", c.ID, alg, algs)
	}
	return nil
}

// baseMode returns the response mode under a signed one, and whether mode is signed.
func baseMode(mode string) (base string, signed bool) { return strings.CutSuffix(mode, suffixJWT) }

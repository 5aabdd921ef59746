package main

import (
	"fmt"
	"slices"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
)

// signingAlgs are the algorithms of what is signed, by what it is. Nil: all that there are.
type signingAlgs struct {
	TokenAuth     []string `json:"token_auth"`
	RequestObject []string `json:"request_object"`
	Introspection []string `json:"introspection"` // nil: not signed
}

// check refuses what is no algorithm, or one that nobody could use.
func (s *signingAlgs) check(methods []string) error {
	if s.TokenAuth == nil {
		return nil
	}
	if err := known("signing_algs.token_auth", s.TokenAuth, algNames(append(jose.Asymmetric(), jose.HS256, jose.HS384, jose.HS512))); err != nil {
		return err
	}
	for _, row := range []struct {
		method    string
		symmetric bool
	}{{"private_key_jwt", false}, {"client_secret_jwt", true}} {
		some := slices.ContainsFunc(s.TokenAuth, func(a string) bool { return jose.Alg(a).Symmetric() == row.symmetric })
		switch on := slices.Contains(methods, row.method); {
		case on && !some:
			return fmt.Errorf("client_auth_methods has %s and signing_algs.token_auth no algorithm for it", row.method)
		case !on && some:
			return fmt.Errorf("signing_algs.token_auth has an algorithm for %s, which is not among client_auth_methods", row.method)
		}
	}
	return nil
}

func algNames(algs []jose.Alg) []string {
	names := make([]string, len(algs))
	for i, a := range algs {
		names[i] = string(a)
	}
	return names
}

// algs are the algorithms with these names; nil stays nil.
func algs(names []string) []jose.Alg {
	if names == nil {
		return nil
	}
	list := make([]jose.Alg, len(names))
	for i, n := range names {
		list[i] = jose.Alg(n)
	}
	return list
}

// checkKeys refuses algorithms that sign with none of keys, where there are any.
func (s *signingAlgs) checkKeys(keys []keyConfig) error {
	if s.Introspection == nil {
		return nil
	}
	all := []string{"RS256", "PS256", "ES256", "EdDSA"}
	if err := known("signing_algs.introspection", s.Introspection, all); err != nil {
		return err
	}
	for _, alg := range s.Introspection {
		if len(keys) > 0 && !slices.ContainsFunc(keys, func(k keyConfig) bool { return k.Alg == alg }) {
			return fmt.Errorf("signing_algs.introspection has %s and keys has no key for it: add one, or leave keys out", alg)
		}
	}
	return nil
}

// signedIntrospection returns the server's setting.
func (s *signingAlgs) signedIntrospection() *server.SignedIntrospection {
	if s.Introspection == nil {
		return nil
	}
	return &server.SignedIntrospection{Algs: algs(s.Introspection)}
}

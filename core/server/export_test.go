package server

import (
	"context"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// VerifyByClient is verifyByClient, for tests of what no wire shows.
func (s *Server) VerifyByClient(ctx context.Context, c *store.Client, token string, algs []jose.Alg) (jose.Header, []byte, error) {
	return s.verifyByClient(ctx, c, token, algs)
}

// KeysRemembered returns of how many clients keys are remembered.
func (s *Server) KeysRemembered() int {
	s.clientKeys.mu.RLock()
	defer s.clientKeys.mu.RUnlock()
	return len(s.clientKeys.set)
}

// MaxKeysRemembered bounds KeysRemembered.
const MaxKeysRemembered = maxClientKeySet

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// keyConfig is one signing key: from a PEM file, or made at the start.
type keyConfig struct {
	ID   string `json:"kid"`
	Alg  string `json:"alg"`
	File string `json:"file"`
}

// How long a new key is published before it signs, and an old one after it stopped: what the server does with keys of its own.
const (
	keyOverlap   = 10 * time.Minute
	keyRetention = 24 * time.Hour
)

// ring returns the configured keys, and the algorithm that signs: that of the first. Without any the server makes its own.
func (c *config) ring() (jose.Ring, jose.Alg, error) {
	if len(c.Keys) == 0 {
		return jose.Ring{}, "", nil
	}
	keys := make([]*jose.Key, 0, len(c.Keys))
	seen := make(map[string]bool)
	for i, k := range c.Keys {
		if k.ID == "" || seen[k.ID] {
			return jose.Ring{}, "", fmt.Errorf("keys[%d]: kid %q is empty or there twice", i, k.ID)
		}
		seen[k.ID] = true
		key, err := c.key(k)
		if err != nil {
			return jose.Ring{}, "", fmt.Errorf("keys[%d] %q: %w", i, k.ID, err)
		}
		keys = append(keys, key)
	}
	return jose.RingOf(keys...), keys[0].Alg(), nil
}

func (c *config) key(k keyConfig) (*jose.Key, error) {
	alg := jose.Alg(k.Alg)
	switch alg {
	case jose.RS256, jose.PS256, jose.ES256, jose.EdDSA:
	case "RSA-OAEP":
		return nil, fmt.Errorf("alg %s does not exist yet", alg)
	default:
		return nil, fmt.Errorf("alg %q is none of RS256, PS256, ES256, EdDSA", k.Alg)
	}
	if k.File != "" {
		data, err := os.ReadFile(c.path(k.File))
		if err != nil {
			return nil, fmt.Errorf("file: %w", err)
		}
		return jose.ParsePEM(alg, data, k.ID)
	}
	made, err := jose.Generate(alg)
	if err != nil {
		return nil, err
	}
	pem, err := made.MarshalPEM() // so that it can have the name that was asked for
	if err != nil {
		return nil, err
	}
	return jose.ParsePEM(alg, pem, k.ID)
}

// makesKeys reports whether there are keys without a file.
func (c *config) makesKeys() bool {
	return slices.ContainsFunc(c.Keys, func(k keyConfig) bool { return k.File == "" })
}

// shareKeys returns the keys that the first of several processes made, sealed in their store: made, if that is this one.
func (s *settings) shareKeys(ctx context.Context, st store.SigningKeys, made jose.Ring) (jose.Ring, error) {
	names := make([]string, 0, len(s.config.Keys))
	for _, k := range s.config.Keys {
		names = append(names, k.ID+"="+k.Alg+"="+k.File)
	}
	name := "configured keys " + strings.Join(names, " ") // with others there are other keys
	seal := s.secret.Sealer("configured keys", s.config.Issuer)
	plain, err := made.Marshal()
	if err != nil {
		return made, err
	}
	err = st.PutSigningKeys(ctx, name, seal.Seal(plain, []byte(name), s.clock.now()), 0)
	if !errors.Is(err, store.ErrConflict) {
		return made, err
	}
	sealed, _, err := st.SigningKeys(ctx, name)
	if err != nil {
		return made, err
	}
	if plain, err = seal.Open(sealed, []byte(name), s.clock.now()); err != nil {
		return made, fmt.Errorf("keys in the store: %w", err)
	}
	return jose.ParseRing(plain)
}

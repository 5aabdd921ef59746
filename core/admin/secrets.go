package admin

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// maxSecrets bounds how many secrets a client has at once: each wrong one is compared with all.
const maxSecrets = 10

// NewRootSecret returns the text of a new root secret, for mandate.ParseSecret: 32 random bytes in base64.
func NewRootSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(b[:])
}

// RotateSecret gives the client called id a new secret, which is returned and nowhere kept. Those that it has end after overlap, or earlier
// where they did anyway: time to bring the new one to all its processes. Zero or less: they end at once. What is over is removed.
func (a *Admin) RotateSecret(ctx context.Context, id string, overlap time.Duration) (secret string, c *store.Client, err error) {
	return a.addSecret(ctx, id, func(now time.Time, have []store.Secret) []store.Secret {
		end := now.Add(overlap)
		for i := range have {
			if k := &have[i]; k.Expires.IsZero() || end.Before(k.Expires) {
				k.Expires = end
			}
		}
		return alive(have, now)
	})
}

// AddSecret gives the client called id one more secret, which is returned and nowhere kept. Those that it has stay.
func (a *Admin) AddSecret(ctx context.Context, id string) (secret string, c *store.Client, err error) {
	return a.addSecret(ctx, id, func(now time.Time, have []store.Secret) []store.Secret { return alive(have, now) })
}

func (a *Admin) addSecret(ctx context.Context, id string, keep func(now time.Time, have []store.Secret) []store.Secret) (string, *store.Client, error) {
	var secret string
	c, err := a.Update(ctx, id, func(c *store.Client) error {
		switch {
		case c.Metadata.Public():
			return fmt.Errorf("admin: client %q is public and has no secret: one that can keep a secret has another token_endpoint_auth_method than none", id)
		case !c.Metadata.UsesSecret():
			return fmt.Errorf("admin: client %q authenticates by %s and has no secret: change its keys instead", id, c.Metadata.Method())
		}
		var kept store.Secret
		secret, kept = a.newSecret(c)
		c.Secrets = append(keep(a.now(), c.Secrets), kept)
		if n := len(c.Secrets); n > maxSecrets {
			return fmt.Errorf("admin: client %q has %d secrets, and may have %d: end some first", id, n-1, maxSecrets)
		}
		return nil
	})
	if err != nil {
		return "", nil, err
	}
	return secret, c, nil
}

// EndSecret removes one secret of the client called id, by the secret's ID. The last one stays: rotate it, or disable the client.
func (a *Admin) EndSecret(ctx context.Context, id, secretID string) error {
	_, err := a.Update(ctx, id, func(c *store.Client) error {
		n := len(c.Secrets)
		c.Secrets = slices.DeleteFunc(c.Secrets, func(k store.Secret) bool { return k.ID == secretID })
		switch {
		case n == len(c.Secrets):
			return fmt.Errorf("admin: client %q has no secret %q: its secrets are %q", id, secretID, secretIDs(c.Secrets))
		case len(alive(slices.Clone(c.Secrets), a.now())) == 0:
			return fmt.Errorf("admin: secret %q is the last of client %q: rotate it, or disable the client", secretID, id)
		}
		return nil
	})
	return err
}

// alive returns secrets without those that are over.
func alive(secrets []store.Secret, now time.Time) []store.Secret {
	return slices.DeleteFunc(secrets, func(k store.Secret) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) })
}

func secretIDs(secrets []store.Secret) []string {
	ids := make([]string, len(secrets))
	for i, k := range secrets {
		ids[i] = k.ID
	}
	return ids
}

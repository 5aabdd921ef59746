package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// Namespace returns the part of s that belongs to name, so that several issuers share one store and never meet:
//
//	tenant := store.Namespace(s, "https://id.example.com/acme")
//
// A name is any text; two names are two namespaces. It goes into every ID, client ID, subject and key before s sees
// it, and is taken off again from what s returns, so that nobody above notices. Lists hold this namespace's records
// alone, in the order that s gives; revoking by query reaches no other. Prune is the exception: it prunes s.
// The result is a [ClientWriter] where s is one.
//
// In s an ID begins with the name and a slash where the name is at most 32 letters, digits, dots, dashes and
// underscores, and with 18 characters made of its digest otherwise: IDs may be that much shorter than those that s
// has room for. Whoever uses s itself beside its namespaces sees the records of all.
// A read makes a copy of a client and of a token.
func Namespace(s Store, name string) Store {
	key := mandate.DigestOf("mandate namespace " + name)
	block, _ := aes.NewCipher(key[:]) // has no error for a key of 32 bytes
	n := namespace{s: s, prefix: prefix(name, key), block: block}
	if w, ok := s.(ClientWriter); ok {
		return namespaceWriter{n, w}
	}
	return n
}

var (
	_ Store        = namespace{}
	_ ClientWriter = namespaceWriter{}
)

// namespace is a part of s. No prefix of one is the beginning of another's.
type namespace struct {
	s      Store
	prefix string
	block  cipher.Block
}

// prefix returns what the IDs of a namespace begin with.
func prefix(name string, key mandate.Digest) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"
	if name != "" && len(name) <= 32 && strings.Trim(name, plain) == "" {
		return name + "/"
	}
	return "~" + base64.RawURLEncoding.EncodeToString(key[:12]) + "/"
}

// in returns id as s knows it; out the other way round.
func (n namespace) in(id string) string  { return n.prefix + id }
func (n namespace) out(id string) string { return strings.TrimPrefix(id, n.prefix) }

// some is in for what may be empty, and then means none.
func (n namespace) some(id string) string {
	if id == "" {
		return ""
	}
	return n.in(id)
}

// mix returns the key that s keeps for key. It permutes all keys, each name in a way of its own: so two keys stay two, what s
// returns can be told again, and who wants a key of one namespace to meet one of another has to invert SHA-256.
func (n namespace) mix(key mandate.Digest) mandate.Digest {
	const half = aes.BlockSize
	n.block.Encrypt(key[:half], key[:half])
	for i := range half {
		key[half+i] ^= key[i]
	}
	n.block.Encrypt(key[half:], key[half:])
	return key
}

// unmix undoes mix.
func (n namespace) unmix(key mandate.Digest) mandate.Digest {
	const half = aes.BlockSize
	n.block.Decrypt(key[half:], key[half:])
	for i := range half {
		key[half+i] ^= key[i]
	}
	n.block.Decrypt(key[:half], key[:half])
	return key
}

// mixSome is mix for a key that may be zero, and then means none.
func (n namespace) mixSome(key mandate.Digest) mandate.Digest {
	if key.IsZero() {
		return key
	}
	return n.mix(key)
}

func (n namespace) unmixSome(key mandate.Digest) mandate.Digest {
	if key.IsZero() {
		return key
	}
	return n.unmix(key)
}

// page returns the page of s on which page begins. Records of other namespaces may follow.
func (n namespace) page(page Page) Page { return Page{After: n.in(page.After), Limit: page.Limit} }

// only cuts a list in the order of IDs where another namespace begins, and takes the name off the rest.
func only[T any](n namespace, list []T, err error, id func(T) string, out func(T) T) ([]T, error) {
	for i, r := range list {
		if !strings.HasPrefix(id(r), n.prefix) {
			return list[:i], err
		}
		list[i] = out(r)
	}
	return list, err
}

// Prune implements [Pruner].
func (n namespace) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	return n.s.Prune(ctx, now, limit)
}

// Client implements [Clients].
func (n namespace) Client(ctx context.Context, id string) (*Client, error) {
	c, err := n.s.Client(ctx, n.in(id))
	if err != nil {
		return nil, err
	}
	return n.client(c), nil
}

// client returns c as it is known outside. What c points at stays shared.
func (n namespace) client(c *Client) *Client {
	o := *c
	o.ID = n.out(c.ID)
	return &o
}

// namespaceWriter is a namespace whose clients can be written.
type namespaceWriter struct {
	namespace
	writer ClientWriter
}

// PutClient implements [ClientWriter].
func (n namespaceWriter) PutClient(ctx context.Context, c *Client) error {
	o := *c
	o.ID = n.in(c.ID)
	return n.writer.PutClient(ctx, &o)
}

// DeleteClient implements [ClientWriter].
func (n namespaceWriter) DeleteClient(ctx context.Context, id string) error {
	return n.writer.DeleteClient(ctx, n.in(id))
}

// FindClients implements [ClientWriter].
func (n namespaceWriter) FindClients(ctx context.Context, page Page) ([]*Client, error) {
	list, err := n.writer.FindClients(ctx, n.page(page))
	return only(n.namespace, list, err, func(c *Client) string { return c.ID }, n.client)
}

// SigningKeys implements [SigningKeys].
func (n namespace) SigningKeys(ctx context.Context, name string) (sealed []byte, revision int64, err error) {
	return n.s.SigningKeys(ctx, n.in(name))
}

// PutSigningKeys implements [SigningKeys].
func (n namespace) PutSigningKeys(ctx context.Context, name string, sealed []byte, revision int64) error {
	return n.s.PutSigningKeys(ctx, n.in(name), sealed, revision)
}

// RemoteToken implements [RemoteTokens].
func (n namespace) RemoteToken(ctx context.Context, key string) (RemoteToken, error) {
	t, err := n.s.RemoteToken(ctx, n.in(key))
	t.Key = n.out(t.Key)
	return t, err
}

// PutRemoteToken implements [RemoteTokens].
func (n namespace) PutRemoteToken(ctx context.Context, t RemoteToken) error {
	t.Key = n.in(t.Key)
	return n.s.PutRemoteToken(ctx, t)
}

// LeaseRemoteToken implements [RemoteTokens].
func (n namespace) LeaseRemoteToken(ctx context.Context, key string, revision int64, now, until time.Time) error {
	return n.s.LeaseRemoteToken(ctx, n.in(key), revision, now, until)
}

// DeleteRemoteToken implements [RemoteTokens].
func (n namespace) DeleteRemoteToken(ctx context.Context, key string) error {
	return n.s.DeleteRemoteToken(ctx, n.in(key))
}

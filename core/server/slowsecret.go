package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// HashPassphrase returns how a store keeps a client secret that a person chose, with bcrypt. It fails for one of more than
// 72 bytes.
func HashPassphrase(secret string) (store.Secret, error) {
	value, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.DefaultCost)
	if err != nil {
		return store.Secret{}, fmt.Errorf("server: hash client secret: %w", err)
	}
	return store.Secret{Form: store.Bcrypt, Value: value}, nil
}

// HashedSecret returns how a store keeps a client secret of which another system has kept this hash, told by its beginning: bcrypt ($2a$, $2b$
// or $2y$) or argon2id in PHC string form ($argon2id$v=19$). Whatever else is an error: see [Config.VerifySecret] for hashes of
// other kinds, and [HashSecret] for secrets that were kept in clear.
func HashedSecret(hash string) (store.Secret, error) {
	k := store.Secret{Value: []byte(hash)}
	switch {
	case strings.HasPrefix(hash, "$2a$"), strings.HasPrefix(hash, "$2b$"), strings.HasPrefix(hash, "$2y$"):
		k.Form = store.Bcrypt
	case strings.HasPrefix(hash, "$argon2id$"):
		k.Form = store.Argon2id
	default: // what it is must not be in the error: perhaps the secret itself
		return k, fmt.Errorf("server: a hash of %d bytes begins neither like bcrypt ($2a$, $2b$, $2y$) nor like argon2id ($argon2id$): give the secret a Form of your own and verify it in Config.VerifySecret, or give its client a new one", len(hash))
	}
	if err := checkSecret(k); err != nil {
		return k, fmt.Errorf("server: %w", err)
	}
	return k, nil
}

// builtInForm reports whether form is one of package store's.
func builtInForm(form store.SecretForm) bool {
	switch form {
	case store.SHA256, store.Bcrypt, store.Argon2id, store.Sealed, clearForm:
		return true
	}
	return false
}

// maxBcryptCost bounds what a stored hash may ask for: a few seconds.
const maxBcryptCost = 16

// checkSecret returns why k cannot be the secret of a client, as far as its form says.
func checkSecret(k store.Secret) error {
	switch k.Form {
	case store.SHA256:
		if len(k.Value) != sha256.Size {
			return fmt.Errorf("a secret of %d bytes should be a SHA-256 digest: make it with server.HashSecret", len(k.Value))
		}
	case store.Bcrypt:
		if cost, err := bcrypt.Cost(k.Value); err != nil || cost > maxBcryptCost {
			return fmt.Errorf("a secret of %d bytes should be a bcrypt hash of cost %d at most: make it with server.HashPassphrase", len(k.Value), maxBcryptCost)
		}
	case store.Sealed: // which only the server's keys can tell
	case store.Argon2id:
		if _, ok := parseArgon2id(string(k.Value)); !ok {
			return fmt.Errorf("a secret of %d bytes should be an argon2id hash in PHC string form, of version 19, with %d KiB and %d passes at most", len(k.Value), maxArgonMemory, maxArgonTime)
		}
	}
	return nil
}

// slowSecrets verifies secrets that cost much, and remembers which were right: by client, stored
// value and a MAC of the secret under a key of this process, so that a changed one misses.
type slowSecrets struct {
	other func(ctx context.Context, kept store.Secret, secret string) (bool, error) // Config.VerifySecret
	key   [16]byte

	turn  chan struct{} // who takes cores takes all that it needs before the next
	cores chan struct{} // one place for each core that may be busy

	right atomic.Pointer[map[secretName]proof] // of secrets that were right; a map never changes

	mu      sync.Mutex              // guards flights and busy, and is held while right is replaced
	flights map[flightName]*attempt // under way
	busy    map[string]int          // attempts under way, by client
}

// secretName names a secret at rest.
type secretName struct{ client, kept string }

// proof is what is remembered of a secret that was presented.
type proof struct {
	tag  mandate.Digest // its MAC
	form store.SecretForm
}

// flightName names an attempt at one.
type flightName struct {
	secretName
	proof
}

// attempt is one computation and what comes of it, for all who present the same secret meanwhile.
type attempt struct {
	done chan struct{} // closed when right and err stand
	ok   bool
	err  error
}

const (
	maxRemembered = 4096
	maxBusy       = 8               // attempts of one client under way: who guesses at one does not stop the others
	maxWait       = 5 * time.Second // for a core
)

func newSlowSecrets(cores int, other func(ctx context.Context, kept store.Secret, secret string) (bool, error)) *slowSecrets {
	x := &slowSecrets{
		other: other, turn: make(chan struct{}, 1), cores: make(chan struct{}, cores),
		flights: make(map[flightName]*attempt), busy: make(map[string]int),
	}
	x.right.Store(new(map[secretName]proof))
	_, _ = rand.Read(x.key[:]) // never fails (crypto/rand)
	return x
}

// proves reports whether secret is the one that k keeps, if try, which is asked once for each computation, lets it. Ask knows first, which
// costs a digest and does not allocate.
func (x *slowSecrets) proves(ctx context.Context, clientID string, k *store.Secret, secret string, try func() (done func(Outcome), err error)) (bool, error) {
	tag := x.tag(secret)
	if k.Form != store.Bcrypt && k.Form != store.Argon2id && x.other == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	name := flightName{secretName{clientID, string(k.Value)}, proof{tag, k.Form}}
	for {
		a, mine := x.board(name)
		switch {
		case a == nil:
			return false, unavailable(errors.New("too many attempts of this client at once"))
		case mine:
			x.decide(ctx, name, a, *k, secret, try)
			return a.ok, a.err
		}
		select {
		case <-a.done:
			if a.err == nil {
				return a.ok, nil
			}
			// Whoever began it has given up. Its error is not everybody's.
		case <-ctx.Done():
			return false, unavailable(ctx.Err())
		}
	}
}

// knows reports whether secret was right for k before.
func (x *slowSecrets) knows(clientID string, k *store.Secret, secret string) bool {
	tag := x.tag(secret)
	return x.remembers(clientID, k, &tag)
}

// remembers reports whether the secret with this tag was right for k.
func (x *slowSecrets) remembers(clientID string, k *store.Secret, tag *mandate.Digest) bool {
	have, ok := (*x.right.Load())[secretName{clientID, string(k.Value)}]
	return ok && have.form == k.Form && subtle.ConstantTimeCompare(have.tag[:], tag[:]) == 1
}

// board returns the attempt under way, or a new one that the caller must decide; nil where its client has too many.
func (x *slowSecrets) board(name flightName) (a *attempt, mine bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if a := x.flights[name]; a != nil {
		return a, false
	}
	if x.busy[name.client] >= maxBusy {
		return nil, false
	}
	a = &attempt{done: make(chan struct{}), err: errNotDecided}
	x.flights[name] = a
	x.busy[name.client]++
	return a, true
}

// errNotDecided stays where a VerifySecret ended in a panic.
var errNotDecided = errors.New("verify client secret: VerifySecret did not return")

// decide computes what a is about, as soon as there are cores for it.
func (x *slowSecrets) decide(ctx context.Context, name flightName, a *attempt, k store.Secret, secret string, try func() (done func(Outcome), err error)) {
	defer x.land(name, a)
	tried, err := try()
	if err != nil {
		a.err = err
		return
	}
	defer func() {
		tried(outcomeOf(a.ok, a.err))
	}()
	hash, ok := parseArgon2id(string(k.Value))
	need := 1
	switch {
	case k.Form == store.Argon2id && !ok:
		a.err = nil
		return
	case k.Form == store.Argon2id:
		need = min(int(hash.threads), cap(x.cores))
	}
	if err := x.enter(ctx, need); err != nil {
		a.err = unavailable(err)
		return
	}
	defer x.leave(need)
	switch k.Form {
	case store.Argon2id:
		a.ok, a.err = hash.proves(secret), nil
	case store.Bcrypt:
		a.ok, a.err = checkSecret(k) == nil && bcrypt.CompareHashAndPassword(k.Value, []byte(secret)) == nil, nil
	default:
		switch a.ok, a.err = x.other(ctx, k, secret); {
		case a.err != nil && ctx.Err() != nil:
			a.ok, a.err = false, unavailable(a.err)
		case a.err != nil:
			a.ok, a.err = false, fault("verify client secret", a.err)
		}
	}
}

// enter takes n cores, or gives up with ctx.
func (x *slowSecrets) enter(ctx context.Context, n int) error {
	select {
	case x.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-x.turn }()
	for i := range n {
		select {
		case x.cores <- struct{}{}:
		case <-ctx.Done():
			x.leave(i)
			return ctx.Err()
		}
	}
	return nil
}

// leave gives n cores back.
func (x *slowSecrets) leave(n int) {
	for range n {
		<-x.cores
	}
}

// land ends a, and remembers a secret that was right. One that was wrong is forgotten: nobody fills the memory with guesses.
func (x *slowSecrets) land(name flightName, a *attempt) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.flights, name)
	if x.busy[name.client]--; x.busy[name.client] == 0 {
		delete(x.busy, name.client)
	}
	if a.ok {
		old := *x.right.Load()
		right := make(map[secretName]proof, len(old)+1)
		maps.Copy(right, old)
		for one := range right { // which one does not matter: its client pays once more
			if len(right) < maxRemembered {
				break
			}
			delete(right, one)
		}
		right[name.secretName] = name.proof
		x.right.Store(&right)
	}
	close(a.done)
}

// tag returns a MAC of secret. Nobody is ever shown one, so that a plain prefix MAC will do: nothing can be made of a tag's length.
func (x *slowSecrets) tag(secret string) mandate.Digest {
	var room [128]byte
	return sha256.Sum256(append(append(room[:0], x.key[:]...), secret...))
}

// unavailable is the answer to who comes while too much is going on.
func unavailable(cause error) error {
	return mandate.Errorf(mandate.TemporarilyUnavailable, cause, "")
}

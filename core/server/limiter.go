package server

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	mandate "github.com/go-mandate/mandate/core"
)

// Attempt is one try at something that can be guessed, or one write that anybody may ask for.
type Attempt struct {
	What     AttemptKind
	Endpoint string    // its name, as hooks have it; empty where a request's path is written in an unusual way
	ClientID string    // who asks, or claims to; may be empty
	Account  string    // the name that was typed, or the subject who types a code; may be empty
	Remote   string    // the address that Config.RemoteAddr gives, without port; may be empty
	At       time.Time //
}

// AttemptKind says what is tried.
type AttemptKind string

// What is tried. There may be more.
const (
	ClientSecretAttempt AttemptKind = "client secret" // one that a person chose; a generated one cannot be guessed
	PasswordAttempt     AttemptKind = "password"      // at the sign-in page or by the password grant
	UserCodeAttempt     AttemptKind = "user code"     // of a device (RFC 8628, section 5.1)
	WriteAttempt        AttemptKind = "write"         // a row that a client asks for who has no secret, or made itself a client: a pushed request, a device code
	RegistrationAttempt AttemptKind = "registration"  // a client that registers itself, openly or by a software statement, which all copies of a software share: its row stays
)

// Limiter bounds guessing. The server asks it before it checks what can be guessed, and tells it afterwards how it
// went. It may be called from any number of goroutines. [NewLimiter] returns the usual one; an application with several processes may
// keep the counts in a place of its own.
type Limiter interface {
	// Try counts an attempt and returns zero, or returns how long the one who tries must wait and counts nothing. An error
	// means that nobody could tell: the request is refused.
	Try(ctx context.Context, a Attempt) (wait time.Duration, err error)
	// Done tells how an attempt went that Try let go on.
	Done(ctx context.Context, a Attempt, o Outcome)
}

// Outcome is how an attempt went.
type Outcome int

// The outcomes.
const (
	Wrong     Outcome = iota // what was tried is not it
	Right                    // it is
	Undecided                // nobody could tell: a database is away. It counts for neither
)

// outcomeOf returns the outcome of what right and err say; an error other than [mandate.AccessDenied] means that nobody could tell.
func outcomeOf(right bool, err error) Outcome {
	switch {
	case err != nil && !errors.Is(err, mandate.AccessDenied):
		return Undecided
	case err == nil && right:
		return Right
	}
	return Wrong
}

// InsecureUnlimited returns a limiter that lets everything pass: for tests, and where something in front of the server limits.
func InsecureUnlimited() Limiter { return unlimited{} }

type unlimited struct{}

func (unlimited) Try(context.Context, Attempt) (time.Duration, error) { return 0, nil }
func (unlimited) Done(context.Context, Attempt, Outcome)              {}

// LimiterConfig is what a limiter of [NewLimiter] allows. The zero value is safe.
type LimiterConfig struct {
	// Free is how many wrong attempts in a row cost no wait, for each account or client and address. Default: 5.
	Free int
	// MaxWait bounds the wait, which doubles with every wrong attempt from one second on. An account is never locked: who
	// waits may try. Default: 30 seconds.
	MaxWait time.Duration
	// Forget is how long after the last attempt it is forgotten. Default: 10 minutes.
	Forget time.Duration
	// Writes is how many rows a client that has no secret, or registered itself, may ask for from one address in a minute. Default: 600.
	Writes int
	// Registrations is how many clients can register themselves from one address in a minute. Default: 30.
	Registrations int
	// Keys bounds the memory: how many pairs of account and address are remembered, at about 100 bytes. Where there are more, the
	// oldest are forgotten. Default: 100,000.
	Keys int
}

// NewLimiter returns a limiter that counts in the memory of this process. Each pair of account (or client) and address waits
// for itself: a stranger who guesses holds up nobody else. Of IPv6 addresses the first 64 bits count, which is what one customer has.
func NewLimiter(c LimiterConfig) (Limiter, error) {
	for _, f := range []struct {
		name  string
		field *int
		usual int
	}{{"Free", &c.Free, 5}, {"Writes", &c.Writes, 600}, {"Registrations", &c.Registrations, 30}, {"Keys", &c.Keys, 100_000}} {
		if *f.field < 0 {
			return nil, fmt.Errorf("server: LimiterConfig.%s %d is negative: leave it 0 for %d", f.name, *f.field, f.usual)
		}
		if *f.field == 0 {
			*f.field = f.usual
		}
	}
	if c.MaxWait < 0 || c.Forget < 0 {
		return nil, fmt.Errorf("server: LimiterConfig.MaxWait %v or Forget %v is negative: leave it 0 for the default", c.MaxWait, c.Forget)
	}
	if c.MaxWait == 0 {
		c.MaxWait = 30 * time.Second
	}
	if c.Forget == 0 {
		c.Forget = 10 * time.Minute
	}
	return &limiter{config: c, counts: make(map[limitKey]*count)}, nil
}

// defaultLimiter is NewLimiter with no options.
func defaultLimiter() Limiter {
	l, _ := NewLimiter(LimiterConfig{}) // which is valid
	return l
}

// limitKey is the digest of what is counted together: nothing that was typed is kept.
type limitKey [16]byte

// count is what a limiter knows of one key. All keys are in a list, the one that was tried longest ago first.
type count struct {
	key        limitKey
	wrong      int       // in a row; for writes: since the window began
	last       time.Time // for writes: when the window began
	prev, next *count
}

type limiter struct {
	config        LimiterConfig
	mu            sync.Mutex // guards the rest
	counts        map[limitKey]*count
	first, newest *count
}

// window is what writes are counted in.
const window = time.Minute

// most returns how many attempts of a kind a window has room for, or 0 for guesses, which are counted otherwise.
func (l *limiter) most(kind AttemptKind) int {
	switch kind {
	case WriteAttempt:
		return l.config.Writes
	case RegistrationAttempt:
		return l.config.Registrations
	default:
		return 0
	}
}

// Try implements [Limiter].
func (l *limiter) Try(_ context.Context, a Attempt) (time.Duration, error) {
	key := keyOfAttempt(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[key]
	keep, most := l.config.Forget, l.most(a.What)
	if most > 0 {
		keep = window
	}
	if c != nil {
		if age := a.At.Sub(c.last); age >= keep || age <= -keep { // the clock was put back: nobody waits until then
			l.drop(c)
			c = nil
		}
	}
	if c == nil {
		if len(l.counts) >= l.config.Keys {
			l.drop(l.first)
		}
		c = &count{key: key, last: a.At}
		l.counts[key] = c
	} else {
		if wait := l.wait(c, a); wait > 0 {
			return wait, nil
		}
		l.unlink(c)
	}
	l.link(c)
	c.wrong++ // until Done says that it was right: those that try at once count, too
	if most == 0 {
		c.last = a.At
	}
	return 0, nil
}

// wait returns how long the one who tries a must wait.
func (l *limiter) wait(c *count, a Attempt) time.Duration {
	if most := l.most(a.What); most > 0 {
		if c.wrong < most {
			return 0
		}
		return min(window, c.last.Add(window).Sub(a.At))
	}
	over := c.wrong - l.config.Free
	if over < 0 {
		return 0
	}
	wait := l.config.MaxWait
	if over < 20 {
		wait = min(wait, time.Second<<over)
	}
	return max(0, min(wait, c.last.Add(wait).Sub(a.At))) // however the clock was put back
}

// Done implements [Limiter].
func (l *limiter) Done(_ context.Context, a Attempt, o Outcome) {
	if o == Wrong || l.most(a.What) > 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[keyOfAttempt(a)]
	switch {
	case c == nil:
	case o == Right:
		l.drop(c)
	case c.wrong > 0:
		c.wrong-- // as if it had not been
	}
}

func (l *limiter) link(c *count) {
	c.prev, c.next = l.newest, nil
	if l.newest == nil {
		l.first = c
	} else {
		l.newest.next = c
	}
	l.newest = c
}

func (l *limiter) unlink(c *count) {
	if c.prev == nil {
		l.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		l.newest = c.prev
	} else {
		c.next.prev = c.prev
	}
}

func (l *limiter) drop(c *count) {
	l.unlink(c)
	delete(l.counts, c.key)
}

// keyOfAttempt returns what is counted together: account, or client where there is none, and address.
func keyOfAttempt(a Attempt) limitKey {
	who := a.Account
	if who == "" {
		who = a.ClientID
	}
	var b []byte
	who = strings.ToLower(strings.TrimSpace(who)) // or each way to write a name would have tries of its own
	for _, part := range [...]string{string(a.What), who, network(a.Remote)} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	return limitKey(sum[:16])
}

// network returns what one who tries has to themselves: an address of IPv4, but of IPv6 the 64 bits of a network, in which
// everybody has more addresses than there are passwords.
func network(remote string) string {
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		return remote
	}
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		if n, err := addr.Prefix(64); err == nil {
			return n.String()
		}
	}
	return addr.String()
}

// limited is a refusal that ends by itself: 429 for attempts that must wait (RFC 6585, section 4), 503 for a server that is closed.
type limited struct {
	refusal *mandate.Error
	wait    time.Duration
	status  int
}

// Error returns what the client is told.
func (e *limited) Error() string { return e.refusal.Error() }

// Unwrap returns the refusal itself.
func (e *limited) Unwrap() error { return e.refusal }

// statusOf returns the HTTP status of a refusal where its endpoint says no other.
func statusOf(err error) int {
	if e, ok := errors.AsType[*limited](err); ok {
		return e.status
	}
	return mandate.AsError(err).Code.Status()
}

// retryAfter returns the header field that says when to come back, if err is one that ends by itself.
func retryAfter(err error) (mandate.Field, bool) {
	seconds := int64(5)
	if e, ok := errors.AsType[*limited](err); ok {
		seconds = int64((e.wait + time.Second - 1) / time.Second)
	} else if mandate.AsError(err).Code != mandate.TemporarilyUnavailable {
		return mandate.Field{}, false
	}
	return mandate.Field{Name: "Retry-After", Value: strconv.FormatInt(seconds, 10)}, true
}

// attempt asks the limiter. Where it returns no error, the caller tries, and calls done.
func (s *Server) attempt(ctx context.Context, r *mandate.Request, a Attempt) (done func(Outcome), err error) {
	a.At, a.Remote = s.now(), s.remote(r)
	wait, err := s.config.Limiter.Try(ctx, a)
	switch {
	case err != nil:
		return nil, fault("limit", err)
	case wait > 0:
		s.hooks.Tell(ctx, mandate.Event{Name: mandate.AttemptRefused, Endpoint: a.Endpoint, ClientID: a.ClientID, Remote: a.Remote, Account: accountOf(a.Account)})
		return nil, &limited{mandate.Errorf(mandate.TemporarilyUnavailable, fmt.Errorf("too many attempts at a %s", a.What), "too many attempts: wait before the next"), wait, 429}
	}
	return func(o Outcome) { s.config.Limiter.Done(ctx, a, o) }, nil
}

// maxEventAccount is how many bytes of a name an event has.
const maxEventAccount = 256

// accountOf returns a name that was typed as an event has it: text without control characters, of bounded length.
func accountOf(typed string) string {
	typed = strings.ToValidUTF8(typed[:min(len(typed), maxEventAccount)], "?")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, typed)
}

// mayWrite asks the limiter for a row that somebody who proves nothing wants kept.
func (s *Server) mayWrite(ctx context.Context, r *mandate.Request, what AttemptKind, endpoint, clientID string) error {
	done, err := s.attempt(ctx, r, Attempt{What: what, Endpoint: endpoint, ClientID: clientID})
	if err == nil {
		done(Right)
	}
	return err
}

// remote returns the address that r comes from, without port.
func (s *Server) remote(r *mandate.Request) string {
	addr := r.Remote
	if s.config.RemoteAddr != nil {
		addr = s.config.RemoteAddr(r)
	}
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// Attempt asks the server's limiter before the grant type checks what can be guessed: account is what was typed, if anything. An error
// refuses the request with 429; where there is none, the grant type checks, and says with done how it went.
func (r *TokenRequest) Attempt(ctx context.Context, what AttemptKind, account string) (done func(Outcome), err error) {
	return r.server.attempt(ctx, r.Request, Attempt{What: what, Endpoint: "token", ClientID: r.Client.ID, Account: account})
}

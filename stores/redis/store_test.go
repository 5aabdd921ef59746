package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-mandate/mandate/conformance/freeport"
	"github.com/go-mandate/mandate/conformance/storetest"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

// standIn returns a client of a Redis of its own.
func standIn(t *testing.T) (*redis.Client, *miniredis.Miniredis) {
	t.Helper()
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr(freeport.Address(t)); err != nil { // which stays its own while it is stopped
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	client := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	return client, m
}

// twice sends every script twice, as a client does whose connection broke before the answer.
type twice struct{ redis.Hook }

func (twice) DialHook(next redis.DialHook) redis.DialHook { return next }

func (twice) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (twice) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if a := cmd.Args(); len(a) > 2 && fmt.Sprint(a[2]) != "1" { // Prune alone has one key, and counts what each attempt removed
			_ = next(ctx, cmd)
		}
		return next(ctx, cmd)
	}
}

func TestSentTwice(t *testing.T) {
	t.Parallel()
	shared := func(t *testing.T) (a, b store.Store) {
		t.Helper()
		client, _ := standIn(t)
		client.AddHook(twice{})
		return with(t, client, redisstore.Config{}), with(t, client, redisstore.Config{})
	}
	storetest.Run(t, func(t *testing.T) store.Store { t.Helper(); a, _ := shared(t); return a }, storetest.Features{
		Shared: shared,
		Reopen: func(_ *testing.T, s store.Store) store.Store { return s },
		Rounds: 3,
	})
}

func TestCluster(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{m.Addr()}, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	s := with(t, client, redisstore.Config{})
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	everything(t, s, start, time.Minute)
	for _, key := range m.Keys() {
		if !strings.HasPrefix(key, "{mandate}:") {
			t.Errorf("key %q has not the hash tag of the store", key)
		}
	}
}

var start = time.Now().UTC().Truncate(time.Millisecond)

// everything puts one record of every kind that ends, all over after d.
func everything(t *testing.T, s store.Store, now time.Time, d time.Duration) {
	t.Helper()
	ctx, end := t.Context(), now.Add(d)
	name := strconv.FormatInt(now.UnixNano(), 10)
	key := func(s string) mandate.Digest { return mandate.DigestOf(s + name) }
	g := store.Grant{ID: "g" + name, Key: key("g"), ClientID: "c", Subject: "s" + name, SessionID: "n" + name, Created: now, Expires: end}
	other := g
	other.ID, other.Key = "h"+name, key("h")
	tok := mandate.NewToken(mandate.TokenInfo{GrantID: g.ID, ClientID: "c", IssuedAt: now, Expires: end})
	for what, err := range map[string]error{
		"CreateGrant":    errors.Join(s.CreateGrant(ctx, g), s.CreateGrant(ctx, other)),
		"PutToken":       s.PutToken(ctx, key("t"), tok),
		"RevokeToken":    s.RevokeToken(ctx, key("u"), end),
		"RevokeGrant":    s.RevokeGrant(ctx, other.ID, store.ByAdmin, now),
		"PutTicket":      s.PutTicket(ctx, store.Ticket{Kind: store.Device, Key: key("k"), AltKey: key("a"), Created: now, Expires: end}),
		"UseOnce":        s.UseOnce(ctx, "jti", key("o"), now, end),
		"PutConsent":     s.PutConsent(ctx, store.Consent{Subject: "s" + name, ClientID: "c", Updated: now, Expires: end}),
		"PutSession":     s.PutSession(ctx, store.Session{Key: key("s"), ID: "n" + name, Subject: "s" + name, AuthTime: now, Expires: end}),
		"PutRemoteToken": s.PutRemoteToken(ctx, store.RemoteToken{Key: name, Expires: end}),
	} {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if _, err := s.Redeem(ctx, store.Redemption{GrantID: g.ID, Now: now, Expires: end, KeyID: "k", Key: key("r"), Token: tok}); err != nil {
		t.Fatal(err)
	}
}

// Whoever prunes has an empty Redis when everything is over, indexes included.
func TestPruneLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, dropped := range map[string]bool{"before Redis drops anything by itself": false, "after it has": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, m := standIn(t)
			s := with(t, client, redisstore.Config{})
			for i := range 60 {
				everything(t, s, start.Add(time.Duration(i)*time.Millisecond), time.Minute)
			}
			if dropped {
				before := len(m.Keys())
				m.FastForward(48 * time.Hour)
				if after := len(m.Keys()); after >= before {
					t.Errorf("Redis has %d keys after two days, and had %d", after, before)
				}
			}
			n, err := s.Prune(t.Context(), start.Add(time.Hour), 10_000)
			if err != nil || n != 60*9 {
				t.Errorf("Prune = %d, %v, want %d", n, err, 60*9)
			}
			for _, key := range m.Keys() {
				if !strings.HasPrefix(key, "{mandate}:t:") {
					t.Errorf("key %q is left", key)
				}
			}
			m.FastForward(2 * time.Hour) // what redemptions put is Redis's to drop
			if keys := m.Keys(); len(keys) != 0 {
				t.Errorf("%d keys are left, %q the first", len(keys), keys[0])
			}
		})
	}
}

// Ends that have moved away are found at the old ones and filed again, however many there are in front of what is over.
func TestPruneMovedEnds(t *testing.T) {
	t.Parallel()
	client, m := standIn(t)
	s, ctx := with(t, client, redisstore.Config{}), t.Context()
	const moved = 600
	for i := range moved {
		id := strconv.Itoa(i)
		if err := s.CreateGrant(ctx, store.Grant{ID: id, Subject: "alice", Created: start, Expires: start.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Redeem(ctx, store.Redemption{GrantID: id, Now: start, Expires: start.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.UseOnce(ctx, "jti", mandate.DigestOf("o"), start, start.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		after time.Duration
		want  int
	}{{time.Minute + time.Second, 0}, {3 * time.Minute, 1}, {time.Hour, 0}, {time.Hour + time.Second, moved}, {2 * time.Hour, 0}} {
		if n, err := s.Prune(ctx, start.Add(tc.after), 10_000); err != nil || n != tc.want {
			t.Errorf("Prune after %v = %d, %v, want %d", tc.after, n, err, tc.want)
		}
	}
	if keys := m.Keys(); len(keys) != 0 {
		t.Errorf("%d keys are left, %q the first", len(keys), keys[0])
	}
}

// A redemption files a grant whose end comes nearer, or that had none, and leaves what never ends any more.
func TestPruneNearerEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, second time.Duration // 0: never
		want          int
	}{
		"an end that comes nearer": {time.Hour, time.Minute, 1},
		"an end where none was":    {0, time.Minute, 1},
		"an end that is taken off": {time.Second, 0, 0},
		"no end at all":            {0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, m := standIn(t)
			s, ctx := with(t, client, redisstore.Config{}), t.Context()
			end := func(d time.Duration) (at time.Time) {
				if d != 0 {
					at = start.Add(d)
				}
				return at
			}
			g := store.Grant{ID: "g", Key: mandate.DigestOf("g"), Subject: "alice", ClientID: "web", SessionID: "n", Created: start, Expires: end(tc.first)}
			if err := s.CreateGrant(ctx, g); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Redeem(ctx, store.Redemption{GrantID: "g", Now: start, Expires: end(tc.second)}); err != nil {
				t.Fatal(err)
			}
			if n, err := s.Prune(ctx, start.Add(2*time.Minute), 100); err != nil || n != tc.want {
				t.Errorf("Prune = %d, %v, want %d", n, err, tc.want)
			}
			if keys := m.Keys(); (len(keys) == 0) != (tc.want == 1) {
				t.Errorf("keys %q are left after %d records went", keys, tc.want)
			}
		})
	}
}

// Redis drops the token of a redemption an hour after its end, nobody's before, and a token outlives no grant.
func TestTTLOfRedeemedTokens(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		now     time.Time
		least   time.Duration
		most    time.Duration
		endless bool
	}{
		"clocks that agree":       {start, 2 * time.Hour, 3 * time.Hour, false},
		"a clock that is behind":  {start.Add(-24 * time.Hour), 2 * time.Hour, 3 * time.Hour, false},
		"a clock that is ahead":   {start.Add(24 * time.Hour), 26 * time.Hour, 27 * time.Hour, false},
		"a token that never ends": {start, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, m := standIn(t)
			s, ctx, key := with(t, client, redisstore.Config{}), t.Context(), mandate.DigestOf("t")
			if err := s.CreateGrant(ctx, store.Grant{ID: "g", Created: tc.now}); err != nil {
				t.Fatal(err)
			}
			info := mandate.TokenInfo{GrantID: "g", IssuedAt: tc.now, Expires: tc.now.Add(time.Hour)}
			if tc.endless {
				info.Expires = time.Time{}
			}
			if _, err := s.Redeem(ctx, store.Redemption{GrantID: "g", Now: tc.now, Key: key, Token: mandate.NewToken(info)}); err != nil {
				t.Fatal(err)
			}
			for _, k := range m.Keys() {
				if ttl := m.TTL(k); strings.Contains(k, ":t:") && (ttl < tc.least-time.Minute || ttl > tc.most) {
					t.Errorf("Redis drops the token after %v, want %v to %v", ttl, tc.least, tc.most)
				}
			}
			if _, err := s.Token(ctx, key, tc.now); err != nil {
				t.Errorf("Token: %v", err)
			}
			m.Del("{mandate}:g:g")
			if _, err := s.Token(ctx, key, tc.now); !errors.Is(err, store.ErrRevoked) {
				t.Errorf("Token whose grant is gone: error = %v, want ErrRevoked", err)
			}
		})
	}
}

// Where nobody prunes, writes remove what is long over.
func TestWritesTrim(t *testing.T) {
	t.Parallel()
	client, m := standIn(t)
	s := with(t, client, redisstore.Config{})
	most := 0
	for i := range 100 {
		everything(t, s, start.Add(time.Duration(i)*10*time.Minute), time.Minute)
		if i == 20 {
			most = len(m.Keys())
		}
	}
	if n := len(m.Keys()); n > 2*most {
		t.Errorf("there are %d keys after 100 rounds, and %d after 20", n, most)
	}
}

func TestTTL(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for name, tc := range map[string]struct {
		now time.Time
		end time.Duration
		ttl func(time.Duration) bool
	}{
		"a day after the end":                     {start, time.Hour, func(d time.Duration) bool { return d >= day+time.Hour-time.Minute && d <= day+2*time.Hour }},
		"by a clock that is behind":               {start.Add(-20 * 365 * day), time.Hour, func(d time.Duration) bool { return d >= day+time.Hour-time.Minute }},
		"by a clock that is ahead":                {start.Add(5 * 365 * day), time.Hour, func(d time.Duration) bool { return d >= day+time.Hour-time.Minute }},
		"a day at least, where the end is behind": {start, -time.Hour, func(d time.Duration) bool { return d >= day-time.Minute }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, m := standIn(t)
			s := with(t, client, redisstore.Config{})
			if err := s.UseOnce(t.Context(), "jti", mandate.DigestOf("x"), tc.now, tc.now.Add(tc.end)); err != nil {
				t.Fatal(err)
			}
			for _, key := range m.Keys() {
				if strings.Contains(key, ":o:") && !tc.ttl(m.TTL(key)) {
					t.Errorf("Redis drops what was used after %v", m.TTL(key))
				}
			}
		})
	}
}

func TestWhatNeverEndsHasNoTTL(t *testing.T) {
	t.Parallel()
	client, m := standIn(t)
	s, ctx := with(t, client, redisstore.Config{}), t.Context()
	g := store.Grant{ID: "g", Created: start, Expires: start.Add(time.Minute)}
	for what, err := range map[string]error{
		"CreateGrant": s.CreateGrant(ctx, g),
		"PutToken":    s.PutToken(ctx, mandate.DigestOf("t"), mandate.NewToken(mandate.TokenInfo{})),
		"RevokeToken": s.RevokeToken(ctx, mandate.DigestOf("u"), time.Time{}),
		"UseOnce":     s.UseOnce(ctx, "jti", mandate.DigestOf("o"), start, time.Time{}),
	} {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if _, err := s.Redeem(ctx, store.Redemption{GrantID: "g", Now: start, KeyID: "k"}); err != nil { // from now on without an end
		t.Fatal(err)
	}
	m.FastForward(100 * 365 * 24 * time.Hour)
	if _, err := s.Grant(ctx, "g"); err != nil {
		t.Errorf("Grant: %v", err)
	}
	if _, err := s.Token(ctx, mandate.DigestOf("t"), start); err != nil {
		t.Errorf("Token: %v", err)
	}
	if _, err := s.Token(ctx, mandate.DigestOf("u"), start); !errors.Is(err, store.ErrRevoked) {
		t.Errorf("Token: error = %v, want ErrRevoked", err)
	}
	if err := s.UseOnce(ctx, "jti", mandate.DigestOf("o"), start, time.Time{}); !errors.Is(err, store.ErrUsed) {
		t.Errorf("UseOnce: error = %v, want ErrUsed", err)
	}
}

// A token that was revoked is remembered as long as the latest end says, also by Redis.
func TestTTLOfTombstones(t *testing.T) {
	t.Parallel()
	client, m := standIn(t)
	s, ctx, key := with(t, client, redisstore.Config{}), t.Context(), mandate.DigestOf("t")
	past, month := start.Add(-20*365*24*time.Hour), 30*24*time.Hour // a clock of the application's own
	tok := mandate.NewToken(mandate.TokenInfo{IssuedAt: past, Expires: past.Add(month)})
	if err := errors.Join(s.PutToken(ctx, key, tok), s.RevokeToken(ctx, key, past.Add(time.Minute))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Token(ctx, mandate.DigestOf("u"), past); !errors.Is(err, store.ErrNotFound) { // tells the time
		t.Fatal(err)
	}
	if err := s.RevokeToken(ctx, mandate.DigestOf("v"), past.Add(month)); err != nil {
		t.Fatal(err)
	}
	m.FastForward(month)
	for _, name := range []string{"t", "v"} {
		if _, err := s.Token(ctx, mandate.DigestOf(name), past.Add(month-time.Second)); !errors.Is(err, store.ErrRevoked) {
			t.Errorf("Token: error = %v, want ErrRevoked", err)
		}
	}
}

// What Redis dropped by itself and is made again goes at its new end.
func TestStaleEnds(t *testing.T) {
	t.Parallel()
	client, m := standIn(t)
	s := with(t, client, redisstore.Config{})
	ctx, now := t.Context(), start.Add(72*time.Hour)
	put := func(at time.Time, subject string) {
		t.Helper()
		end := at.Add(time.Minute)
		if err := errors.Join(
			s.CreateGrant(ctx, store.Grant{ID: "g", Subject: subject, Created: at, Expires: end}),
			s.PutConsent(ctx, store.Consent{Subject: "s", ClientID: "c", Updated: at, Expires: end}),
		); err != nil {
			t.Fatal(err)
		}
	}
	put(start, "alice")
	m.FastForward(48 * time.Hour)
	put(now, "bob")
	if _, err := s.Prune(ctx, now, 100); err != nil {
		t.Fatal(err)
	}
	if g, err := s.Grant(ctx, "g"); err != nil || g.Subject != "bob" {
		t.Errorf("Grant = %+v, %v, want bob's", g, err)
	}
	if _, err := s.Consent(ctx, "s", "c"); err != nil {
		t.Errorf("Consent: %v", err)
	}
	if list, err := s.FindGrants(ctx, store.GrantQuery{Subject: "alice"}, store.Page{}); err != nil || len(list) != 0 {
		t.Errorf("FindGrants = %v, %v, want none of alice's", list, err)
	}
}

// The short-lived parts alone, beside another store.
func TestShortLivedParts(t *testing.T) {
	t.Parallel()
	client, _ := standIn(t)
	prefixes := make(chan string, 1000)
	for i := range cap(prefixes) {
		prefixes <- fmt.Sprint("p", i)
	}
	mixed := func(t *testing.T) store.Store {
		t.Helper()
		s := with(t, client, redisstore.Config{Prefix: <-prefixes})
		return store.Override(memstore.New(), store.Parts{Tickets: s, Replay: s})
	}
	storetest.Run(t, mixed, storetest.Features{
		Shared: func(t *testing.T) (a, b store.Store) { t.Helper(); a = mixed(t); return a, a },
		Reopen: func(_ *testing.T, s store.Store) store.Store { return s },
		Rounds: 3,
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	client, _ := standIn(t)
	for name, tc := range map[string]struct {
		client redis.UniversalClient
		config redisstore.Config
		want   string
	}{
		"no client":              {nil, redisstore.Config{}, "client is nil"},
		"a brace in the prefix":  {client, redisstore.Config{Prefix: "a}b"}, `prefix "a}b" has a brace`},
		"fewer replicas than no": {client, redisstore.Config{Replicas: -1}, "replicas is -1"},
		"a wait of microseconds": {client, redisstore.Config{Wait: time.Microsecond}, "wait is 1µs"},
		"replicas of a ring":     {redis.NewRing(&redis.RingOptions{}), redisstore.Config{Replicas: 1}, "redis.Ring cannot wait"},
	} {
		if _, err := redisstore.New(tc.client, tc.config); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error = %v, want %q in it", name, err, tc.want)
		}
	}
}

// answers takes the place of what the stand-in does not know.
type answers struct {
	policy   string // of maxmemory-policy; "": may not be read
	replicas int64
}

func (answers) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a answers) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if c, ok := cmd.(*redis.MapStringStringCmd); ok && cmd.Name() == "config" && a.policy != "" {
			c.SetVal(map[string]string{"maxmemory-policy": a.policy})
			return nil
		}
		return next(ctx, cmd)
	}
}

func (a answers) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if c, ok := cmds[len(cmds)-1].(*redis.Cmd); ok && c.Name() == "wait" {
			c.SetVal(a.replicas)
		}
		return err
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]string{"": "", "noeviction": "", "allkeys-lru": `"allkeys-lru"`, "volatile-ttl": `"volatile-ttl"`} {
		client, _ := standIn(t)
		client.AddHook(answers{policy: policy})
		err := with(t, client, redisstore.Config{}).Check(t.Context())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("Check with %q: error = %v, want %q in it", policy, err, want)
		}
	}
	client, m := standIn(t)
	m.Close()
	if err := with(t, client, redisstore.Config{}).Check(t.Context()); err == nil {
		t.Error("Check of a Redis that is gone: no error")
	}
}

func TestReplicas(t *testing.T) {
	t.Parallel()
	for have, ok := range map[int64]bool{0: false, 1: false, 2: true, 3: true} {
		client, _ := standIn(t)
		client.AddHook(answers{replicas: have})
		s, ctx := with(t, client, redisstore.Config{Replicas: 2}), t.Context()
		g := store.Grant{ID: "g", Created: start, Expires: start.Add(time.Hour)}
		err := s.CreateGrant(ctx, g)
		if verdicts := []error{store.ErrNotFound, store.ErrExists, store.ErrConflict}; slices.ContainsFunc(verdicts, func(v error) bool { return errors.Is(err, v) }) {
			t.Errorf("CreateGrant: error = %v, want none or an outage", err)
		}
		if (err == nil) != ok {
			t.Errorf("CreateGrant with %d of 2 replicas: error = %v", have, err)
		}
		if _, err := s.Grant(ctx, "g"); err != nil {
			t.Errorf("Grant: %v", err)
		}
		if err := s.CreateGrant(ctx, g); ok && !errors.Is(err, store.ErrExists) {
			t.Errorf("CreateGrant once more: error = %v, want ErrExists", err)
		}
	}
}

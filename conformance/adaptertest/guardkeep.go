package adaptertest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

func keepCases() cases {
	return cases{
		"what is kept of a request stays as it was":         testKept,
		"a context outlives its handler":                    testContextKept,
		"of 64 at once nobody sees another's token or user": testNobodyElse,
	}
}

const (
	keepers  = 64 // goroutines that send at once
	requests = 40 // that each of them sends
)

// text is what request n says, in many lengths.
func text(n int) string {
	return strconv.Itoa(n) + "-" + strings.Repeat(string(rune('a'+n%26)), 10+n%17)
}

// methodOf is how request n is sent.
func methodOf(n int) string {
	return [...]string{http.MethodPost, http.MethodPatch, http.MethodPut}[n%3]
}

// crowd sends many requests over few connections, side by side: each number once.
func crowd(t *testing.T, send func(n int) error) {
	t.Helper()
	var wg sync.WaitGroup
	for k := range keepers {
		wg.Go(func() {
			for r := range requests {
				if err := send(k*requests + r); err != nil {
					t.Errorf("request %d: %v", k*requests+r, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// kept is what somebody kept of request n.
type kept struct {
	n    int
	what string
	got  []string
	want []string
}

// shelf is where it is kept.
type shelf struct {
	mu   sync.Mutex // guards list
	list []kept
}

func (s *shelf) put(k kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, k)
}

// testKept keeps all strings that the library hands out, and looks at them after everything is over.
func testKept(t *testing.T, a Adapter) {
	t.Helper()
	var s shelf
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	clock := NewClock()
	g := newGuarded(t, a, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{resource.JWT{Issuer: vaultIssuer, Keys: resource.FixedKeys(jose.NewKeySet(key.Public()))}}
		c.BodyToken = true
		c.Hooks.On = func(_ context.Context, e mandate.Event) {
			n, _ := strconv.Atoi(e.ClientID)
			s.put(kept{n, "event", []string{e.Subject, e.ClientID, string(e.Scopes)}, []string{text(n), strconv.Itoa(n), "profile s" + text(n)}})
		}
	})
	signed := make([]string, keepers*requests)
	for n := range signed {
		claims := jose.Claims{
			Issuer: vaultIssuer, Subject: text(n), Audience: []string{guardedAPI}, ID: "j" + text(n),
			IssuedAt: clock.Now(), Expires: clock.Now().Add(1 << 40),
		}
		for name, value := range map[string]string{"client_id": strconv.Itoa(n), "scope": "profile s" + text(n), "note": text(n)} {
			if err := claims.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		if signed[n], err = jose.Sign(key, "at+jwt", claims); err != nil {
			t.Fatal(err)
		}
	}
	look := func(what string, r *mandate.Request, target string) {
		n, _ := strconv.Atoi(r.Header.Get("X-N"))
		s.put(kept{
			n, what,
			append([]string{r.Method, r.URL(), r.Body, r.Header.Get("X-Text"), r.Cookie("c"), r.Header.Get("Content-Type")}, r.Header.Values("X-Text")...),
			[]string{methodOf(n), target + "?q=" + text(n), "note=" + text(n), text(n), text(n), "application/x-www-form-urlencoded", text(n), "twice" + text(n)},
		})
	}
	keep := g.app.Route(func(c Ctx) error {
		tok := c.Token()
		n, _ := strconv.Atoi(tok.ClientID())
		s.put(kept{n, "token", []string{tok.Subject(), tok.ID(), tok.Claims(), string(tok.Scopes())}, []string{text(n), "j" + text(n), `{"note":"` + text(n) + `"}`, "profile s" + text(n)}})
		return who(c)
	})
	guarded := g.auth.RequireFor(func(_ context.Context, r *mandate.Request) mandate.Requirement {
		look("guarded request", r, "/kept")
		return mandate.Scope("profile")
	})
	for n := range 3 {
		g.app.Handle(methodOf(n), "/kept", keep, guarded)
	}
	for i := range 26 {
		id := strings.Repeat(string(rune('a'+i)), 1+i)
		e := mandate.Endpoint{Origin: "https://e.example.com", Path: "/things/{id}", Methods: []string{"POST", "PATCH", "PUT"}, Handle: func(_ context.Context, r *mandate.Request) *mandate.Response {
			look("endpoint's request", r, "https://e.example.com/things/"+id)
			n, _ := strconv.Atoi(r.Header.Get("X-N"))
			query, err1 := r.Query()
			form, err2 := r.Form()
			if err1 != nil || err2 != nil {
				t.Errorf("query %v, form %v", err1, err2)
			}
			s.put(kept{n, "parameter", []string{r.PathID, query.Get("q"), form.Get("note")}, []string{id, text(n), text(n)}})
			return &mandate.Response{Status: 204}
		}}
		for n := range 3 {
			g.app.Handle(methodOf(n), "/things/"+id, g.app.Endpoint(e))
		}
	}
	g.start(t)
	crowd(t, func(n int) error {
		fields := []string{
			"X-N", strconv.Itoa(n), "X-Text", text(n), "X-Text", "twice" + text(n), "Cookie", "c=" + text(n),
			"Content-Type", "application/x-www-form-urlencoded",
		}
		id := strings.Repeat(string(rune('a'+n%26)), 1+n%26)
		if ans, err := g.try(t, methodOf(n), "/things/"+id+"?q="+text(n), "note="+text(n), fields...); err != nil || ans.Status != 204 {
			return fmt.Errorf("endpoint: %v, %w", ans, err)
		}
		if ans, err := g.try(t, methodOf(n), "/kept?q="+text(n), "note="+text(n), append(fields, as(signed[n])...)...); err != nil || ans.Status != 200 {
			return fmt.Errorf("guarded: %v, %w", ans, err)
		}
		return nil
	})
	if want := keepers * requests * 5; len(s.list) != want {
		t.Errorf("%d things were kept, want %d", len(s.list), want)
	}
	wrong := 0
	for _, k := range s.list {
		if wrong < 5 && !slices.Equal(k.got, k.want) {
			t.Errorf("%s of request %d became %q, want %q", k.what, k.n, k.got, k.want)
			wrong++
		}
	}
}

// testContextKept hands contexts to goroutines that outlive the handler.
func testContextKept(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	type later struct {
		n   int
		ctx context.Context
	}
	after := make(chan later, keepers*requests)
	keep := g.app.Route(func(c Ctx) error {
		n, _ := strconv.Atoi(c.Header("X-N"))
		after <- later{n, c.Context()}
		return who(c)
	})
	g.app.Handle(http.MethodGet, "/kept", keep, g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/both", keep, g.auth.Optional(), g.app.Auth(g.another(t, nil), AuthConfig{}).Require("profile"))
	for n := range keepers * requests {
		g.vault.put("t"+text(n), mandate.TokenInfo{Subject: text(n), ClientID: "web", Scopes: "profile"})
	}
	g.start(t)
	var readers sync.WaitGroup
	read := func(k later) {
		tok := mandate.TokenFrom(k.ctx)
		user, err := resource.UserFrom[*User](k.ctx)
		if tok.Subject() != text(k.n) || err != nil || user.ID != text(k.n) {
			t.Errorf("the context of request %d has token %q and user %v, %v", k.n, tok.Subject(), user, err)
		}
		if v := k.ctx.Value(otherKey{}); v != nil {
			t.Errorf("the context of request %d has a value of another: %v", k.n, v)
		}
		if again, _ := resource.UserFrom[*User](k.ctx); again != user {
			t.Errorf("the context of request %d has two users", k.n)
		}
	}
	var late []later
	readers.Go(func() {
		for k := range after {
			read(k) // while other requests run
			late = append(late, k)
		}
	})
	crowd(t, func(n int) error {
		path := []string{"/kept", "/both"}[n%2]
		if ans, err := g.try(t, http.MethodGet, path, "", append(as("t"+text(n)), "X-N", strconv.Itoa(n))...); err != nil || ans.Status != 200 {
			return fmt.Errorf("%v, %w", ans, err)
		}
		return nil
	})
	close(after)
	readers.Wait()
	for _, k := range late {
		read(k)
	}
	if len(late) != keepers*requests || g.loads.Load() != keepers*requests {
		t.Errorf("%d contexts and %d users loaded, want %d", len(late), g.loads.Load(), keepers*requests)
	}
}

func testNobodyElse(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	check := func(c Ctx, tok *mandate.Token, user *User) error {
		want := c.Header("X-Who")
		for i, got := range []string{tok.Subject(), user.ID, mandate.TokenFrom(c.Context()).Subject(), mandate.TokenFrom(c.Native()).Subject()} {
			if got != want && (i < 2 || got != "") { // With puts nothing into contexts
				t.Errorf("%s sees %q of somebody else", want, got)
			}
		}
		return c.JSON(200, map[string]string{"me": tok.Subject()})
	}
	mine := g.app.Route(func(c Ctx) error {
		if c.Token() == nil {
			if c.Header("X-Who") != "" {
				t.Error("a token got lost")
			}
			return c.JSON(200, map[string]string{"me": ""})
		}
		user, err := c.User()
		if err != nil {
			return err
		}
		return check(c, c.Token(), user)
	})
	g.app.Handle(http.MethodGet, "/0", mine, g.auth.Optional("profile"))
	g.app.Handle(http.MethodGet, "/1", mine, g.auth.Require("profile"), g.auth.Require("email"))
	g.app.Handle(http.MethodGet, "/2", g.auth.With(func(c Ctx, tok *mandate.Token) error { return check(c, tok, &User{ID: tok.Subject()}) }, "profile"))
	g.app.Handle(http.MethodGet, "/3", g.auth.WithUser(func(c Ctx, user *User) error {
		return check(c, mandate.NewToken(mandate.TokenInfo{Subject: user.ID}), user)
	}, "profile"))
	for n := range keepers {
		g.vault.put("t"+text(n), mandate.TokenInfo{Subject: text(n), ClientID: "web", Scopes: "profile email"})
	}
	g.start(t)
	crowd(t, func(n int) error {
		i := n / requests
		if n%5 == 4 { // somebody without a token, over the same connections
			ans, err := g.try(t, http.MethodGet, "/0", "")
			if err != nil || ans.Status != 200 || !strings.Contains(ans.Body, `"me":""`) {
				return fmt.Errorf("anonymous: %v, %w", ans, err)
			}
			return nil
		}
		ans, err := g.try(t, http.MethodGet, "/"+strconv.Itoa(n%4), "", append(as("t"+text(i)), "X-Who", text(i))...)
		if err != nil || ans.Status != 200 || !strings.Contains(ans.Body, `"me":"`+text(i)+`"`) {
			return fmt.Errorf("%s: %v, %w", text(i), ans, err)
		}
		return nil
	})
}

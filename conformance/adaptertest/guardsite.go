package adaptertest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

const (
	guardedAPI  = "https://api.example.com"
	vaultIssuer = "https://id.example.com"
)

// vault is where the tokens of guarded routes come from: as much of an authorization server as a guard sees.
type vault struct {
	mu    sync.RWMutex // guards list
	list  map[string]*mandate.Token
	asked atomic.Int64 // how often it verified
}

var _ resource.Source = (*vault)(nil)

// Issuer implements resource.Source.
func (v *vault) Issuer() string { return vaultIssuer }

// Verify implements resource.Source, but for the end of a token, which it leaves to the guard.
func (v *vault) Verify(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
	v.asked.Add(1)
	if raw == "outage" {
		return nil, errors.New("the database is away")
	}
	v.mu.RLock()
	tok := v.list[raw]
	v.mu.RUnlock()
	if tok == nil {
		return nil, mandate.Errorf(mandate.InvalidToken, errors.New("the vault does not know it"), "")
	}
	return tok, nil
}

// ruled is a vault with a rule of its own for audiences.
type ruled struct {
	*vault

	rule resource.AudienceRule
}

// Open implements resource.Verifier.
func (r ruled) Open(resource.Settings) (resource.Opened, error) {
	return resource.Opened{Verify: r.Verify, Audience: r.rule}, nil
}

func (v *vault) put(raw string, info mandate.TokenInfo) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.list[raw] = mandate.NewToken(info)
}

// newVault returns a vault with one token of each kind, under the name of the kind.
func newVault(now time.Time) *vault {
	v := &vault{list: map[string]*mandate.Token{}}
	for name, change := range map[string]func(*mandate.TokenInfo){
		"ann":     func(*mandate.TokenInfo) {},
		"bob":     func(i *mandate.TokenInfo) { i.Subject, i.Scopes = "bob", "email" },
		"bare":    func(i *mandate.TokenInfo) { i.Scopes = "" },
		"robot":   func(i *mandate.TokenInfo) { i.Subject, i.ClientID = "", "robot" },
		"nobody":  func(i *mandate.TokenInfo) { i.Subject, i.ClientID = "", "" },
		"gone":    func(i *mandate.TokenInfo) { i.Subject = "gone" },
		"boom":    func(i *mandate.TokenInfo) { i.Subject = "boom" },
		"faulty":  func(i *mandate.TokenInfo) { i.Subject = "faulty" },
		"lead":    func(i *mandate.TokenInfo) { i.Claims = `{"roles":["lead","chef"],"groups":["staff"]}` },
		"boss":    func(i *mandate.TokenInfo) { i.Claims = `{"roles":"boss"}` },
		"fresh":   func(i *mandate.TokenInfo) { i.AuthTime, i.ACR = now.Add(-time.Minute), "gold" },
		"stale":   func(i *mandate.TokenInfo) { i.AuthTime, i.ACR = now.Add(-time.Hour), "tin" },
		"here":    func(i *mandate.TokenInfo) { i.Audience = []string{guardedAPI} },
		"spelled": func(i *mandate.TokenInfo) { i.Audience = []string{"account", "HTTPS://API.Example.com:443/"} },
		"away":    func(i *mandate.TokenInfo) { i.Audience = []string{"https://other.example.com"} },
		"below":   func(i *mandate.TokenInfo) { i.Audience = []string{guardedAPI + "/v1"} },
		"jwt":     func(i *mandate.TokenInfo) { i.ID = "j1" },
		"dpop":    func(i *mandate.TokenInfo) { i.Confirmed.JKT, i.Type = "thumb", "DPoP" },
		"jkt":     func(i *mandate.TokenInfo) { i.Confirmed.JKT = "thumb" },
		"mtls":    func(i *mandate.TokenInfo) { i.Confirmed.X5T = "thumb" },
		"odd":     func(i *mandate.TokenInfo) { i.Confirmed.Other = true },
		"mac":     func(i *mandate.TokenInfo) { i.Type = "MAC" },
		"lower":   func(i *mandate.TokenInfo) { i.Type = "bearer" },
		"ending":  func(i *mandate.TokenInfo) { i.Expires = now.Add(time.Millisecond) },
		"ended":   func(i *mandate.TokenInfo) { i.Expires = now },
	} {
		info := mandate.TokenInfo{Subject: "ann", ClientID: "web", GrantID: "g1", Scopes: "profile email"}
		change(&info)
		v.put(name, info)
	}
	return v
}

// guarded is a site with a guard.
type guarded struct {
	*site

	clock *Clock
	vault *vault
	guard *resource.Guard
	auth  Auth
	loads atomic.Int64 // how often a user was loaded

	mu     sync.Mutex // guards events
	events []mandate.Event
}

// newGuarded makes a site whose guard takes the tokens of a vault. change may be nil.
func newGuarded(t *testing.T, a Adapter, change func(*resource.Config), config ...AuthConfig) *guarded {
	t.Helper()
	g := &guarded{site: newSite(t, a), clock: NewClock()}
	g.vault = newVault(g.clock.Now())
	g.guard = g.another(t, change)
	config = append(config, AuthConfig{})
	g.auth = g.app.Auth(g.guard, config[0])
	return g
}

// another makes one more guard of g's vault.
func (g *guarded) another(t *testing.T, change func(*resource.Config)) *resource.Guard {
	t.Helper()
	c := resource.Config{Audience: guardedAPI, Verifiers: []resource.Verifier{resource.Of(g.vault)}, User: g.load, Now: g.clock.Now}
	c.Hooks.On = g.hear
	if change != nil {
		change(&c)
	}
	guard, err := resource.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

func (g *guarded) load(_ context.Context, tok *mandate.Token) (any, error) {
	g.loads.Add(1)
	switch tok.Subject() {
	case "gone":
		return nil, mandate.Errorf(mandate.InvalidToken, errors.New("no such account"), "")
	case "boom":
		return nil, boom()
	case "faulty":
		return nil, errors.New("password of the database is 1234")
	}
	return &User{ID: tok.Subject(), Name: "user " + tok.Subject()}, nil
}

func (g *guarded) hear(_ context.Context, e mandate.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, e)
}

// heard returns the events since the last call.
func (g *guarded) heard() []mandate.Event {
	g.mu.Lock()
	defer g.mu.Unlock()
	events := g.events
	g.events = nil
	return events
}

// stream is do with a body whose length nobody is told before.
func (s *site) stream(t *testing.T, method, target, body string, fields ...string) *answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+target, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		req.Header.Add(fields[i], fields[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{Status: resp.StatusCode, Header: resp.Header, Body: string(data)}
}

// who answers with what a handler sees of the request.
func who(c Ctx) error {
	return c.JSON(200, map[string]any{"subject": c.Token().Subject(), "client": c.Token().ClientID(), "anonymous": c.Token() == nil})
}

// whoRoute is who as a route of app.
func (g *guarded) whoRoute() Route { return g.app.Route(who) }

// as is the Authorization field of a token.
func as(raw string) []string { return []string{"Authorization", "Bearer " + raw} }

// exact is all of an answer: status, header and body. What each server adds by itself is not in it, after a look.
func (a *answer) exact(t *testing.T) string {
	t.Helper()
	lines := []string{}
	for name, values := range a.Header {
		switch name {
		case "Date", "Connection", "Content-Length":
			continue
		}
		for _, v := range values {
			lines = append(lines, name+": "+v)
		}
	}
	slices.Sort(lines)
	return statusText(a.Status) + "\n" + strings.Join(lines, "\n") + "\n\n" + a.Body
}

// same checks the whole of an answer.
func (a *answer) same(t *testing.T, want string) {
	t.Helper()
	if got := a.exact(t); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// passed checks that the handler answered, and that it saw a token of subject; "" is one without.
func (a *answer) passed(t *testing.T, subject string) {
	t.Helper()
	if a.Status != 200 {
		t.Errorf("refused:\n%s", a.exact(t))
		return
	}
	if got := a.json(t); got["subject"] != subject || got["anonymous"] != false {
		t.Errorf("the handler saw %v, want a token of %q", got, subject)
	}
}

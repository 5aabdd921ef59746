package adaptertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

func hookCases() cases {
	return cases{
		"hooks hear of every request once":               testEvents,
		"the log names the cause of a refusal, no token": testLog,
	}
}

func testEvents(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	g.app.Handle(http.MethodGet, "/require", g.whoRoute(), g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/stacked", g.whoRoute(), g.auth.Optional(), g.auth.Require("profile"), g.auth.RequireRole("lead"))
	g.app.Handle(http.MethodGet, "/with", g.auth.With(func(c Ctx, _ *mandate.Token) error { return who(c) }, "profile"))
	g.app.Handle(http.MethodGet, "/optional", g.whoRoute(), g.auth.Optional("profile"))
	g.app.Handle(http.MethodOptions, "/require", g.whoRoute(), g.auth.Require("profile"))
	g.start(t)
	const good, bad, fault = mandate.TokenAuthenticated, mandate.TokenRefused, mandate.Fault
	for _, tc := range []struct {
		path, token string
		names       []mandate.EventName
		code        mandate.Code
	}{
		{"/require", "ann", []mandate.EventName{good}, ""},
		{"/require", "", []mandate.EventName{bad}, mandate.MissingAuthorization},
		{"/require", "a,b", []mandate.EventName{bad}, mandate.InvalidRequest},
		{"/require", "mallory", []mandate.EventName{bad}, mandate.InvalidToken},
		{"/require", "bob", []mandate.EventName{bad}, mandate.InsufficientScope},
		{"/require", "outage", []mandate.EventName{fault}, mandate.TemporarilyUnavailable},
		{"/stacked", "lead", []mandate.EventName{good}, ""},
		{"/stacked", "ann", []mandate.EventName{good, bad}, mandate.InsufficientScope},
		{"/stacked", "", []mandate.EventName{bad}, mandate.MissingAuthorization},
		{"/with", "ann", []mandate.EventName{good}, ""},
		{"/with", "bob", []mandate.EventName{bad}, mandate.InsufficientScope},
		{"/optional", "", nil, ""},
		{"/optional", "ann", []mandate.EventName{good}, ""},
	} {
		var fields []string
		if tc.token != "" {
			fields = as(tc.token)
		}
		g.get(t, tc.path, fields...)
		events := g.heard()
		var names []mandate.EventName
		var last mandate.Event
		for _, e := range events {
			names = append(names, e.Name)
			last = e
		}
		if !slices.Equal(names, tc.names) {
			t.Errorf("%s as %q: heard %v, want %v", tc.path, tc.token, names, tc.names)
			continue
		}
		if (last.Err == nil) != (tc.code == "") || last.Err != nil && mandate.AsError(last.Err).Code != tc.code {
			t.Errorf("%s as %q: error %v, want %q", tc.path, tc.token, last.Err, tc.code)
		}
		if tok := g.vault.list[tc.token]; tok != nil && (last.Subject != tok.Subject() || last.ClientID != tok.ClientID() || last.GrantID != tok.GrantID() || last.Scopes != tok.Scopes()) {
			t.Errorf("%s as %q: event %+v is not about the token", tc.path, tc.token, last)
		}
	}
	g.do(t, http.MethodOptions, "/require", "", preflight()...).status(t, 204)
	if events := g.heard(); len(events) != 0 {
		t.Errorf("a preflight is heard of: %v", events)
	}
}

// lockedBuffer is a buffer that many may write to.
type lockedBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// take returns what was written, and begins anew.
func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.buf.String()
	b.buf.Reset()
	return s
}

func testLog(t *testing.T, a Adapter) {
	t.Helper()
	var out lockedBuffer
	hooks := resource.LogRefusals(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	g := newGuarded(t, a, func(c *resource.Config) { c.Hooks = hooks })
	nameless := g.app.Auth(g.another(t, func(c *resource.Config) { c.Hooks, c.Audience = hooks, "" }), AuthConfig{})
	fresh := g.clock.Now().Add(-1 << 40)
	for raw, change := range map[string]func(*mandate.TokenInfo){
		"ann": nil, "robot": func(i *mandate.TokenInfo) { i.Subject = "" },
		"ended": func(i *mandate.TokenInfo) { i.Expires = g.clock.Now() },
		"away":  func(i *mandate.TokenInfo) { i.Audience = []string{"account"} },
		"jwt":   func(i *mandate.TokenInfo) { i.ID = "j1" },
		"dpop":  func(i *mandate.TokenInfo) { i.Confirmed.JKT, i.Type = "thumb", "DPoP" },
		"stale": func(i *mandate.TokenInfo) { i.AuthTime, i.ACR = fresh, "tin" },
	} {
		info := mandate.TokenInfo{Subject: "ann", ClientID: "web", Scopes: "profile"}
		if change != nil {
			change(&info)
		}
		g.vault.put(marked(raw), info)
	}
	g.app.Handle(http.MethodGet, "/read", g.whoRoute(), g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/write", g.whoRoute(), g.auth.Require("profile", "write"))
	g.app.Handle(http.MethodGet, "/lead", g.whoRoute(), g.auth.RequireRole("lead"))
	g.app.Handle(http.MethodGet, "/never", g.whoRoute(), g.auth.Require(""))
	g.app.Handle(http.MethodGet, "/step", g.whoRoute(), g.auth.RequireThat(mandate.ACR("gold")))
	g.app.Handle(http.MethodGet, "/nameless", g.whoRoute(), nameless.Require())
	g.start(t)
	for name, tc := range map[string]struct{ path, header, level, code, client, cause string }{
		"no credentials":            {"/read", "", "INFO", "missing_authorization", "", "no credentials"},
		"another scheme":            {"/read", "Basic " + marked("basic"), "INFO", "missing_authorization", "", "scheme"},
		"malformed":                 {"/read", "Bearer " + marked("x") + " " + marked("y"), "INFO", "invalid_request", "", "one space and a token"},
		"two":                       {"/read", "Bearer " + marked("x") + ", Bearer " + marked("y"), "INFO", "invalid_request", "", "more than once"},
		"unknown":                   {"/read", "Bearer " + marked("mallory"), "INFO", "invalid_token", "", "the vault does not know it"},
		"nobody can tell":           {"/read", "Bearer outage", "ERROR", "temporarily_unavailable", "", "the database is away"},
		"over":                      {"/read", "Bearer " + marked("ended"), "INFO", "invalid_token", "web", "expired at 2026-03-04T12:00:00Z"},
		"another audience":          {"/read", "Bearer " + marked("away"), "INFO", "invalid_token", "web", `aud is ["account"], this API is "` + guardedAPI + `"`},
		"no audience":               {"/read", "Bearer " + marked("jwt"), "INFO", "invalid_token", "", "without aud"},
		"a guard without audience":  {"/nameless", "Bearer " + marked("away"), "INFO", "invalid_token", "web", "resource.Config.Audience"},
		"bound to a key":            {"/read", "Bearer " + marked("dpop"), "INFO", "invalid_token", "web", "bound to a key (cnf)"},
		"a scope lacks":             {"/write", "Bearer " + marked("ann"), "INFO", "insufficient_scope", "web", `scope is "profile", this route needs "profile write"`},
		"a role lacks":              {"/lead", "Bearer " + marked("ann"), "INFO", "insufficient_scope", "web", "role"},
		"a route that nobody meets": {"/never", "Bearer " + marked("ann"), "INFO", "insufficient_scope", "web", `"" is not a scope`},
		"a sign-in too weak":        {"/step", "Bearer " + marked("stale"), "INFO", "insufficient_user_authentication", "web", `acr "tin"`},
	} {
		var fields []string // one after the other: a line for each
		if tc.header != "" {
			fields = []string{"Authorization", tc.header}
		}
		g.get(t, tc.path+"?access_token="+marked("query"), fields...)
		line := out.take()
		var got struct{ Level, Code, Cause, Client string }
		if err := json.Unmarshal([]byte(line), &got); err != nil || strings.Count(line, "\n") != 1 {
			t.Errorf("%s: log %q is not one line: %v", name, line, err)
			continue
		}
		if got.Level != tc.level || got.Code != tc.code || got.Client != tc.client || !strings.Contains(got.Cause, tc.cause) {
			t.Errorf("%s: logged %+v, want %+v", name, got, tc)
		}
		if strings.Contains(line, mark) {
			t.Errorf("%s: the log has a secret: %s", name, line)
		}
	}
	if g.get(t, "/read", as(marked("ann"))...).passed(t, "ann"); out.take() != "" {
		t.Error("a request that passed is logged")
	}
}

const mark = "c4n4ry"

// marked is a token that is recognised wherever it turns up, whole or in part.
func marked(name string) string { return fmt.Sprintf("%s-%s-%s", mark, name, mark) }

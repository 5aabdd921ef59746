package adaptertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// payment is an object of the suite's type of authorization details.
type payment struct {
	Type   string `json:"type"`
	To     string `json:"to"`
	Amount int    `json:"amount"`
	From   string `json:"from,omitempty"`
}

// paying is a server whose clients may ask for payments, of at most 100, and for one other type that is for everybody.
func paying(s *setup) {
	s.RichTypes = []server.RichType{
		{
			Name: "payment",
			Check: func(_ context.Context, _ *store.Client, detail json.RawMessage) (json.RawMessage, error) {
				p := payment{Amount: 1}
				switch err := json.Unmarshal(detail, &p); {
				case err != nil || p.To == "":
					return nil, errors.New("secret detail")
				case p.Amount > 100:
					return nil, mandate.Errorf(mandate.AccessDenied, nil, "too much")
				case p.To == "broken":
					return json.RawMessage(`{"type":"other"}`), nil
				}
				return json.Marshal(p)
			},
			Describe: func(detail json.RawMessage) (title, text string) {
				var p payment
				_ = json.Unmarshal(detail, &p)
				return fmt.Sprintf("Pay %d to %s", p.Amount, p.To), "<b>Once.</b>"
			},
			Covers: func(granted, asked json.RawMessage) bool {
				var g, a payment
				return json.Unmarshal(granted, &g) == nil && json.Unmarshal(asked, &a) == nil && g.To == a.To && a.Amount <= g.Amount
			},
		},
		{Name: "https://example.com/open", Public: true, Describe: func(json.RawMessage) (title, text string) { return "", "" }},
	}
}

const (
	pay50  = `[{"type":"payment","to":"bob","amount":50}]`
	paid50 = `[map[amount:50 to:bob type:payment]]`
)

// richRequests are the cases of RFC 9396.
func richRequests() cases {
	details := func(t *testing.T, ans *answer) string {
		t.Helper()
		return fmt.Sprint(ans.json(t)["authorization_details"])
	}
	list := cases{
		"what is granted is in the answer, in the token and in introspection": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, paying)
			for _, p := range []party{web(), jwtWeb()} {
				ans := w.token(p, p.exchange(w.code(p, "authorization_details", ` [ {"amount":50, "to":"bob","ignored":true,"type":"payment"} ] `)))
				got := ans.tokens(t)
				if details(t, ans) != paid50 {
					t.Errorf("answer = %s", ans.Body)
				}
				for _, token := range []string{got.Access, got.Refresh} {
					if seen := w.introspect(p, token); details(t, seen) != paid50 {
						t.Errorf("introspection = %s", seen.Body)
					}
				}
				if claims, _ := w.alive(got.Access).json(t)["claims"].(string); !strings.Contains(claims, `"authorization_details":[{"amount":50,"to":"bob","type":"payment"}]`) {
					t.Errorf("claims = %s", claims)
				}
				if again := w.token(p, refreshing(got.Refresh)); details(t, again) != paid50 {
					t.Errorf("answer = %s", again.Body)
				}
			}
		},
		"defaults are filled in, and a scope is not needed beside them": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, paying)
			ans := w.token(web(), web().exchange(w.code(web(), "authorization_details", `[{"type":"payment","to":"bob"}]`, "scope", "")))
			if got := ans.tokens(t); got.Scope != "" || details(t, ans) != "[map[amount:1 to:bob type:payment]]" {
				t.Errorf("answer = %s", ans.Body)
			}
			toldAs(t, w, w.authorize(with(web().request(), "authorization_details", pay50, "scope", "unknown")), "invalid_scope", true)
			toldAs(t, w, w.authorize(with(web().request(), "authorization_details", "[]", "scope", "")), "invalid_scope", true)
		},
		"less may be asked for at the token endpoint, and not more": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, paying)
			code := w.code(web(), "authorization_details", pay50)
			for _, asked := range []string{`[{"type":"payment","to":"bob","amount":51}]`, `[{"type":"payment","to":"eve","amount":1}]`, `[{"type":"https://example.com/open"}]`, `[{"type":"unknown"}]`, "{}", "x"} {
				w.token(web(), with(web().exchange(code), "authorization_details", asked)).refused(t, 400, "invalid_authorization_details")
			}
			ans := w.token(web(), with(web().exchange(code), "authorization_details", `[{"type":"payment","to":"bob","amount":20}]`))
			got := ans.tokens(t)
			if details(t, ans) != "[map[amount:20 to:bob type:payment]]" {
				t.Errorf("answer = %s", ans.Body)
			}
			w.token(web(), with(refreshing(got.Refresh), "authorization_details", `[{"type":"payment","to":"bob","amount":51}]`)).refused(t, 400, "invalid_authorization_details")
			ans = w.token(web(), with(refreshing(got.Refresh), "authorization_details", `[{"type":"payment","to":"bob","amount":30}]`))
			if details(t, ans) != "[map[amount:30 to:bob type:payment]]" {
				t.Errorf("answer = %s", ans.Body)
			}
			if ans = w.token(web(), refreshing(ans.tokens(t).Refresh)); details(t, ans) != paid50 {
				t.Errorf("the narrowing stuck: %s", ans.Body)
			}
			w.token(web(), with(web().exchange(w.code(web())), "authorization_details", pay50)).refused(t, 400, "invalid_authorization_details")
		},
		"a client asks for itself": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, paying)
			ans := w.token(service(), with(ownToken(), "authorization_details", pay50))
			got := ans.tokens(t)
			if seen := w.introspect(service(), got.Access); details(t, ans) != paid50 || details(t, seen) != paid50 {
				t.Errorf("answer = %s, introspection = %s", ans.Body, seen.Body)
			}
			w.token(service(), with(ownToken(), "authorization_details", `[{"type":"payment"}]`)).refused(t, 400, "invalid_authorization_details")
		},
		"it is pushed": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { paying(s); pushing(s) })
			_, q := w.open(web(), w.pushed(web(), "authorization_details", pay50)).params(t)
			if ans := w.token(web(), web().exchange(q.Get("code"))); details(t, ans) != paid50 {
				t.Errorf("answer = %s", ans.Body)
			}
			w.push(web(), "authorization_details", `[{"type":"unknown"}]`).refused(t, 400, "invalid_authorization_details")
		},
		"it is signed": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(s *setup, _ map[string]*store.Client) { paying(s) })
			ans := x.keyed.ask(x.keyed.object(map[string]any{"authorization_details": []payment{{Type: "payment", To: "bob", Amount: 50}}}))
			_, q := ans.params(t)
			got := x.form(t, "/token", asserted((party{"keyed", "", "", callback}).exchange(q.Get("code")), x.keyed.assertion(nil)))
			if details(t, got) != paid50 {
				t.Errorf("answer = %s", got.Body)
			}
		},
		"the page says what is asked for, and remembers just that": func(t *testing.T, a Adapter) {
			b := newBrowser(newWorld(t, a, func(s *setup) { paying(s); builtInPages(s) }))
			consent := b.authorize(web(), "authorization_details", pay50).form().submit("username", "alice", "password", "password of alice", "action", "login")
			if !strings.Contains(consent.Body, "Pay 50 to bob") || !strings.Contains(consent.Body, html.EscapeString("<b>Once.</b>")) || strings.Contains(consent.Body, "<b>Once") {
				t.Errorf("page = %q", consent.Body)
			}
			consent.form().submit("action", "allow").code()
			b.authorize(web(), "authorization_details", pay50).code()
			if p := b.authorize(web(), "authorization_details", `[{"type":"payment","to":"bob","amount":51}]`); !strings.Contains(p.Body, "Pay 51 to bob") {
				t.Errorf("page = %q", p.Body)
			}
		},
		"an application sees them, and may grant less or more": func(t *testing.T, a Adapter) {
			given := []json.RawMessage{json.RawMessage(`{"type":"payment","to":"bob","amount":40,"from":"DE12"}`)}
			w := newWorld(t, a, func(s *setup) {
				paying(s)
				s.Decide = func(c Ctx, ask *server.Ask) (server.Answer, error) {
					if len(ask.Details) != 1 || ask.Details[0].Title != "Pay 50 to bob" || ask.Details[0].Type != "payment" {
						return server.Answer{}, fmt.Errorf("details = %+v", ask.Details)
					}
					if c.Header("X-Give") == "none" {
						return server.Approve(server.User{Subject: "alice"}).WithDetails(), nil
					}
					return server.Approve(server.User{Subject: "alice"}).WithDetails(given...), nil
				}
			})
			if ans := w.token(web(), web().exchange(w.code(web(), "authorization_details", pay50))); details(t, ans) != "[map[amount:40 from:DE12 to:bob type:payment]]" {
				t.Errorf("answer = %s", ans.Body)
			}
			_, q := w.authorize(with(web().request(), "authorization_details", pay50), "X-Give", "none").params(t)
			if ans := w.token(web(), web().exchange(q.Get("code"))); details(t, ans) != "<nil>" {
				t.Errorf("answer = %s", ans.Body)
			}
			given[0] = json.RawMessage(`{"type":"unknown"}`)
			toldAs(t, w, w.authorize(with(web().request(), "authorization_details", pay50)), "server_error", true)
		},
		"a client may be limited, and a stranger's is": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				paying(s)
				s.Clients[0].Metadata.AuthorizationDetailsTypes = []string{"https://example.com/open"}
				s.Clients[1].Origin = store.ByRegistration
				s.Scopes[0].Public = true
			})
			for _, p := range []party{web(), post()} {
				toldAs(t, w, w.authorize(with(p.request(), "authorization_details", pay50, "prompt", "none")), "invalid_authorization_details", true)
				w.code(p, "authorization_details", `[{"type":"https://example.com/open"}]`)
			}
		},
		"the metadata name the types": func(t *testing.T, a Adapter) {
			m := newWorld(t, a, paying).get(t, "/.well-known/oauth-authorization-server").json(t)
			if fmt.Sprint(m["authorization_details_types_supported"]) != "[payment https://example.com/open]" {
				t.Errorf("metadata = %v", m)
			}
		},
		"off, they are refused": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			toldAs(t, w, w.authorize(with(web().request(), "authorization_details", pay50)), "invalid_authorization_details", true)
			c := web().client("authorization_code")
			c.Metadata.AuthorizationDetailsTypes = []string{"payment"}
			if err := w.srv.CheckClient(c); err == nil || !strings.Contains(err.Error(), "RichTypes") {
				t.Errorf("CheckClient = %v", err)
			}
			for _, types := range [][]server.RichType{{{Name: "x"}}, {{Describe: func(json.RawMessage) (title, text string) { return "", "" }}}} {
				if _, err := server.New(server.Config{Issuer: "http://127.0.0.1", Store: a.NewStore(t), RichTypes: types}); err == nil || !strings.Contains(err.Error(), "RichTypes") {
					t.Errorf("New = %v", err)
				}
			}
		},
	}
	for name, row := range map[string]struct{ details, code string }{
		"no JSON":                      {"x", "invalid_authorization_details"},
		"blanks":                       {"   ", "invalid_authorization_details"},
		"an object":                    {`{"type":"payment","to":"bob"}`, "invalid_authorization_details"},
		"null":                         {"null", "invalid_authorization_details"},
		"an array of texts":            {`["payment"]`, "invalid_authorization_details"},
		"an element that is null":      {`[null]`, "invalid_authorization_details"},
		"no type":                      {`[{"to":"bob"}]`, "invalid_authorization_details"},
		"a type that is a number":      {`[{"type":1}]`, "invalid_authorization_details"},
		"an unknown type":              {`[{"type":"unknown"}]`, "invalid_authorization_details"},
		"a type in another case":       {`[{"Type":"payment","to":"bob"}]`, "invalid_authorization_details"},
		"two types":                    {`[{"type":"payment","type":"https://example.com/open","to":"bob"}]`, "invalid_authorization_details"},
		"two types, one in capitals":   {`[{"type":"payment","TYPE":"https://example.com/open","to":"bob"}]`, "invalid_authorization_details"},
		"a member twice, further in":   {`[{"type":"payment","to":"bob","x":{"y":[{"z":1,"z":2}]}}]`, "invalid_authorization_details"},
		"one of two that is unknown":   {`[{"type":"payment","to":"bob"},{"type":"unknown"}]`, "invalid_authorization_details"},
		"what its type does not allow": {`[{"type":"payment"}]`, "invalid_authorization_details"},
		"a member of the wrong type":   {`[{"type":"payment","to":7}]`, "invalid_authorization_details"},
		"an error of the type's own":   {`[{"type":"payment","to":"bob","amount":101}]`, "access_denied"},
		"a Check that breaks its word": {`[{"type":"payment","to":"broken"}]`, "server_error"},
		"33 of them":                   {"[" + strings.Repeat(`{"type":"payment","to":"bob"},`, 32) + `{"type":"payment","to":"bob"}]`, "invalid_authorization_details"},
		"a thousand brackets":          {`[{"type":"payment","to":"bob","x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}]`, "invalid_authorization_details"},
		"JSON and more":                {`[{"type":"payment","to":"bob"}] x`, "invalid_authorization_details"},
	} {
		list["refused: "+name] = func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { paying(s); pushing(s) })
			ans := w.authorize(with(web().request(), "authorization_details", row.details))
			if toldAs(t, w, ans, row.code, true); strings.Contains(ans.Header.Get("Location"), "secret") {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
			status := 400
			if row.code == "server_error" {
				status = 500
			}
			w.push(web(), "authorization_details", row.details).refused(t, status, row.code)
			w.token(service(), with(ownToken(), "authorization_details", row.details)).refused(t, status, row.code)
		}
	}
	list["refused: twice, or 17 KiB"] = func(t *testing.T, a Adapter) {
		w := newWorld(t, a, func(s *setup) { paying(s); pushing(s) })
		toldAs(t, w, w.get(t, "/authorize?"+with(web().request(), "authorization_details", pay50).Encode()+"&authorization_details=%5B%5D"), "invalid_request", true)
		w.push(web(), "authorization_details", `[{"type":"payment","to":"`+strings.Repeat("b", 17<<10)+`"}]`).refused(t, 400, "invalid_authorization_details")
	}
	return list
}

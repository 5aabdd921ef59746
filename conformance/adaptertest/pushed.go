package adaptertest

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// push sends p's ordinary authorization request, after changes, to the pushed authorization request endpoint.
func (w *world) push(p party, changes ...string) *answer {
	w.t.Helper()
	form := with(p.request(), changes...)
	fields := p.sign(form)
	return w.form(w.t, w.path("par"), form, fields...)
}

// pushed returns the request_uri of p's ordinary authorization request, after changes.
func (w *world) pushed(p party, changes ...string) string {
	w.t.Helper()
	return w.push(p, changes...).status(w.t, 201).text(w.t, "request_uri")
}

// open sends a browser with a request_uri of p.
func (w *world) open(p party, uri string, fields ...string) *answer {
	w.t.Helper()
	return w.authorize(url.Values{"client_id": {p.id}, "request_uri": {uri}}, fields...)
}

// ticketWatcher notes what is put.
type ticketWatcher struct {
	store.Store
	seen *[]store.Ticket
}

// PutTicket implements store.Tickets.
func (w ticketWatcher) PutTicket(ctx context.Context, t store.Ticket) error {
	*w.seen = append(*w.seen, t)
	return w.Store.PutTicket(ctx, t)
}

// bloated is an extension that makes requests large.
func bloated(size int) server.Extension {
	return server.Extension{Name: "bloated", Begin: func(_ context.Context, ask *server.Ask, _ mandate.Params) error {
		ask.Request.Details.Extra = strings.Repeat("x", size)
		return nil
	}}
}

func pushing(s *setup) { s.PushedRequests = &server.PushedRequests{} }

// pushedRequests are the cases of RFC 9126.
func pushedRequests() cases {
	list := cases{
		"a pushed request becomes a code": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			for _, p := range []party{web(), post(), spa(), native()} {
				ans := w.push(p, "scope", "read write").status(t, 201)
				ans.fields(t, "Content-Type", "application/json", "Cache-Control", "no-store", "Access-Control-Allow-Origin", "")
				uri := ans.text(t, "request_uri")
				if rest, ok := strings.CutPrefix(uri, "urn:ietf:params:oauth:request_uri:"); !ok || len(rest) < 22 || ans.json(t)["expires_in"] != 60.0 {
					t.Fatalf("answer = %s", ans.Body)
				}
				to, q := w.open(p, uri).params(t)
				if to != p.redirect || q.Get("state") != "xyz" || q.Get("iss") != w.issuer {
					t.Fatalf("answer to %s with %v", to, q)
				}
				if got := w.token(p, p.exchange(q.Get("code"))).tokens(t); got.Scope != "read write" {
					t.Errorf("scope = %q", got.Scope)
				}
			}
		},
		"of the browser's parameters none counts but client_id and request_uri": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			q := url.Values{
				"client_id": {"web"}, "request_uri": {w.pushed(web())}, "scope": {"write admin"}, "state": {"evil"}, "redirect_uri": {"https://evil.example/cb"},
				"response_type": {"token"}, "response_mode": {"fragment"}, "prompt": {"none login"}, "code_challenge": {"x"}, "request": {"a.b.c"},
			}
			to, got := w.authorize(q).params(t)
			if to != callback || got.Get("state") != "xyz" {
				t.Fatalf("answer to %s with %v", to, got)
			}
			if got := w.token(web(), web().exchange(got.Get("code"))).tokens(t); got.Scope != "read" {
				t.Errorf("scope = %q", got.Scope)
			}
		},
		"it is good for one end, and then an error page": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			uri := w.pushed(web())
			_, q := w.open(web(), uri).params(t)
			again := w.open(web(), uri, "Accept", "*/*")
			again.refused(t, 400, "invalid_request_uri")
			again.fields(t, "Location", "", "Set-Cookie", "", "Vary", "Accept, Sec-Fetch-Mode")
			if page := w.open(web(), uri, "Accept", "text/html").status(t, 400); !strings.Contains(page.Body, `id="page-error"`) {
				t.Errorf("body = %q", page.Body)
			}
			w.token(web(), web().exchange(q.Get("code"))).tokens(t)
		},
		"an answer to prompt=none ends it": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { pushing(s); builtInPages(s) })
			uri := w.pushed(web(), "prompt", "none")
			toldAs(t, w, w.open(web(), uri), "login_required", true)
			w.open(web(), uri).refused(t, 400, "invalid_request_uri")
		},
		"a denial ends it": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				pushing(s)
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) { return server.Deny(), nil }
			})
			uri := w.pushed(web())
			toldAs(t, w, w.open(web(), uri), "access_denied", true)
			w.open(web(), uri).refused(t, 400, "invalid_request_uri")
		},
		"to look spends nothing": func(t *testing.T, a Adapter) {
			b := newBrowser(newWorld(t, a, func(s *setup) { pushing(s); builtInPages(s) }))
			uri := b.w.pushed(web())
			link := "/authorize?" + url.Values{"client_id": {"web"}, "request_uri": {uri}}.Encode()
			for range 3 {
				if p := b.open(link); !strings.Contains(p.Body, `id="login-form"`) {
					t.Fatalf("page = %.300q", p.Body)
				}
			}
			if ans := b.w.do(t, "HEAD", link, "").status(t, 303); ans.Header.Get("Location") == "" {
				t.Error("HEAD leads nowhere")
			}
			login := b.open(link)
			b.open(login.url)
			login.form().submit("username", "alice", "password", "password of alice", "action", "login").form().submit("action", "allow").code()
			b.open(link).status(t, 400)
		},
		"who came in time may take the time of a sign-in": func(t *testing.T, a Adapter) {
			b := newBrowser(newWorld(t, a, func(s *setup) { pushing(s); builtInPages(s) }))
			link := "/authorize?" + url.Values{"client_id": {"web"}, "request_uri": {b.w.pushed(web())}}.Encode()
			b.w.clock.Pass(59 * time.Second)
			login := b.open(link)
			b.w.clock.Pass(28 * time.Minute)
			if _, err := b.w.store.Prune(t.Context(), b.w.clock.Now(), 1000); err != nil {
				t.Fatal(err)
			}
			b.open(link).status(t, 400)
			login.form().submit("username", "alice", "password", "password of alice", "action", "login").form().submit("action", "allow").code()
		},
		"who comes too late does not": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.PushedRequests = &server.PushedRequests{TTL: 90 * time.Second} })
			ans := w.push(web()).status(t, 201)
			if ans.json(t)["expires_in"] != 90.0 {
				t.Errorf("answer = %s", ans.Body)
			}
			w.clock.Pass(90 * time.Second)
			w.open(web(), ans.text(t, "request_uri")).refused(t, 400, "invalid_request_uri")
		},
		"the time of a flow is not made longer by beginning it anew": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { pushing(s); builtInPages(s) })
			b := newBrowser(w)
			login := b.open("/authorize?" + url.Values{"client_id": {"web"}, "request_uri": {w.pushed(web())}}.Encode())
			w.clock.Pass(20 * time.Minute)
			other := newBrowser(w)
			anew := other.open(login.url)
			w.clock.Pass(10 * time.Minute)
			other.open(anew.url).status(t, 410)
			p := anew.form().post("username", "alice", "password", "password of alice", "action", "login").status(t, 410)
			if strings.Contains(p.Body, "error-restart") {
				t.Errorf("the page offers to start again: %q", p.Body)
			}
		},
		"two tabs: one ends it, the other sees a page": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { pushing(s); builtInPages(s) })
			b := newBrowser(w)
			link := "/authorize?" + url.Values{"client_id": {"web"}, "request_uri": {w.pushed(web())}}.Encode()
			first := b.open(link).form().submit("username", "alice", "password", "password of alice", "action", "login")
			second := b.open(link)
			code := first.form().submit("action", "allow").code()
			if again := first.form().submit("action", "allow").code(); again != code {
				t.Errorf("a double click has the code %q, want %q", again, code)
			}
			second.form().submit("action", "allow").status(t, 410)
			second.form().submit("action", "deny").status(t, 410)
			w.token(web(), web().exchange(code)).tokens(t)
			list, err := w.store.FindGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.Page{})
			if err != nil || len(list) != 1 {
				t.Errorf("grants = %v, %v, want one", list, err)
			}
		},
		"what was denied is not allowed afterwards": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { pushing(s); builtInPages(s) })
			b := newBrowser(w)
			consent := b.open("/authorize?"+url.Values{"client_id": {"web"}, "request_uri": {w.pushed(web())}}.Encode()).
				form().submit("username", "alice", "password", "password of alice", "action", "login")
			toldAs(t, w, consent.form().submit("action", "deny").answer, "access_denied", true)
			toldAs(t, w, consent.form().submit("action", "deny").answer, "access_denied", true)
			consent.form().submit("action", "allow").status(t, 410)
		},
		"only the client that pushed it may use it": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			uri := w.pushed(web())
			for _, q := range []url.Values{{"client_id": {"post"}, "request_uri": {uri}}, {"client_id": {"web"}, "request_uri": {uri + "x"}}, {"client_id": {"web"}, "request_uri": {"urn:ietf:params:oauth:request_uri:"}}} {
				w.authorize(q).refused(t, 400, "invalid_request_uri")
			}
			w.authorize(url.Values{"request_uri": {uri}}).refused(t, 400, "invalid_request")
			w.get(t, "/authorize?client_id=web&client_id=web&request_uri="+url.QueryEscape(uri)).refused(t, 400, "invalid_request")
			w.open(web(), uri).params(t)
		},
		"a client that was disabled, or lost its redirect URI, is not answered": func(t *testing.T, a Adapter) {
			p := party{"stored", "stored-secret-0123456789", "client_secret_basic", callback}
			w := newWorld(t, a, pushing)
			writer, ok := w.store.(store.ClientWriter)
			if !ok {
				t.Skip("the store does not write clients")
			}
			c := p.client("authorization_code")
			if err := writer.PutClient(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			uri := w.pushed(p)
			change := func(f func(c *store.Client)) {
				t.Helper()
				have, err := w.store.Client(t.Context(), p.id)
				if err != nil {
					t.Fatal(err)
				}
				next := have.Clone()
				f(next)
				if err := writer.PutClient(t.Context(), next); err != nil {
					t.Fatal(err)
				}
			}
			change(func(c *store.Client) { c.Metadata.RedirectURIs = []string{"https://elsewhere.example.com/cb"} })
			w.open(p, uri).refused(t, 400, "invalid_request")
			change(func(c *store.Client) { c.Disabled = true })
			w.open(p, uri).refused(t, 400, "invalid_client")
			w.push(p).refused(t, 401, "invalid_client")
		},
		"a POST with a request_uri, and form_post that was pushed": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			back := w.form(t, "/authorize", url.Values{"client_id": {"web"}, "request_uri": {w.pushed(web(), "response_mode", "form_post")}}).status(t, 303)
			if _, q := w.get(t, back.Header.Get("Location")).posted(t); q.Get("code") == "" {
				t.Errorf("fields = %v", q)
			}
		},
		"what an extension checks is checked at the push": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { pushing(s); s.Extensions = []server.Extension{toy()} })
			w.push(web(), "color", "mauve").refused(t, 400, "invalid_request")
			_, q := w.open(web(), w.pushed(web(), "color", "red")).params(t)
			if ans := w.token(web(), web().exchange(q.Get("code"))); ans.text(t, "color") != "red" {
				t.Errorf("answer = %s", ans.Body)
			}
		},
		"a server that wants all pushed refuses the rest, and says so": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.PushedRequests = &server.PushedRequests{Required: true} })
			toldAs(t, w, w.authorize(web().request()), "invalid_request", true)
			w.open(web(), w.pushed(web())).params(t)
			if m := w.get(t, "/.well-known/oauth-authorization-server").json(t); m["require_pushed_authorization_requests"] != true || m["pushed_authorization_request_endpoint"] != w.url+"/par" {
				t.Errorf("metadata = %v", m)
			}
		},
		"so does a client of its own": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				pushing(s)
				s.Clients[0].Metadata.RequirePAR, s.Clients[1].Policy.PAR = true, true
			})
			for _, p := range []party{web(), post()} {
				toldAs(t, w, w.authorize(p.request()), "invalid_request", true)
				w.open(p, w.pushed(p)).params(t)
			}
			w.code(spa())
			if m := w.get(t, "/.well-known/oauth-authorization-server").json(t); m["require_pushed_authorization_requests"] != nil {
				t.Errorf("metadata = %v", m)
			}
		},
		"off, there is nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			w.push(web()).status(t, 404)
			toldAs(t, w, w.authorize(with(web().request(), "request_uri", "urn:ietf:params:oauth:request_uri:abc")), "request_uri_not_supported", true)
			m := w.get(t, "/.well-known/oauth-authorization-server").json(t)
			if m["pushed_authorization_request_endpoint"] != nil || w.srv.Serves("/par") {
				t.Errorf("metadata = %v", m)
			}
			c := web().client("authorization_code")
			c.Metadata.RequirePAR = true
			if err := w.srv.CheckClient(c); err == nil || !strings.Contains(err.Error(), "Config.PushedRequests") {
				t.Errorf("CheckClient = %v", err)
			}
		},
		"a configuration that cannot be is refused": func(t *testing.T, a Adapter) {
			for _, c := range []server.Config{
				{PushedRequests: &server.PushedRequests{TTL: -time.Second}},
				{PushedRequests: &server.PushedRequests{TTL: 11 * time.Minute}},
				{PushedRequests: &server.PushedRequests{}, GrantTypes: []server.GrantType{server.ClientCredentials()}},
			} {
				c.Issuer, c.Store = "http://127.0.0.1", a.NewStore(t)
				if _, err := server.New(c); err == nil || !strings.Contains(err.Error(), "PushedRequests") {
					t.Errorf("New = %v", err)
				}
			}
		},
		"hooks hear of it, and may answer first": func(t *testing.T, a Adapter) {
			var told recorder
			w := newWorld(t, a, func(s *setup) { pushing(s); s.Hooks = told.hooks() })
			w.push(web()).status(t, 201)
			if got, want := told.take(), "before pushed_authorization_request, client.authenticated, request.pushed, after pushed_authorization_request 201 false"; got != want {
				t.Errorf("hooks heard %q, want %q", got, want)
			}
			w.push(web(), "scope", "unknown").refused(t, 400, "invalid_scope")
			if got, want := told.take(), "before pushed_authorization_request, client.authenticated, request.refused, after pushed_authorization_request 400 true"; got != want {
				t.Errorf("hooks heard %q, want %q", got, want)
			}
			form := web().request()
			w.form(t, "/par", form, append(web().sign(form), "X-Stop", "1")...).status(t, 429)
		},
		"its name is not in the store, and what it says neither": func(t *testing.T, a Adapter) {
			var seen []store.Ticket
			w := newWorld(t, a, func(s *setup) { pushing(s); s.Store = ticketWatcher{s.Store, &seen} })
			uri := w.pushed(web(), "state", "a-state-like-no-other")
			text := fmt.Sprintf("%+v", seen)
			if len(seen) != 1 || strings.Contains(text, strings.TrimPrefix(uri, "urn:ietf:params:oauth:request_uri:")) || strings.Contains(text, "a-state-like-no-other") || len(seen[0].Data) < 100 {
				t.Errorf("tickets = %s", text)
			}
		},
		"of 64 that come with one request_uri one gets a code": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			for range max(1, a.Rounds/50) {
				link := "/authorize?" + url.Values{"client_id": {"web"}, "request_uri": {w.pushed(web())}}.Encode()
				var codes, others atomic.Int64
				var wg sync.WaitGroup
				for range contenders {
					wg.Go(func() {
						switch ans, err := w.try(t, "GET", link, ""); {
						case err != nil:
							t.Error(err)
						case ans.Status == 303 && strings.Contains(ans.Header.Get("Location"), "code="):
							codes.Add(1)
						case ans.Status == 400 || ans.Status == 410:
							others.Add(1)
						default:
							t.Errorf("answer = %d %s", ans.Status, ans.Body)
						}
					})
				}
				wg.Wait()
				if codes.Load() != 1 || others.Load() != contenders-1 {
					t.Fatalf("%d codes and %d refusals, want 1 and %d", codes.Load(), others.Load(), contenders-1)
				}
			}
		},
		"a public client may keep so much and no more": func(t *testing.T, a Adapter) {
			var from atomic.Int64
			w := newWorld(t, a, func(s *setup) {
				pushing(s)
				s.Limiter, s.Extensions = server.InsecureUnlimited(), []server.Extension{bloated(22 << 10)}
				s.RemoteAddr = func(*mandate.Request) string { return fmt.Sprintf("2001:db8::%x:0:0:0:1", from.Load()) }
			})
			kept := func() (n int) { // from one address, until it is refused
				for range 2000 {
					ans := w.push(spa())
					if ans.Status == 429 {
						ans.refused(t, 429, "temporarily_unavailable")
						ans.fields(t, "Retry-After", "5")
						return n
					}
					ans.status(t, 201)
					n++
				}
				t.Fatal("2,000 large requests were kept")
				return n
			}
			share := kept()
			if share < 100 || share > 150 {
				t.Errorf("%d large requests from one address were kept, want those up to 4 MiB", share)
			}
			all := share
			for n := share; n > 0; { // whoever comes from elsewhere has a share of their own, until all are taken
				from.Add(1)
				n = kept()
				all += n
			}
			if all < 8*share || all > 8*share+8 || from.Load() != 8 && from.Load() != 9 {
				t.Errorf("%d large requests were kept from %d addresses, want 8 shares of %d", all, from.Load(), share)
			}
			w.push(native()).status(t, 201)
			w.push(web()).status(t, 201)
			w.clock.Pass(62 * time.Minute)
			w.push(spa()).status(t, 201)
		},
	}
	for name, c := range pushRefusals() {
		list["refused: "+name] = c
	}
	return list
}

// pushRefusals are the errors of the endpoint.
func pushRefusals() cases {
	list := cases{
		"what is no POST": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			w.get(t, "/par?"+web().request().Encode()).status(t, 405).fields(t, "Allow", "POST, OPTIONS")
			ans := w.do(t, "OPTIONS", "/par", "", "Origin", "https://spa.example.com", "Access-Control-Request-Method", "POST").status(t, 204)
			ans.fields(t, "Access-Control-Allow-Origin", "*", "Access-Control-Allow-Credentials", "")
		},
		"what is no form": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			w.do(t, "POST", "/par", `{"client_id":"spa"}`, "Content-Type", "application/json").refused(t, 400, "invalid_request")
		},
		"a client that is not proven": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			w.push(party{"web", "wrong", "client_secret_basic", callback}).refused(t, 401, "invalid_client")
			w.push(party{"post", "wrong", "client_secret_post", callback}).refused(t, 400, "invalid_client")
			w.push(party{"web", "", "none", callback}).refused(t, 400, "invalid_client")
			w.push(party{"nobody", "", "none", callback}).refused(t, 400, "invalid_client")
			w.form(t, "/par", with(web().request(), "client_id", "")).refused(t, 401, "invalid_client")
			w.form(t, "/par", with(web().request(), "client_id", "post"), "Authorization", basic("web", web().secret)).refused(t, 400, "invalid_request")
		},
		"64 KiB, and 32 KiB that would be kept": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			w.push(web(), "x", strings.Repeat("x", 64<<10)).refused(t, 413, "invalid_request")
			w.push(web(), "x", strings.Repeat("x", 60<<10)).status(t, 201)
			w = newWorld(t, a, func(s *setup) { pushing(s); s.Extensions = []server.Extension{bloated(26 << 10)} })
			w.push(web()).refused(t, 413, "invalid_request")
		},
	}
	for name, row := range map[string]struct {
		changes []string
		more    string
		code    string
	}{
		"a request_uri in it":             {[]string{"request_uri", "urn:ietf:params:oauth:request_uri:x"}, "", "invalid_request"},
		"an unknown redirect URI":         {[]string{"redirect_uri", "https://evil.example/cb"}, "", "invalid_request"},
		"no response_type":                {[]string{"response_type", ""}, "", "invalid_request"},
		"an unknown response_type":        {[]string{"response_type", "pigeon"}, "", "unsupported_response_type"},
		"an unknown response_mode":        {[]string{"response_mode", "pigeon"}, "", "invalid_request"},
		"an unknown scope":                {[]string{"scope", "unknown"}, "", "invalid_scope"},
		"an unknown resource":             {[]string{"resource", "https://x.example"}, "", "invalid_target"},
		"no code_challenge":               {[]string{"code_challenge", ""}, "", "invalid_request"},
		"the method plain":                {[]string{"code_challenge_method", "plain"}, "", "invalid_request"},
		"prompt none and login":           {[]string{"prompt", "none login"}, "", "invalid_request"},
		"a request object, which is off":  {[]string{"request", "a.b.c"}, "", "request_not_supported"},
		"a state that is too long":        {[]string{"state", strings.Repeat("s", 2049)}, "", "invalid_request"},
		"scope twice":                     {nil, "&scope=read", "invalid_request"},
		"client_id twice":                 {nil, "&client_id=web", "invalid_request"},
		"a NUL":                           {nil, "&x=%00", "invalid_request"},
		"text that is not UTF-8":          {nil, "&x=%ff", "invalid_request"},
		"201 parameters":                  {nil, strings.Repeat("&x=1", 200), "invalid_request"},
		"a client without the code grant": {[]string{"client_id", "nocode"}, "", "unauthorized_client"},
	} {
		list[name] = func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				pushing(s)
				s.Clients = append(s.Clients, party{"nocode", web().secret, "client_secret_basic", callback}.client("refresh_token"))
			})
			form := with(web().request(), row.changes...)
			ans := w.do(t, "POST", "/par", form.Encode()+row.more, "Content-Type", "application/x-www-form-urlencoded", "Authorization", basic(form.Get("client_id"), web().secret))
			ans.refused(t, 400, row.code)
			ans.fields(t, "Location", "", "Set-Cookie", "")
		}
	}
	return list
}

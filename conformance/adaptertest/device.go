package adaptertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// tv is a client without a secret, box one with.
func tv() party  { return party{"tv", "", "none", ""} }
func box() party { return party{"box", "box-secret-0123456789", "client_secret_basic", ""} }

// devices lets s connect devices, with the built-in pages unless more says otherwise.
func devices(more func(s *setup)) func(s *setup) {
	return func(s *setup) {
		builtInPages(s)
		s.Device = new(server.Device)
		s.Clients = append(s.Clients, tv().client(oauth2.GrantDeviceCode, "refresh_token"), box().client(oauth2.GrantDeviceCode, "refresh_token"))
		if more != nil {
			more(s)
		}
	}
}

// codes is the answer of the device authorization endpoint.
type codes struct{ Device, User, URI, Complete string }

// device asks for codes.
func (w *world) device(p party, form url.Values) *answer {
	w.t.Helper()
	form = with(form)
	fields := p.sign(form)
	return w.form(w.t, "/device_authorization", form, fields...)
}

// codes is the ordinary request of p for codes.
func (w *world) codes(p party, changes ...string) codes {
	w.t.Helper()
	ans := w.device(p, with(url.Values{"scope": {"read"}}, changes...)).status(w.t, 200)
	return codes{ans.text(w.t, "device_code"), ans.text(w.t, "user_code"), ans.text(w.t, "verification_uri"), ans.text(w.t, "verification_uri_complete")}
}

// polling is the request with which a device polls.
func polling(code string) url.Values {
	return url.Values{"grant_type": {oauth2.GrantDeviceCode}, "device_code": {code}}
}

// poll polls once, after more than the interval.
func (w *world) poll(p party, code string) *answer {
	w.t.Helper()
	w.clock.Pass(5 * time.Second)
	return w.token(p, polling(code))
}

// deviceFlows are the cases of what devices see of RFC 8628.
func deviceFlows() cases {
	start := func(t *testing.T, a Adapter, change func(s *setup)) (*world, *browser) {
		t.Helper()
		w := newWorld(t, a, devices(change))
		return w, newBrowser(w)
	}
	list := cases{
		"codes, a pending poll, the user's yes, tokens, and a refresh": func(t *testing.T, a Adapter) {
			for _, p := range []party{tv(), box()} {
				w, b := start(t, a, nil)
				ans := w.device(p, url.Values{"scope": {"read write"}}).status(t, 200)
				ans.fields(t, "Content-Type", "application/json", "Cache-Control", "no-store", "Access-Control-Allow-Origin", "")
				m := ans.json(t)
				user, _ := m["user_code"].(string)
				if len(m) != 6 || m["expires_in"] != 600.0 || m["interval"] != 5.0 || m["verification_uri"] != w.url+"/device" ||
					m["verification_uri_complete"] != w.url+"/device?user_code="+user ||
					!regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(user) {
					t.Errorf("answer = %s", ans.Body)
				}
				code := ans.text(t, "device_code")
				w.token(p, polling(code)).refused(t, 400, "authorization_pending")
				b.connect(user, "alice").done()
				got := w.poll(p, code).tokens(t)
				if got.Scope != "read write" || got.Refresh == "" || got.Type != "Bearer" || got.ExpiresIn != time.Hour || w.alive(got.Access).text(t, "sub") != "alice" {
					t.Errorf("tokens = %+v", got)
				}
				w.alive(w.refresh(p, got.Refresh).Access)
			}
		},
		"a device that was denied hears of it, until its code is over": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			p := b.connect(c.User, "alice").submit("action", "deny")
			if !strings.Contains(p.Body, `id="page-device-denied"`) {
				t.Errorf("page = %q", p.Body)
			}
			w.poll(tv(), c.Device).refused(t, 400, "access_denied")
			w.poll(tv(), c.Device).refused(t, 400, "access_denied")
			w.clock.Pass(10 * time.Minute)
			w.poll(tv(), c.Device).refused(t, 400, "expired_token")
		},
		"codes end after ten minutes, and the device is told so for a while": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			form := b.connect(c.User, "alice")
			w.clock.Pass(10*time.Minute - time.Second)
			w.token(tv(), polling(c.Device)).refused(t, 400, "authorization_pending")
			w.clock.Pass(time.Second)
			w.token(tv(), polling(c.Device)).refused(t, 400, "expired_token")
			if p := form.submit("action", "allow"); !strings.Contains(p.Body, `id="device-error"`) {
				t.Errorf("page = %q", p.Body)
			}
			w.clock.Pass(9 * time.Minute)
			w.token(tv(), polling(c.Device)).refused(t, 400, "expired_token")
		},
		"a code that was approved at its last moment can be redeemed for a minute": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			first, second := w.codes(tv()), w.codes(tv())
			one, two := b.connect(first.User, "alice"), b.connect(second.User, "")
			w.clock.Pass(10*time.Minute - time.Millisecond)
			one.done()
			two.done()
			w.clock.Pass(time.Minute - time.Millisecond)
			w.token(tv(), polling(first.Device)).tokens(t)
			w.clock.Pass(time.Millisecond)
			w.token(tv(), polling(second.Device)).refused(t, 400, "expired_token")
		},
		"an approval waits for a slow device as long as its code is good": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			b.connect(c.User, "alice").done()
			w.clock.Pass(10*time.Minute - time.Second)
			w.token(tv(), polling(c.Device)).tokens(t)
		},
		"who polls too fast is told to slow down, and 5 seconds more each time": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			poll := func(after time.Duration, code string) {
				t.Helper()
				w.clock.Pass(after)
				w.token(tv(), polling(c.Device)).refused(t, 400, code)
			}
			poll(0, "authorization_pending")
			poll(5*time.Second, "authorization_pending")
			poll(4900*time.Millisecond, "authorization_pending") // the network does that
			poll(4*time.Second, "slow_down")                     // 10 seconds from now on
			poll(6*time.Second, "authorization_pending")
			poll(8*time.Second, "slow_down") // 15
			poll(7*time.Second, "authorization_pending")
			poll(13*time.Second, "slow_down") // 20
			poll(20*time.Second, "authorization_pending")
			poll(20*time.Second, "authorization_pending")
			// Nobody else's pace is another.
			other := w.codes(tv())
			w.token(tv(), polling(other.Device)).refused(t, 400, "authorization_pending")
			// An approval is answered at once: only who waits is told to slow down.
			b.connect(c.User, "alice").done()
			w.token(tv(), polling(c.Device)).tokens(t)
		},
		"another's poll neither learns nor costs anything": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			for range 3 {
				w.token(box(), polling(c.Device)).refused(t, 400, "invalid_grant")
			}
			w.token(tv(), polling(c.Device)).refused(t, 400, "authorization_pending")
			b.connect(c.User, "alice").done()
			w.token(box(), polling(c.Device)).refused(t, 400, "invalid_grant")
			w.alive(w.poll(tv(), c.Device).tokens(t).Access)
		},
		"a code that is used again ends everything that came of it": func(t *testing.T, a Adapter) {
			for _, after := range []time.Duration{0, 20 * time.Minute} {
				w, b := start(t, a, func(s *setup) { s.TokenTTL = 2 * time.Hour })
				c := w.codes(box())
				b.connect(c.User, "alice").done()
				got := w.poll(box(), c.Device).tokens(t)
				w.alive(got.Access)
				w.clock.Pass(after)
				w.token(tv(), polling(c.Device)).refused(t, 400, "invalid_grant")
				w.alive(got.Access)
				w.token(box(), polling(c.Device)).refused(t, 400, "invalid_grant")
				w.dead(box(), got.Access, got.Refresh)
			}
		},
		"a device code is good at no other grant": func(t *testing.T, a Adapter) {
			w, b := start(t, a, func(s *setup) {
				c := web().client(oauth2.GrantDeviceCode, "authorization_code", "refresh_token")
				s.Clients[0] = c
			})
			c := w.codes(web())
			b.connect(c.User, "alice").done()
			w.token(web(), url.Values{"grant_type": {"authorization_code"}, "code": {c.Device}}).refused(t, 400, "invalid_grant")
			w.token(web(), refreshing(c.Device)).refused(t, 400, "invalid_grant")
			if a := w.introspect(web(), c.Device); a.Body != notActive {
				t.Errorf("introspection = %s", a.Body)
			}
			w.poll(web(), c.Device).tokens(t)
		},
		"without the grant type there are no tokens": func(t *testing.T, a Adapter) {
			w, _ := start(t, a, nil)
			w.device(web(), nil).refused(t, 400, "unauthorized_client")
			w.token(web(), polling("mdd_x")).refused(t, 400, "unauthorized_client")
		},
		"a client that was disabled gets nothing more": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			stored := party{"stored", "", "none", ""}
			client := stored.client(oauth2.GrantDeviceCode)
			put := func() {
				t.Helper()
				writer, ok := w.store.(store.ClientWriter)
				if !ok {
					t.Fatal("the store writes no clients")
				}
				if err := writer.PutClient(t.Context(), client); err != nil {
					t.Fatal(err)
				}
				client.Revision++
			}
			put()
			c := w.codes(stored)
			form := b.connect(c.User, "alice")
			client = client.Clone()
			client.Disabled = true
			put()
			if p := form.submit("action", "allow"); !strings.Contains(p.Body, `id="device-error"`) {
				t.Errorf("page = %q", p.Body)
			}
			w.device(stored, nil).refused(t, 400, "invalid_client")
			w.poll(stored, c.Device).refused(t, 400, "invalid_client")
		},
		"resources are granted as at the authorization endpoint": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			ask := url.Values{"scope": {"read"}, "resource": {"https://one.example.com", "https://two.example.com/v1"}}
			w.device(box(), with(ask, "resource", "https://other.example.com")).refused(t, 400, "invalid_target")
			ans := w.device(box(), ask).status(t, 200)
			b.connect(ans.text(t, "user_code"), "alice").done()
			form := polling(ans.text(t, "device_code"))
			form.Set("resource", "https://api.example.com")
			w.clock.Pass(5 * time.Second)
			w.token(box(), form).refused(t, 400, "invalid_target") // which costs nothing
			form.Set("resource", "https://one.example.com")
			got := w.token(box(), form).tokens(t)
			if m := w.introspect(box(), got.Access).json(t); fmt.Sprint(m["aud"]) != "https://one.example.com" && fmt.Sprint(m["aud"]) != "[https://one.example.com]" {
				t.Errorf("introspection = %v", m)
			}
		},
		"authorization details are shown, granted and answered": func(t *testing.T, a Adapter) {
			w, b := start(t, a, func(s *setup) {
				s.RichTypes = []server.RichType{{Name: "payment", Describe: func(json.RawMessage) (title, text string) { return "Pay somebody", "" }}}
			})
			asked := `[{"type":"payment","amount":"12"}]`
			w.device(tv(), url.Values{"authorization_details": {`[{"type":"other"}]`}}).refused(t, 400, "invalid_authorization_details")
			w.device(tv(), url.Values{"authorization_details": {asked, asked}}).refused(t, 400, "invalid_request")
			ans := w.device(tv(), url.Values{"authorization_details": {asked}}).status(t, 200)
			p := b.enter(ans.text(t, "user_code")).form().submit("action", "confirm").signIn("alice")
			if !strings.Contains(p.Body, "Pay somebody") {
				t.Errorf("page = %q", p.Body)
			}
			p.form().done()
			got := w.poll(tv(), ans.text(t, "device_code")).status(t, 200)
			if !strings.Contains(got.Body, `"authorization_details":[{"amount":"12","type":"payment"}]`) {
				t.Errorf("answer = %s", got.Body)
			}
		},
		"so many codes may be asked for in a public client's name, and a confidential one is known": func(t *testing.T, a Adapter) {
			w, _ := start(t, a, func(s *setup) {
				limiter, err := server.NewLimiter(server.LimiterConfig{Writes: 2})
				if err != nil {
					t.Fatal(err)
				}
				s.Limiter = limiter
			})
			w.codes(tv())
			w.codes(tv())
			ans := w.device(tv(), url.Values{"scope": {"read"}})
			ans.refused(t, 429, "temporarily_unavailable")
			ans.fields(t, "Retry-After", "60")
			for range 3 {
				w.codes(box())
			}
			w.clock.Pass(time.Minute)
			w.codes(tv())
		},
		"what is kept for a public client has an end, and for a confidential one it has not": func(t *testing.T, a Adapter) {
			var from atomic.Int64
			w, _ := start(t, a, func(s *setup) {
				s.Limiter = server.InsecureUnlimited()
				s.RemoteAddr = func(*mandate.Request) string { return fmt.Sprintf("198.51.100.%d:4711", from.Load()) }
				s.Extensions = []server.Extension{{Name: "big", Begin: func(_ context.Context, ask *server.Ask, _ mandate.Params) error {
					ask.Request.Details.Extra = strings.Repeat("x", 30<<10)
					return nil
				}}}
			})
			refused := 0
			for range 150 {
				if ans := w.device(tv(), url.Values{"scope": {"read"}}); ans.Status != 200 {
					ans.refused(t, 429, "temporarily_unavailable")
					refused++
				}
			}
			if refused < 5 || refused > 40 {
				t.Errorf("%d of 150 from one address refused, want those over 4 MiB", refused)
			}
			w.codes(box())
			from.Store(1) // there is room left for others; how much in all is tested with pushed requests
			w.codes(tv())
			from.Store(0)
			w.device(tv(), url.Values{"scope": {"read"}}).refused(t, 429, "temporarily_unavailable")
			w.clock.Pass(40 * time.Minute)
			w.codes(tv())
		},
		"the shape of codes and the address are the application's": func(t *testing.T, a Adapter) {
			w, b := start(t, a, func(s *setup) {
				s.Device = &server.Device{TTL: time.Minute, Interval: 10 * time.Second, Shape: "XXXXXX XXXXX", Alphabet: "0123456789", VerificationURL: "https://example.com/tv"}
			})
			ans := w.device(tv(), nil)
			ans.refused(t, 400, "invalid_scope") // none asked, and there is no default
			ans = w.device(tv(), url.Values{"scope": {"read"}}).status(t, 200)
			m, user := ans.json(t), ans.text(t, "user_code")
			if m["expires_in"] != 60.0 || m["interval"] != 10.0 || m["verification_uri"] != "https://example.com/tv" || !regexp.MustCompile(`^\d{6} \d{5}$`).MatchString(user) ||
				m["verification_uri_complete"] != w.url+"/device?user_code="+url.QueryEscape(user) {
				t.Errorf("answer = %s", ans.Body)
			}
			b.connect(strings.ReplaceAll(user, " ", ""), "alice").done()
			w.token(tv(), polling(ans.text(t, "device_code"))).tokens(t)
		},
		"metadata has it where it is on": func(t *testing.T, a Adapter) {
			w, _ := start(t, a, nil)
			m := w.get(t, "/.well-known/oauth-authorization-server").json(t)
			if m["device_authorization_endpoint"] != w.url+"/device_authorization" || !strings.Contains(fmt.Sprint(m["grant_types_supported"]), oauth2.GrantDeviceCode) {
				t.Errorf("metadata = %v", m)
			}
			w.get(t, "/device_authorization").status(t, 405).fields(t, "Allow", "POST")
		},
		"where it is off there is nothing of it": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			if m := w.get(t, "/.well-known/oauth-authorization-server").Body; strings.Contains(m, "device") {
				t.Errorf("metadata = %s", m)
			}
			w.get(t, "/device").status(t, 404)
			w.form(t, "/device_authorization", url.Values{"client_id": {"tv"}}).status(t, 404)
			w.token(web(), polling("mdd_x")).refused(t, 400, "unsupported_grant_type")
			if err := w.srv.CheckClient(tv().client(oauth2.GrantDeviceCode)); err == nil || !strings.Contains(err.Error(), "Config.Device") {
				t.Errorf("CheckClient: %v, want the way out", err)
			}
		},
		"it works without an authorization endpoint": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, devices(func(s *setup) {
				s.GrantTypes, s.Clients = []server.GrantType{server.RefreshToken()}, s.Clients[len(s.Clients)-2:]
			}))
			w.get(t, "/authorize").status(t, 404)
			c := w.codes(tv())
			newBrowser(w).connect(c.User, "alice").done()
			w.poll(tv(), c.Device).tokens(t)
		},
		"another issuer with the same store and secret knows no such code": func(t *testing.T, a Adapter) {
			secret := mandate.NewRandomSecret()
			one := newWorld(t, a, devices(func(s *setup) { s.Secret = secret }))
			two := newWorld(t, a, devices(func(s *setup) { s.Secret, s.Store, s.store = secret, one.store, one.store }))
			c := one.codes(tv())
			two.token(tv(), polling(c.Device)).refused(t, 400, "invalid_grant")
			p := newBrowser(two).enter(c.User).form().submit("action", "confirm")
			if p = p.signIn("alice"); !strings.Contains(p.Body, `id="device-error"`) {
				t.Errorf("page = %q", p.Body)
			}
		},
		"an extension sees what is asked for, completes it, and refuses": func(t *testing.T, a Adapter) {
			w, b := start(t, a, func(s *setup) {
				s.Extensions = []server.Extension{{Name: "color", Begin: func(_ context.Context, ask *server.Ask, params mandate.Params) error {
					if params.Get("color") == "green" {
						return mandate.Errorf(mandate.InvalidRequest, nil, "color is green")
					}
					if !ask.Device() || ask.Client.ID != "tv" {
						return fmt.Errorf("ask = %v %s", ask.Device(), ask.Client.ID)
					}
					ask.Request.Details.Extra = params.Get("color")
					return nil
				}}}
			})
			w.device(tv(), url.Values{"scope": {"read"}, "color": {"green"}}).refused(t, 400, "invalid_request")
			w.device(tv(), url.Values{"scope": {"read"}, "color": {strings.Repeat("<", 30<<10/3)}}).refused(t, 400, "invalid_request") // too large to keep: six bytes each
			c := w.codes(tv(), "color", "red")
			b.connect(c.User, "alice").done()
			w.poll(tv(), c.Device).tokens(t)
			g, err := w.store.FindGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.Page{})
			if err != nil || len(g) != 1 || g[0].Details.Extra != "red" {
				t.Errorf("grants = %v, %v", g, err)
			}
		},
		"no code is in the store as it is": func(t *testing.T, a Adapter) {
			w, b := start(t, a, nil)
			c := w.codes(tv())
			normal := strings.ReplaceAll(c.User, "-", "")
			if _, err := w.store.Ticket(t.Context(), store.Device, mandate.DigestOf(c.Device), w.clock.Now()); err == nil {
				t.Error("the device code's plain digest is the key")
			}
			for _, guess := range []string{c.User, normal} {
				if _, err := w.store.Ticket(t.Context(), store.Device, mandate.DigestOf(guess), w.clock.Now()); err == nil {
					t.Error("the user code's plain digest is a key")
				}
			}
			ticket, err := w.store.Ticket(t.Context(), store.Device, mandate.DigestOf(w.issuer+" "+c.Device), w.clock.Now())
			if err != nil || strings.Contains(ticket.Data, normal) || strings.Contains(ticket.Data, c.User) {
				t.Errorf("ticket = %+v, %v", ticket, err)
			}
			b.connect(c.User, "alice").done()
		},
	}
	for sentence, x := range map[string]struct {
		form   url.Values
		fields []string
		status int
		code   string
	}{
		"device authorization without a client":        {url.Values{"scope": {"read"}}, nil, 401, "invalid_client"},
		"device authorization of nobody":               {url.Values{"client_id": {"nobody"}}, nil, 400, "invalid_client"},
		"device authorization with a wrong secret":     {url.Values{}, []string{"Authorization", basic("box", "wrong")}, 401, "invalid_client"},
		"device authorization without its secret":      {url.Values{"client_id": {"box"}}, nil, 400, "invalid_client"},
		"device authorization with two methods":        {url.Values{"client_secret": {"x"}}, []string{"Authorization", basic("box", box().secret)}, 400, "invalid_request"},
		"device authorization with an unknown scope":   {url.Values{"client_id": {"tv"}, "scope": {"unknown"}}, nil, 400, "invalid_scope"},
		"device authorization with a scope twice":      {url.Values{"client_id": {"tv"}, "scope": {"read", "read"}}, nil, 400, "invalid_request"},
		"device authorization with a client twice":     {url.Values{"client_id": {"tv", "tv"}}, nil, 400, "invalid_request"},
		"device authorization with a NUL":              {url.Values{"client_id": {"tv\x00"}}, nil, 400, "invalid_request"},
		"device authorization with what is no UTF-8":   {url.Values{"client_id": {"tv"}, "scope": {"\xff\xfe"}}, nil, 400, "invalid_request"},
		"device authorization with a body of 64 KiB":   {url.Values{"client_id": {"tv"}, "x": {strings.Repeat("x", 64<<10)}}, nil, 413, "invalid_request"},
		"device authorization with a resource that is": {url.Values{"client_id": {"tv"}, "scope": {"read"}, "resource": {"not a URL\r\nX: y"}}, nil, 400, "invalid_request"},
	} {
		list[sentence] = func(t *testing.T, a Adapter) {
			w, _ := start(t, a, nil)
			w.form(t, "/device_authorization", x.form, x.fields...).refused(t, x.status, x.code)
		}
	}
	for sentence, x := range map[string]struct {
		form url.Values
		code string
	}{
		"a poll without a code":            {url.Values{}, "invalid_request"},
		"a poll with an empty code":        {url.Values{"device_code": {""}}, "invalid_request"},
		"a poll with two codes":            {url.Values{"device_code": {"a", "b"}}, "invalid_request"},
		"a poll with an unknown code":      {url.Values{"device_code": {"mdd_unknown"}}, "invalid_grant"},
		"a poll with a NUL":                {url.Values{"device_code": {"mdd_\x00"}}, "invalid_request"},
		"a poll with what is no UTF-8":     {url.Values{"device_code": {"\xff"}}, "invalid_request"},
		"a poll with a code of five KiB":   {url.Values{"device_code": {strings.Repeat("x", 5<<10)}}, "invalid_request"},
		"a poll with the name that is not": {url.Values{"grant_type": {"device_code"}, "device_code": {"x"}}, "unsupported_grant_type"},
	} {
		list[sentence] = func(t *testing.T, a Adapter) {
			w, _ := start(t, a, nil)
			form := with(x.form)
			if form.Get("grant_type") == "" {
				form.Set("grant_type", oauth2.GrantDeviceCode)
			}
			w.token(tv(), form).refused(t, 400, x.code)
		}
	}
	list["of 64 that redeem an approved device code one gets tokens, and they die with it"] = func(t *testing.T, a Adapter) {
		w, _ := start(t, a, func(s *setup) { s.Limiter = server.InsecureUnlimited() }) // one user connects many
		l := w.dial(t)
		for range fewer(a).Rounds {
			c := w.codes(box())
			newBrowser(w).connect(c.User, "alice").done()
			if err := w.once(l, box(), polling(c.Device)); err != nil {
				t.Fatal(err)
			}
		}
	}
	list["of 64 polls at once one is let through, and an approval among them survives"] = func(t *testing.T, a Adapter) {
		w, _ := start(t, a, func(s *setup) { s.Limiter = server.InsecureUnlimited() }) // one user connects many
		l := w.dial(t)
		for range fewer(fewer(a)).Rounds {
			c := w.codes(box())
			form := newBrowser(w).connect(c.User, "alice")
			done := make(chan string, 1)
			go func() {
				resp, err := w.try(t, "POST", form.action, with(form.values, "action", "allow").Encode(), form.fields()...)
				if err != nil {
					done <- err.Error()
					return
				}
				done <- resp.Body
			}()
			answers, err := w.crowd(l, box(), polling(c.Device))
			if err != nil {
				t.Fatal(err)
			}
			if body := <-done; !strings.Contains(body, `id="page-device-done"`) {
				t.Fatalf("page = %q", body)
			}
			pending, won := 0, 0
			for _, ans := range answers {
				switch {
				case ans.Status == 200:
					won++
				case ans.text(t, "error") == "authorization_pending":
					pending++
				case ans.text(t, "error") != "slow_down" && ans.text(t, "error") != "invalid_grant":
					t.Fatalf("answer = %d %s", ans.Status, ans.Body)
				}
			}
			if pending > 1 || won > 1 {
				t.Fatalf("%d were told to wait, %d have tokens", pending, won)
			}
			if won == 0 {
				w.poll(box(), c.Device).tokens(t)
			}
		}
	}
	return list
}

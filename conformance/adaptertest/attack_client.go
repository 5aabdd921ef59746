package adaptertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// impostors are ways to be p without its secret: those of other clients that have one, and of nobody.
func impostors(p party) map[string]func(form url.Values) (fields []string) {
	return map[string]func(form url.Values) []string{
		"its id alone":             func(form url.Values) []string { form.Set("client_id", p.id); return nil },
		"its id and a guess":       func(url.Values) []string { return []string{"Authorization", basic(p.id, "guess")} },
		"its id and no secret":     func(url.Values) []string { return []string{"Authorization", basic(p.id, "")} },
		"its id, another's secret": func(url.Values) []string { return []string{"Authorization", basic(p.id, post().secret)} },
		"its id in the body": func(form url.Values) []string {
			form.Set("client_id", p.id)
			form.Set("client_secret", "guess")
			return nil
		},
		"the digest of its secret": func(url.Values) []string {
			return []string{"Authorization", basic(p.id, string(server.HashSecret(p.secret).Value))}
		},
		"its id beside another's": func(form url.Values) []string {
			form.Set("client_id", p.id)
			return []string{"Authorization", basic(post().id, post().secret)}
		},
		"its id in capitals":  func(url.Values) []string { return []string{"Authorization", basic(strings.ToUpper(p.id), p.secret)} },
		"its id with a space": func(url.Values) []string { return []string{"Authorization", basic(p.id+" ", p.secret)} },
		"its id, encoded once more": func(url.Values) []string {
			return []string{"Authorization", basic(url.QueryEscape("%")+p.id, p.secret)}
		},
		"an assertion of no key": func(form url.Values) []string {
			form.Set("client_assertion", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ3ZWIiLCJzdWIiOiJ3ZWIifQ.")
			form.Set("client_assertion_type", jwtBearer)
			return nil
		},
	}
}

// clientAttacks are attacks by, or in the name of, another client: RFC 9700, section 2.5 (client authentication); RFC 6819, sections 4.1.1 (client
// secrets), 4.2.3 (existing authorizations), 4.3.3 (secrets on their way), 4.3.5 (guessing) and 4.4.1.4 (malicious client); RFC 7009, section 5; RFC 7592, section
// 5; RFC 7662, section 4; RFC 8628, section 5.2; RFC 9101, section 10; RFC 9126, section 7.
func clientAttacks() cases {
	// refuse checks that ans proves nobody.
	refuse := func(t *testing.T, what string, ans *answer) {
		t.Helper()
		if code := ans.text(t, "error"); ans.Status != 400 && ans.Status != 401 || code != "invalid_client" && code != "invalid_request" {
			t.Errorf("%s: %d %s", what, ans.Status, ans.Body)
		}
	}
	list := cases{
		"client impersonation: at the token endpoint an impostor gets nothing and burns nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			code, first := w.code(web()), w.login(web())
			for what, be := range impostors(web()) {
				for _, form := range []url.Values{web().exchange(code), refreshing(first.Refresh), machine()} {
					fields := be(form)
					refuse(t, what, w.form(t, "/token", form, fields...))
				}
			}
			w.alive(w.token(web(), web().exchange(code)).tokens(t).Access)
			w.refresh(web(), first.Refresh)
		},
		"client impersonation: at revocation an impostor, or another client, ends nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.login(web())
			for _, token := range []string{got.Access, got.Refresh} {
				for what, be := range impostors(web()) {
					form := url.Values{"token": {token}}
					fields := be(form)
					refuse(t, what, w.form(t, "/revoke", form, fields...))
				}
				for _, other := range []party{post(), spa(), native(), service(), jwtWeb()} {
					w.revoke(other, token).refused(t, 400, "invalid_grant")
				}
			}
			w.alive(got.Access)
			w.alive(w.refresh(web(), got.Refresh).Access)
		},
		"client impersonation: at introspection an impostor, or another client, learns nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.login(web())
			for _, token := range []string{got.Access, got.Refresh, "unknown"} {
				for what, be := range impostors(web()) {
					form := url.Values{"token": {token}}
					fields := be(form)
					ans := w.form(t, "/introspect", form, fields...)
					if refuse(t, what, ans); strings.Contains(ans.Body, "active") {
						t.Errorf("%s: %s", what, ans.Body)
					}
				}
				for _, other := range []party{post(), service(), jwtWeb()} {
					if ans := w.introspect(other, token); ans.Body != notActive {
						t.Errorf("%s sees %s", other.id, ans.Body)
					}
				}
				for _, public := range []party{spa(), native()} {
					w.introspect(public, token).refused(t, 400, "invalid_client")
				}
			}
		},
		"client impersonation: at the pushed request endpoint nobody pushes in another's name": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			for what, be := range impostors(web()) {
				form := web().request()
				form.Del("client_id")
				fields := be(form)
				refuse(t, what, w.form(t, "/par", form, fields...))
			}
			form := with(web().request(), "client_id", "") // proven as post, and the request names no client
			if uri := w.form(t, "/par", with(form, "redirect_uri", callback), "Authorization", basic(jwtWeb().id, jwtWeb().secret)).status(t, 201).text(t, "request_uri"); uri != "" {
				w.open(web(), uri).refused(t, 400, "invalid_request_uri")
			}
		},
		"request_uri swapping: another client's pushed request is nobody's, and stays": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			uri := w.pushed(web())
			for _, other := range []party{post(), spa(), jwtWeb()} {
				ans := w.open(other, uri)
				if ans.refused(t, 400, "invalid_request_uri"); ans.Header.Get("Location") != "" {
					t.Errorf("Location = %q", ans.Header.Get("Location"))
				}
				ans = w.authorize(with(other.request(), "request_uri", uri))
				ans.refused(t, 400, "invalid_request_uri")
			}
			_, q := w.open(web(), uri).params(t)
			w.token(web(), web().exchange(q.Get("code"))).tokens(t)
		},
		"request object swapping: what one client signed is no request of another": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			object := x.keyed.object(nil)
			for _, id := range []string{"remote", "shared", "web", "spa"} {
				ans := x.authorize(url.Values{"client_id": {id}, "request": {object}})
				if strings.Contains(ans.Header.Get("Location"), "code=") || ans.Status == 303 && !strings.Contains(ans.Header.Get("Location"), "invalid_request_object") {
					t.Errorf("%s: %d to %q", id, ans.Status, ans.Header.Get("Location"))
				}
			}
			forged := x.remote.sign("oauth-authz-req+jwt", x.keyed.request(nil)) // another's key
			if ans := x.keyed.ask(forged); strings.Contains(ans.Header.Get("Location"), "code=") {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
			x.form(t, "/par", asserted(url.Values{"request": {object}}, x.remote.assertion(nil))).refused(t, 400, "invalid_request_object")
		},
		"device code theft: another client's device code gives nothing and costs nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, devices(func(s *setup) {
				s.Clients = append(s.Clients, party{"other", "", "none", ""}.client(oauth2.GrantDeviceCode))
			}))
			codes := w.codes(tv())
			newBrowser(w).connect(codes.User, "alice").done()
			for _, other := range []party{box(), {"other", "", "none", ""}} {
				w.poll(other, codes.Device).refused(t, 400, "invalid_grant")
			}
			w.token(tv(), polling(codes.User)).refused(t, 400, "invalid_grant") // the user code is not the device's
			w.alive(w.poll(tv(), codes.Device).tokens(t).Access)
		},
		"registration hijack: nobody manages a client but with its own token": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			victim, attacker := w.manage(t, registrant()), w.manage(t, registrant().with("client_name", "Evil"))
			access := w.login(web()).Access
			evil := registrant().with("client_id", victim.id).with("redirect_uris", []string{"https://evil.example.com/cb"})
			for what, token := range map[string]string{
				"another client's token": attacker.token, "an access token": access, "its own secret": victim.secret, "its id": "id-" + victim.id, "no token": "", "a prefix": victim.token[:len(victim.token)-1], "the token twice": victim.token + victim.token,
			} {
				thief := victim
				thief.token = token
				for how, ans := range map[string]*answer{"GET": thief.get(t), "PUT": thief.put(t, evil), "DELETE": thief.delete(t)} {
					if ans.Status != 401 || strings.Contains(ans.Body, victim.secret) {
						t.Errorf("%s of %s: %d %s", how, what, ans.Status, ans.Body)
					}
				}
			}
			m := victim.get(t).status(t, 200)
			if strings.Contains(m.Body, "evil") {
				t.Errorf("client = %s", m.Body)
			}
			attacker.put(t, evil.with("client_id", victim.id)).status(t, 400) // its own place, the victim's name
			w.get(t, "/api", "Authorization", "Bearer "+victim.token).refused(t, 401, "invalid_token")
		},
		"registration hijack: who registers chooses neither an id, a secret, nor an origin": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			ans := w.register(t, registrant().with("client_id", "web").with("client_secret", "chosen").with("registration_access_token", "chosen").with("origin", "operator").with("policy", map[string]any{"consent": "never"}).with("client_secret_expires_at", 0))
			p, _, token := ans.registered(t, 201)
			if p.id == "web" || p.secret == "chosen" || token == "chosen" || strings.Contains(ans.Body, "policy") || strings.Contains(ans.Body, "origin") {
				t.Errorf("answer = %s", ans.Body)
			}
			c, err := w.store.Client(t.Context(), p.id)
			if err != nil || c.Origin != store.ByRegistration || c.Policy.Consent != "" {
				t.Errorf("client = %+v, %v", c, err)
			}
			for _, scope := range []string{"read", "admin", "open admin"} {
				w.register(t, registrant().with("scope", scope)).refused(t, 400, "invalid_client_metadata")
			}
			w.register(t, registrant().with("grant_types", []string{"client_credentials"})).refused(t, 400, "invalid_client_metadata")
			if strings.Contains(c.Metadata.Name, "web") {
				t.Errorf("name = %q", c.Metadata.Name)
			}
		},
		"client impersonation: a client of the operator's is not known by a document, nor a document by a name that looks like it": func(t *testing.T, a Adapter) {
			w, site := described(t, a, func(_ *server.ClientDocuments, s *setup) {
				c := web().client("authorization_code")
				c.ID, c.Disabled = "https://blocked.example.com/app.json", true
				s.Clients = append(s.Clients, c)
			})
			host := strings.TrimPrefix(site.URL, "https://")
			for _, id := range []string{
				"https://blocked.example.com/app.json", "http://" + host + "/app.json", "https://" + host, "https://evil@" + host + "/app.json", "https://" + host + "/app.json#web", "https://" + host + "/x/../app.json",
				"https://" + host + "/%2e%2e/app.json", "https://" + host + "/./app.json", "HTTPS://" + host + "/app.json", "https://" + host + `\app.json`, "//" + host + "/app.json", "https://" + host + "//../app.json",
			} {
				p := site.client()
				p.id = id
				if ans := w.authorize(p.open()); ans.Status != 400 || ans.Header.Get("Location") != "" {
					t.Errorf("%s: %d to %q", id, ans.Status, ans.Header.Get("Location"))
				}
			}
			if n := site.hits.Load(); n != 0 {
				t.Errorf("%d documents were fetched", n)
			}
		},
		"consent phishing: a client that anybody can be is never approved without a person, and shows whose it is": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				builtInPages(s)
				s.Registration = &server.Registration{Open: true}
			})
			p, _, _ := w.register(t, registrant().with("client_name", "The web app").with("redirect_uris", []string{"http://127.0.0.1/cb"}).with("token_endpoint_auth_method", "none").with("application_type", "native")).registered(t, 201)
			b := newBrowser(w)
			b.authorize(p, "scope", "open").signIn("alice").form().submit("action", "allow").code()
			b.w.clock.Pass(time.Second)
			if p := b.authorize(p, "scope", "open", "redirect_uri", "http://127.0.0.1:4711/cb"); !strings.Contains(p.Body, `id="consent-form"`) || !strings.Contains(p.Body, "127.0.0.1:4711") {
				t.Errorf("page = %d %s", p.Status, p.Body)
			}
			_, q := b.authorize(p, "scope", "open", "prompt", "none").params(t)
			if q.Get("error") != "consent_required" {
				t.Errorf("prompt=none: %v", q)
			}
		},
		"credentials in the URL: no endpoint of clients reads them there": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, pushing)
			q := url.Values{"client_id": {post().id}, "client_secret": {post().secret}}
			for _, path := range []string{"/token", "/introspect", "/revoke", "/par"} {
				refuse(t, path, w.form(t, path+"?"+q.Encode(), with(machine(), "token", "x")))
				w.do(t, http.MethodGet, path+"?"+with(q, "grant_type", "client_credentials").Encode(), "").status(t, 405)
			}
		},
	}
	return list
}

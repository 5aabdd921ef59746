package adaptertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// victim is the verifier of somebody else's flow.
const victim = "a-verifier-that-the-attacker-never-sees-0123456789-abc"

// codeAttacks are attacks on authorization codes: RFC 9700, sections 2.3, 4.4 (mix-up), 4.5 (code injection), 4.8 (PKCE downgrade), 4.12 (307) and
// 4.15; RFC 6819, sections 4.4.1.1 (leaked codes), 4.4.1.3 (guessing), 4.4.1.7 (counterfeit client) and 4.4.1.13 (code substitution).
func codeAttacks() cases {
	return cases{
		"code injection: a victim's code in the attacker's own flow is worth nothing, and is not burned": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), post(), spa(), native(), jwtWeb()} {
				w := newWorld(t, a, nil)
				stolen := w.code(p, "code_challenge", oauth2.Challenge(victim))
				mine := w.code(p)
				// The attacker has an honest client redeem it, whose verifier is that of the attacker's flow.
				w.token(p, p.exchange(stolen)).refused(t, 400, "invalid_grant")
				w.token(p, with(p.exchange(stolen), "code_verifier", "")).refused(t, 400, "invalid_grant")
				w.token(p, with(p.exchange(stolen), "code_verifier", oauth2.Challenge(victim))).refused(t, 400, "invalid_grant")
				got := w.token(p, with(p.exchange(stolen), "code_verifier", victim)).tokens(t)
				w.alive(got.Access)
				w.token(p, p.exchange(mine)).tokens(t)
			}
		},
		"code substitution: a code is good for the client that it was issued to": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			for _, p := range []party{web(), spa()} {
				code := w.code(p)
				for _, other := range []party{post(), jwtWeb(), native(), {"web", "", "none", callback}, {"spa", "guess", "client_secret_post", spa().redirect}} {
					if other.id == p.id && p.method == "none" || other.id == "spa" && p.id == "web" {
						continue
					}
					ans := w.token(other, p.exchange(code))
					if ans.Status != 400 && ans.Status != 401 || ans.text(t, "access_token") != "" {
						t.Errorf("%s redeems the code of %s: %d %s", other.id, p.id, ans.Status, ans.Body)
					}
				}
				w.alive(w.token(p, p.exchange(code)).tokens(t).Access)
			}
		},
		"counterfeit redirect URI: a code is good with the redirect URI that it went to": func(t *testing.T, a Adapter) {
			const evil = "https://evil.example.com/cb"
			w := newWorld(t, a, func(s *setup) {
				s.Clients[0].Metadata.RedirectURIs = []string{callback, evil} // both the client's own, one of them in the wrong hands
			})
			leaked := w.code(web(), "redirect_uri", evil)
			w.token(web(), web().exchange(leaked)).refused(t, 400, "invalid_grant")
			w.token(web(), with(web().exchange(leaked), "redirect_uri", "")).refused(t, 400, "invalid_grant")
			w.token(web(), with(web().exchange(leaked), "redirect_uri", evil+"?")).refused(t, 400, "invalid_grant")
		},
		"code guessing: no neighbour of a code is a code": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			code := w.code(web())
			if len(code) < len("mdc_")+43 {
				t.Errorf("a code of %d characters can be guessed", len(code))
			}
			for i := len("mdc_"); i < len(code); i++ {
				other := byte('A')
				if code[i] == other {
					other = 'B'
				}
				w.token(web(), web().exchange(code[:i]+string(other)+code[i+1:])).refused(t, 400, "invalid_grant")
			}
			w.alive(w.token(web(), web().exchange(code)).tokens(t).Access)
		},
		"PKCE downgrade: a request whose challenge was cut out gives a code that no verifier fits": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.PKCE = server.PKCEPublic })
			code := w.code(web(), "code_challenge", "", "code_challenge_method", "")
			w.token(web(), web().exchange(code)).refused(t, 400, "invalid_grant") // the client that does PKCE notices
			w.token(web(), with(web().exchange(code), "code_verifier", "")).tokens(t)
			for _, p := range []party{spa(), native()} {
				to, q := w.authorize(with(p.request(), "code_challenge", "", "code_challenge_method", "")).params(t)
				if to != p.redirect || q.Get("error") != "invalid_request" || q.Has("code") {
					t.Errorf("%s without a challenge: %v", p.id, q)
				}
			}
		},
		"PKCE downgrade: a challenge that was sent must be answered, under every policy": func(t *testing.T, a Adapter) {
			for _, policy := range []server.PKCEPolicy{server.PKCERequired, server.PKCEPublic} {
				w := newWorld(t, a, func(s *setup) { s.PKCE = policy })
				for _, p := range []party{web(), spa()} {
					code := w.code(p)
					w.token(p, with(p.exchange(code), "code_verifier", "")).refused(t, 400, "invalid_grant")
					w.token(p, p.exchange(code)).tokens(t)
				}
			}
		},
		"PKCE downgrade: plain is never taken, named, meant or posing as S256": func(t *testing.T, a Adapter) {
			for _, policy := range []server.PKCEPolicy{server.PKCERequired, server.PKCEPublic} {
				w := newWorld(t, a, func(s *setup) {
					s.PKCE = policy
					pushing(s)
				})
				for _, p := range []party{web(), spa()} {
					for _, changes := range [][]string{
						{"code_challenge", verifier, "code_challenge_method", "plain"},
						{"code_challenge", verifier, "code_challenge_method", ""},
						{"code_challenge_method", ""},
						{"code_challenge_method", "s256"},
						{"code_challenge_method", "PLAIN"},
						{"code_challenge", "", "code_challenge_method", "S256"},
					} {
						if _, q := w.authorize(with(p.request(), changes...)).params(t); q.Get("error") != "invalid_request" || q.Has("code") {
							t.Errorf("%s with %q: %v", p.id, changes, q)
						}
						w.push(p, changes...).refused(t, 400, "invalid_request")
					}
					// A verifier that is its own challenge would be plain by another name.
					code := w.code(p)
					w.token(p, with(p.exchange(code), "code_verifier", oauth2.Challenge(verifier))).refused(t, 400, "invalid_grant")
				}
				m := w.get(t, "/.well-known/oauth-authorization-server").json(t)
				if got := words(m["code_challenge_methods_supported"]); len(got) != 1 || got[0] != "S256" {
					t.Errorf("code_challenge_methods_supported = %v", got)
				}
			}
		},
		"PKCE downgrade: the browser cannot take the challenge from a pushed or signed request, nor bring its own": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			uri := x.pushed(web(), "code_challenge", oauth2.Challenge(victim))
			_, q := x.authorize(url.Values{"client_id": {"web"}, "request_uri": {uri}, "code_challenge": {oauth2.Challenge(verifier)}, "code_challenge_method": {"S256"}}).params(t)
			x.token(web(), web().exchange(q.Get("code"))).refused(t, 400, "invalid_grant")
			x.token(web(), with(web().exchange(q.Get("code")), "code_verifier", victim)).tokens(t)

			p := party{"keyed", "", "", callback}
			object := x.keyed.object(map[string]any{"code_challenge": oauth2.Challenge(victim)})
			_, q = x.authorize(url.Values{"client_id": {"keyed"}, "request": {object}, "code_challenge": {oauth2.Challenge(verifier)}, "code_challenge_method": {"S256"}}).params(t)
			x.form(t, "/token", asserted(p.exchange(q.Get("code")), x.keyed.assertion(nil))).refused(t, 400, "invalid_grant")
			x.form(t, "/token", asserted(with(p.exchange(q.Get("code")), "code_verifier", victim), x.keyed.assertion(nil))).tokens(t)

			bare := x.keyed.object(map[string]any{"code_challenge": nil, "code_challenge_method": nil})
			_, q = x.authorize(with(p.request(), "client_id", "keyed", "request", bare)).params(t)
			if q.Get("error") != "invalid_request" || q.Has("code") {
				t.Errorf("a challenge beside the object counts: %v", q)
			}
		},
		"mix-up: every answer names its issuer, codes and errors, in every mode": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				signing(s)
				builtInPages(s)
			})
			silent := newBrowser(w)
			b := newBrowser(w)
			b.authorize(web()).signIn("alice").form().submit("action", "allow").code()
			named := func(what string, q url.Values) {
				t.Helper()
				if q.Get("iss") != w.issuer || len(q["iss"]) != 1 {
					t.Errorf("%s: iss = %q, want %s", what, q["iss"], w.issuer)
				}
			}
			for _, mode := range []string{"", "query", "fragment", "form_post"} {
				for what, changes := range map[string][]string{
					"a code": nil, "invalid_scope": {"scope", "unknown"}, "invalid_request": {"code_challenge_method", "plain"}, "unsupported_response_type": {"response_type", "x"},
					"invalid_target": {"resource", "https://unknown.example.com"}, "request_not_supported": {"request", "a.b.c"}, "login_required": {"prompt", "none", "max_age", "0"},
				} {
					p := b
					if what == "login_required" {
						p = silent
					}
					ans := p.authorize(web(), append(changes, "response_mode", mode)...)
					var q url.Values
					if mode == "form_post" {
						_, q = ans.posted(t)
					} else {
						_, q = ans.params(t)
					}
					named(mode+" "+what, q)
				}
				deny := newBrowser(w).authorize(web(), "response_mode", mode).form().submit("action", "cancel")
				var q url.Values
				if mode == "form_post" {
					_, q = deny.posted(t)
				} else {
					_, q = deny.params(t)
				}
				if named(mode+" denial", q); q.Get("error") != "access_denied" {
					t.Errorf("denial = %v", q)
				}
			}
			for _, scope := range []string{"read", "unknown"} { // signed: iss and aud are inside, and unsigned checks them
				_, q := b.authorize(web(), "response_mode", "jwt", "scope", scope).params(t)
				if said := w.unsigned(web(), q, "ES256"); said["code"] == "" && said["error"] != "invalid_scope" {
					t.Errorf("answer = %v", said)
				}
			}
		},
		"mix-up: a signed answer for one client is none for another, and none of another server": func(t *testing.T, a Adapter) {
			w, other := newWorld(t, a, signing), newWorld(t, a, signing)
			_, q := w.authorize(with(web().request(), "response_mode", "jwt")).params(t)
			claims := part(t, q.Get("response"), 1)
			if claims["aud"] != "web" || claims["iss"] != w.issuer || claims["iss"] == other.issuer {
				t.Errorf("claims = %v", claims)
			}
			if head := part(t, q.Get("response"), 0); head["typ"] == "at+jwt" || head["kid"] == "" {
				t.Errorf("header = %v", head)
			}
		},
		"mix-up: a code that the attacker's server was handed is worth nothing at another issuer": func(t *testing.T, a Adapter) {
			secret := mandate.NewRandomSecret()
			honest := newWorld(t, a, func(s *setup) { s.Secret = secret })
			evil := newWorld(t, a, func(s *setup) {
				s.Secret, s.Store, s.store, s.clock, s.Now = secret, honest.store, honest.store, honest.clock, honest.clock.Now
			})
			code := honest.code(web())
			evil.token(web(), web().exchange(code)).refused(t, 400, "invalid_grant")
			honest.token(web(), web().exchange(code)).tokens(t)
		},
		"eavesdropping: a code that was used ends what came of it, the thief's tokens too": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			code := w.code(spa()) // without a secret, and here the verifier leaked, too
			thief := w.token(spa(), spa().exchange(code)).tokens(t)
			w.token(spa(), spa().exchange(code)).refused(t, 400, "invalid_grant")
			w.dead(spa(), thief.Access, thief.Refresh)
		},
		"scope upgrade: neither redeeming nor refreshing gives more than the user allowed": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			got := w.token(web(), with(web().exchange(w.code(web())), "scope", "read write admin"))
			if got.Status == 200 && got.text(t, "scope") != "read" {
				t.Errorf("answer = %s", got.Body)
			}
			first := w.login(web())
			w.token(web(), with(refreshing(first.Refresh), "scope", "read write")).refused(t, 400, "invalid_scope")
			if again := w.refresh(web(), first.Refresh); again.Scope != "read" {
				t.Errorf("scope = %q", again.Scope)
			}
		},
		"approval by the client's own subject: nobody becomes a user by the name of a client": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			_, q := w.authorize(web().request(), "X-User", "web").params(t)
			if q.Get("error") != "access_denied" || q.Has("code") {
				t.Errorf("answer = %v", q)
			}
			if list, _ := w.store.FindGrants(t.Context(), store.GrantQuery{Subject: "web"}, store.Page{}); len(list) != 0 {
				t.Errorf("grants = %v", list)
			}
			m := w.get(t, "/api", "Authorization", "Bearer "+w.token(service(), machine()).tokens(t).Access).status(t, 200).json(t)
			if m["sub"] != "" {
				t.Errorf("a machine's subject is %v (RFC 9700, section 4.15)", m["sub"])
			}
		},
		"HTTP 307: no redirect makes a browser send a password on": func(t *testing.T, a Adapter) {
			b := newBrowser(newWorld(t, a, builtInPages))
			f := b.authorize(web()).form()
			for _, p := range []*page{f.post("username", "alice", "password", "password of alice", "action", "login"), b.send(http.MethodPost, "/authorize", web().request()), f.post("action", "cancel")} {
				if p.Status != http.StatusSeeOther || strings.Contains(p.Header.Get("Location"), "password") {
					t.Errorf("POST %s = %d to %s", p.url, p.Status, p.Header.Get("Location"))
				}
			}
		},
	}
}

package adaptertest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

const objectURI = "https://app.example.com/request.jwt"

// objectSite is a mandate.Fetcher that answers for what request_uris lead to.
type objectSite struct {
	body   atomic.Pointer[string]
	asked  atomic.Int64
	status int
	wait   chan struct{} // nil: at once
}

// Fetch implements mandate.Fetcher.
func (o *objectSite) Fetch(ctx context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	if r.Trust != mandate.Untrusted || r.Purpose != "request_uri" || strings.Contains(r.URL, "#") {
		return nil, errors.New("not as it must be asked for")
	}
	o.asked.Add(1)
	if o.wait != nil {
		select {
		case <-o.wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	body := o.body.Load()
	if body == nil {
		return nil, errors.New("no such site")
	}
	return &mandate.Response{Status: o.status, Body: []byte(*body)}, nil
}

// objecting makes a world in which requests may be signed.
func objecting(t *testing.T, a Adapter, change func(s *setup, clients map[string]*store.Client)) *asserting {
	t.Helper()
	return newAsserting(t, a, func(s *setup, clients map[string]*store.Client) {
		s.RequestObjects = &server.RequestObjects{Algs: append(jose.Asymmetric(), jose.HS256)}
		if change != nil {
			change(s, clients)
		}
	})
}

// object returns the ordinary authorization request of s as a signed object, but for changes: nil takes a claim away.
func (s asserter) object(changes map[string]any) string {
	return s.sign("oauth-authz-req+jwt", s.request(changes))
}

func (s asserter) request(changes map[string]any) map[string]any {
	claims := map[string]any{"iss": s.id, "aud": s.w.issuer, "exp": s.w.clock.Now().Add(time.Minute).Unix(), "iat": s.w.clock.Now().Unix()}
	for name, values := range (party{s.id, "", "", callback}).request() {
		claims[name] = values[0]
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// ask sends an object with a client_id and nothing else.
func (s asserter) ask(object string) *answer {
	s.w.t.Helper()
	return s.w.authorize(url.Values{"client_id": {s.id}, "request": {object}})
}

// redeem exchanges the code that the answer ans carries.
func (s asserter) redeem(ans *answer) tokens {
	s.w.t.Helper()
	_, q := ans.params(s.w.t)
	form := asserted((party{s.id, "", "", callback}).exchange(q.Get("code")), s.assertion(nil))
	return s.w.form(s.w.t, "/token", form).tokens(s.w.t)
}

// requestObjects are the cases of RFC 9101.
func requestObjects() cases {
	list := cases{
		"a signed request becomes a code": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			for _, s := range []asserter{x.keyed, x.remote, x.shared} {
				ans := s.ask(s.object(map[string]any{"scope": "read write", "max_age": 3600}))
				if to, q := ans.params(t); to != callback || q.Get("state") != "xyz" || q.Get("iss") != x.issuer {
					t.Errorf("%s: answer to %s with %v", s.id, to, q)
				}
				if got := s.redeem(ans); got.Scope != "read write" {
					t.Errorf("%s: scope = %q", s.id, got.Scope)
				}
			}
		},
		"of the parameters beside it none counts but client_id": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			q := url.Values{
				"client_id": {"keyed"}, "request": {x.keyed.object(map[string]any{"state": nil})}, "scope": {"write"}, "state": {"evil"}, "redirect_uri": {callback + "/evil"},
				"response_mode": {"fragment"}, "prompt": {"none"}, "response_type": {"token"},
			}
			ans := x.authorize(q)
			if _, q := ans.params(t); q.Has("state") || strings.Contains(ans.Header.Get("Location"), "#") {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
			if got := x.keyed.redeem(ans); got.Scope != "read" {
				t.Errorf("scope = %q", got.Scope)
			}
		},
		"what is missing in it is not taken from beside it": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			object := x.keyed.object(map[string]any{"code_challenge": nil, "code_challenge_method": nil})
			q := with((party{"keyed", "", "", callback}).request(), "request", object)
			toldAs(t, x.world, x.authorize(q), "invalid_request", true)
		},
		"a redirect URI in it that is not registered is an error page": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			q := with((party{"keyed", "", "", callback}).request(), "request", x.keyed.object(map[string]any{"redirect_uri": "https://evil.example/cb"}))
			x.authorize(q).refused(t, 400, "invalid_request")
		},
		"several resources are an array": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			ans := x.keyed.ask(x.keyed.object(map[string]any{"resource": []string{"https://one.example.com", "https://two.example.com/v1"}}))
			got := x.keyed.redeem(ans)
			if aud, _ := x.form(t, "/introspect", asserted(url.Values{"token": {got.Access}}, x.keyed.assertion(nil))).json(t)["aud"].([]any); len(aud) != 2 {
				t.Errorf("aud = %v, want both", aud)
			}
		},
		"the types that clients send": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			for _, typ := range []string{"oauth-authz-req+jwt", "application/oauth-authz-req+jwt", "JWT", ""} {
				x.keyed.redeem(x.keyed.ask(x.keyed.sign(typ, x.keyed.request(nil))))
			}
		},
		"a jti is good for one end": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			object := x.keyed.object(map[string]any{"jti": "one"})
			x.keyed.redeem(x.keyed.ask(object))
			ans := x.keyed.ask(object).status(t, 410)
			if ans.refused(t, 410, "invalid_request_object"); ans.Header.Get("Location") != "" {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
			x.remote.redeem(x.remote.ask(x.remote.object(map[string]any{"jti": "one"})))
			x.keyed.redeem(x.keyed.ask(x.keyed.object(map[string]any{"jti": "two"})))
			x.clock.Pass(25 * time.Second)
			x.keyed.ask(object).refused(t, 410, "invalid_request_object")
		},
		"a look at the page uses nothing up, and two tabs have one end": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(s *setup, _ map[string]*store.Client) { builtInPages(s) })
			b := newBrowser(x.world)
			link := "/authorize?" + url.Values{"client_id": {"keyed"}, "request": {x.keyed.object(map[string]any{"jti": "one"})}}.Encode()
			b.open(link)
			first := b.open(link).form().submit("username", "alice", "password", "password of alice", "action", "login")
			second := b.open(link)
			x.clock.Pass(20 * time.Minute)
			code := first.form().submit("action", "allow").code()
			if again := first.form().submit("action", "allow").code(); again != code {
				t.Errorf("a double click has the code %q, want %q", again, code)
			}
			second.form().submit("action", "allow").status(t, 410)
			second.form().submit("action", "deny").status(t, 410)
		},
		"one that is pushed counts alone, and its jti once": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(s *setup, _ map[string]*store.Client) { pushing(s) })
			object := x.keyed.object(map[string]any{"scope": "write", "jti": "pushed"})
			push := func(object string) *answer {
				return x.form(t, "/par", asserted(url.Values{"request": {object}, "scope": {"read"}}, x.keyed.assertion(nil)))
			}
			uri := push(object).status(t, 201).text(t, "request_uri")
			push(object).refused(t, 400, "invalid_request_object")
			ans := x.open(party{id: "keyed"}, uri)
			if got := x.keyed.redeem(ans); got.Scope != "write" {
				t.Errorf("scope = %q", got.Scope)
			}
			push(x.keyed.object(map[string]any{"client_id": "web"})).refused(t, 400, "invalid_request_object")
			push(x.keyed.object(map[string]any{"scope": "unknown"})).refused(t, 400, "invalid_scope")
			push("a.b.c").refused(t, 400, "invalid_request_object")
		},
		"a server that wants all signed refuses the rest, and says so": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(s *setup, _ map[string]*store.Client) { s.RequestObjects.Required = true; pushing(s) })
			toldAs(t, x.world, x.authorize(web().request()), "invalid_request", true)
			x.push(web()).refused(t, 400, "invalid_request")
			x.keyed.redeem(x.keyed.ask(x.keyed.object(nil)))
			if m := x.get(t, "/.well-known/oauth-authorization-server").json(t); m["require_signed_request_object"] != true {
				t.Errorf("metadata = %v", m)
			}
		},
		"so does a client of its own": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(_ *setup, clients map[string]*store.Client) {
				clients["keyed"].Metadata.RequireSignedRequest, clients["remote"].Policy.SignedRequest = true, true
			})
			for _, s := range []asserter{x.keyed, x.remote} {
				toldAs(t, x.world, x.authorize((party{s.id, "", "", callback}).request()), "invalid_request", true)
				s.redeem(s.ask(s.object(nil)))
			}
			x.code(web())
		},
		"a registered algorithm is the only one": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(_ *setup, clients map[string]*store.Client) { clients["keyed"].Metadata.RequestAlg = "PS256" })
			toldAs(t, x.world, x.keyed.ask(x.keyed.object(nil)), "invalid_request_object", false)
		},
		"the metadata say what is on": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(s *setup, _ map[string]*store.Client) {
				s.RequestObjects = &server.RequestObjects{Algs: []jose.Alg{jose.ES256}, ByReference: true}
			})
			m := x.get(t, "/.well-known/oauth-authorization-server").json(t)
			if m["request_parameter_supported"] != true || m["request_uri_parameter_supported"] != true || m["require_signed_request_object"] != nil || fmt.Sprint(m["request_object_signing_alg_values_supported"]) != "[ES256]" {
				t.Errorf("metadata = %v", m)
			}
			if m := objecting(t, a, nil).get(t, "/.well-known/oauth-authorization-server").json(t); m["request_uri_parameter_supported"] != false {
				t.Errorf("metadata = %v", m)
			}
			if m := newWorld(t, a, nil).get(t, "/.well-known/oauth-authorization-server").json(t); m["request_parameter_supported"] != nil || m["request_object_signing_alg_values_supported"] != nil {
				t.Errorf("metadata = %v", m)
			}
		},
		"a configuration that cannot be is refused": func(t *testing.T, a Adapter) {
			demanding, hmac, plainURI := web().client("authorization_code"), web().client("authorization_code"), web().client("authorization_code")
			demanding.Metadata.RequireSignedRequest, hmac.Metadata.RequestAlg, plainURI.Metadata.RequestURIs = true, "HS256", []string{"http://app.example.com/r"}
			for want, c := range map[string]server.Config{
				"Config.RequestObjects":            {Clients: []*store.Client{demanding}},
				"sealed secret":                    {Clients: []*store.Client{hmac}, RequestObjects: &server.RequestObjects{Algs: []jose.Alg{jose.HS256}}},
				"is not among RequestObjects.Algs": {Clients: []*store.Client{hmac}, RequestObjects: &server.RequestObjects{}},
				"request_uris":                     {Clients: []*store.Client{plainURI}, RequestObjects: &server.RequestObjects{ByReference: true}},
				`Algs has "none"`:                  {RequestObjects: &server.RequestObjects{Algs: []jose.Alg{"none"}}},
				"Algs is empty":                    {RequestObjects: &server.RequestObjects{Algs: []jose.Alg{}}},
				"ByReference is not":               {RequestObjects: &server.RequestObjects{URIs: []string{objectURI}}},
				"without query":                    {RequestObjects: &server.RequestObjects{ByReference: true, URIs: []string{"http://x.example/"}}},
				"authorization endpoint":           {RequestObjects: &server.RequestObjects{}, GrantTypes: []server.GrantType{server.ClientCredentials()}},
			} {
				c.Issuer, c.Store = "http://127.0.0.1", a.NewStore(t)
				if _, err := server.New(c); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("New = %v, want an error with %q", err, want)
				}
			}
		},
	}
	for name, c := range badObjects() {
		list["refused: "+name] = c
	}
	for name, c := range objectsElsewhere() {
		list["by reference: "+name] = c
	}
	return list
}

// badObjects are the request objects that say nothing.
func badObjects() cases {
	list := cases{
		"under strict audiences, what has not one or no end": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(s *setup, _ map[string]*store.Client) { s.StrictAssertionAudience = true })
			for _, changes := range []map[string]any{{"aud": nil}, {"exp": nil}, {"aud": []string{x.issuer, "https://other.example"}}} {
				toldAs(t, x.world, x.keyed.ask(x.keyed.object(changes)), "invalid_request_object", false)
			}
			x.keyed.redeem(x.keyed.ask(x.keyed.object(nil)))
		},
		"what a stranger signed": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			stranger := asserter{x.world, "keyed", newSigningKey(t, jose.ES256), "", "", x.keyed.made}
			toldAs(t, x.world, x.keyed.ask(stranger.object(nil)), "invalid_request_object", false)
			toldAs(t, x.world, x.keyed.ask(pointing(t, x.keyed.request(nil))), "invalid_request_object", false)
			toldAs(t, x.world, x.shared.ask(asserter{x.world, "shared", nil, otherSecret, jose.HS256, x.keyed.made}.object(nil)), "invalid_request_object", false)
			toldAs(t, x.world, x.keyed.ask(x.remote.object(map[string]any{"client_id": "keyed", "iss": "keyed"})), "invalid_request_object", false)
		},
		"what nobody signed": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(_ *setup, clients map[string]*store.Client) { clients["remote"].Metadata.RequestAlg = "" })
			payload, err := json.Marshal(x.keyed.request(nil))
			if err != nil {
				t.Fatal(err)
			}
			b64 := base64.RawURLEncoding.EncodeToString
			for _, object := range []string{
				b64([]byte(`{"alg":"none"}`)) + "." + b64(payload) + ".", b64([]byte(`{"alg":"None","typ":"JWT"}`)) + "." + b64(payload) + ".", b64(payload), "a.b.c", "....", "a.b.c.d.e", strings.Repeat("a", 11<<10),
			} {
				toldAs(t, x.world, x.keyed.ask(object), "invalid_request_object", false)
			}
			ans := x.form(t, "/authorize", url.Values{"client_id": {"keyed"}, "request": {strings.Repeat("a", 17<<10)}})
			toldAs(t, x.world, ans, "invalid_request_object", false)
		},
		"told with the state and in the way of the request beside it": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			ans := x.authorize(with((party{"keyed", "", "", callback}).request(), "request", "a.b.c", "response_mode", "fragment"))
			if toldAs(t, x.world, ans, "invalid_request_object", true); !strings.HasPrefix(ans.Header.Get("Location"), callback+"#") {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
			x.authorize(with((party{"keyed", "", "", callback}).request(), "request", "a.b.c", "redirect_uri", "https://evil.example/cb")).refused(t, 400, "invalid_request_object")
		},
		"request and request_uri together, or twice": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(s *setup, _ map[string]*store.Client) { s.RequestObjects.ByReference = true })
			object := x.keyed.object(nil)
			toldAs(t, x.world, x.authorize(url.Values{"client_id": {"keyed"}, "request": {object}, "request_uri": {objectURI}}), "invalid_request", false)
			toldAs(t, x.world, x.authorize(url.Values{"client_id": {"keyed"}, "request": {object, object}}), "invalid_request", false)
		},
		"a request_uri where there are none": func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			toldAs(t, x.world, x.authorize(url.Values{"client_id": {"keyed"}, "request_uri": {objectURI}}), "request_uri_not_supported", false)
		},
	}
	for name, row := range map[string]struct {
		typ     string
		changes map[string]any
		code    string
	}{
		"no client_id":                    {"", map[string]any{"client_id": nil}, "invalid_request_object"},
		"another client_id":               {"", map[string]any{"client_id": "web"}, "invalid_request_object"},
		"another issuer":                  {"", map[string]any{"iss": "web"}, "invalid_request_object"},
		"a client assertion":              {"", map[string]any{"sub": "keyed"}, "invalid_request_object"},
		"for another server":              {"", map[string]any{"aud": "https://other.example"}, "invalid_request_object"},
		"over":                            {"", map[string]any{"exp": 1}, "invalid_request_object"},
		"of the future":                   {"", map[string]any{"nbf": 4102444800}, "invalid_request_object"},
		"issued in the future":            {"", map[string]any{"iat": 4102444800}, "invalid_request_object"},
		"a jti without an end":            {"", map[string]any{"jti": "x", "exp": nil}, "invalid_request_object"},
		"a jti that lasts a day":          {"", map[string]any{"jti": "x", "exp": 4102444800}, "invalid_request_object"},
		"a request in it":                 {"", map[string]any{"request": "a.b.c"}, "invalid_request_object"},
		"a request_uri in it":             {"", map[string]any{"request_uri": objectURI}, "invalid_request_object"},
		"another type":                    {"at+jwt", nil, "invalid_request_object"},
		"the type of a client assertion":  {"client-authentication+jwt", nil, "invalid_request_object"},
		"a boolean for a scope":           {"", map[string]any{"scope": true}, "invalid_request_object"},
		"a NUL":                           {"", map[string]any{"state": "a\x00b"}, "invalid_request_object"},
		"an array for a state":            {"", map[string]any{"state": []string{"a", "b"}}, "invalid_request_object"},
		"101 claims":                      {"", manyClaims(), "invalid_request_object"},
		"a scope that is unknown":         {"", map[string]any{"scope": "unknown"}, "invalid_scope"},
		"a state with a line in it":       {"", map[string]any{"state": "a\r\nX-Evil: 1"}, "invalid_request"},
		"a response_type that is unknown": {"", map[string]any{"response_type": "pigeon"}, "unsupported_response_type"},
		"prompt none and login":           {"", map[string]any{"prompt": "none login"}, "invalid_request"},
		"no response_type":                {"", map[string]any{"response_type": nil}, "invalid_request"},
	} {
		list[name] = func(t *testing.T, a Adapter) {
			x := objecting(t, a, nil)
			ans := x.keyed.ask(x.keyed.sign(row.typ, x.keyed.request(row.changes)))
			_, q := ans.params(t)
			if q.Get("error") != row.code || q.Get("iss") != x.issuer || ans.Header.Get("X-Evil") != "" {
				t.Errorf("Location = %q, want %s", ans.Header.Get("Location"), row.code)
			}
		}
	}
	return list
}

func manyClaims() map[string]any {
	claims := map[string]any{}
	for i := range 101 {
		claims[fmt.Sprintf("x%d", i)] = "x"
	}
	return claims
}

// objectsElsewhere are the cases of the parameter request_uri.
func objectsElsewhere() cases {
	setUp := func(t *testing.T, a Adapter, uris ...string) (*asserting, *objectSite) {
		t.Helper()
		far := &objectSite{status: 200}
		x := objecting(t, a, func(s *setup, clients map[string]*store.Client) {
			s.Fetcher = far
			s.RequestObjects.ByReference, s.RequestObjects.URIs = true, []string{"https://objects.example.com/all/"}
			clients["keyed"].Metadata.RequestURIs = uris
		})
		return x, far
	}
	ask := func(x *asserting, id, uri string) *answer {
		x.t.Helper()
		return x.authorize(url.Values{"client_id": {id}, "request_uri": {uri}})
	}
	publish := func(far *objectSite, object string) { far.body.Store(&object) }
	return cases{
		"what the client registered": func(t *testing.T, a Adapter) {
			x, far := setUp(t, a, objectURI)
			publish(far, x.keyed.object(map[string]any{"scope": "write"}))
			if got := x.keyed.redeem(ask(x, "keyed", objectURI)); got.Scope != "write" {
				t.Errorf("scope = %q", got.Scope)
			}
			publish(far, x.keyed.object(map[string]any{"scope": "read"}))
			if got := x.keyed.redeem(ask(x, "keyed", objectURI)); got.Scope != "write" || far.asked.Load() != 1 {
				t.Errorf("scope = %q after %d fetches, want the kept one", got.Scope, far.asked.Load())
			}
			x.clock.Pass(11 * time.Second)
			if got := x.keyed.redeem(ask(x, "keyed", objectURI)); got.Scope != "read" || far.asked.Load() != 2 {
				t.Errorf("scope = %q after %d fetches, want a new one", got.Scope, far.asked.Load())
			}
		},
		"what the server allows to all": func(t *testing.T, a Adapter) {
			x, far := setUp(t, a)
			publish(far, x.keyed.object(nil))
			x.keyed.redeem(ask(x, "keyed", "https://objects.example.com/all/keyed/1?x=1"))
			publish(far, "another client's")
			for _, uri := range []string{
				objectURI, "https://objects.example.com/all", "https://objects.example.com/all/../secret", "https://objects.example.com/all/%2e%2E/secret", "https://objects.example.com.evil.example/all/",
				"https://objects.example.com@evil.example/all/", "http://objects.example.com/all/1", "https://objects.example.com/all/..%2fsecret", `https://objects.example.com/all/\..\x`, "ftp://x", "urn:x", "/local", strings.Repeat("https://objects.example.com/all/", 40),
			} {
				before := far.asked.Load()
				toldAs(t, x.world, ask(x, "keyed", uri), "invalid_request_uri", false)
				if far.asked.Load() != before {
					t.Errorf("%s was fetched", uri)
				}
			}
		},
		"nobody else's": func(t *testing.T, a Adapter) {
			x, far := setUp(t, a, objectURI)
			publish(far, x.keyed.object(nil))
			toldAs(t, x.world, ask(x, "shared", objectURI), "invalid_request_uri", false)
			if far.asked.Load() != 0 {
				t.Error("it was fetched")
			}
		},
		"with the hash of its content it is kept, and is that": func(t *testing.T, a Adapter) {
			made := &asserter{}
			far := &objectSite{status: 200}
			var x *asserting
			key := newSigningKey(t, jose.ES256)
			// The object has no time in it: its hash is registered beforehand.
			claims := map[string]any{"client_id": "fixed", "response_type": "code", "redirect_uri": callback, "scope": "read", "code_challenge": oauth2.Challenge(verifier), "code_challenge_method": "S256"}
			object, err := jose.Sign(key, "oauth-authz-req+jwt", claims)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte(object))
			uri := objectURI + "#" + base64.RawURLEncoding.EncodeToString(sum[:])
			x = objecting(t, a, func(s *setup, clients map[string]*store.Client) {
				s.Fetcher, s.RequestObjects.ByReference = far, true
				clients["fixed"] = &store.Client{ID: "fixed", Metadata: oauth2.ClientMetadata{AuthMethod: "private_key_jwt", JWKS: publicKeys(t, key), RedirectURIs: []string{callback}, RequestURIs: []string{uri}}}
			})
			*made = asserter{x.world, "fixed", key, "", "", x.keyed.made}
			publish(far, object+" ")
			toldAs(t, x.world, ask(x, "fixed", uri), "invalid_request_uri", false)
			publish(far, object)
			x.clock.Pass(time.Minute)
			made.redeem(ask(x, "fixed", uri))
			before := far.asked.Load()
			x.clock.Pass(59 * time.Minute)
			publish(far, "something else")
			made.redeem(ask(x, "fixed", uri))
			if far.asked.Load() != before {
				t.Error("it was fetched again within an hour")
			}
		},
		"a site that is down, answers an error, or too much": func(t *testing.T, a Adapter) {
			x, far := setUp(t, a, objectURI)
			toldAs(t, x.world, ask(x, "keyed", objectURI), "invalid_request_uri", false)
			x.clock.Pass(time.Hour)
			far.status = 404
			publish(far, x.keyed.object(nil))
			toldAs(t, x.world, ask(x, "keyed", objectURI), "invalid_request_uri", false)
			x.clock.Pass(time.Hour)
			far.status = 200
			publish(far, strings.Repeat("a", 17<<10))
			toldAs(t, x.world, ask(x, "keyed", objectURI), "invalid_request_uri", false)
			x.clock.Pass(time.Hour)
			publish(far, "<html>")
			toldAs(t, x.world, ask(x, "keyed", objectURI), "invalid_request_object", false)
		},
		"a slow site holds up nobody else": func(t *testing.T, a Adapter) {
			x, far := setUp(t, a, objectURI)
			far.wait = make(chan struct{})
			publish(far, x.keyed.object(nil))
			done := make(chan *answer, 1)
			go func() {
				ans, err := x.try(t, "GET", "/authorize?"+url.Values{"client_id": {"keyed"}, "request_uri": {objectURI}}.Encode(), "")
				if err != nil {
					t.Error(err)
				}
				done <- ans
			}()
			for far.asked.Load() == 0 {
				x.code(web())
			}
			x.code(web())
			x.keyed.ask(x.keyed.object(nil)).params(t)
			close(far.wait)
			if ans := <-done; ans != nil {
				x.keyed.redeem(ans)
			}
		},
		"not in a pushed request": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(s *setup, clients map[string]*store.Client) {
				pushing(s)
				s.RequestObjects.ByReference, clients["keyed"].Metadata.RequestURIs = true, []string{objectURI}
			})
			x.form(t, "/par", asserted(url.Values{"request_uri": {objectURI}}, x.keyed.assertion(nil))).refused(t, 400, "invalid_request")
		},
	}
}

package adaptertest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
)

// soon ends the test where f takes long: what is refused is refused before the work.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	began := time.Now() //nolint:forbidigo // of real work
	f()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("%s takes %v", what, took)
	}
}

// numberOf returns a number of n bits as JWKs have it.
func numberOf(t *testing.T, bits int) string {
	t.Helper()
	raw := make([]byte, bits/8)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	raw[0] |= 0x80
	raw[len(raw)-1] |= 1
	return base64.RawURLEncoding.EncodeToString(raw)
}

// heavyKeys are key sets that are a burden to whoever uses them. No key in them is one.
func heavyKeys(t *testing.T) map[string]string {
	t.Helper()
	rsa := func(n, e string) string { return `{"keys":[{"kty":"RSA","kid":"k","n":"` + n + `","e":"` + e + `"}]}` }
	even := base64.RawURLEncoding.EncodeToString(big.NewInt(65536).Bytes())
	return map[string]string{
		"a modulus of 32,768 bits":    rsa(numberOf(t, 32768), "AQAB"),
		"a modulus of 512 bits":       rsa(numberOf(t, 512), "AQAB"),
		"an exponent of 2,048 bits":   rsa(numberOf(t, 2048), numberOf(t, 2048)),
		"an exponent of 63 bits":      rsa(numberOf(t, 2048), numberOf(t, 64)),
		"an even exponent":            rsa(numberOf(t, 2048), even),
		"an exponent of 1":            rsa(numberOf(t, 2048), "AQ"),
		"no exponent":                 rsa(numberOf(t, 2048), ""),
		"a point that is on no curve": `{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"` + base64.RawURLEncoding.EncodeToString(make([]byte, 32)) + `","y":"` + base64.RawURLEncoding.EncodeToString(make([]byte, 32)) + `"}]}`,
		"a secret":                    `{"keys":[{"kty":"oct","kid":"k","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`,
	}
}

// deep returns JSON that is n levels deep.
func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// bombs are JSON objects that cost much to read, or that two readers take for two things.
func bombs() map[string]string {
	const head = `{"client_name":"x","redirect_uris":["` + callback + `"],`
	return map[string]string{
		"deep arrays":                      head + `"x":` + deep(10_000) + `}`,
		"deep objects":                     head + `"x":` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000) + `}`,
		"a member twice":                   head + `"client_name":"y"}`,
		"a member twice, spelled with \\u": head + `"client\u005fname":"y"}`,
		"a number without end":             head + `"default_max_age":1` + strings.Repeat("0", 20_000) + `}`,
		"a number with a huge exponent":    head + `"default_max_age":1e999999999}`,
		"a fraction":                       head + `"default_max_age":1.5}`,
		"less than nothing":                head + `"default_max_age":-1}`,
		"a list without end":               head + `"contacts":[` + strings.Repeat(`"a",`, 5000) + `"a"]}`,
		"redirect URIs without end":        `{"redirect_uris":[` + strings.Repeat(`"`+callback+`",`, 300) + `"` + callback + `"]}`,
		"members without end":              strings.TrimSuffix(head, ",") + manyMembers(3000) + `}`,
		"keys without end":                 head + `"jwks":{"keys":[` + strings.Repeat(`{"kty":"EC"},`, 1000) + `{"kty":"EC"}]}}`,
		"deep keys":                        head + `"jwks":{"keys":` + deep(5000) + `}}`,
		"a NUL":                            head + `"client_uri":"https://x.example.com/\u0000"}`,
		"half a surrogate":                 head + `"software_id":"\ud800"}`,
		"bytes that are no text":           head + "\"software_id\":\"\xff\xfe\"}",
		"more after the end":               strings.TrimSuffix(head, ",") + `}{}`,
		"an array":                         `[` + strings.TrimSuffix(head, ",") + `}]`,
		"nothing":                          ``, "null": `null`, "a text": `"x"`, "half of it": head,
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		_, _ = fmt.Fprintf(&b, `,"m%d":1`, i)
	}
	return b.String()
}

// floodAttacks are attacks on memory, time and patience: RFC 6819, sections 4.3.5 (guessing), 4.4.1.11 and 4.4.1.12 (denial of service); RFC 8628,
// sections 5.1 and 5.2 (brute force of user and device codes); RFC 8725, sections 2.1, 2.7 and 3.1 to 3.10; RFC 9126, section 7.1.
func floodAttacks() cases {
	list := cases{
		"parser bombs: no JSON is a registration that is deep, doubled, endless or of a wrong type": func(t *testing.T, a Adapter) {
			w := registering(t, a, nil)
			for what, body := range bombs() {
				soon(t, what, func() {
					ans := w.do(t, http.MethodPost, "/register", body, "Content-Type", "application/json")
					if ans.Status != 400 && ans.Status != 413 {
						t.Errorf("%s: %d %.300s", what, ans.Status, ans.Body)
					}
				})
			}
			key, made := newSigningKey(t, jose.ES256), new(atomic.Int64)
			for what, keys := range heavyKeys(t) {
				soon(t, what, func() {
					ans := w.register(t, registrant().with("jwks", json.RawMessage(keys)).with("token_endpoint_auth_method", "private_key_jwt"))
					if ans.Status != 201 { // a key of a kind that is not known yet is left out when somebody signs with it
						ans.refused(t, 400, "invalid_client_metadata")
						return
					}
					p, _, _ := ans.registered(t, 201)
					quiet(t, w.form(t, "/token", asserted(p.exchange("x"), asserter{w: w, id: p.id, key: key, made: made}.assertion(nil))))
				})
			}
		},
		"parser bombs: no document, key set or request object that is fetched is one": func(t *testing.T, a Adapter) {
			list := bombs()
			maps.Copy(list, heavyKeys(t))
			for what, body := range list {
				site, config := strange(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					_, _ = w.Write([]byte(strings.Replace(body, "{", `{"client_id":"https://`+r.Host+r.URL.Path+`",`, 1))) // #nosec G705 -- JSON
				})
				x := fetched(t, a, config, site)
				soon(t, what, func() { x.everywhere(x.failed) })
			}
		},
		"parser bombs: authorization details are bounded": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { paying(s); pushing(s) })
			detail := func(more string) string { return `[{"type":"https://example.com/open"` + more + `}]` }
			for what, text := range map[string]string{
				"deep":                           detail(`,"x":` + deep(17)),
				"deeper than a stack":            detail(`,"x":` + deep(4000)),
				"deep from the outside":          deep(4000),
				"a member twice":                 detail(`,"x":1,"x":2`),
				"a member twice, far inside":     detail(`,"x":{"y":[{"z":1,"z":2}]}`),
				"a type twice":                   detail(`,"type":"payment"`),
				"a type in capitals beside it":   detail(`,"TYPE":"payment"`),
				"a type spelled with an escape":  detail(`,"\u0074ype":"payment"`),
				"too many":                       "[" + strings.Repeat(`{"type":"https://example.com/open"},`, 32) + `{"type":"https://example.com/open"}]`,
				"too long":                       detail(`,"x":"` + strings.Repeat("x", 17<<10) + `"`),
				"more after the end":             detail("") + "[]",
				"an object":                      `{"type":"https://example.com/open"}`,
				"a type that is no text":         `[{"type":1}]`,
				"a list of lists":                `[[{"type":"https://example.com/open"}]]`,
				"null":                           `null`,
				"null inside":                    `[null]`,
				"an amount that overflows":       `[{"type":"payment","to":"bob","amount":1e400}]`,
				"an amount of 10,000 digits":     `[{"type":"payment","to":"bob","amount":1` + strings.Repeat("0", 10_000) + `}]`,
				"an amount that is not a number": `[{"type":"payment","to":"bob","amount":NaN}]`,
			} {
				soon(t, what, func() {
					_, q := w.form(t, "/authorize", with(web().request(), "authorization_details", text)).params(t)
					if q.Get("error") != "invalid_authorization_details" && q.Get("error") != "invalid_request" {
						t.Errorf("%s: %v", what, q)
					}
					if ans := w.push(web(), "authorization_details", text); ans.Status != 400 {
						t.Errorf("%s, pushed: %d %s", what, ans.Status, ans.Body)
					}
				})
			}
		},
		"JWT bombs: no header makes anybody work, fetch or believe": func(t *testing.T, a Adapter) {
			victim, port := newInside(t)
			x, _ := passports(t, a)
			enc := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
			now := x.clock.Now().Unix()
			claims := enc(fmt.Sprintf(`{"iss":"keyed","sub":"keyed","client_id":"keyed","aud":%q,"iat":%d,"exp":%d,"jti":"j"}`, x.issuer, now, now+60))
			sig := enc(strings.Repeat("s", 64))
			far := "https://127.0.0.1:" + port + "/x"
			for what, token := range map[string]string{
				"PBES2 with 2^31 rounds":        enc(`{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":2147483647,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`) + "." + sig + "." + sig + "." + sig + "." + sig,
				"PBES2 as a signature":          enc(`{"alg":"PBES2-HS512+A256KW","p2c":2147483647,"p2s":"AAAA"}`) + "." + claims + "." + sig,
				"a compressed one":              enc(`{"alg":"dir","enc":"A256GCM","zip":"DEF"}`) + ".." + sig + "." + sig + "." + sig,
				"jku":                           enc(`{"alg":"ES256","jku":"`+far+`","kid":"k"}`) + "." + claims + "." + sig,
				"x5u":                           enc(`{"alg":"ES256","x5u":"`+far+`"}`) + "." + claims + "." + sig,
				"crit":                          enc(`{"alg":"ES256","crit":["x"],"x":1}`) + "." + claims + "." + sig,
				"crit b64":                      enc(`{"alg":"ES256","crit":["b64"],"b64":false}`) + "." + claims + "." + sig,
				"none":                          enc(`{"alg":"none"}`) + "." + claims + ".",
				"nOnE":                          enc(`{"alg":"nOnE"}`) + "." + claims + "." + sig,
				"an algorithm twice":            enc(`{"alg":"ES256","alg":"none"}`) + "." + claims + ".",
				"no algorithm":                  enc(`{}`) + "." + claims + "." + sig,
				"a deep header":                 enc(`{"alg":"ES256","x":`+deep(4000)+`}`) + "." + claims + "." + sig,
				"a deep payload":                enc(`{"alg":"ES256"}`) + "." + enc(`{"x":`+deep(3000)+`}`) + "." + sig,
				"a signature of zeros":          enc(`{"alg":"ES256"}`) + "." + claims + "." + enc(string(make([]byte, 64))),
				"HS256 with the public key":     hmacWithPublic(t, x, claims),
				"dots":                          strings.Repeat(".", 3000),
				"a long kid":                    enc(`{"alg":"ES256","kid":"`+strings.Repeat("k", 5000)+`"}`) + "." + claims + "." + sig,
				"a kid that leads somewhere":    enc(`{"alg":"ES256","kid":"../../../../dev/null"}`) + "." + claims + "." + sig,
				"a kid that asks the database":  enc(`{"alg":"HS256","kid":"x' UNION SELECT 'key"}`) + "." + claims + "." + sig,
				"a header that is not JSON":     enc("x") + "." + claims + "." + sig,
				"a body that is not base64url":  enc(`{"alg":"ES256"}`) + ".+/=." + sig,
				"more parts than there can be":  strings.Repeat(claims+".", 12) + sig,
				"JSON serialization":            `{"payload":"` + claims + `","signatures":[{"protected":"` + enc(`{"alg":"none"}`) + `","signature":""}]}`,
				"a nested token":                enc(`{"alg":"ES256","cty":"JWT"}`) + "." + enc(enc(`{"alg":"none"}`)+"."+claims+".") + "." + sig,
				"a claim twice, and none right": enc(`{"alg":"ES256"}`) + "." + enc(`{"iss":"keyed","iss":"web"}`) + "." + sig,
			} {
				for where, door := range doors(x) {
					soon(t, what+" at "+where, func() {
						if ans, in := door.open(token); in || ans.Status >= 500 {
							t.Errorf("%s takes %s: %d to %q, %s", where, what, ans.Status, ans.Header.Get("Location"), ans.Body)
						}
					})
				}
			}
			if n := victim.reached.Load(); n != 0 {
				t.Errorf("%d connections went where a header says", n)
			}
		},
		"brute force: a user code is not found in its lifetime, from one account or from none": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, devices(nil))
			b := newBrowser(w)
			b.authorize(web()).signIn("mallory")
			told, guesses := 0, 0
			for second := range 600 {
				if second%5 != 0 { // as fast as the world's clock goes on
					w.clock.Pass(time.Second)
					continue
				}
				w.clock.Pass(time.Second)
				code := strings.Map(func(r rune) rune { return rune("BCDFGHJKLMNPQRSTVWXZ"[r-'0']) }, fmt.Sprintf("%04d%04d", second, second))
				tab := newBrowser(w) // a new tab, a new window: the same account
				name, value := b.sessionCookie()
				tab.cookies[name] = value
				if p := tab.enter(code); p.Status == 429 || strings.Contains(p.Body, "page-device") && p.Header.Get("Retry-After") != "" {
					guesses++
				} else {
					guesses++
					told++
				}
			}
			if guesses < 100 || told > 40 {
				t.Errorf("of %d guesses %d were answered", guesses, told)
			}
			// Who is not signed in is told the same of a right code and of a wrong one.
			codes := w.codes(tv())
			right, wrong := newBrowser(w).enter(codes.User), newBrowser(w).enter("BCDF-GHJK")
			same := func(p *page, code string) string {
				body := strings.ReplaceAll(p.Body, code, "")
				for _, v := range []string{p.form().values.Get("handle"), p.form().values.Get("csrf")} {
					body = strings.ReplaceAll(body, html.EscapeString(v), "")
				}
				return fmt.Sprint(p.Status, body)
			}
			if one, other := same(right, codes.User), same(wrong, "BCDF-GHJK"); one != other {
				t.Errorf("a right code shows something else:\n%s\n%s", one, other)
			}
		},
		"brute force: codes, tokens and handles have 128 bits and more": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { devices(nil)(s); pushing(s) })
			seen := map[string]bool{}
			for range 20 {
				c := w.codes(tv())
				uri := strings.TrimPrefix(w.pushed(web()), "urn:ietf:params:oauth:request_uri:")
				access := w.token(service(), machine()).tokens(t).Access
				for _, s := range []string{strings.TrimPrefix(c.Device, "mdd_"), uri, strings.TrimPrefix(access, "mda_")} {
					if len(s) < 22 || seen[s[:8]] || seen[s[len(s)-8:]] {
						t.Errorf("%q is short, or like another", s)
					}
					seen[s[:8]], seen[s[len(s)-8:]] = true, true
				}
			}
		},
		"flooding: what an anonymous request can have kept is bounded": func(t *testing.T, a Adapter) {
			counted := new(countingStore)
			w := newWorld(t, a, func(s *setup) {
				builtInPages(s)
				counted.Store, s.Store = s.Store, counted
				s.Limiter = nil
			})
			before := counted.writes.Load()
			for i := range 30 {
				b := newBrowser(w)
				b.authorize(web(), "state", strconv.Itoa(i))
				b.send(http.MethodPost, "/authorize", web().request()).follow()
				w.token(party{"nobody", "x", "client_secret_post", ""}, machine())
				w.token(web(), web().exchange(fmt.Sprint("mdc_", i)))
				w.revoke(web(), fmt.Sprint("mda_", i))
			}
			if n := counted.writes.Load() - before; n != 0 {
				t.Errorf("%d rows were written", n)
			}
		},
		"flooding: a registration, a request and a device are bounded by the minute": func(t *testing.T, a Adapter) {
			l, err := server.NewLimiter(server.LimiterConfig{Writes: 5, Registrations: 5})
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, a, func(s *setup) {
				devices(nil)(s)
				pushing(s)
				s.Limiter, s.Registration = l, &server.Registration{Open: true}
			})
			for what, send := range map[string]func() *answer{
				"registration": func() *answer { return w.register(t, registrant()) }, "pushed request": func() *answer { return w.push(spa()) }, "device": func() *answer { return w.device(tv(), url.Values{"scope": {"read"}}) },
			} {
				done := 0
				for range 50 {
					switch ans := send(); {
					case ans.Status < 300:
						done++
					case ans.Status != 429 || ans.Header.Get("Retry-After") == "":
						t.Fatalf("%s: %d %s", what, ans.Status, ans.Body)
					}
				}
				if done == 0 || done > 5 {
					t.Errorf("%d of 50: %s", done, what)
				}
			}
		},
	}
	return list
}

// hmacWithPublic is the oldest trick: a token whose HMAC key is the server's or the client's public key.
func hmacWithPublic(t *testing.T, x *asserting, claims string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(claims)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := x.keyed.key.Public().MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	token, err := jose.SignHMAC(jose.HS256, pem, "at+jwt", json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

package resource_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

func TestRemoteKeys(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(t bubbled){
		"one fetch for all that come first, none before": func(t bubbled) {
			r := newRemote(t, nil)
			raw := r.good(t)
			if n := r.asked(metadataURL) + r.asked(jwksURL); n != 0 {
				t.Errorf("%d fetches before the first token, want none", n)
			}
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if got, took := r.check(t, raw); got != 200 || took != 200*time.Millisecond {
						t.Errorf("status %d after %v, want 200 after both fetches", got, took)
					}
				})
			}
			wg.Wait()
			r.want(t, raw, 200)
			if m, k := r.asked(metadataURL), r.asked(jwksURL); m != 1 || k != 1 {
				t.Errorf("%d and %d fetches, want one of each", m, k)
			}
		},
		"later ones never wait, and the background fetches once": func(t bubbled) {
			r := newRemote(t, nil)
			r.warm(t)
			time.Sleep(9 * time.Minute)
			r.want(t, r.good(t), 200)
			if n := r.asked(jwksURL); n != 1 {
				t.Errorf("%d fetches within ten minutes, want 1", n)
			}
			time.Sleep(2 * time.Minute)
			for range 100 {
				r.want(t, r.good(t), 200)
			}
			synctest.Wait()
			time.Sleep(time.Second)
			r.want(t, r.good(t), 200)
			if n := r.asked(jwksURL); n != 2 {
				t.Errorf("%d fetches, want 2", n)
			}
		},
		"an outage of ten minutes, and of a day; then nobody can tell": func(t bubbled) {
			r := newRemote(t, nil)
			r.warm(t)
			r.on(metadataURL, down)
			r.on(jwksURL, down)
			for range 23 * 60 {
				time.Sleep(time.Minute)
				r.want(t, r.good(t), 200)
			}
			if n := r.asked(jwksURL); n > 24*60 {
				t.Errorf("%d fetches in a day, want one a minute at most", n)
			}
			before := r.asked(jwksURL)
			for range 50 {
				r.want(t, r.good(t), 200)
				time.Sleep(200 * time.Millisecond)
			}
			if n := r.asked(jwksURL) - before; n > 1 {
				t.Errorf("%d fetches in 10 seconds, want 1", n)
			}
			if !strings.Contains(r.told(), `cause="keys of https://id.example.com could not be fetched anew, the old ones are used until`) || !strings.Contains(r.told(), "connection refused") {
				t.Errorf("log:\n%.300s", r.told())
			}
			time.Sleep(2 * time.Hour)
			if got, _ := r.check(t, r.good(t)); got != 503 {
				t.Errorf("after the outage has outlasted the keys: %d, want 503", got)
			}
			r.on(metadataURL, nil)
			r.on(jwksURL, nil)
			time.Sleep(3 * time.Second)
			r.warm(t)
		},
		"a clock that was a year ahead when nothing could be fetched": func(t bubbled) {
			ahead := 365 * 24 * time.Hour
			r := newRemote(t, func(c *resource.RemoteConfig) { c.Now = func() time.Time { return time.Now().Add(ahead) } })
			r.on(metadataURL, down)
			if got, _ := r.check(t, r.good(t)); got != 503 {
				t.Fatalf("while it is down: %d, want 503", got)
			}
			ahead = 0
			r.on(metadataURL, nil)
			time.Sleep(3 * time.Second)
			r.warm(t)
		},
		"a hook that panics takes no process with it": func(t bubbled) {
			r := newRemote(t, func(c *resource.RemoteConfig) {
				c.Hooks.On = func(context.Context, mandate.Event) { panic("a hook of no use") }
			})
			r.warm(t)
			r.on(metadataURL, down)
			r.on(jwksURL, down)
			time.Sleep(11 * time.Minute)
			r.want(t, r.good(t), 200)
			time.Sleep(time.Minute)
			r.want(t, r.good(t), 200)
		},
		"slow, garbage, oversized and empty answers keep what is there": func(t bubbled) {
			r := newRemote(t, nil)
			r.warm(t)
			for i, page := range []func(context.Context) (*mandate.Response, error){
				hangs, status(500), status(404), status(304), body("<html>"), body(`{"keys":`), body(`{"keys":[]}`), body(`{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"k1"}]}`),
				body(strings.Repeat(" ", jose.MaxKeySet+1)), body(`{"keys":[` + strings.Repeat(`{},`, 100) + `{}]}`), body(""),
				func(context.Context) (*mandate.Response, error) { return nil, nil },
				func(context.Context) (*mandate.Response, error) { panic("a Fetcher of no use") },
			} {
				r.on(jwksURL, page)
				time.Sleep(11 * time.Minute)
				before := r.asked(jwksURL)
				r.want(t, r.good(t), 200)
				time.Sleep(12 * time.Second) // a fetch that hangs is over
				r.want(t, r.good(t), 200)
				if r.asked(jwksURL) == before {
					t.Errorf("answer %d was not asked for", i)
				}
			}
			r.on(jwksURL, nil)
			time.Sleep(time.Minute)
			r.want(t, r.good(t), 200)
			time.Sleep(time.Second)
			key := r.rotate(t, "k2")
			if got, _ := r.check(t, r.token(t, key)); got != 200 {
				t.Errorf("after it recovered and rotated: %d, want 200; log:\n%s", got, r.told())
			}
		},
		"a failed first fetch is 503 with a short pause": func(t bubbled) {
			r := newRemote(t, nil)
			r.on(metadataURL, down)
			raw := r.good(t)
			if got, _ := r.check(t, raw); got != 503 {
				t.Errorf("status %d, want 503", got)
			}
			for range 100 {
				r.want(t, raw, 503)
			}
			if n := r.asked(metadataURL); n != 1 {
				t.Errorf("%d fetches, want 1", n)
			}
			if !strings.Contains(r.told(), "connection refused") {
				t.Errorf("log:\n%.300s", r.told())
			}
			r.on(metadataURL, nil)
			time.Sleep(2 * time.Second)
			r.warm(t)
		},
		"a first fetch that hangs ends, and so does who waits for it": func(t bubbled) {
			r := newRemote(t, func(c *resource.RemoteConfig) { c.Timeout = 3 * time.Second })
			r.on(metadataURL, hangs)
			r.on(openidURL, hangs)
			if got, took := r.check(t, r.good(t)); got != 503 || took > 3*time.Second {
				t.Errorf("status %d after %v, want 503 within 3s", got, took)
			}
		},
		"who gives up does not take the keys from the others": func(t bubbled) {
			r := newRemote(t, nil)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, resp := r.guard.Check(ctx, resource.Credentials{Authorization: "Bearer " + r.good(t)}, r.guard.Rule(mandate.Scope(), false))
			if resp == nil || resp.Status != 503 {
				t.Errorf("cancelled: %s, want 503", show(resp))
			}
			time.Sleep(time.Second)
			r.want(t, r.good(t), 200)
		},
		"a new key is found at once, and for all": func(t bubbled) {
			r := newRemote(t, nil)
			r.warm(t)
			key := r.rotate(t, "k2")
			raw := r.token(t, key)
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if got, took := r.check(t, raw); got != 200 || took != 100*time.Millisecond {
						t.Errorf("status %d after %v, want 200 after one fetch", got, took)
					}
				})
			}
			wg.Wait()
			if n := r.asked(jwksURL); n != 2 {
				t.Errorf("%d fetches, want 2", n)
			}
		},
		"a new key that came while a fetch was on its way": func(t bubbled) {
			r := newRemote(t, nil)
			r.warm(t)
			r.issuer.mu.Lock()
			old, err := jose.NewKeySet(r.keys[0].Public()).MarshalJSON()
			r.issuer.mu.Unlock()
			if err != nil {
				t.Fatal(err)
			}
			r.on(jwksURL, func(ctx context.Context) (*mandate.Response, error) { // what it was when the fetch began
				r.on(jwksURL, nil)
				time.Sleep(100 * time.Millisecond)
				return body(string(old))(ctx)
			})
			time.Sleep(11 * time.Minute)
			r.want(t, r.good(t), 200) // begins it
			key := r.rotate(t, "k2")
			if got, _ := r.check(t, r.token(t, key)); got != 200 {
				t.Errorf("status %d, want 200", got)
			}
		},
		"a key that was withdrawn is good no more": func(t bubbled) {
			r := newRemote(t, nil)
			old := r.good(t)
			r.warm(t)
			r.rotate(t, "k2")
			time.Sleep(11 * time.Minute)
			r.want(t, old, 200) // this one has the keys fetched anew
			time.Sleep(time.Second)
			if got, _ := r.check(t, old); got != 401 {
				t.Errorf("status %d, want 401", got)
			}
		},
		"unknown keys cost one fetch in an interval, whatever the load": func(t bubbled) {
			r := newRemote(t, nil)
			r.warm(t)
			stranger := newIssuer(t, remoteIssuer)
			bad := stranger.token(t, stranger.rotate(t, "stranger"))
			good := r.good(t)
			began := time.Now()
			for time.Since(began) < 10*time.Minute-time.Second {
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() {
						if got, took := r.check(t, bad); got != 401 || took > 100*time.Millisecond {
							t.Errorf("stranger: status %d after %v, want 401", got, took)
						}
					})
					wg.Go(func() { r.want(t, good, 200) })
				}
				wg.Wait()
				time.Sleep(time.Second)
			}
			if n := r.asked(jwksURL); n != 1+20 {
				t.Errorf("%d fetches, want one at the start and 20 in ten minutes", n)
			}
			if n := r.asked(metadataURL); n != 1 {
				t.Errorf("metadata fetched %d times, want once", n)
			}
		},
		"an unknown key while the issuer hangs: others do not wait, it waits 3 seconds": func(t bubbled) {
			r := newRemote(t, nil)
			r.warm(t)
			good, key := r.good(t), r.rotate(t, "k2")
			fresh := r.token(t, key)
			r.on(jwksURL, hangs)
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					if got, took := r.check(t, fresh); got != 503 || took != 3*time.Second {
						t.Errorf("status %d after %v, want 503 after 3s: it may be a new key", got, took)
					}
				})
			}
			time.Sleep(time.Second)
			r.want(t, good, 200)
			wg.Wait()
			time.Sleep(10 * time.Second) // the fetch is over, and the next may not begin
			r.want(t, fresh, 503)
			time.Sleep(time.Minute)
			r.on(jwksURL, nil)
			if got, _ := r.check(t, fresh); got != 200 {
				t.Errorf("after the outage: status %d, want 200", got)
			}
		},
		"the key set moves": func(t bubbled) {
			r := newRemote(t, nil)
			r.on(metadataURL, func(context.Context) (*mandate.Response, error) { // good for a day
				text := fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, remoteIssuer, r.jwks)
				return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Cache-Control", Value: "max-age=86400"}}, Body: []byte(text)}, nil
			})
			r.warm(t)
			r.issuer.mu.Lock()
			r.jwks = "https://keys.example.com/new"
			r.issuer.mu.Unlock()
			r.on(jwksURL, status(410))
			time.Sleep(11 * time.Minute)
			r.want(t, r.good(t), 200)
			time.Sleep(time.Minute)
			r.want(t, r.good(t), 200)
			time.Sleep(time.Second)
			key := r.rotate(t, "k2")
			if got, _ := r.check(t, r.token(t, key)); got != 200 || r.asked("https://keys.example.com/new") == 0 {
				t.Errorf("status %d, want 200 from the new place; log:\n%s", got, r.told())
			}
		},
		"the metadata fails, the keys do not": func(t bubbled) {
			r := newRemote(t, nil)
			r.warm(t)
			r.on(metadataURL, hangs)
			r.on(openidURL, hangs)
			time.Sleep(11 * time.Minute)
			r.want(t, r.good(t), 200)
			time.Sleep(10 * time.Second)
			key := r.rotate(t, "k2")
			if got, _ := r.check(t, r.token(t, key)); got != 503 && got != 200 {
				t.Errorf("status %d", got)
			}
			time.Sleep(30 * time.Second)
			if got, _ := r.check(t, r.token(t, key)); got != 200 {
				t.Errorf("status %d, want 200; log:\n%s", got, r.told())
			}
		},
		"nothing runs while nobody asks": func(t bubbled) {
			r := newRemote(t, nil)
			r.warm(t)
			time.Sleep(23 * time.Hour)
			if n := r.asked(jwksURL); n != 1 {
				t.Errorf("%d fetches, want 1", n)
			}
			r.want(t, r.good(t), 200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, run)
		})
	}
}

func TestFreshness(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 10 * time.Minute, "max-age=1": 5 * time.Minute, "public, max-age=3600": time.Hour, "Max-Age=3600, must-revalidate": time.Hour, `max-age="3600"`: time.Hour,
		"max-age=604800": 24 * time.Hour, "max-age=99999999999999999999": 24 * time.Hour, "no-store": 5 * time.Minute, "no-cache, max-age=3600": 5 * time.Minute,
		"max-age=x": 5 * time.Minute, "s-maxage=3600": 10 * time.Minute, "max-age=-5": 5 * time.Minute,
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t bubbled) {
				r := newRemote(t, nil)
				r.header = mandate.Fields{{Name: "Cache-Control", Value: header}}
				r.warm(t)
				time.Sleep(want - time.Second)
				r.want(t, r.good(t), 200)
				time.Sleep(time.Second)
				if n := r.asked(jwksURL); n != 1 {
					t.Errorf("%d fetches before %v, want 1", n, want)
				}
				time.Sleep(time.Second)
				r.want(t, r.good(t), 200)
				time.Sleep(time.Second)
				if n := r.asked(jwksURL); n != 2 {
					t.Errorf("%d fetches after %v, want 2", n, want)
				}
			})
		})
	}
	bubble(t, func(t bubbled) {
		r := newRemote(t, nil)
		r.header = mandate.Fields{{Name: "Cache-Control", Value: "max-age=3600"}, {Name: "Age", Value: "1800"}}
		r.warm(t)
		time.Sleep(31 * time.Minute)
		r.want(t, r.good(t), 200)
		time.Sleep(time.Second)
		if n := r.asked(jwksURL); n != 2 {
			t.Errorf("Age: %d fetches, want 2", n)
		}
	})
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	const tenant = "https://id.example.com/realms/shop"
	meta := func(issuer, jwks string) string { return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, jwks) }
	for name, tc := range map[string]struct {
		issuer string
		pages  map[string]string
		status int
		cause  string
	}{
		"RFC 8414":                                  {tenant, map[string]string{remoteIssuer + "/.well-known/oauth-authorization-server/realms/shop": meta(tenant, jwksURL)}, 200, ""},
		"OpenID Connect Discovery":                  {tenant, map[string]string{tenant + "/.well-known/openid-configuration": meta(tenant, jwksURL)}, 200, ""},
		"OpenID, well-known first":                  {tenant, map[string]string{remoteIssuer + "/.well-known/openid-configuration/realms/shop": meta(tenant, jwksURL)}, 200, ""},
		"an issuer that ends in a slash":            {remoteIssuer + "/", map[string]string{openidURL: meta(remoteIssuer+"/", jwksURL)}, 200, ""},
		"RFC 8414 is garbage, OpenID is not":        {remoteIssuer, map[string]string{metadataURL: "<html>", openidURL: meta(remoteIssuer, jwksURL)}, 200, ""},
		"another issuer's metadata":                 {remoteIssuer, map[string]string{metadataURL: meta("https://evil.example.com", jwksURL)}, 503, `metadata is of the issuer \"https://evil.example.com\"`},
		"an issuer but for a slash (RFC 8414, 3.3)": {remoteIssuer, map[string]string{metadataURL: meta(remoteIssuer+"/", jwksURL)}, 503, "to the letter"},
		"an issuer but for letter case":             {remoteIssuer, map[string]string{metadataURL: meta("https://ID.example.com", jwksURL)}, 503, "to the letter"},
		"no jwks_uri":                               {remoteIssuer, map[string]string{metadataURL: `{"issuer":"` + remoteIssuer + `"}`}, 503, "has no jwks_uri"},
		"jwks_uri on http":                          {remoteIssuer, map[string]string{metadataURL: meta(remoteIssuer, "http://id.example.com/jwks")}, 503, "want an https URL"},
		"jwks_uri of no URL":                        {remoteIssuer, map[string]string{metadataURL: meta(remoteIssuer, "/jwks")}, 503, "want an https URL"},
		"issuer twice":                              {remoteIssuer, map[string]string{metadataURL: `{"issuer":"https://evil.example.com",` + meta(remoteIssuer, jwksURL)[1:]}, 503, "twice"},
		"issuer in capitals":                        {remoteIssuer, map[string]string{metadataURL: `{"Issuer":"` + remoteIssuer + `","jwks_uri":"` + jwksURL + `"}`}, 503, "to the letter"},
		"nothing at all":                            {remoteIssuer, nil, 503, metadataURL + " answered 404; " + openidURL + " answered 404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t bubbled) {
				r := newRemote(t, func(c *resource.RemoteConfig) { c.Issuer = tc.issuer })
				r.on(metadataURL, status(404))
				for url, text := range tc.pages {
					r.on(url, body(text))
				}
				if got, _ := r.check(t, r.good(t)); got != tc.status || !strings.Contains(r.told(), tc.cause) {
					t.Errorf("status %d, want %d and the cause %q; log:\n%s", got, tc.status, tc.cause, r.told())
				}
				if tc.status == 200 { // and the next time it knows where to look
					calls := func() int {
						r.issuer.mu.Lock()
						defer r.issuer.mu.Unlock()
						n := 0
						for _, k := range slices.Collect(maps.Values(r.calls)) {
							n += k
						}
						return n
					}
					before := calls()
					time.Sleep(11 * time.Minute)
					r.want(t, r.good(t), 200)
					time.Sleep(time.Second)
					if n := calls() - before; n != 2 {
						t.Errorf("%d fetches the second time, want 2", n)
					}
				}
			})
		})
	}
}

func TestSeveralIssuers(t *testing.T) {
	t.Parallel()
	bubble(t, func(t bubbled) {
		one, two := newIssuer(t, "https://one.example.com"), newIssuer(t, "https://two.example.com")
		verifier := func(i *issuer) resource.Verifier {
			keys, err := resource.NewRemoteKeys(resource.RemoteConfig{JWKS: i.jwks, Fetcher: i})
			if err != nil {
				t.Fatal(err)
			}
			return resource.JWT{Issuer: i.name, Keys: keys}
		}
		g := newGuard(t, func(c *resource.Config) { c.Verifiers = []resource.Verifier{verifier(one), verifier(two)} })
		two.on(two.jwks, hangs)
		ask := func(raw string) int {
			_, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, g.Rule(mandate.Scope(), false))
			if resp == nil {
				return 200
			}
			return resp.Status
		}
		if a, b := ask(one.good(t)), ask(two.good(t)); a != 200 || b != 503 {
			t.Errorf("one %d, two %d; want 200 and 503", a, b)
		}
		two.on(two.jwks, nil)
		time.Sleep(3 * time.Second)
		if a, b := ask(one.good(t)), ask(two.good(t)); a != 200 || b != 200 {
			t.Errorf("one %d, two %d; want 200 and 200", a, b)
		}
		forged, err := jose.Sign(one.keys[0], "at+jwt", map[string]any{"iss": two.name, "aud": api, "sub": "ann", "client_id": "web", "iat": time.Now().Unix(), "exp": time.Now().Unix() + 60, "jti": "1"})
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(forged); got != 401 {
			t.Errorf("signed by one in the name of two: %d, want 401", got)
		}
		if one.asked("https://one.example.com/.well-known/oauth-authorization-server") != 0 {
			t.Error("metadata was fetched, although JWKS names the keys")
		}
	})
}

func TestRemoteKeysRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config resource.RemoteConfig
		want   string
	}{
		"nothing":              {resource.RemoteConfig{}, "RemoteConfig.Issuer and JWKS"},
		"no URL":               {resource.RemoteConfig{Issuer: "kubernetes", Fetcher: &issuer{}}, "RemoteConfig.Issuer"},
		"a query":              {resource.RemoteConfig{Issuer: "https://id.example.com?x"}, "RemoteConfig.Issuer"},
		"http":                 {resource.RemoteConfig{Issuer: "http://id.example.com"}, "AllowInsecureHTTP"},
		"http for the key set": {resource.RemoteConfig{JWKS: "http://id.example.com"}, "RemoteConfig.JWKS"},
		"a negative timeout":   {resource.RemoteConfig{Issuer: remoteIssuer, Timeout: -1}, "Timeout"},
		"a negative interval":  {resource.RemoteConfig{Issuer: remoteIssuer, Interval: -1}, "Interval"},
		"a negative outage":    {resource.RemoteConfig{Issuer: remoteIssuer, Outage: -1}, "Outage"},
		"an outage of 8 days":  {resource.RemoteConfig{Issuer: remoteIssuer, Outage: 8 * 24 * time.Hour}, "Outage"},
	} {
		if keys, err := resource.NewRemoteKeys(tc.config); err == nil || keys != nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: NewRemoteKeys = %v, %v, want an error that names %s", name, keys, err, tc.want)
		}
	}
	if _, err := resource.NewRemoteKeys(resource.RemoteConfig{Issuer: "http://127.0.0.1:8080"}); err != nil {
		t.Errorf("http on loopback: %v", err)
	}
}

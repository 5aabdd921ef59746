package adaptertest

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/fetch"
)

// forbidden are hosts that only this one, or its network, can reach, in all spellings that something might take for an address. A name that is no
// address is answered with 127.0.0.1 by the attacker's nameserver.
func forbidden() []string {
	return []string{
		"127.0.0.1", "127.0.0.2", "localhost", "LOCALHOST", "localhost.", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]",
		"2130706433", "0x7f000001", "0x7f.1", "0x7f.0x0.0x0.0x1", "017700000001", "0177.0.0.1", "0177.1", "127.1", "127.0.1", "127.0.0.1.", "127.000.000.001", "1.0.0.127.in-addr.arpa",
		"169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[fd00:ec2::254]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "100.100.100.200", "[fc00::1]", "[fec0::1]", "192.0.0.192",
		"0.1.2.3", "224.0.0.1", "255.255.255.255", "[ff02::1]", "localtest.me", "127.0.0.1.nip.example.com", "xn--localhost-.example.com",
	}
}

// fetchAttacks are attacks by URLs that a stranger wrote and the server fetches (SSRF): RFC 9101, section 10.4.1; RFC 7591, section 5;
// draft-ietf-oauth-client-id-metadata-document, section 6; RFC 9700, section 4.11; OWASP, SSRF. All with the real Fetcher.
func fetchAttacks() cases {
	loop := netip.MustParseAddr("127.0.0.1")
	always := func(string, int64) netip.Addr { return loop }
	list := cases{
		"SSRF: no URL leads into the server's own network, however it is spelled": func(t *testing.T, a Adapter) {
			victim, port := newInside(t)
			var targets []string
			for _, host := range forbidden() {
				targets = append(targets, "https://"+host+":"+port+"/x.json")
			}
			x := fetched(t, a, fetch.Config{Resolver: nameserver(t, always)}, targets...)
			x.everywhere(x.failed)
			if n := victim.reached.Load(); n != 0 {
				t.Errorf("%d connections came through", n)
			}
		},
		"SSRF: where nothing guards, the attacks work": func(t *testing.T, a Adapter) {
			for _, host := range []string{"127.0.0.1", "localhost", "rebind.example.com"} {
				victim, port := newInside(t)
				target := "https://" + host + ":" + port + "/x.json"
				x := fetched(t, a, fetch.Config{Resolver: nameserver(t, always), AllowPrivateNetworks: true}, target)
				for where, door := range x.doors(target) {
					before := victim.reached.Load()
					x.clock.Pass(time.Hour) // what failed is not asked for at once
					door()
					if victim.reached.Load() == before {
						t.Errorf("%s, %s: an unguarded Fetcher does not get there either", host, where)
					}
				}
			}
		},
		"SSRF: DNS rebinding, a name that is public first and private after": func(t *testing.T, a Adapter) {
			victim, port := newInside(t)
			nowhere := netip.MustParseAddr("3ffe::1") // public, and given back: nobody has it
			target := "https://rebind.example.com:" + port + "/x.json"
			for first := range int64(3) {
				x := fetched(t, a, fetch.Config{Timeout: 300 * time.Millisecond, Resolver: nameserver(t, func(_ string, n int64) netip.Addr {
					if n <= first {
						return nowhere
					}
					return loop
				})}, target)
				for range 3 {
					x.clock.Pass(time.Hour)
					x.everywhere(x.failed)
				}
			}
			if n := victim.reached.Load(); n != 0 {
				t.Errorf("%d connections came through", n)
			}
		},
		"SSRF: no redirect is followed": func(t *testing.T, a Adapter) {
			victim, port := newInside(t)
			for _, status := range []int{301, 302, 303, 307, 308, 300} {
				for _, to := range []string{"https://127.0.0.1:" + port + "/", "http://127.0.0.1:" + port + "/", "//127.0.0.1:" + port, "file:///etc/passwd", "/again"} {
					asked := new(atomic.Int64)
					site, config := strange(t, func(w http.ResponseWriter, r *http.Request) {
						asked.Add(1)
						if r.URL.Path == "/again" {
							t.Error("a redirect was followed")
						}
						w.Header().Set("Location", to)
						w.Header().Set("Refresh", "0; url="+to)
						w.WriteHeader(status)
					})
					x := fetched(t, a, config, site)
					x.everywhere(x.failed)
					if asked.Load() == 0 {
						t.Error("the site was not asked")
					}
				}
			}
			if n := victim.reached.Load(); n != 0 {
				t.Errorf("%d connections came through", n)
			}
		},
		"SSRF: schemes, users and ports that are none go nowhere": func(t *testing.T, a Adapter) {
			victim, port := newInside(t)
			x := fetched(t, a, fetch.Config{Resolver: nameserver(t, always), AllowPrivateNetworks: true})
			for _, target := range []string{
				"http://127.0.0.1:" + port + "/x", "file:///etc/passwd", "gopher://127.0.0.1:" + port + "/_x", "ftp://127.0.0.1:" + port + "/x", "dict://127.0.0.1:" + port, "ldap://127.0.0.1:" + port, "unix:///var/run/docker.sock", "jar:https://127.0.0.1:" + port + "!/",
				"https://user@127.0.0.1:" + port + "/x", "https://client.example.com@127.0.0.1:" + port + "/x", "https://127.0.0.1:" + port + "\\@client.example.com/x", "https://client.example.com#@127.0.0.1:" + port + "/x", "https:///127.0.0.1:" + port, "https:127.0.0.1:" + port,
				"https://127.0.0.1:" + port + "/x\r\nHost: evil", "https://127.0.0.1:" + port + " /x", "https://[::1%25lo]:" + port + "/x", "https://127.0.0.1:" + port + "/x#frag", "https://127.0.0.1:" + port + "/../x",
			} {
				p := party{target, "", "none", callback}
				x.failed(target, x.authorize(p.open()))
				x.failed(target, x.authorize(with(web().request(), "request_uri", target)))
			}
			if n := victim.reached.Load(); n != 0 {
				t.Errorf("%d connections came through", n)
			}
		},
		"fetch exhaustion: a body without end is left": func(t *testing.T, a Adapter) {
			sent := new(atomic.Int64)
			site, config := strange(t, func(w http.ResponseWriter, r *http.Request) {
				chunk := bytes.Repeat([]byte(" "), 4<<10)
				for r.Context().Err() == nil {
					n, err := w.Write(chunk)
					if sent.Add(int64(n)); err != nil {
						return
					}
				}
			})
			x := fetched(t, a, config, site)
			x.everywhere(x.failed)
			if n := sent.Load(); n == 0 || n > 64<<20 { // what the sockets of both sides hold, for each
				t.Errorf("%d bytes were sent", n)
			}
		},
		"fetch exhaustion: a body that says how huge it is, is not read": func(t *testing.T, a Adapter) {
			site, config := strange(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "109951162777600")
				_, _ = w.Write([]byte("{"))
			})
			x := fetched(t, a, config, site)
			x.everywhere(x.failed)
		},
		"fetch exhaustion: headers without end, and a slow body, are left in time": func(t *testing.T, a Adapter) {
			done := make(chan struct{})
			t.Cleanup(func() { close(done) })
			drip := func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusOK)
				for {
					_, _ = w.Write([]byte(" "))
					_ = http.NewResponseController(w).Flush()
					select {
					case <-time.After(20 * time.Millisecond):
					case <-r.Context().Done():
						return
					case <-done:
						return
					}
				}
			}
			for what, handle := range map[string]http.HandlerFunc{
				"drip":    drip,
				"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
				"headers": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Long", strings.Repeat("x", 1<<20)) },
				"trailers": func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set(http.TrailerPrefix+"X", strings.Repeat("x", 1<<20))
				},
			} {
				site, config := strange(t, handle)
				config.Timeout = 250 * time.Millisecond
				x := fetched(t, a, config, site)
				for where, door := range x.doors(site) {
					began := time.Now() //nolint:forbidigo // a real site's time
					x.failed(what+", "+where, door())
					if took := time.Since(began); took > 10*time.Second {
						t.Errorf("%s, %s: took %v", what, where, took)
					}
					x.token(web(), machine()).tokens(t) // and nobody else waits
				}
			}
		},
		"fetch exhaustion: a gzip bomb is not unpacked": func(t *testing.T, a Adapter) {
			var bomb bytes.Buffer
			zip := gzip.NewWriter(&bomb)
			for range 1 << 10 {
				_, _ = zip.Write(bytes.Repeat([]byte(" "), 1<<14))
			}
			_ = zip.Close()
			accepts := new(atomic.Int64)
			site, config := strange(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
					accepts.Add(1)
				}
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(bomb.Bytes())
			})
			x := fetched(t, a, config, site)
			x.everywhere(x.failed)
			if accepts.Load() != 0 {
				t.Error("compression was asked for")
			}
		},
		"fetch amplification: a crowd of requests is one fetch, and failures are not asked for at once": func(t *testing.T, a Adapter) {
			asked := new(atomic.Int64)
			site, config := strange(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.WriteHeader(http.StatusNotFound)
			})
			x := fetched(t, a, config, site)
			for range 20 {
				x.everywhere(x.failed)
			}
			if n := asked.Load(); n == 0 || n > 30 {
				t.Errorf("160 requests are %d fetches", n)
			}
		},
	}
	return list
}

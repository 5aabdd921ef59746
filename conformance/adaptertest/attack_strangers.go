package adaptertest

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// inside is a service that only this host can reach. It counts who does.
type inside struct {
	net.Listener
	reached atomic.Int64
}

func newInside(t *testing.T) (s *inside, port string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s = &inside{Listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.reached.Add(1)
			_ = conn.Close()
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return s, port
}

// nameserver is a DNS server of the attacker's: it answers for every name what answers says, of the n-th question for an address of a kind.
func nameserver(t *testing.T, answers func(name string, n int64) netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		asked := map[string]int64{}
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if reply := answerDNS(buffer[:n], func(name string, kind byte) netip.Addr {
				key := name + string(rune(kind))
				asked[key]++
				return answers(name, asked[key])
			}); reply != nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answerDNS answers one question (RFC 1035, section 4): with an address where that is of the kind that is asked for, and with none otherwise.
func answerDNS(q []byte, address func(name string, kind byte) netip.Addr) []byte {
	const head, kindA, kindAAAA = 12, 1, 28
	if len(q) < head+5 {
		return nil
	}
	var labels []string
	i := head
	for i < len(q) && q[i] != 0 && i+1+int(q[i]) < len(q) {
		labels = append(labels, string(q[i+1:i+1+int(q[i])]))
		i += 1 + int(q[i])
	}
	if i+5 > len(q) {
		return nil
	}
	kind := q[i+2]
	out := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[head:i+5]...)
	addr := address(strings.ToLower(strings.Join(labels, ".")), kind)
	if data := addr.AsSlice(); kind == kindA && addr.Is4() || kind == kindAAAA && addr.Is6() {
		out[7] = 1
		out = append(out, 0xc0, head, 0, kind, 0, 1, 0, 0, 0, 0, 0, byte(len(data))) // #nosec G115 -- 4 or 16
		out = append(out, data...)
	}
	return out
}

// fetching is a world in which every URL that is ever fetched is one of some targets, which an attacker wrote.
type fetching struct {
	*world
	targets []string
}

// fetched makes one, with the real Fetcher.
func fetched(t *testing.T, a Adapter, config fetch.Config, targets ...string) fetching {
	t.Helper()
	if config.Timeout == 0 {
		config.Timeout = time.Second
	}
	f, err := fetch.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return fetching{newWorld(t, a, func(s *setup) {
		builtInPages(s)
		s.Fetcher, s.Logos, s.ClientDocuments = f, true, &server.ClientDocuments{}
		s.RequestObjects, s.PushedRequests = &server.RequestObjects{ByReference: true}, &server.PushedRequests{}
		s.ClientAuthMethods = []string{"client_secret_basic", "client_secret_post", "none", "private_key_jwt"}
		for _, target := range targets {
			keyed := party{"keyed-" + target, "", "private_key_jwt", callback}.client("authorization_code", "client_credentials")
			keyed.Metadata.JWKSURI, keyed.Metadata.LogoURI, keyed.Metadata.RequestURIs = target, target, []string{target}
			registered := *keyed
			registered.ID, registered.Origin, registered.Metadata.Scope = "registered-"+target, store.ByRegistration, "open"
			s.Clients = append(s.Clients, keyed, &registered)
		}
	}), targets}
}

// doors are all ways to have the server fetch target.
func (x fetching) doors(target string) map[string]func() *answer {
	key := newSigningKey(x.t, jose.ES256)
	sign := func(typ, id string) string {
		now := x.clock.Now()
		token, err := jose.Sign(key, typ, map[string]any{"iss": id, "sub": id, "client_id": id, "aud": x.issuer, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": typ + id + target})
		if err != nil {
			x.t.Fatal(err)
		}
		return token
	}
	keyed, registered := "keyed-"+target, "registered-"+target
	return map[string]func() *answer{
		"jwks_uri of an assertion": func() *answer {
			return x.form(x.t, "/token", asserted(ownToken(), sign("client-authentication+jwt", keyed)))
		},
		"jwks_uri of a client that registered itself": func() *answer {
			form := party{registered, "", "", callback}.request()
			return x.form(x.t, "/par", asserted(form, sign("client-authentication+jwt", registered)))
		},
		"jwks_uri of a request object": func() *answer {
			return x.authorize(url.Values{"client_id": {keyed}, "request": {sign("oauth-authz-req+jwt", keyed)}})
		},
		"request_uri": func() *answer { return x.authorize(url.Values{"client_id": {keyed}, "request_uri": {target}}) },
		"request_uri beside a redirect URI": func() *answer {
			return x.authorize(with(party{keyed, "", "", callback}.request(), "request_uri", target))
		},
		"a client's document": func() *answer {
			return x.authorize(party{target, "", "none", callback}.open())
		},
		"a client's document at the token endpoint": func() *answer {
			p := party{target, "", "none", callback}
			return x.token(p, p.exchange("x"))
		},
		"logo": func() *answer { return x.get(x.t, "/interaction/logo?"+url.Values{"client": {keyed}}.Encode()) },
	}
}

// everywhere calls check with what each door answers, for each target.
func (x fetching) everywhere(check func(where string, ans *answer)) {
	x.t.Helper()
	for _, target := range x.targets {
		for where, door := range x.doors(target) {
			check(target+", "+where, door())
		}
	}
}

// failed checks that ans gives nothing, and shows nothing of what is behind the URL.
func (x fetching) failed(where string, ans *answer) {
	x.t.Helper()
	for _, shown := range []string{"127.0.0.1:", "refused", "dial", "lookup", "timeout", "tls", "certificate", "EOF", "secret"} {
		if strings.Contains(strings.ReplaceAll(ans.Body, x.url, ""), shown) {
			x.t.Errorf("%s: the answer shows %q: %s", where, shown, ans.Body)
		}
	}
	if to := ans.Header.Get("Location"); ans.Status < 300 || strings.Contains(to, "code=") || ans.Status == 303 && !strings.Contains(to, "error=") {
		x.t.Errorf("%s: %d to %q, %s", where, ans.Status, to, ans.Body)
	}
}

// strange is a stranger's https site, and what lets the Fetcher go there: it believes the site, and loopback is not forbidden.
func strange(t *testing.T, handle http.HandlerFunc) (target string, config fetch.Config) {
	t.Helper()
	s := httptest.NewTLSServer(handle)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.URL + "/x.json", fetch.Config{AllowPrivateNetworks: true, RootCAs: roots}
}

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/go-mandate/mandate/conformance/adaptertest"
)

// tap is every line that went over the connections of one test, in both directions. Most lines come again and again: they are kept, and
// searched, once.
type tap struct {
	mu    sync.Mutex // guards lines
	lines map[string]bool
}

func newTap() *tap { return &tap{lines: map[string]bool{}} }

func (p *tap) note(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		if !p.lines[string(line)] {
			p.lines[string(line)] = true
		}
	}
}

// tappedApp is an application whose connections are listened to.
type tappedApp struct {
	adaptertest.App
	tap *tap
}

// Serve implements [adaptertest.App].
func (a tappedApp) Serve(t *testing.T, l net.Listener) {
	t.Helper()
	a.App.Serve(t, tappedListener{l, a.tap})
}

type tappedListener struct {
	net.Listener
	tap *tap
}

func (l tappedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tappedConn{c, l.tap}, nil
}

type tappedConn struct {
	net.Conn
	tap *tap
}

func (c tappedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.tap.note(b[:n])
	return n, err
}

func (c tappedConn) Write(b []byte) (int, error) {
	c.tap.note(b)
	return c.Conn.Write(b)
}

// secrets finds what nobody who reads the store may learn: tokens and codes, JWTs, what forms and queries carry in secret, passwords,
// handles, cookies and credentials. The last group that is not empty is it.
var secrets = regexp.MustCompile(`\b(md[a-z]_[\w.-]{16,})|\b(eyJ[\w-]+\.[\w-]+\.[\w-]{16,})` +
	`|\b(?:code|access_token|refresh_token|token|client_secret|password|code_verifier|handle|csrf|verifier|oauth_token|oauth_token_secret|oauth_verifier)=([^&\s"'<>]{12,})` +
	`|name="(?:handle|csrf)" value="([^"]{12,})"|"(?:access_token|refresh_token|client_secret)":"([^"]{12,})"|oauth_(?:token|verifier)="([^"]{12,})"` +
	`|(?i:Set-Cookie|Cookie): [^=\s]+=([^;\s]{12,})|(?i:Basic) ([A-Za-z0-9+/=]{12,})|(?i:Bearer) ([\w.~+/-]{12,})`)

// public is what may be known, though somebody tried it as a secret or it looks like one: a software statement is part of a registration
// (RFC 7591, section 3.2.1).
var public = regexp.MustCompile(`\b(?:code_challenge=|software_statement":")([^&\s"]+)`)

// canaries returns the secrets among all that was heard.
func (p *tap) canaries() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := map[string]bool{}
	for line := range p.lines {
		for _, m := range secrets.FindAllStringSubmatch(line, -1) {
			for i, s := range m[1:] {
				if s = plainSecret(i, s); len(s) >= least && strings.Trim(s, s[:1]) != "" && !strings.Contains(s, "<script") { // neither a long line of one letter nor an attack on a page
					found[s] = true
				}
			}
		}
	}
	for line := range p.lines {
		for _, m := range public.FindAllStringSubmatch(line, -1) {
			delete(found, m[1])
		}
	}
	return found
}

// plainSecret returns what group i of secrets has found, decoded.
func plainSecret(i int, s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		s = plain
	}
	if i == 7 { // Basic: the secret is behind the name
		pair, _ := base64.StdEncoding.DecodeString(s)
		_, s, _ = strings.Cut(string(pair), ":")
		if plain, err := url.QueryUnescape(s); err == nil {
			s = plain
		}
	}
	return s
}

// forms returns how a secret may stand in a store: as it is, in base64 wherever that begins, in hex; and the same of the bytes that
// its own parts stand for.
func forms(secret string) []string {
	list := encoded([]byte(secret))
	_, rest, ok := strings.Cut(secret, "_")
	if !ok || !strings.HasPrefix(secret, "md") {
		rest = secret
	}
	for part := range strings.SplitSeq(rest, ".") {
		if raw, err := base64.RawURLEncoding.DecodeString(part); err == nil && len(raw) >= least {
			list = append(append(list, part), encoded(raw)...)
		}
	}
	return list
}

func encoded(raw []byte) []string {
	list := []string{string(raw), hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw))}
	for before := range 3 { // bytes that stand before it in what was encoded
		padded := append(make([]byte, before), raw...)
		skip := (before*8 + 5) / 6
		whole := len(padded) / 3 * 4 // what stands behind it changes the last letters
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if text := enc.EncodeToString(padded)[:whole]; len(text)-skip >= least {
				list = append(list, text[skip:])
			}
		}
	}
	return list
}

// least is how long a form is at least.
const least = 12

// betrayed fails the test for every secret that is in the dump of a store. It returns how many it looked for.
func (p *tap) betrayed(t *testing.T, dump string) int {
	t.Helper()
	all := p.canaries()
	for secret, at := range search(dump, all) {
		t.Errorf("the store has the secret %.40q, in %q", secret, dump[max(0, at-80):min(len(dump), at+len(secret)+40)])
	}
	return len(all)
}

// search returns which of the secrets are in the dump in one of their forms, and where. It goes through the dump once: there may be thousands of
// secrets in tens of megabytes.
func search(dump string, secrets map[string]bool) map[string]int {
	type form struct{ text, secret string }
	forms12 := map[[least]byte][]form{}
	var maybe [1 << 20]bool // by the first eight bytes, so that few places need a look into the map
	slot := func(s string) uint64 { return binary.LittleEndian.Uint64([]byte(s[:8])) * 0x9e3779b97f4a7c15 >> 44 }
	for secret := range secrets {
		for _, text := range forms(secret) {
			begin := [least]byte([]byte(text[:least]))
			forms12[begin] = append(forms12[begin], form{text, secret})
			maybe[slot(text)] = true
		}
	}
	found := map[string]int{}
	for i := 0; i+least <= len(dump); i++ {
		if !maybe[slot(dump[i:])] {
			continue
		}
		for _, f := range forms12[[least]byte([]byte(dump[i:i+least]))] {
			if strings.HasPrefix(dump[i:], f.text) {
				found[f.secret] = i
			}
		}
	}
	return found
}

// The search finds what it should.
func TestCanaries(t *testing.T) {
	t.Parallel()
	p := newTap()
	p.note([]byte("POST /token HTTP/1.1\r\nAuthorization: Basic " + base64.StdEncoding.EncodeToString([]byte("web:a%2Dvery-long-secret")) +
		"\r\nCookie: x=cookie-value-of-some-length; y=1\r\n\r\ncode=mdc_AAAA.MDEyMzQ1Njc4OWFiY2RlZg.AA.dGFnLW9mLXNpeHRlZW4u&state=not-a-secret-value"))
	all := p.canaries()
	for _, secret := range []string{"a-very-long-secret", "cookie-value-of-some-length", "mdc_AAAA.MDEyMzQ1Njc4OWFiY2RlZg.AA.dGFnLW9mLXNpeHRlZW4u"} {
		if !all[secret] {
			t.Errorf("%q is not found", secret)
		}
	}
	if len(all) != 3 {
		t.Errorf("found %v", all)
	}
	const raw = "0123456789abcdef" // the handle in the code
	for what, dump := range map[string]string{
		"bytes": "x" + raw, "hex": hex.EncodeToString([]byte(raw)), "base64": base64.StdEncoding.EncodeToString([]byte(raw + "...")),
		"base64 of more": base64.StdEncoding.EncodeToString([]byte(`{"handle":"` + raw + `"}`)), "base64 of still more": base64.URLEncoding.EncodeToString([]byte(`{"handle": "` + raw + `"}`)),
		"a token": `{"token":"mdc_AAAA.MDEyMzQ1Njc4OWFiY2RlZg.AA.dGFnLW9mLXNpeHRlZW4u"}`,
	} {
		if len(search(dump, map[string]bool{"mdc_AAAA.MDEyMzQ1Njc4OWFiY2RlZg.AA.dGFnLW9mLXNpeHRlZW4u": true})) != 1 {
			t.Errorf("the secret is not found as %s", what)
		}
	}
}

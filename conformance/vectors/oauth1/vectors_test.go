// Package oauth1_test holds the signatures of core/oauth1 against the vectors of this folder, in both directions.
package oauth1_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
)

// load reads a file of vectors.
func load[T any](t *testing.T, name string) T {
	t.Helper()
	data, err := os.ReadFile(name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// keysOf returns the RSA keys of the vectors.
func keysOf(t *testing.T) map[string]*rsa.PrivateKey {
	t.Helper()
	keys := map[string]*rsa.PrivateKey{}
	for name, text := range load[struct{ Keys map[string]string }](t, "keys").Keys {
		block, _ := pem.Decode([]byte(text))
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			other, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				t.Fatal(name, err)
			}
			key = other.(*rsa.PrivateKey)
		}
		keys[name] = key
	}
	return keys
}

// request makes a request of a client, in the header.
func request(method, url, authorization, kind, body string) *mandate.Request {
	header := mandate.Fields{}
	if authorization != "" {
		header = append(header, mandate.Field{Name: "Authorization", Value: authorization})
	}
	if kind != "" {
		header = append(header, mandate.Field{Name: "Content-Type", Value: kind})
	}
	return at(url, &mandate.Request{Method: method, Header: header, Body: body})
}

// at gives r its URL: an absolute one, or path and query as a guard sees it.
func at(url string, r *mandate.Request) *mandate.Request {
	r.Path, r.RawQuery, _ = strings.Cut(url, "?")
	if scheme, rest, ok := strings.Cut(r.Path, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		r.Origin, r.Path = scheme+"://"+host, rest[len(host):]
	}
	return r
}

const plain = `OAuth oauth_consumer_key="k", oauth_signature_method="PLAINTEXT", oauth_signature="%26"`

// parts returns the parts of the base string of a request.
func parts(t *testing.T, r *mandate.Request) (uri, params string, err error) {
	t.Helper()
	m, err := oauth1.Parse(r, "")
	if err != nil {
		return "", "", err
	}
	base, err := m.BaseString()
	if err != nil {
		return "", "", err
	}
	fields := strings.Split(base, "&")
	if len(fields) != 3 {
		t.Fatalf("base string %q has %d parts", base, len(fields))
	}
	uri, _ = oauth1.Unescape(fields[1])
	params, _ = oauth1.Unescape(fields[2])
	return uri, params, nil
}

func TestEscapes(t *testing.T) {
	t.Parallel()
	for _, v := range load[struct {
		Vectors []struct{ Text, Escaped string }
	}](t, "escapes").Vectors {
		if got := oauth1.Escape(v.Text); got != v.Escaped {
			t.Errorf("Escape(%q) = %q, want %q", v.Text, got, v.Escaped)
		}
		if got, ok := oauth1.Unescape(v.Escaped); got != v.Text || !ok {
			t.Errorf("Unescape(%q) = %q, %v, want %q", v.Escaped, got, ok, v.Text)
		}
	}
}

func TestNormalized(t *testing.T) {
	t.Parallel()
	const own = "oauth_consumer_key=k&oauth_signature_method=PLAINTEXT"
	for _, v := range load[struct {
		Vectors []struct{ Query, Normalized string }
	}](t, "normalized").Vectors {
		want := v.Normalized + "&" + own
		if v.Normalized > own {
			want = own + "&" + v.Normalized
		}
		if _, got, err := parts(t, request("GET", "http://example.com/?"+v.Query, plain, "", "")); got != want || err != nil {
			t.Errorf("%q is normalized to %q, %v, want %q", v.Query, got, err, want)
		}
	}
}

func TestURIs(t *testing.T) {
	t.Parallel()
	all := load[struct {
		Vectors []struct{ URL, URI string }
		Refused []string
	}](t, "uris")
	for _, v := range all.Vectors {
		sent, _, _ := strings.Cut(v.URL, "#") // no client sends more
		if got, _, err := parts(t, request("GET", sent, plain, "", "")); got != v.URI || err != nil {
			t.Errorf("base string URI of %q = %q, %v, want %q", v.URL, got, err, v.URI)
		}
	}
	s, err := oauth1.NewSigner(oauth1.SignerConfig{ConsumerKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range all.Refused {
		if got, _, err := parts(t, request("GET", url, plain, "", "")); err == nil {
			t.Errorf("base string URI of %q = %q, want an error", url, got)
		}
		if _, err := s.Sign(oauth1.Outgoing{Method: "GET", URL: url}); err == nil {
			t.Errorf("%q is signed", url)
		}
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	keys := keysOf(t)
	for _, v := range load[struct {
		Vectors []struct {
			Source, Method, Key, Signature string
			ClientSecret                   string `json:"client_secret"`
			TokenSecret                    string `json:"token_secret"`
			BaseString                     string `json:"base_string"`
		}
	}](t, "signatures").Vectors {
		method := oauth1.Standard(v.Method)
		k := oauth1.Keys{ClientSecret: v.ClientSecret, TokenSecret: v.TokenSecret}
		if key := keys[v.Key]; key != nil {
			k.Private, k.Public = key, key.Public()
		}
		if got, err := method.Sign(v.BaseString, &k); got != v.Signature || err != nil {
			t.Errorf("%s: Sign() = %q, %v, want %q", v.Source, got, err, v.Signature)
		}
		if err := method.Verify(v.BaseString, v.Signature, &k); err != nil {
			t.Errorf("%s: Verify() = %v", v.Source, err)
		}
		wrong := map[string]struct {
			base, signature string
			k               oauth1.Keys
		}{
			"no signature":      {v.BaseString, "", k},
			"another's":         {v.BaseString, "ZG9uJ3QgdHJ1c3QgbWUK", k},
			"not base64":        {v.BaseString, "altérer", k},
			"a longer one":      {v.BaseString, v.Signature + "A", k},
			"a shorter one":     {v.BaseString, v.Signature[:len(v.Signature)-1], k},
			"another secret":    {v.BaseString, v.Signature, oauth1.Keys{ClientSecret: v.ClientSecret + "x", TokenSecret: v.TokenSecret, Public: public(keys, v.Key)}},
			"another token's":   {v.BaseString, v.Signature, oauth1.Keys{ClientSecret: v.ClientSecret, TokenSecret: v.TokenSecret + "x", Public: public(keys, v.Key)}},
			"another base text": {v.BaseString + "x", v.Signature, oauth1.Keys{ClientSecret: v.ClientSecret, TokenSecret: v.TokenSecret, Public: k.Public}},
		}
		if method == oauth1.Plaintext {
			delete(wrong, "another base text")
		}
		for name, w := range wrong {
			if err := method.Verify(w.base, w.signature, &w.k); !errors.Is(err, oauth1.ErrSignature) {
				t.Errorf("%s: Verify() of %s = %v, want ErrSignature", v.Source, name, err)
			}
		}
	}
}

// public returns the public half of a key that is not the one called name, or nil for no name.
func public(keys map[string]*rsa.PrivateKey, name string) crypto.PublicKey {
	for other, key := range keys {
		if name != "" && other != name {
			return key.Public()
		}
	}
	return nil
}

type whole struct {
	Name, Source, Method, URL, Authorization, Body, Key string
	ContentType                                         string `json:"content_type"`
	ClientSecret                                        string `json:"client_secret"`
	TokenSecret                                         string `json:"token_secret"`
	BaseString                                          string `json:"base_string"`
	Invalid                                             bool
}

func TestRequests(t *testing.T) {
	t.Parallel()
	keys := keysOf(t)
	for _, v := range load[struct{ Vectors []whole }](t, "requests").Vectors {
		t.Run(v.Name+", "+v.Source, func(t *testing.T) {
			t.Parallel()
			k := oauth1.Keys{ClientSecret: v.ClientSecret, TokenSecret: v.TokenSecret}
			if key := keys[v.Key]; key != nil {
				k.Private, k.Public = key, key.Public()
			}
			m, err := oauth1.Parse(request(v.Method, v.URL, v.Authorization, v.ContentType, v.Body), "")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := m.BaseString(); v.BaseString != "" && got != v.BaseString || err != nil {
				t.Errorf("BaseString() = %q, %v, want %q", got, err, v.BaseString)
			}
			err = m.Verify(oauth1.Standard(m.SignatureMethod), &k)
			if v.Invalid {
				if !errors.Is(err, oauth1.SignatureInvalid) || oauth1.Status(oauth1.SignatureInvalid) != 401 {
					t.Errorf("Verify() = %v, want %s", err, oauth1.SignatureInvalid)
				}
				return
			}
			if err != nil {
				t.Errorf("Verify() = %v", err)
			}
			again(t, &v, m, k)
		})
	}
}

// again signs the request anew, with the same nonce and at the same time: the signature of the vector comes out, unless ours
// says oauth_version and the vector does not.
func again(t *testing.T, v *whole, m *oauth1.Message, k oauth1.Keys) {
	t.Helper()
	s, err := oauth1.NewSigner(oauth1.SignerConfig{
		ConsumerKey: m.ConsumerKey, Token: m.Token, Keys: k, Method: oauth1.Standard(m.SignatureMethod), Placement: m.Placement, Realm: m.Realm,
		BodyHash: m.BodyHash != "", InsecurePlaintext: true,
		Nonce: func() string { return m.Nonce }, Now: func() time.Time { return time.Unix(max(m.Timestamp, 1), 0) },
		OmitVersion: m.Params().Get("oauth_version") == "",
	})
	if err != nil {
		t.Fatal(err)
	}
	r := oauth1.Outgoing{
		Method: v.Method, URL: own(v.URL, m.Placement == oauth1.InQuery), ContentType: v.ContentType, Body: own(v.Body, m.Placement == oauth1.InBody),
		Callback: m.Callback, Verifier: m.Verifier,
	}
	out, err := s.Sign(r)
	if err != nil {
		t.Fatal(err)
	}
	if out.URL != v.URL && m.Placement != oauth1.InQuery || out.Body != v.Body && m.Placement != oauth1.InBody {
		t.Errorf("Sign() = %+v: it changed what is not its", out)
	}
	n, err := oauth1.Parse(request(v.Method, out.URL, out.Authorization, out.ContentType, out.Body), "")
	if err != nil {
		t.Fatal(err)
	}
	if n.Signature != m.Signature && m.Timestamp != 0 {
		t.Errorf("Sign() signs %q, want %q", n.Signature, m.Signature)
	}
	if n.Realm != m.Realm || n.Placement != m.Placement || n.Token != m.Token {
		t.Errorf("Sign() = %+v", out)
	}
	if err := n.Verify(oauth1.Standard(m.SignatureMethod), &k); err != nil {
		t.Errorf("Verify() of what Sign made = %v", err)
	}
}

// own takes the protocol parameters out of a query or a form.
func own(s string, in bool) string {
	if !in {
		return s
	}
	before, query, isURL := strings.Cut(s, "?")
	if !isURL {
		before, query = "", s
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(pair, "oauth_") {
			kept = append(kept, pair)
		}
	}
	if isURL && len(kept) > 0 {
		before += "?"
	}
	return before + strings.Join(kept, "&")
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	all := load[struct {
		Vectors []struct {
			Header, Realm string
			Params        [][2]string
		}
		Refused []string
	}](t, "headers")
	for _, v := range all.Vectors {
		m, err := oauth1.Parse(request("GET", "http://example.com/", v.Header, "", ""), "")
		if err != nil {
			t.Errorf("%q: %v", v.Header, err)
			continue
		}
		if m.Realm != v.Realm || len(m.Params()) != len(v.Params) {
			t.Errorf("%q says %v of realm %q, want %v of %q", v.Header, m.Params(), m.Realm, v.Params, v.Realm)
			continue
		}
		for i, p := range v.Params {
			if got := m.Params()[i]; got != (mandate.Field{Name: p[0], Value: p[1]}) {
				t.Errorf("%q says %v, want %v", v.Header, got, p)
			}
		}
	}
	for _, header := range all.Refused {
		if m, err := oauth1.Parse(request("GET", "http://example.com/", header, "", ""), ""); err == nil {
			t.Errorf("%q says %v, want an error", header, m.Params())
		}
	}
}

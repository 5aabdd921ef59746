package oauth1_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
)

func newSigner(t *testing.T, c oauth1.SignerConfig) *oauth1.Signer {
	t.Helper()
	if c.ConsumerKey == "" {
		c.ConsumerKey = "consumer"
	}
	s, err := oauth1.NewSigner(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parse reads what a signer made of a request.
func parse(t *testing.T, method string, out oauth1.Signed) *oauth1.Message {
	t.Helper()
	m, err := oauth1.Parse(request(method, out.URL, out.Authorization, out.ContentType, out.Body), "")
	if err != nil {
		t.Fatalf("Parse() of %+v = %v", out, err)
	}
	return m
}

func TestNewSignerRefuses(t *testing.T) {
	t.Parallel()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		c    oauth1.SignerConfig
		want string
	}{
		"no consumer key":                  {oauth1.SignerConfig{}, "SignerConfig.ConsumerKey"},
		"an unknown placement":             {oauth1.SignerConfig{ConsumerKey: "k", Placement: "cookie"}, "SignerConfig.Placement"},
		"an unknown method":                {oauth1.SignerConfig{ConsumerKey: "k", Method: oauth1.Standard("HMAC-MD5")}, `"HMAC-MD5"`},
		"RSA without a key":                {oauth1.SignerConfig{ConsumerKey: "k", Method: oauth1.RSASHA256}, "SignerConfig.Keys"},
		"RSA with another kind of key":     {oauth1.SignerConfig{ConsumerKey: "k", Method: oauth1.RSASHA1, Keys: oauth1.Keys{Private: other}}, "*ecdsa.PrivateKey"},
		"a realm that would end a header":  {oauth1.SignerConfig{ConsumerKey: "k", Realm: "a\r\nb"}, "SignerConfig.Realm"},
		"a realm with a character of DEL":  {oauth1.SignerConfig{ConsumerKey: "k", Realm: "\x7f"}, "SignerConfig.Realm"},
		"an empty name of a method of one": {oauth1.SignerConfig{ConsumerKey: "k", Method: oauth1.Standard("")}, "no signature method"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := oauth1.NewSigner(tc.c); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("NewSigner() error = %v, want %q", err, tc.want)
			}
		})
	}
}

func TestSignDefaults(t *testing.T) {
	t.Parallel()
	s := newSigner(t, oauth1.SignerConfig{Keys: oauth1.Keys{ClientSecret: "cs"}})
	seen := map[string]bool{}
	for range 100 {
		out, err := s.Sign(oauth1.Outgoing{Method: "GET", URL: resource + "?a=1"})
		if err != nil {
			t.Fatal(err)
		}
		m := parse(t, "GET", out)
		if len(m.Nonce) < 20 || len(m.Nonce) > 30 || seen[m.Nonce] {
			t.Fatalf("nonce %q is too short, too long or not new", m.Nonce)
		}
		seen[m.Nonce] = true
		if d := time.Now().Unix() - m.Timestamp; d < 0 || d > 60 || m.SignatureMethod != "HMAC-SHA1" || m.Params().Get("oauth_version") != "1.0" || m.Token != "" {
			t.Errorf("Sign() = %s", out.Authorization)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		c    oauth1.SignerConfig
		r    oauth1.Outgoing
		want string
	}{
		"a relative URL":             {r: oauth1.Outgoing{Method: "GET", URL: "/photos"}, want: "absolute"},
		"no method":                  {r: oauth1.Outgoing{URL: resource}, want: "Outgoing.Method"},
		"a broken query":             {r: oauth1.Outgoing{Method: "GET", URL: resource + "?a=%"}, want: "percent-encoding"},
		"a broken form":              {r: oauth1.Outgoing{Method: "POST", URL: resource, ContentType: form, Body: "%x"}, want: "percent-encoding"},
		"parameters of its own":      {r: oauth1.Outgoing{Method: "GET", URL: resource + "?oauth_token=t"}, want: `"oauth_token"`},
		"parameters in the form":     {r: oauth1.Outgoing{Method: "POST", URL: resource, ContentType: form, Body: "%6fauth_token=t"}, want: `"oauth_token"`},
		"the body of a GET request":  {c: oauth1.SignerConfig{Placement: oauth1.InBody}, r: oauth1.Outgoing{Method: "GET", URL: resource}, want: "InHeader"},
		"a body that is no form":     {c: oauth1.SignerConfig{Placement: oauth1.InBody}, r: oauth1.Outgoing{Method: "POST", URL: resource, ContentType: "text/plain"}, want: "InHeader"},
		"PLAINTEXT in the clear":     {c: oauth1.SignerConfig{Method: oauth1.Plaintext}, r: oauth1.Outgoing{Method: "GET", URL: resource}, want: "https"},
		"PLAINTEXT to a near name":   {c: oauth1.SignerConfig{Method: oauth1.Plaintext}, r: oauth1.Outgoing{Method: "GET", URL: "http://localhost.example.com"}, want: "https"},
		"PLAINTEXT to a near number": {c: oauth1.SignerConfig{Method: oauth1.Plaintext}, r: oauth1.Outgoing{Method: "GET", URL: "http://127.0.0.1.example.com"}, want: "https"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := newSigner(t, tc.c).Sign(tc.r); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Sign() = %+v, %v, want %q", out, err, tc.want)
			}
		})
	}
}

func TestSignPlaintextAtHome(t *testing.T) {
	t.Parallel()
	s := newSigner(t, oauth1.SignerConfig{Method: oauth1.Plaintext})
	for _, url := range []string{"https://example.com/", "http://localhost:8080/", "http://127.0.0.1/", "http://[::1]:80/"} {
		if _, err := s.Sign(oauth1.Outgoing{Method: "GET", URL: url}); err != nil {
			t.Errorf("Sign() for %s = %v", url, err)
		}
	}
}

func TestSignTheSteps(t *testing.T) {
	t.Parallel()
	s := newSigner(t, oauth1.SignerConfig{Keys: oauth1.Keys{ClientSecret: "cs"}, Realm: "Photos"})
	out, err := s.Sign(oauth1.Outgoing{
		Method: "POST", URL: "https://example.com/initiate", Callback: "https://client.example/ready?a=b",
		Extra: mandate.Params{{Name: "xoauth_lang", Value: "dé"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := parse(t, "POST", out)
	if m.Callback != "https://client.example/ready?a=b" || m.Token != "" || m.Realm != "Photos" || m.Params().Get("xoauth_lang") != "dé" {
		t.Errorf("Sign() = %s", out.Authorization)
	}
	out, err = s.With("temporary", "ts").Sign(oauth1.Outgoing{Method: "POST", URL: "https://example.com/token", Verifier: "v"})
	if err != nil {
		t.Fatal(err)
	}
	m = parse(t, "POST", out)
	if err := m.Verify(oauth1.HMACSHA1, &oauth1.Keys{ClientSecret: "cs", TokenSecret: "ts"}); err != nil || m.Token != "temporary" || m.Verifier != "v" {
		t.Errorf("Sign() = %s: %v", out.Authorization, err)
	}
	if out, _ := s.Sign(oauth1.Outgoing{Method: "POST", URL: "https://example.com/"}); strings.Contains(out.Authorization, "oauth_token=") {
		t.Error("With changed the signer that it was called on")
	}
}

func TestSignKeepsTheFragment(t *testing.T) {
	t.Parallel()
	s := newSigner(t, oauth1.SignerConfig{Placement: oauth1.InQuery})
	for url, want := range map[string]string{
		resource + "#x":      "?oauth_consumer_key=",
		resource + "?#x":     "?oauth_consumer_key=",
		resource + "?a=b#x?": "?a=b&oauth_consumer_key=",
	} {
		out, err := s.Sign(oauth1.Outgoing{Method: "GET", URL: url})
		if err != nil || !strings.Contains(out.URL, want) || !strings.Contains(out.URL, "#x") {
			t.Errorf("Sign() of %q = %q, %v, want %q in it", url, out.URL, err, want)
		}
	}
}

func TestBodyHash(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 1024) // #nosec G403 -- of a test
	if err != nil {
		t.Fatal(err)
	}
	k := oauth1.Keys{ClientSecret: "cs", Private: key, Public: key.Public()}
	for method, want := range map[oauth1.Standard]string{ // of "Hello World!"
		oauth1.HMACSHA1:   "Lve95gjOVATpfV8EL5X4nxwjKHE=",
		oauth1.RSASHA1:    "Lve95gjOVATpfV8EL5X4nxwjKHE=",
		oauth1.Plaintext:  "Lve95gjOVATpfV8EL5X4nxwjKHE=",
		oauth1.HMACSHA256: "f4OxZX/x/FO5LcGBSKHWXfwtSx+j1ncoSt3SABJtkGk=",
		oauth1.RSASHA256:  "f4OxZX/x/FO5LcGBSKHWXfwtSx+j1ncoSt3SABJtkGk=",
		oauth1.HMACSHA512: oauth1.BodyHash(oauth1.RSASHA512, "Hello World!"),
	} {
		s := newSigner(t, oauth1.SignerConfig{Keys: k, Method: method, BodyHash: true, InsecurePlaintext: true})
		out, err := s.Sign(oauth1.Outgoing{Method: "PUT", URL: resource, ContentType: "text/plain", Body: "Hello World!"})
		if err != nil {
			t.Fatal(err)
		}
		m := parse(t, "PUT", out)
		if m.BodyHash != want {
			t.Errorf("%s: oauth_body_hash = %q, want %q", method, m.BodyHash, want)
		}
		if err := m.Verify(method, &k); err != nil {
			t.Errorf("%s: Verify() = %v", method, err)
		}
		r := request("PUT", out.URL, out.Authorization, "text/plain", "Hello World?")
		if m, err := oauth1.Parse(r, ""); err != nil || !errors.Is(m.Verify(method, &k), oauth1.SignatureInvalid) {
			t.Errorf("%s: another body is verified: %v", method, err)
		}
		r.Body, r.Oversized = "", true
		if m, err := oauth1.Parse(r, ""); err != nil || !errors.Is(m.Verify(method, &k), oauth1.ParameterRejected) {
			t.Errorf("%s: a body that nobody read is verified: %v", method, err)
		}
	}
	out, err := newSigner(t, oauth1.SignerConfig{BodyHash: true}).Sign(oauth1.Outgoing{Method: "POST", URL: resource, ContentType: form, Body: "a=1"})
	if err != nil || strings.Contains(out.Authorization, "oauth_body_hash") {
		t.Errorf("Sign() of a form = %q, %v: want no oauth_body_hash", out.Authorization, err)
	}
}

// pizza is a signature method of an application.
type pizza struct{}

func (pizza) Name() string                              { return "PIZZA" }
func (pizza) Sign(string, *oauth1.Keys) (string, error) { return "PIZZA", nil }
func (pizza) Verify(_, signature string, _ *oauth1.Keys) error {
	if signature != "PIZZA" {
		return oauth1.ErrSignature
	}
	return nil
}

func TestOwnMethod(t *testing.T) {
	t.Parallel()
	out, err := newSigner(t, oauth1.SignerConfig{Method: pizza{}}).Sign(oauth1.Outgoing{Method: "GET", URL: resource})
	if err != nil {
		t.Fatal(err)
	}
	m := parse(t, "GET", out)
	if err := m.Verify(pizza{}, nil); err != nil {
		t.Error(err)
	}
	if err := m.Verify(oauth1.HMACSHA1, &oauth1.Keys{}); !errors.Is(err, oauth1.SignatureMethodRejected) || oauth1.Status(oauth1.SignatureMethodRejected) != 400 {
		t.Errorf("Verify() with another method = %v, want %s", err, oauth1.SignatureMethodRejected)
	}
	m.Signature = "PASTA"
	if err := m.Verify(pizza{}, nil); !errors.Is(err, oauth1.SignatureInvalid) {
		t.Errorf("Verify() = %v, want %s", err, oauth1.SignatureInvalid)
	}
}

func TestVerifyWithKeysThatDoNotFit(t *testing.T) {
	t.Parallel()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m, err := oauth1.Parse(request("GET", resource, strings.Replace(inHeader, "HMAC-SHA1", "RSA-SHA1", 1), "", ""), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]oauth1.Keys{
		"no key": {ClientSecret: "s="}, "another kind of key": {Public: other.Public()}, "a nil key": {Public: (*rsa.PublicKey)(nil)}, "a private key": {Public: other},
	} {
		if err := m.Verify(oauth1.RSASHA1, &k); !errors.Is(err, oauth1.SignatureMethodRejected) {
			t.Errorf("Verify() with %s = %v, want %s", name, err, oauth1.SignatureMethodRejected)
		}
	}
}

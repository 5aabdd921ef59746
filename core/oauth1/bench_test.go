package oauth1_test

import (
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
)

const target = "http://api.example/photos?file=vacation.jpg&size=original"

// signed returns a signer, and a request that it signed.
func signed(tb testing.TB, c oauth1.SignerConfig) (*oauth1.Signer, *mandate.Request) {
	tb.Helper()
	s, err := oauth1.NewSigner(c)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := s.Sign(oauth1.Outgoing{Method: "GET", URL: target})
	if err != nil {
		tb.Fatal(err)
	}
	return s, request("GET", out.URL, out.Authorization, "", "")
}

func benchConfig() oauth1.SignerConfig {
	return oauth1.SignerConfig{
		ConsumerKey: "consumer-key-0001", Token: "token-0001",
		Keys: oauth1.Keys{ClientSecret: "consumer-secret-0001-abcdef", TokenSecret: "token-secret-0001-abcdef"},
	}
}

func BenchmarkSign(b *testing.B) {
	s, _ := signed(b, benchConfig())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Sign(oauth1.Outgoing{Method: "GET", URL: target}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	c := benchConfig()
	_, r := signed(b, c)
	b.ReportAllocs()
	for b.Loop() {
		if err := verify(r, &c.Keys); err != nil {
			b.Fatal(err)
		}
	}
}

func verify(r *mandate.Request, k *oauth1.Keys) error {
	m, err := oauth1.Parse(r, "")
	if err != nil {
		return err
	}
	return m.Verify(oauth1.HMACSHA1, k)
}

func TestAllocations(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts what others allocate, too
	c := benchConfig()
	s, r := signed(t, c)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := s.Sign(oauth1.Outgoing{Method: "GET", URL: target}); err != nil {
			t.Fatal(err)
		}
	}); n > 16 {
		t.Errorf("Sign allocates %v times, want at most 16", n)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if err := verify(r, &c.Keys); err != nil {
			t.Fatal(err)
		}
	}); n > 16 {
		t.Errorf("Parse and Verify allocate %v times, want at most 16", n)
	}
}

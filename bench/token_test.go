package bench_test

import (
	"net/http"
	"testing"

	"github.com/go-mandate/mandate/bench/internal/subject"
	"github.com/go-mandate/mandate/core/jose"
)

func loop(b *testing.B, f func()) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
}

func servers() map[string]func() http.Handler {
	return map[string]func() http.Handler{"floor": subject.Floor, "mandate": subject.Mandate, "fosite": subject.Fosite, "go-oauth2": subject.GoOAuth2}
}

func BenchmarkClientCredentials(b *testing.B) {
	for name, open := range servers() {
		b.Run(name, func(b *testing.B) { loop(b, subject.ClientCredentials(open())) })
	}
	b.Run("fixed", func(b *testing.B) { loop(b, subject.ClientCredentials(subject.Fixed())) })
}

func BenchmarkIssueCode(b *testing.B) {
	for name, open := range servers() {
		b.Run(name, func(b *testing.B) { loop(b, subject.IssueCode(open())) })
	}
}

func BenchmarkIssueAndRedeem(b *testing.B) {
	for name, open := range servers() {
		b.Run(name, func(b *testing.B) { loop(b, subject.IssueAndRedeem(open())) })
	}
}

func BenchmarkRefresh(b *testing.B) {
	for name, open := range servers() {
		b.Run(name, func(b *testing.B) { loop(b, subject.Refresh(open())) })
	}
}

// BenchmarkSignedAccessToken compares a whole request for a JWT with the one for an opaque token and with the signature alone.
func BenchmarkSignedAccessToken(b *testing.B) {
	for _, alg := range []jose.Alg{jose.ES256, jose.EdDSA} {
		b.Run(string(alg)+"/raw signature", func(b *testing.B) { loop(b, subject.RawSignature(alg)) })
		b.Run(string(alg)+"/mandate", func(b *testing.B) { loop(b, subject.ClientCredentials(subject.Signed(alg))) })
	}
	b.Run("opaque", func(b *testing.B) { loop(b, subject.ClientCredentials(subject.Mandate())) })
}

func BenchmarkVerifySigned(b *testing.B) {
	f := subject.Verify()
	b.ResetTimer()
	b.ReportAllocs()
	for range b.N {
		f()
	}
}

package bench_test

import (
	"net/http"
	"testing"

	"github.com/go-mandate/mandate/bench/internal/subject"
)

func loop(b *testing.B, f func()) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
}

func servers() map[string]func() http.Handler {
	return map[string]func() http.Handler{"mandate": subject.Mandate, "fosite": subject.Fosite, "go-oauth2": subject.GoOAuth2}
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

package bench_test

import (
	"testing"

	"github.com/go-mandate/mandate/bench/internal/subject"
)

func BenchmarkSend(b *testing.B) {
	b.Run("mandate", func(b *testing.B) { loop(b, subject.SendOurs()) })
	b.Run("golang.org-x-oauth2", func(b *testing.B) { loop(b, subject.SendTheirs()) })
}

package bench_test

import (
	"testing"

	"github.com/go-mandate/mandate/bench/internal/subject"
)

func BenchmarkGuard(b *testing.B) {
	g := subject.NewGuarded()
	hot := g.Hot()
	for name, f := range map[string]func(){
		"core":         g.Core(0, hot),
		"sha256":       subject.Digest(hot),
		"gin":          subject.Call(g.Gin(), hot),
		"gin/With":     subject.Call(g.GinWith(), hot),
		"gin/bare":     subject.CallAny(subject.Gin()),
		"echo":         subject.Call(g.Echo(), hot),
		"echo/With":    subject.Call(g.EchoWith(), hot),
		"echo/bare":    subject.CallAny(subject.Echo()),
		"nethttp":      subject.Call(g.NetHTTP(), hot),
		"nethttp/With": subject.Call(g.NetHTTPWith(), hot),
		"nethttp/bare": subject.CallAny(subject.NetHTTP()),
		"fiber":        subject.CallFast(g.Fiber(), hot),
		"fiber/With":   subject.CallFast(g.FiberWith(), hot),
		"fiber/bare":   subject.CallFast(subject.Fiber(), hot),
	} {
		b.Run(name, func(b *testing.B) { loop(b, f) })
	}
	for name, tokens := range map[string][]string{"one": {hot}, "many": g.Tokens} {
		b.Run("parallel/"+name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				f := g.Core(0, tokens...)
				for pb.Next() {
					f()
				}
			})
		})
	}
}

func BenchmarkGuardPeers(b *testing.B) {
	byHand, token := subject.ByHand()
	b.Run("by hand", func(b *testing.B) { loop(b, subject.Call(byHand, token)) })
	fosite, token := subject.FositeGuard()
	b.Run("fosite", func(b *testing.B) { loop(b, subject.Call(fosite, token)) })
	other, token := subject.GoOAuth2Guard()
	b.Run("go-oauth2", func(b *testing.B) { loop(b, subject.Call(other, token)) })
}

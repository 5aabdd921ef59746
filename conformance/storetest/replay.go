package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

func replay() cases {
	return cases{
		"the first use is nil and all others are ErrUsed": func(t *testing.T, k kit) {
			key := digest()
			must(t, k.UseOnce(t.Context(), "jti", key, k.at(0), k.at(30*time.Minute)))
			for _, d := range []time.Duration{30 * time.Minute, 20 * time.Minute, 40 * time.Minute} {
				verdict(t, "UseOnce", k.UseOnce(t.Context(), "jti", key, k.at(0), k.at(d)), store.ErrUsed)
			}
		},
		"used until its end, and free at it": func(t *testing.T, k kit) {
			key := digest()
			must(t, k.UseOnce(t.Context(), "poll", key, k.at(0), k.at(5*time.Second)))
			verdict(t, "UseOnce", k.UseOnce(t.Context(), "poll", key, k.at(5*time.Second-time.Millisecond), k.at(time.Minute)), store.ErrUsed)
			must(t, k.UseOnce(t.Context(), "poll", key, k.at(5*time.Second), k.at(10*time.Second)))
			verdict(t, "UseOnce", k.UseOnce(t.Context(), "poll", key, k.at(5*time.Second), k.at(10*time.Second)), store.ErrUsed)
		},
		"without an end it is forever": func(t *testing.T, k kit) {
			key := digest()
			must(t, k.UseOnce(t.Context(), "jti", key, k.at(0), time.Time{}))
			verdict(t, "UseOnce", k.UseOnce(t.Context(), "jti", key, k.at(0), k.at(30*time.Minute)), store.ErrUsed)
		},
		"another key is another use": func(t *testing.T, k kit) {
			for range 3 {
				must(t, k.UseOnce(t.Context(), "jti", digest(), k.at(0), k.at(30*time.Minute)))
			}
			key := digest()
			next := key
			next[31]++
			must(t, k.UseOnce(t.Context(), "jti", key, k.at(0), k.at(30*time.Minute)))
			must(t, k.UseOnce(t.Context(), "jti", next, k.at(0), k.at(30*time.Minute)))
		},
		"a cancelled context is an outage and no verdict": func(t *testing.T, k kit) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := k.UseOnce(ctx, "jti", digest(), k.at(0), k.at(30*time.Minute)); isVerdict(err) {
				t.Errorf("UseOnce: error = %v, want none, or one that is no verdict", err)
			}
		},
		"spaces are apart, and compared byte by byte": func(t *testing.T, k kit) {
			key := digest()
			for _, space := range append(alike(""), "", "dpop", "jti") {
				must(t, k.UseOnce(t.Context(), space, key, k.at(0), k.at(30*time.Minute)))
				verdict(t, "UseOnce", k.UseOnce(t.Context(), space, key, k.at(0), k.at(30*time.Minute)), store.ErrUsed)
			}
		},
	}
}

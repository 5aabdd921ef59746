package mandate_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

func secretOf(t *testing.T, letters ...string) mandate.Secret {
	t.Helper()
	roots := make([][]byte, len(letters))
	for i, l := range letters {
		roots[i] = bytes.Repeat([]byte(l), 32)
	}
	s, err := mandate.NewSecret(roots...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewSecret(t *testing.T) {
	t.Parallel()
	if _, err := mandate.NewSecret(); err == nil {
		t.Error("a secret without a root")
	}
	if _, err := mandate.NewSecret(make([]byte, 32), make([]byte, 31)); err == nil || !strings.Contains(err.Error(), "root 1") {
		t.Errorf("a root of 31 bytes: %v, want an error that names it", err)
	}
	key := bytes.Repeat([]byte{0xfb}, 32)
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if s, err := mandate.ParseSecret(enc.EncodeToString(key)); err != nil || s.IsZero() {
			t.Errorf("ParseSecret: %v", err)
		}
	}
	if _, err := mandate.ParseSecret("hunter2 is no base64"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("ParseSecret of no base64 = %v, want an error that does not show it", err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", secretOf(t, "a"), secretOf(t, "a"), secretOf(t, "a"), secretOf(t, "a")); strings.Contains(shown, "97") || strings.Contains(shown, "aaa") {
		t.Errorf("a printed secret shows itself: %s", shown)
	}
}

func TestSealer(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_772_000_000, 0)
	plain, data := []byte("the plain text"), []byte("client-1")
	sealed := secretOf(t, "a").Sealer("p", "iss").Seal(plain, data, now)
	altered := bytes.Clone(sealed)
	altered[len(altered)-1] ^= 1
	for name, tc := range map[string]struct {
		by     *mandate.Sealer
		sealed []byte
		data   string
		ok     bool
	}{
		"the same secret":              {by: secretOf(t, "a").Sealer("p", "iss"), sealed: sealed, data: "client-1", ok: true},
		"after a rotation":             {by: secretOf(t, "b", "a").Sealer("p", "iss"), sealed: sealed, data: "client-1", ok: true},
		"after the root was dropped":   {by: secretOf(t, "b").Sealer("p", "iss"), sealed: sealed, data: "client-1"},
		"for another purpose":          {by: secretOf(t, "a").Sealer("q", "iss"), sealed: sealed, data: "client-1"},
		"for another issuer":           {by: secretOf(t, "a").Sealer("p", "other"), sealed: sealed, data: "client-1"},
		"labels that join to the same": {by: secretOf(t, "a").Sealer("pi", "ss"), sealed: sealed, data: "client-1"},
		"with other data":              {by: secretOf(t, "a").Sealer("p", "iss"), sealed: sealed, data: "client-2"},
		"altered":                      {by: secretOf(t, "a").Sealer("p", "iss"), sealed: altered, data: "client-1"},
		"cut":                          {by: secretOf(t, "a").Sealer("p", "iss"), sealed: sealed[:20], data: "client-1"},
		"nothing":                      {by: secretOf(t, "a").Sealer("p", "iss"), data: "client-1"},
		"by a short-lived key":         {by: secretOf(t, "a").ShortSealer("p", "iss"), sealed: sealed, data: "client-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.by.Open(tc.sealed, []byte(tc.data), now)
			if tc.ok && (err != nil || !bytes.Equal(got, plain)) {
				t.Errorf("Open = %q, %v", got, err)
			}
			if !tc.ok && !errors.Is(err, mandate.ErrSealed) {
				t.Errorf("Open = %q, %v, want ErrSealed", got, err)
			}
		})
	}
	if secretOf(t, "a").Sealer("p", "iss").Stale(sealed) || !secretOf(t, "b", "a").Sealer("p", "iss").Stale(sealed) {
		t.Error("Stale does not tell the first root from the others")
	}
}

func TestShortKeysEnd(t *testing.T) {
	t.Parallel()
	s := secretOf(t, "a")
	for name, start := range map[string]time.Time{
		"in the middle of an epoch":    time.Unix(86400*20000+40000, 0),
		"at the end of one":            time.Unix(86400*20001-1, 0),
		"where the last byte turns":    time.Unix(86400*20223+86399, 0), // 20223 = 78*256+255
		"at the beginning of an epoch": time.Unix(86400*20000, 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sealer, mac := s.ShortSealer("p", "i"), s.ShortMAC("p", "i")
			sealed := sealer.Seal([]byte("x"), nil, start)
			id := mac.Current(start)
			want, ok := mac.Sum(id, start, []byte("m"))
			if !ok {
				t.Fatal("no current key")
			}
			for _, step := range []struct {
				after time.Duration
				ok    bool
			}{{-time.Second, true}, {0, true}, {23 * time.Hour, true}, {24 * time.Hour, true}, {49 * time.Hour, false}, {24 * 300 * time.Hour, false}} {
				now := start.Add(step.after)
				if _, err := sealer.Open(sealed, nil, now); (err == nil) != step.ok {
					t.Errorf("Open %v later: %v, want ok = %v", step.after, err, step.ok)
				}
				if got, ok := mac.Sum(id, now, []byte("m")); ok != step.ok || ok && got != want {
					t.Errorf("Sum %v later: %v, want ok = %v", step.after, ok, step.ok)
				}
			}
		})
	}
}

func TestMAC(t *testing.T) {
	t.Parallel()
	old, rotated := secretOf(t, "a").MAC("refresh", "i"), secretOf(t, "b", "a").MAC("refresh", "i")
	message := []byte("m")
	want, ok := old.Sum(old.Current(), message)
	if !ok {
		t.Fatal("no current key")
	}
	if got, ok := rotated.Sum(old.Current(), message); !ok || got != want {
		t.Error("a rotated secret does not verify what the old one made")
	}
	if rotated.Current() == old.Current() {
		t.Error("a rotated secret still signs with the old root")
	}
	if _, ok := old.Sum(rotated.Current(), message); ok {
		t.Error("a key that nobody has")
	}
	if other, _ := secretOf(t, "a").MAC("refresh", "j").Sum(old.Current(), message); other == want {
		t.Error("two issuers share a key")
	}
}

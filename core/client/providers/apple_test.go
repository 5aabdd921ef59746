package providers_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/client/providers"
	"github.com/go-mandate/mandate/core/jose"
)

// p8 returns a key as Apple hands it out.
func p8(tb testing.TB, alg jose.Alg) (*jose.Key, []byte) {
	tb.Helper()
	key, err := jose.Generate(alg)
	if err != nil {
		tb.Fatal(err)
	}
	data, err := key.MarshalPEM()
	if err != nil {
		tb.Fatal(err)
	}
	return key, data
}

func TestTheSecretForApple(t *testing.T) {
	t.Parallel()
	key, data := p8(t, jose.ES256)
	c, err := providers.AppleCredentials("com.example.web", "TEAM123456", "KEY1234567", data)
	if err != nil {
		t.Fatal(err)
	}
	s := readScenario(t, filepath.Join("testdata", "apple", "login.txt"))
	w := newWorld(t, s.all("answer"), signed("", forge{}))
	if _, _, err := run(t, w, providers.Apple(c), s.one("callback")); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(w.requests[1], "client_secret=")
	secret, _, _ := strings.Cut(rest, "\n")
	public, err := jose.NewPublicKey(jose.ES256, key.Public().Key(), "KEY1234567")
	if err != nil {
		t.Fatal(err)
	}
	head, payload, err := jose.Verify(secret, jose.NewKeySet(public), []jose.Alg{jose.ES256})
	if err != nil || head.KeyID != "KEY1234567" {
		t.Fatalf("the secret %q has the head %+v, %v", secret, head, err)
	}
	var got map[string]any
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatal(err)
	}
	if got["iss"] != "TEAM123456" || got["sub"] != "com.example.web" || got["aud"] != "https://appleid.apple.com" {
		t.Errorf("the secret says %v", got)
	}
	issued, expires := time.Unix(int64(got["iat"].(float64)), 0), time.Unix(int64(got["exp"].(float64)), 0)
	if issued.After(now) || !expires.After(now) || expires.Sub(now) > 15777000*time.Second {
		t.Errorf("the secret is good from %v to %v", issued, expires)
	}
	if q, err := url.ParseQuery("a=" + c.String()); err != nil || strings.Contains(q.Get("a"), "TEAM") {
		t.Errorf("the credentials show %q", c)
	}
}

func TestCredentialsForAppleThatAreNone(t *testing.T) {
	t.Parallel()
	_, good := p8(t, jose.ES256)
	_, other := p8(t, jose.ES384)
	for name, tc := range map[string]struct {
		client, team, key string
		p8                []byte
		want              string
	}{
		"no client":     {"", "T", "K", good, "clientID"},
		"no team":       {"c", "", "K", good, "teamID"},
		"no key":        {"c", "T", "", good, "keyID"},
		"an empty file": {"c", "T", "K", nil, "AuthKey_K.p8"},
		"another file":  {"c", "T", "K", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "AuthKey_K.p8"},
		"another curve": {"c", "T", "K", other, "AuthKey_K.p8"},
	} {
		if _, err := providers.AppleCredentials(tc.client, tc.team, tc.key, tc.p8); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error = %v, want one that names %s", name, err, tc.want)
		}
	}
}

// Of a Workspace is who the ID token says is.
func TestUsersOfAWorkspace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		domain string
		hd     any
		kind   client.Kind
	}{
		"its own":          {"example.com", "example.com", ""},
		"another's":        {"example.com", "example.org", client.Denied},
		"nobody's":         {"example.com", nil, client.Denied},
		"of an odd type":   {"example.com", true, client.Denied},
		"without a domain": {"", "", client.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readScenario(t, filepath.Join("testdata", "google", "login.txt"))
			w := newWorld(t, s.all("answer"), signed("", forge{claims: func(c map[string]any) {
				if c["hd"] = tc.hd; tc.hd == nil {
					delete(c, "hd")
				}
			}}))
			authorize, in, err := run(t, w, providers.GoogleWorkspace(tc.domain, creds), s.one("callback"))
			if !strings.Contains(authorize, "\nhd="+tc.domain+"\n") {
				t.Errorf("the browser is sent to %s", authorize)
			}
			if e, _ := errors.AsType[*client.Error](err); tc.kind != "" && (e == nil || e.Kind != tc.kind || e.HTTPStatus() != 403) {
				t.Errorf("error = %v, want %q", err, tc.kind)
			}
			if tc.kind == "" && (err != nil || in.Profile.Email != "jsmith@example.com") {
				t.Errorf("sign-in %+v, %v", in, err)
			}
		})
	}
}

package resource_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/resource"
)

// believing is a server that takes every request of OAuth 1.0a for one of ann's.
type believing struct{}

func (believing) Issuer() string             { return "https://id.example.com" }
func (believing) SignatureMethods() []string { return []string{"HMAC-SHA1"} }

func (believing) VerifySigned(_ context.Context, r *mandate.Request, base string, _ time.Time) (*mandate.Token, error) {
	if _, err := oauth1.Parse(r, base); err != nil {
		return nil, err
	}
	return mandate.NewToken(mandate.TokenInfo{Subject: "ann", ClientID: "web"}), nil
}

func TestSignedOutsideHeader(t *testing.T) {
	t.Parallel()
	g := newGuard(t, func(c *resource.Config) { c.Verifiers = append(c.Verifiers, resource.OAuth1{Server: believing{}}) })
	const signed = "oauth_consumer_key=k&oauth_token=t&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201&oauth_nonce=n&oauth_signature=s"
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for name, tc := range map[string]struct {
		r    *mandate.Request
		want string // the subject, or the status of the refusal
	}{
		"in the query":                {&mandate.Request{Method: "GET", Path: "/photos", RawQuery: "a=b&" + signed, Header: http.Header{}}, "ann"},
		"in the form":                 {&mandate.Request{Method: "POST", Path: "/photos", Body: signed, Header: form}, "ann"},
		"not at all":                  {&mandate.Request{Method: "GET", Path: "/photos", RawQuery: "a=b", Header: http.Header{}}, ""},
		"in a query left in the path": {&mandate.Request{Method: "GET", Path: "/photos?" + signed, Header: http.Header{}}, "400"},
		"with a query in the path":    {&mandate.Request{Method: "GET", Path: "/photos?a=b", RawQuery: signed, Header: http.Header{}}, "400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok, resp := g.Check(t.Context(), resource.Credentials{Request: tc.r}, g.Rule(mandate.Requirement{}, true))
			got := tok.Subject()
			if resp != nil {
				got, _, _ = strings.Cut(show(resp), "\n")
				if !errors.Is(resp.Err, oauth1.ParameterRejected) {
					t.Errorf("error %v, want %s", resp.Err, oauth1.ParameterRejected)
				}
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

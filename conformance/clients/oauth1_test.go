package clients_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dghubble/oauth1"
)

// plaintext is the method PLAINTEXT (RFC 5849, section 3.4.4) as a signer of the module, which hands over the token's secret as it is.
type plaintext struct{ consumerSecret string }

func (plaintext) Name() string { return "PLAINTEXT" }

func (p plaintext) Sign(tokenSecret, _ string) (string, error) {
	return oauth1.PercentEncode(p.consumerSecret) + "&" + oauth1.PercentEncode(tokenSecret), nil
}

// testDghubble is github.com/dghubble/oauth1 as it is. It signs in the Authorization header alone.
func testDghubble(t *testing.T, p provider) {
	t.Helper()
	key, err := rsaKey("consumer.pem")
	if err != nil {
		t.Fatal(err)
	}
	config := func(id string, signer oauth1.Signer) *oauth1.Config {
		return &oauth1.Config{
			ConsumerKey: id, ConsumerSecret: secret, CallbackURL: callback, Signer: signer,
			Endpoint: oauth1.Endpoint{
				RequestTokenURL: p.issuer + "/oauth1/request_token", AuthorizeURL: p.issuer + "/oauth1/authorize", AccessTokenURL: p.issuer + "/oauth1/access_token",
			},
		}
	}
	for name, c := range map[string]*oauth1.Config{
		"HMAC-SHA1":   config("consumer", nil),
		"HMAC-SHA256": config("consumer", &oauth1.HMAC256Signer{ConsumerSecret: secret}),
		"RSA-SHA1":    config("consumer-rsa", &oauth1.RSASigner{PrivateKey: key}),
		"PLAINTEXT":   config("consumer", plaintext{secret}), // the module has a place for a signer of one's own, and none for this method
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temporary, temporarySecret, err := c.RequestToken()
			if err != nil {
				t.Fatal(err)
			}
			to, err := c.AuthorizationURL(temporary)
			if err != nil {
				t.Fatal(err)
			}
			back := browse(t, to.String())
			if back.Get("oauth_token") != temporary {
				t.Fatalf("the client is told %v", back)
			}
			token, tokenSecret, err := c.AccessToken(temporary, temporarySecret, back.Get("oauth_verifier"))
			if err != nil {
				t.Fatal(err)
			}
			signing := c.Client(t.Context(), oauth1.NewToken(token, tokenSecret))
			for _, call := range []func() (*http.Response, error){
				// Of parameters that are repeated it signs one alone.
				func() (*http.Response, error) { return signing.Get(p.issuer + "/oauth1/resource?b=2+%26~&a=1&empty=") },
				func() (*http.Response, error) {
					return signing.PostForm(p.issuer+"/oauth1/resource", url.Values{"color": {"grün & blau"}, "empty": {""}})
				},
				func() (*http.Response, error) {
					return signing.Post(p.issuer+"/oauth1/resource", "application/json", strings.NewReader(`{"a":1}`))
				},
			} {
				resp, err := call()
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if want := `{"subject":"user-foo","client":` + quote(c.ConsumerKey) + `,"scope":"read"}`; strings.TrimSpace(string(body)) != want {
					t.Errorf("%s answers %d %s, want %s", resp.Request.Method, resp.StatusCode, body, want)
				}
			}
			if _, _, err := c.AccessToken(temporary, temporarySecret, back.Get("oauth_verifier")); err == nil {
				t.Error("a verifier is good twice")
			}
		})
	}
	t.Run("a wrong secret", func(t *testing.T) {
		t.Parallel()
		c := config("consumer", nil)
		c.ConsumerSecret = "guess"
		if _, _, err := c.RequestToken(); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("RequestToken: %v", err)
		}
	})
}

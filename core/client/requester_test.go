package client_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
)

// server is a mandate.Fetcher that is a server.
type server func(r *mandate.FetchRequest, form url.Values) *mandate.Response

func (s server) Fetch(ctx context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		return nil, err
	}
	if res := s(r, form); res != nil {
		return res, nil
	}
	return nil, errors.New("connection refused")
}

func says(status int, contentType, body string) *mandate.Response {
	return &mandate.Response{Status: status, Header: mandate.Fields{{Name: "Content-Type", Value: contentType}}, Body: []byte(body)}
}

func saysJSON(status int, body string) *mandate.Response {
	return says(status, "application/json", body)
}

const granted = `{"access_token":"at","token_type":"Bearer","expires_in":3600,"refresh_token":"rt"}`

func requester(tb testing.TB, s server, change ...func(*client.TokenConfig)) *client.TokenRequester {
	tb.Helper()
	c := client.TokenConfig{
		App: "test", TokenURL: "https://id.test/token", DeviceURL: "https://id.test/device", RevocationURL: "https://id.test/revoke",
		IntrospectionURL: "https://id.test/introspect", Credentials: client.Credentials{ID: "id", Secret: "secret"}, Fetcher: s,
	}
	for _, f := range change {
		f(&c)
	}
	r, err := client.NewTokenRequester(c)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("s", 32)
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	jwt := func(verify func(string) ([]byte, error)) func(*testing.T, string) {
		return func(t *testing.T, token string) {
			t.Helper()
			payload, err := verify(token)
			if err != nil {
				t.Fatal(err)
			}
			c, err := jose.ParseClaims(payload)
			if err != nil || c.Issuer != "id" || c.Subject != "id" || !reflect.DeepEqual(c.Audience, []string{"https://id.test"}) || c.ID == "" || time.Until(c.Expires) > time.Minute {
				t.Errorf("claims = %+v, %v", c, err)
			}
		}
	}
	for name, tc := range map[string]struct {
		c         client.Credentials
		header    string
		form      url.Values // besides grant_type
		assertion func(*testing.T, string)
	}{
		"a secret alone means basic":                            {c: client.Credentials{ID: "id", Secret: "secret"}, header: basic("id:secret")},
		"basic percent-encodes ID and secret (RFC 6749, 2.3.1)": {c: client.Credentials{ID: "i:d", Secret: "s e%+/é"}, header: basic("i%3Ad:s+e%25%2B%2F%C3%A9")},
		"raw basic does not":                                    {c: client.Credentials{ID: "id", Secret: "s%+/", Method: client.MethodBasicRaw}, header: basic("id:s%+/")},
		"post":                                                  {c: client.Credentials{ID: "id", Secret: "secret", Method: client.MethodPost}, form: url.Values{"client_id": {"id"}, "client_secret": {"secret"}}},
		"a secret that is made means post": {
			c:    client.Credentials{ID: "id", SecretFunc: func(now time.Time) (string, error) { return now.Format("2006"), nil }},
			form: url.Values{"client_id": {"id"}, "client_secret": {time.Now().Format("2006")}},
		},
		"a secret that is made, and basic": {
			c:      client.Credentials{ID: "id", SecretFunc: func(time.Time) (string, error) { return "made", nil }, Method: client.MethodBasic},
			header: basic("id:made"),
		},
		"no secret means a public client": {c: client.Credentials{ID: "id"}, form: url.Values{"client_id": {"id"}}},
		"a JWT with the secret": {
			c: client.Credentials{ID: "id", Secret: long, Method: client.MethodSecretJWT}, form: url.Values{"client_id": {"id"}},
			assertion: jwt(func(s string) ([]byte, error) {
				_, p, err := jose.VerifyHMAC(s, []byte(long), []jose.Alg{jose.HS256})
				return p, err
			}),
		},
		"a JWT with a key": {
			c: client.Credentials{ID: "id", Key: key}, form: url.Values{"client_id": {"id"}},
			assertion: jwt(func(s string) ([]byte, error) {
				_, p, err := jose.Verify(s, jose.NewKeySet(key.Public()), []jose.Alg{jose.ES256})
				return p, err
			}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := requester(t, func(r *mandate.FetchRequest, form url.Values) *mandate.Response {
				if got := r.Header.Get("Authorization"); got != tc.header {
					t.Errorf("Authorization = %q, want %q", got, tc.header)
				}
				if tc.assertion != nil {
					if got := form.Get("client_assertion_type"); got != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
						t.Errorf("client_assertion_type = %q", got)
					}
					tc.assertion(t, form.Get("client_assertion"))
				}
				for _, name := range []string{"grant_type", "client_assertion", "client_assertion_type"} {
					form.Del(name)
				}
				if tc.form == nil {
					tc.form = url.Values{}
				}
				if !reflect.DeepEqual(form, tc.form) {
					t.Errorf("form = %v, want %v", form, tc.form)
				}
				return saysJSON(200, granted)
			}, func(c *client.TokenConfig) { c.Credentials, c.Issuer = tc.c, "https://id.test" })
			if _, err := r.ClientCredentials(t.Context(), client.Want{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestASecretThatCannotBeMade(t *testing.T) {
	t.Parallel()
	broken := errors.New("no key")
	r := requester(t, func(*mandate.FetchRequest, url.Values) *mandate.Response {
		t.Error("a request was sent")
		return nil
	}, func(c *client.TokenConfig) {
		c.Credentials = client.Credentials{ID: "id", SecretFunc: func(time.Time) (string, error) { return "", broken }}
	})
	if _, err := r.ClientCredentials(t.Context(), client.Want{}); !errors.Is(err, client.Fault) || !errors.Is(err, broken) {
		t.Errorf("error = %v, want Fault", err)
	}
}

func TestFaultsOfARequesterAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := client.NewTokenRequester(client.TokenConfig{
		TokenURL: "http://id.example.com/token", DeviceURL: "/device", Credentials: client.Credentials{Secret: "short", Method: client.MethodSecretJWT},
	})
	for _, want := range []string{"TokenConfig.TokenURL", "TokenConfig.DeviceURL", "Credentials.ID", "at least 32"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one that names %s", err, want)
		}
	}
	made := func(time.Time) (string, error) { return "", nil }
	for _, c := range []client.Credentials{{ID: "id", Secret: "s", SecretFunc: made}, {ID: "id", SecretFunc: made, Method: client.MethodNone}} {
		if _, err := client.NewTokenRequester(client.TokenConfig{TokenURL: "https://id.test/token", Credentials: c}); err == nil || !strings.Contains(err.Error(), "remove one of them") {
			t.Errorf("%q with a SecretFunc and more: error = %v", c.Method, err)
		}
	}
	for _, method := range []string{client.MethodPrivateKeyJWT, client.MethodPost, client.MethodBasic, "magic"} {
		c := client.TokenConfig{TokenURL: "https://id.test/token", Credentials: client.Credentials{ID: "id", Method: method}}
		if _, err := client.NewTokenRequester(c); err == nil || !strings.Contains(err.Error(), method) {
			t.Errorf("%s without what it needs: error = %v", method, err)
		}
	}
}

func TestGrantsSend(t *testing.T) {
	t.Parallel()
	want := client.Want{Scopes: []string{"a", "b"}, Resources: []string{"https://x", "https://y"}, Params: url.Values{"extra": {"1"}}}
	for name, tc := range map[string]struct {
		ask  func(context.Context, *client.TokenRequester) (*oauth2.Token, error)
		form string
	}{
		"a code": {
			func(ctx context.Context, r *client.TokenRequester) (*oauth2.Token, error) {
				return r.Code(ctx, "c", "https://app/cb", "v", want)
			}, "code=c&code_verifier=v&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp%2Fcb",
		},
		"a refresh": {
			func(ctx context.Context, r *client.TokenRequester) (*oauth2.Token, error) {
				return r.Refresh(ctx, "old", want)
			}, "grant_type=refresh_token&refresh_token=old",
		},
		"client credentials": {
			func(ctx context.Context, r *client.TokenRequester) (*oauth2.Token, error) {
				return r.ClientCredentials(ctx, want)
			}, "grant_type=client_credentials",
		},
		"a JWT bearer (RFC 7523, 2.1)": {
			func(ctx context.Context, r *client.TokenRequester) (*oauth2.Token, error) {
				return r.JWTBearer(ctx, "jwt", want)
			}, "assertion=jwt&grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer",
		},
		"a password": {
			func(ctx context.Context, r *client.TokenRequester) (*oauth2.Token, error) {
				return r.InsecurePassword(ctx, "ada", "pw", want)
			}, "grant_type=password&password=pw&username=ada",
		},
		"an exchange (RFC 8693, 2.1)": {
			func(ctx context.Context, r *client.TokenRequester) (*oauth2.Token, error) {
				return r.Exchange(ctx, client.Exchange{Subject: "s", Actor: "a", ActorType: client.TypeJWT, Audiences: []string{"x", "y"}}, want)
			}, "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=s&subject_token_type=urn:ietf:params:oauth:token-type:access_token" +
				"&actor_token=a&actor_token_type=urn:ietf:params:oauth:token-type:jwt&audience=x&audience=y",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expected, err := url.ParseQuery(tc.form + "&scope=a+b&resource=https://x&resource=https://y&extra=1")
			if err != nil {
				t.Fatal(err)
			}
			r := requester(t, func(r *mandate.FetchRequest, form url.Values) *mandate.Response {
				if !reflect.DeepEqual(form, expected) || r.Method != http.MethodPost || r.URL != "https://id.test/token" || r.Trust != mandate.Operator {
					t.Errorf("%s %s %v, want %v", r.Method, r.URL, form, expected)
				}
				return saysJSON(200, granted)
			})
			tok, err := tc.ask(t.Context(), r)
			if err != nil || tok.AccessToken != "at" || tok.RefreshToken != "rt" || time.Until(tok.Expiry) < 50*time.Minute {
				t.Errorf("token = %+v, %v", tok, err)
			}
			if got := client.Scopes(tok); !reflect.DeepEqual(got, want.Scopes) {
				t.Errorf("scopes = %q, want those that were asked for, as the answer names none (RFC 6749, 5.1)", got)
			}
		})
	}
}

func TestParamsAndHeadersOfTheConfigWin(t *testing.T) {
	t.Parallel()
	r := requester(t, func(r *mandate.FetchRequest, form url.Values) *mandate.Response {
		if form.Get("scope") != "theirs" || r.Header.Get("Accept") != "text/plain" || len(r.Header.Values("Accept")) != 1 {
			t.Errorf("form %v, header %v", form, r.Header)
		}
		return saysJSON(200, granted)
	}, func(c *client.TokenConfig) {
		c.Params, c.Header = url.Values{"scope": {"theirs"}}, mandate.Fields{{Name: "accept", Value: "text/plain"}}
	})
	if _, err := r.ClientCredentials(t.Context(), client.Want{Scopes: []string{"ours"}}); err != nil {
		t.Error(err)
	}
}

func TestRefreshKeepsTheOldRefreshToken(t *testing.T) {
	t.Parallel()
	r := requester(t, func(*mandate.FetchRequest, url.Values) *mandate.Response {
		return saysJSON(200, `{"access_token":"at2"}`)
	})
	tok, err := r.Refresh(t.Context(), "old", client.Want{})
	if err != nil || tok.RefreshToken != "old" || !tok.Expiry.IsZero() {
		t.Errorf("token = %+v, %v", tok, err)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tok    oauth2.Token
		sent   string
		answer *mandate.Response
		want   error
	}{
		"the refresh token, where there is one": {oauth2.Token{AccessToken: "a", RefreshToken: "r"}, "token=r&token_type_hint=refresh_token", says(200, "", ""), nil},
		"else the access token":                 {oauth2.Token{AccessToken: "a"}, "token=a&token_type_hint=access_token", says(200, "text/html", "<p>"), nil},
		"a refusal":                             {oauth2.Token{AccessToken: "a"}, "token=a&token_type_hint=access_token", saysJSON(400, `{"error":"unsupported_token_type"}`), mandate.UnsupportedTokenType},
		"an outage":                             {oauth2.Token{AccessToken: "a"}, "token=a&token_type_hint=access_token", says(503, "", ""), client.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := requester(t, func(r *mandate.FetchRequest, _ url.Values) *mandate.Response {
				if r.Body != tc.sent || r.URL != "https://id.test/revoke" {
					t.Errorf("%s %s", r.URL, r.Body)
				}
				return tc.answer
			})
			if err := r.Revoke(t.Context(), &tc.tok); !errors.Is(err, tc.want) {
				t.Errorf("error = %v, want %v", err, tc.want)
			}
		})
	}
}

func TestIntrospect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		want   *client.Introspection // without Raw
	}{
		"active": {
			`{"active":true,"scope":"a b","sub":"u","client_id":"c","aud":["x","y"],"exp":4000000000,"iss":"https://id.test","username":"ada","token_type":"Bearer"}`,
			&client.Introspection{
				Active: true, Scopes: []string{"a", "b"}, Subject: "u", ClientID: "c", Audience: []string{"x", "y"}, Expires: time.Unix(4000000000, 0),
				Issuer: "https://id.test", Username: "ada", TokenType: "Bearer",
			},
		},
		"not active, whatever else it says": {`{"active":false,"sub":"u"}`, &client.Introspection{}},
		"active as a text is no answer":     {`{"active":"true"}`, nil},
		"nothing":                           {`{}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := requester(t, func(*mandate.FetchRequest, url.Values) *mandate.Response { return saysJSON(200, tc.answer) })
			got, err := r.Introspect(t.Context(), "t", "access_token")
			if tc.want == nil {
				if !errors.Is(err, client.Unreachable) {
					t.Errorf("error = %v, want %v", err, client.Unreachable)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got.Raw = nil
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestAnEndpointThatIsNotKnown(t *testing.T) {
	t.Parallel()
	r := requester(t, nil, func(c *client.TokenConfig) { c.DeviceURL, c.RevocationURL, c.IntrospectionURL = "", "", "" })
	_, device := r.Device(t.Context(), client.Want{})
	_, introspection := r.Introspect(t.Context(), "t", "")
	for name, err := range map[string]error{"device": device, "revocation": r.Revoke(t.Context(), &oauth2.Token{AccessToken: "a"}), "introspection": introspection} {
		if !errors.Is(err, client.Fault) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}

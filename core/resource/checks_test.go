package resource_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// TestApplicationsChecks: what an application has to say about requests and tokens.
func TestApplicationsChecks(t *testing.T) {
	t.Parallel()
	suspended := mandate.Errorf(mandate.InvalidToken, errors.New("row 7"), "the account is suspended")
	for name, tc := range map[string]struct {
		token string
		need  mandate.Requirement
		want  string // status and code; "" passes
		event string
		asked string // who was asked
	}{
		"all say yes":                             {"good", mandate.Scope("profile"), "", "token.authenticated <nil>", "revoked verdict"},
		"revoked":                                 {"manager", mandate.Scope("profile"), "401 invalid_token", "token.refused Config.Revoked says that the token is revoked", "revoked"},
		"nobody knows whether it is revoked":      {"here", mandate.Scope(), "503 temporarily_unavailable", "fault the list is away", "revoked"},
		"the last word is no":                     {"slash", mandate.Scope(), "401 invalid_token", "token.refused invalid_token: the account is suspended", "revoked verdict"},
		"the last word is a fault":                {"client", mandate.Scope(), "500 server_error", "fault a bug", "revoked verdict"},
		"no last word about what a route refuses": {"slash", mandate.Scope("admin"), "403 insufficient_scope", "token.refused ", "revoked"},
		"nobody is asked about what is unknown":   {"nobody", mandate.Scope(), "401 invalid_token", "token.refused not in the store", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked, events []string
			g := newGuard(t, func(c *resource.Config) {
				c.Revoked = func(_ context.Context, tok *mandate.Token) (bool, error) {
					asked = append(asked, "revoked")
					if strings.Join(tok.Audience(), "") == api {
						return false, errors.New("the list is away")
					}
					return tok.Claims() != "", nil
				}
				c.CheckToken = func(_ context.Context, tok *mandate.Token) error {
					asked = append(asked, "verdict")
					switch {
					case tok.Restricted():
						return suspended
					case tok.Subject() == "":
						return errors.New("a bug")
					}
					return nil
				}
				c.Hooks.On = func(_ context.Context, e mandate.Event) {
					events = append(events, fmt.Sprint(e.Name, " ", errors.Unwrap(e.Err)))
				}
			})
			rule := g.Rule(tc.need, false)
			tok, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + tc.token}, rule)
			if tc.want == "" {
				if resp != nil || g.CheckAgain(t.Context(), tok, rule) != nil { // which asks nobody again
					t.Errorf("refused: %s", show(resp))
				}
			} else if got := fmt.Sprint(statusOf(resp), " ", mandate.AsError(resp.Err).Code); got != tc.want || tok != nil {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if got := strings.Join(asked, " "); got != tc.asked {
				t.Errorf("asked %q, want %q", got, tc.asked)
			}
			if len(events) != 1 || !strings.HasPrefix(events[0], tc.event) {
				t.Errorf("events %q, want %q", events, tc.event)
			}
		})
	}
}

func TestCheckRequest(t *testing.T) {
	t.Parallel()
	var events []string
	g := newGuard(t, func(c *resource.Config) {
		c.CheckRequestWithSecrets = func(_ context.Context, r *mandate.Request) error {
			if r.Path == "/closed" {
				return mandate.Errorf(mandate.InvalidRequest, errors.New("signed by nobody"), "the request is not signed")
			}
			return nil
		}
		c.Hooks.On = func(_ context.Context, e mandate.Event) {
			events = append(events, fmt.Sprint(e.Name, " ", e.Err, " ", errors.Unwrap(e.Err)))
		}
	})
	if resp := g.CheckRequest(t.Context(), &mandate.Request{Path: "/open"}); !g.ReadsRequest(resource.Credentials{}) || resp != nil {
		t.Errorf("refused: %s", show(resp))
	}
	const want = "400\nContent-Type: application/json\nCache-Control: no-store\n\n" + `{"error":"invalid_request","error_description":"the request is not signed"}`
	if got := show(g.CheckRequest(t.Context(), &mandate.Request{Path: "/closed"})); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	// A query that an adapter left in the path would be none to who asks for it.
	for _, g := range []*resource.Guard{g, newGuard(t, nil)} {
		if got := show(g.CheckRequest(t.Context(), &mandate.Request{Path: "/open?closed"})); !strings.HasPrefix(got, "400\n") || !strings.Contains(got, `{"error":"invalid_request",`) {
			t.Errorf("got %s\nwant invalid_request", got)
		}
	}
	if got := strings.Join(events, "\n"); !strings.HasPrefix(got, "token.refused invalid_request: the request is not signed") {
		t.Errorf("events %q", got)
	}
	var none *resource.Guard
	if plain := newGuard(t, nil); plain.ReadsRequest(resource.Credentials{}) || plain.CheckRequest(t.Context(), nil) != nil || none.ReadsRequest(resource.Credentials{}) {
		t.Error("a guard without the function asks for requests")
	}
}

func TestPlacement(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body, query bool
		c           resource.Credentials
		want        int // 0 passes
	}{
		"header":                                {true, true, resource.Credentials{Authorization: "Bearer good"}, 0},
		"query, not asked for":                  {false, false, resource.Credentials{Query: "good"}, 401},
		"query":                                 {false, true, resource.Credentials{Query: "good"}, 0},
		"query, unknown":                        {false, true, resource.Credentials{Query: "nobody"}, 401},
		"query, not a token (RFC 6750, 2.1)":    {false, true, resource.Credentials{Query: "a b"}, 400},
		"query and header (RFC 6750, 2)":        {false, true, resource.Credentials{Query: "good", Authorization: "Bearer good"}, 400},
		"query and another scheme":              {false, true, resource.Credentials{Query: "good", Authorization: "Basic YTpi"}, 400},
		"query and form":                        {true, true, resource.Credentials{Query: "good", Body: "good"}, 400},
		"form, and a query that does not count": {true, false, resource.Credentials{Query: "nobody", Body: "good"}, 0},
		"query, and a form that does not count": {false, true, resource.Credentials{Query: "good", Body: "nobody"}, 0},
		"twice in the query":                    {false, true, resource.Credentials{Query: resource.QueryToken("access_token=good&access_token=good")}, 400},
		"out of a query":                        {false, true, resource.Credentials{Query: resource.QueryToken("a=b&access_token=g%6Fod")}, 0},
		"a query without":                       {false, true, resource.Credentials{Query: resource.QueryToken("a=b")}, 401},
		"a query that cannot be read":           {false, true, resource.Credentials{Query: resource.QueryToken("a=%zz&access_token=good")}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, func(c *resource.Config) { c.BodyToken, c.QueryTokenInLogsAndReferers = tc.body, tc.query })
			if g.ReadsBody() != tc.body || g.ReadsQuery() != tc.query {
				t.Errorf("reads body: %t, query: %t", g.ReadsBody(), g.ReadsQuery())
			}
			if _, resp := g.Check(t.Context(), tc.c, g.Rule(mandate.Scope("profile"), false)); statusOf(resp) != tc.want {
				t.Errorf("got %s, want %d", show(resp), tc.want)
			}
		})
	}
}

func TestSchemes(t *testing.T) {
	t.Parallel()
	keys := resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
		if raw == "k-1" {
			return mandate.NewToken(mandate.TokenInfo{Subject: "key", Type: "Key"}), nil
		}
		return nil, mandate.InvalidToken
	})
	both := newGuard(t, func(c *resource.Config) {
		c.Verifiers = append(c.Verifiers, resource.Scheme("ApiKey", keys))
		c.Realm = "shop"
	})
	alone := newGuard(t, func(c *resource.Config) { c.Verifiers = []resource.Verifier{resource.Scheme("ApiKey", keys)} })
	const (
		told = `error="invalid_token", error_description="the access token is unknown, expired, revoked or not for this resource"`
		bad  = `error="invalid_request", error_description="the access token is malformed"`
	)
	for name, tc := range map[string]struct {
		g      *resource.Guard
		header string
		status int
		want   []string
	}{
		"the scheme Bearer":                            {both, "Bearer good", 0, nil},
		"the other scheme":                             {both, "ApiKey k-1", 0, nil},
		"schemes have no letter case (RFC 9110, 11.1)": {both, "APIKEY k-1", 0, nil},
		"no credentials: a field for each":             {both, "", 401, []string{`Bearer realm="shop", scope="profile"`, `ApiKey realm="shop"`}},
		"what is good in the other":                    {both, "Bearer k-1", 401, []string{`Bearer realm="shop", ` + told, `ApiKey realm="shop"`}},
		"bad in the other: that one tells":             {both, "ApiKey good", 401, []string{`Bearer realm="shop"`, `ApiKey realm="shop", ` + told}},
		"malformed in the other":                       {both, "ApiKey a b", 400, []string{`Bearer realm="shop"`, `ApiKey realm="shop", ` + bad}},
		"nothing in the other":                         {both, "ApiKey", 400, []string{`Bearer realm="shop"`, `ApiKey realm="shop", ` + bad}},
		"both":                                         {both, "ApiKey k-1, Bearer good", 400, []string{`Bearer realm="shop", error="invalid_request", error_description="more than one access token or scheme was sent"`, `ApiKey realm="shop"`}},
		"neither":                                      {both, "Basic YTpi", 401, []string{`Bearer realm="shop", scope="profile"`, `ApiKey realm="shop"`}},
		"the other alone":                              {alone, "ApiKey k-1", 0, nil},
		"the other alone, no credentials":              {alone, "", 401, []string{`ApiKey scope="profile"`}},
		"the other alone, Bearer is a foreigner":       {alone, "Bearer k-1", 401, []string{`ApiKey ` + told}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			need := mandate.Scope("profile")
			if tc.status == 0 {
				need = mandate.Requirement{}
			}
			_, resp := tc.g.Check(t.Context(), resource.Credentials{Authorization: tc.header}, tc.g.Rule(need, false))
			if statusOf(resp) != tc.status {
				t.Fatalf("got %s, want %d", show(resp), tc.status)
			}
			if resp != nil {
				if got := resp.Header.Values("WWW-Authenticate"); strings.Join(got, "\n") != strings.Join(tc.want, "\n") {
					t.Errorf("challenges\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
				}
			}
		})
	}
	for name, tc := range map[string]struct {
		v    resource.Verifier
		want string
	}{
		"no verifier":             {resource.Scheme("ApiKey", nil), "Scheme has no verifier"},
		"no scheme":               {resource.Scheme("Api Key", keys), `"Api Key"`},
		"two of one scheme":       {resource.Scheme("apikey", keys), "[2] would never be asked"},
		"Bearer by its long name": {resource.Scheme("bearer", keys), ""},
	} {
		_, err := resource.New(resource.Config{Audience: api, Verifiers: []resource.Verifier{resource.Of(stored()), resource.Scheme("ApiKey", keys), tc.v}})
		if (err != nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

func TestForgetIsForAllSchemes(t *testing.T) {
	t.Parallel()
	bubble(t, func(t bubbled) {
		e := &endpoint{answer: body(activeAnswer)}
		g := newGuard(t, func(c *resource.Config) {
			c.Verifiers = []resource.Verifier{resource.Scheme("Session", resource.Introspection{Endpoint: introspectURL, ClientID: "api", Secret: "s", Fetcher: e})}
		})
		check := func(want int) {
			t.Helper()
			_, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Session token"}, g.Rule(mandate.Scope(), false))
			if statusOf(resp) != want {
				t.Errorf("got %s, want %d", show(resp), want)
			}
		}
		check(0)
		e.says(body(`{"active":false}`))
		g.Forget(mandate.DigestOf("token"))
		check(401)
	})
}

func TestRefreshTokenInAnotherScheme(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]string{"of its name": "refresh_token", "as Keycloak says it": "Refresh", "offline": "Offline", "an ID token": "id_token"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t bubbled) {
				e := &endpoint{answer: body(strings.Replace(activeAnswer, "Bearer", kind, 1))}
				g := newGuard(t, func(c *resource.Config) {
					c.Verifiers = []resource.Verifier{resource.Scheme("Session", resource.Introspection{Endpoint: introspectURL, ClientID: "api", Secret: "s", Fetcher: e})}
				})
				_, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Session token"}, g.Rule(mandate.Scope(), false))
				if statusOf(resp) != 401 || !errors.Is(resp.Err, mandate.InvalidToken) {
					t.Errorf("got %s, want 401 invalid_token", show(resp))
				}
			})
		})
	}
}

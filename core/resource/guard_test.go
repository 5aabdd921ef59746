package resource_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

const api = "https://api.example.com"

// tokens is a store of access tokens by digest.
type tokens struct {
	mu   sync.RWMutex // guards list
	list map[mandate.Digest]*mandate.Token
}

var errUnknown = mandate.Errorf(mandate.InvalidToken, errors.New("not in the store"), "")

func (s *tokens) put(raw string, info mandate.TokenInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil {
		s.list = map[mandate.Digest]*mandate.Token{}
	}
	s.list[mandate.DigestOf(raw)] = mandate.NewToken(info)
}

// Verify makes tokens a resource.Source.
func (s *tokens) Verify(_ context.Context, raw string, now time.Time) (*mandate.Token, error) {
	switch raw {
	case "outage":
		return nil, errors.New("connection refused")
	case "nothing":
		return nil, nil
	}
	s.mu.RLock()
	t := s.list[mandate.DigestOf(raw)]
	s.mu.RUnlock()
	if t == nil || t.ExpiredAt(now) {
		return nil, errUnknown
	}
	return t, nil
}

// Issuer makes tokens a resource.Source.
func (s *tokens) Issuer() string { return "https://id.example.com" }

func stored() *tokens {
	s := &tokens{}
	user := mandate.TokenInfo{Subject: "ann", ClientID: "web", Scopes: "profile email", GrantID: "g1"}
	s.put("good", user)
	for name, change := range map[string]func(*mandate.TokenInfo){
		"here": func(i *mandate.TokenInfo) { i.Audience = []string{api} },
		"slash": func(i *mandate.TokenInfo) {
			i.Audience = []string{"https://other.example.com", "HTTPS://API.example.com:443/"}
		},
		"elsewhere": func(i *mandate.TokenInfo) { i.Audience = []string{"https://other.example.com"} },
		"dpop":      func(i *mandate.TokenInfo) { i.Confirmed.JKT, i.Type = "thumb", "DPoP" },
		"mtls":      func(i *mandate.TokenInfo) { i.Confirmed.X5T = "thumb" },
		"odd":       func(i *mandate.TokenInfo) { i.Confirmed.Other = true },
		"typed":     func(i *mandate.TokenInfo) { i.Type = "DPoP" },
		"lower":     func(i *mandate.TokenInfo) { i.Type = "bearer" },
		"client":    func(i *mandate.TokenInfo) { i.Subject = "" },
		"jwt":       func(i *mandate.TokenInfo) { i.ID = "j1" },
		"manager":   func(i *mandate.TokenInfo) { i.Claims = `{"roles":["manager"]}` },
	} {
		info := user
		change(&info)
		s.put(name, info)
	}
	return s
}

func newGuard(tb testing.TB, change func(*resource.Config)) *resource.Guard {
	tb.Helper()
	c := resource.Config{Audience: api, Verifiers: []resource.Verifier{resource.Of(stored())}}
	if change != nil {
		change(&c)
	}
	g, err := resource.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// show is all of a response.
func show(r *mandate.Response) string {
	if r == nil {
		return "pass"
	}
	var b strings.Builder
	text, _ := json.Marshal(r.Status)
	b.Write(text)
	for _, f := range r.Header {
		b.WriteString("\n" + f.Name + ": " + f.Value)
	}
	b.WriteString("\n\n" + string(r.Body))
	return b.String()
}

func refusal(status, challenge, body string) string {
	return status + "\nWWW-Authenticate: " + challenge + "\nContent-Type: application/json\nCache-Control: no-store\n\n" + body
}

// The refusals, to the byte.
var (
	missing   = refusal("401", `Bearer scope="profile"`, `{"error":"missing_authorization","error_description":"send an access token: Authorization: Bearer","scope":"profile"}`)
	malformed = refusal("400", `Bearer error="invalid_request", error_description="the access token is malformed"`, `{"error":"invalid_request","error_description":"the access token is malformed"}`)
	doubled   = refusal("400", `Bearer error="invalid_request", error_description="more than one access token or scheme was sent"`, `{"error":"invalid_request","error_description":"more than one access token or scheme was sent"}`)
	invalid   = refusal("401", `Bearer error="invalid_token", error_description="the access token is unknown, expired, revoked or not for this resource"`, `{"error":"invalid_token","error_description":"the access token is unknown, expired, revoked or not for this resource"}`)
	outage    = "503\nRetry-After: 5\nContent-Type: application/json\nCache-Control: no-store\n\n" + `{"error":"temporarily_unavailable","error_description":"the access token cannot be checked at the moment"}`
	broken    = "500\nContent-Type: application/json\nCache-Control: no-store\n\n" + `{"error":"server_error"}`
)

func TestCheckCredentials(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header string
		want   string
	}{
		"a good token passes":                                       {"Bearer good", "pass"},
		"the scheme is not case-sensitive (RFC 9110, 11.1)":         {"bEaReR good", "pass"},
		"no credentials: a challenge without error (RFC 6750, 3.1)": {"", missing},
		"another scheme is no usable credential":                    {"Basic YTpi", missing},
		"another scheme with a quoted quote":                        {`Digest realm="a\", Bearer b"`, missing},
		"another scheme with parameters":                            {`Digest username="a, b c", realm="r", nonce = "n"`, missing},
		"DPoP where nobody can prove it":                            {"DPoP good", missing},
		"a scheme that begins like Bearer":                          {"Bearers good", missing},
		"no token":                                                  {"Bearer", malformed},
		"an empty token":                                            {"Bearer ", malformed},
		"two spaces":                                                {"Bearer  good", malformed},
		"a space in the token":                                      {"Bearer go od", malformed},
		"a trailing space":                                          {"Bearer good ", malformed},
		"a tab":                                                     {"Bearer\tgood", malformed},
		"a quoted token":                                            {`Bearer "good"`, malformed},
		"only padding":                                              {"Bearer ==", malformed},
		"padding inside":                                            {"Bearer a=b", malformed},
		"a NUL":                                                     {"Bearer go\x00od", malformed},
		"not ASCII":                                                 {"Bearer gööd", malformed},
		"no scheme at all":                                          {" good", malformed},
		"two Authorization fields":                                  {"Bearer good, Bearer here", doubled},
		"two Authorization fields, foreign first":                   {"Basic YTpi, Bearer good", doubled},
		"two Authorization fields, foreign last":                    {"Bearer good, Basic YTpi", doubled},
		"all characters of a b64token":                              {"Bearer AZaz09-._~+/==", invalid},
		"unknown":                                                   {"Bearer nobody", invalid},
		"too long":                                                  {"Bearer " + strings.Repeat("a", 16<<10+1), invalid},
		"the store is down: no verdict":                             {"Bearer outage", outage},
		"a verifier without an answer: no verdict":                  {"Bearer nothing", outage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, nil)
			tok, resp := g.Check(t.Context(), resource.Credentials{Authorization: tc.header}, g.Rule(mandate.Scope("profile"), false))
			if got := show(resp); got != tc.want {
				t.Errorf("Check(%q)\n%s\nwant\n%s", tc.header, got, tc.want)
			}
			if (tok != nil) != (resp == nil) {
				t.Errorf("token %v with response %v", tok, resp)
			}
		})
	}
}

// TestLongCredentials: a header field may be as long as a server lets it, 1 MiB in net/http, and is looked at in time that grows
// no faster than it.
func TestLongCredentials(t *testing.T) {
	t.Parallel()
	g := newGuard(t, nil)
	for name, part := range map[string]string{"commas": ",", "commas and spaces": ", ", "names": ",a", "parameters": ",a  =", "quotes": `,"`, "backslashes": `\\`, "letters": "a"} {
		began := time.Now()
		_, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + strings.Repeat(part, 1<<20/len(part))}, g.Rule(mandate.Scope(), false))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: %v for 1 MiB, want some milliseconds", name, took)
		}
		if want := map[bool]int{true: 401, false: 400}[part == "a"]; statusOf(resp) != want {
			t.Errorf("%s: %s, want %d", name, show(resp), want)
		}
	}
}

func TestCredentialsHide(t *testing.T) {
	t.Parallel()
	c := resource.Credentials{Authorization: "Bearer s3cr3t", Body: "s3cr3t"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, c); strings.Contains(got, "s3cr3t") {
			t.Errorf("%s prints %s", format, got)
		}
	}
}

func TestCheckOptional(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ header, want string }{
		"no credentials pass":        {"", "pass"},
		"a good token passes":        {"Bearer good", "pass"},
		"a bad token fails":          {"Bearer nobody", invalid},
		"a malformed one fails":      {"Bearer", malformed},
		"another scheme fails":       {"Basic YTpi", missing},
		"an outage is not anonymous": {"Bearer outage", outage},
		"two fields fail":            {"Bearer a, Bearer b", doubled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, nil)
			tok, resp := g.Check(t.Context(), resource.Credentials{Authorization: tc.header}, g.Rule(mandate.Scope("profile"), true))
			if got := show(resp); got != tc.want {
				t.Errorf("Check(%q)\n%s\nwant\n%s", tc.header, got, tc.want)
			}
			if tc.header == "" && tok != nil {
				t.Errorf("token %v, want none", tok)
			}
		})
	}
}

func TestCheckPreflight(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pass, optional bool
		status         int // 0: it goes on
	}{"ends": {false, false, 204}, "optional": {false, true, 0}, "handed on": {true, false, 0}} {
		g := newGuard(t, func(c *resource.Config) { c.PassPreflights = tc.pass })
		tok, resp := g.Check(t.Context(), resource.Credentials{Preflight: true}, g.Rule(mandate.Scope("profile"), tc.optional))
		if tok != nil || (resp == nil) != (tc.status == 0) || resp != nil && (resp.Status != tc.status || len(resp.Body) > 0 || resp.Err != nil) {
			t.Errorf("%s: %v, %s; want no token and status %d", name, tok, show(resp), tc.status)
		}
	}
}

func TestCheckBody(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		creds resource.Credentials
		body  bool
		want  string
	}{
		"a token in the body":          {resource.Credentials{Body: "good"}, true, "pass"},
		"in both places (RFC 6750, 2)": {resource.Credentials{Authorization: "Bearer good", Body: "good"}, true, doubled},
		"beside another scheme":        {resource.Credentials{Authorization: "Basic YTpi", Body: "good"}, true, doubled},
		"not a token":                  {resource.Credentials{Body: "a b"}, true, malformed},
		"off unless configured":        {resource.Credentials{Body: "good"}, false, missing},
		"off: the header counts alone": {resource.Credentials{Authorization: "Bearer good", Body: "x"}, false, "pass"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, func(c *resource.Config) { c.BodyToken = tc.body })
			_, resp := g.Check(t.Context(), tc.creds, g.Rule(mandate.Scope("profile"), false))
			if got := show(resp); got != tc.want {
				t.Errorf("Check(%q beside %q)\n%s\nwant\n%s", tc.creds.Authorization, tc.creds.Body, got, tc.want)
			}
		})
	}
}

func TestCheckToken(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		token, audience string
		want            string
	}{
		"a stored token without audience is good everywhere": {"good", api, "pass"},
		"made for this API":                              {"here", api, "pass"},
		"made for this API, spelled otherwise":           {"slash", api, "pass"},
		"made for another":                               {"elsewhere", api, invalid},
		"a guard without audience takes none with one":   {"here", "", invalid},
		"a guard without audience takes one without":     {"good", "", "pass"},
		"a JWT of the server without audience":           {"jwt", api, invalid},
		"bound to a key (RFC 9449, 7.2)":                 {"dpop", api, invalid},
		"bound to a certificate (RFC 8705, 3)":           {"mtls", api, invalid},
		"bound by an unknown method":                     {"odd", api, invalid},
		"of another type":                                {"typed", api, invalid},
		"the type is not case-sensitive (RFC 6749, 5.1)": {"lower", api, "pass"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, func(c *resource.Config) { c.Audience = tc.audience })
			rule := g.Rule(mandate.Scope("profile"), false)
			for range 2 { // first and again
				_, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + tc.token}, rule)
				if got := show(resp); got != tc.want {
					t.Errorf("Check(%s)\n%s\nwant\n%s", tc.token, got, tc.want)
				}
			}
		})
	}
}

func TestCheckExpired(t *testing.T) {
	t.Parallel()
	end := time.Unix(1_000_000, 0)
	find := func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
		if raw != "x" {
			return nil, errUnknown
		}
		return mandate.NewToken(mandate.TokenInfo{ClientID: "c", Expires: end}), nil
	}
	for name, tc := range map[string]struct {
		now  time.Time
		want string
	}{
		"before the end": {end.Add(-time.Millisecond), "pass"},
		"at the end":     {end, invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, func(c *resource.Config) {
				c.Verifiers, c.Now = []resource.Verifier{resource.Lookup(find)}, func() time.Time { return tc.now }
			})
			_, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer x"}, g.Rule(mandate.Requirement{}, false))
			if got := show(resp); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestCheckRequirement(t *testing.T) {
	t.Parallel()
	lack := func(scope string) string {
		member := ""
		challenge := `Bearer error="insufficient_scope", error_description="the access token does not allow this"`
		if scope != "" {
			challenge += `, scope="` + scope + `"`
			member = `,"scope":"` + scope + `"`
		}
		return refusal("403", challenge, `{"error":"insufficient_scope","error_description":"the access token does not allow this"`+member+`}`)
	}
	stepUp := func(params, member string) string {
		return refusal("401", `Bearer error="insufficient_user_authentication", error_description="a more recent or stronger sign-in is required", `+params,
			`{"error":"insufficient_user_authentication","error_description":"a more recent or stronger sign-in is required"`+member+`}`)
	}
	for name, tc := range map[string]struct {
		token string
		need  mandate.Requirement
		want  string
	}{
		"any token":                       {"good", mandate.Scope(), "pass"},
		"all scopes":                      {"good", mandate.Scope("profile", "email"), "pass"},
		"one scope lacks":                 {"good", mandate.Scope("profile", "admin"), lack("profile admin")},
		"an empty scope is met by none":   {"good", mandate.Scope(""), lack("")},
		"any of":                          {"good", mandate.AnyScope("admin", "email"), "pass"},
		"none of":                         {"good", mandate.AnyScope("admin", "root"), lack("admin")},
		"any of nothing is met by none":   {"good", mandate.AnyScope(), lack("")},
		"a role":                          {"manager", mandate.Role("lead", "manager"), "pass"},
		"a role lacks":                    {"good", mandate.Role("manager"), lack("")},
		"a client":                        {"client", mandate.ClientOnly(), "pass"},
		"a user where a client must be":   {"good", mandate.ClientOnly(), lack("")},
		"a sign-in too old (RFC 9470)":    {"good", mandate.AllOf(mandate.Scope("email"), mandate.MaxAge(5*time.Minute)), stepUp(`scope="email", max_age="300"`, `,"scope":"email"`)},
		"a sign-in too weak (RFC 9470)":   {"good", mandate.ACR("gold", "silver"), stepUp(`acr_values="gold silver"`, "")},
		"another audience for this route": {"good", mandate.Audience("https://x.example.com"), invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, nil)
			creds := resource.Credentials{Authorization: "Bearer " + tc.token}
			_, resp := g.Check(t.Context(), creds, g.Rule(tc.need, false))
			if got := show(resp); got != tc.want {
				t.Errorf("Check\n%s\nwant\n%s", got, tc.want)
			}
			if _, resp := g.CheckFor(t.Context(), creds, tc.need); show(resp) != tc.want {
				t.Errorf("CheckFor\n%s\nwant\n%s", show(resp), tc.want)
			}
			if tok, _ := g.Check(t.Context(), creds, g.Rule(mandate.Requirement{}, false)); show(g.CheckAgain(t.Context(), tok, g.Rule(tc.need, false))) != tc.want {
				t.Errorf("CheckAgain differs from Check")
			}
		})
	}
}

func TestRealm(t *testing.T) {
	t.Parallel()
	g := newGuard(t, func(c *resource.Config) { c.Realm = "shop" })
	for header, want := range map[string]string{
		"":         `Bearer realm="shop"`,
		"Bearer x": `Bearer realm="shop", error="invalid_token", error_description="the access token is unknown, expired, revoked or not for this resource"`,
	} {
		_, resp := g.Check(t.Context(), resource.Credentials{Authorization: header}, g.Rule(mandate.Requirement{}, false))
		if got := resp.Header.Get("WWW-Authenticate"); got != want {
			t.Errorf("challenge %q, want %q", got, want)
		}
	}
	bare := newGuard(t, nil)
	_, resp := bare.Check(t.Context(), resource.Credentials{}, bare.Rule(mandate.Requirement{}, false))
	if got := resp.Header.Get("WWW-Authenticate"); got != `Bearer realm="`+api+`"` {
		t.Errorf("challenge %q, want the audience for a realm: a challenge needs a parameter (RFC 6750, 3)", got)
	}
}

func TestNoGuard(t *testing.T) {
	t.Parallel()
	var zero resource.Guard
	for name, g := range map[string]*resource.Guard{"nil": nil, "zero": &zero} {
		rule := g.Rule(mandate.Requirement{}, true)
		if _, resp := g.Check(t.Context(), resource.Credentials{}, rule); show(resp) != broken {
			t.Errorf("%s guard: %s, want\n%s", name, show(resp), broken)
		}
		if resp := g.CheckAgain(t.Context(), nil, rule); show(resp) != broken {
			t.Errorf("%s guard again: %s, want\n%s", name, show(resp), broken)
		}
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	g := newGuard(t, nil)
	_, missingResponse := g.Check(t.Context(), resource.Credentials{}, g.Rule(mandate.Scope("profile"), false))
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"a guard's own refusal":  {errors.Join(errors.New("acquire"), missingResponse.Err), missing},
		"no user":                {mandate.ErrNoUser, refusal("403", `Bearer error="insufficient_scope", error_description="the access token stands for no user"`, `{"error":"insufficient_scope","error_description":"the access token stands for no user"}`)},
		"the account is gone":    {mandate.InvalidToken, refusal("401", `Bearer error="invalid_token"`, `{"error":"invalid_token"}`)},
		"an error with a code":   {mandate.Errorf(mandate.InvalidRequest, nil, "no \"id\""), "400\nContent-Type: application/json\nCache-Control: no-store\n\n" + `{"error":"invalid_request","error_description":"no ?id?"}`},
		"an outage":              {mandate.TemporarilyUnavailable, "503\nRetry-After: 5\nContent-Type: application/json\nCache-Control: no-store\n\n" + `{"error":"temporarily_unavailable"}`},
		"anything else: no text": {errors.New("password is 1234"), broken},
		"a text that would leave its quotes": {&mandate.Error{Code: mandate.InsufficientScope, Description: "no\", scope=\"admin\r\nX-Is: fine"}, refusal("403",
			`Bearer error="insufficient_scope", error_description="no?, scope=?admin??X-Is: fine"`, `{"error":"insufficient_scope","error_description":"no?, scope=?admin??X-Is: fine"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := show(g.Refuse(t.Context(), tc.err)); got != tc.want {
				t.Errorf("Refuse(%v)\n%s\nwant\n%s", tc.err, got, tc.want)
			}
		})
	}
}

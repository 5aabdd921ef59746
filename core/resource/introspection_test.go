package resource_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

const (
	introspectURL = remoteIssuer + "/introspect"
	activeAnswer  = `{"active":true,"token_type":"Bearer","client_id":"web","sub":"ann","scope":"profile email","aud":"https://api.example.com"}`
)

// endpoint is an introspection endpoint without a network. An answer takes 100 ms.
type endpoint struct {
	mu     sync.Mutex // guards all below
	answer func(ctx context.Context) (*mandate.Response, error)
	calls  []*mandate.FetchRequest
	log    strings.Builder
}

// Fetch implements mandate.Fetcher.
func (e *endpoint) Fetch(ctx context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	e.mu.Lock()
	e.calls = append(e.calls, r)
	answer := e.answer
	e.mu.Unlock()
	if r.Trust != mandate.Operator || r.Method != "POST" || r.MaxBytes == 0 {
		return nil, fmt.Errorf("request is %+v", r)
	}
	time.Sleep(100 * time.Millisecond)
	return answer(ctx)
}

// Write takes lines of the log.
func (e *endpoint) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.Write(p)
}

func (e *endpoint) told() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.String()
}

func (e *endpoint) asked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.calls)
}

func (e *endpoint) says(f func(ctx context.Context) (*mandate.Response, error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = f
}

// introspecting is a guard over an endpoint.
func introspecting(tb testing.TB, change func(*resource.Introspection)) (*endpoint, *resource.Guard) {
	tb.Helper()
	e := &endpoint{answer: body(activeAnswer)}
	i := resource.Introspection{Endpoint: introspectURL, ClientID: "shop api", Secret: "s3cr3t/+", Fetcher: e}
	if change != nil {
		change(&i)
	}
	return e, newGuard(tb, func(c *resource.Config) {
		c.Verifiers = []resource.Verifier{i}
		c.Hooks = resource.LogRefusals(slog.New(slog.NewTextHandler(e, nil)))
	})
}

// pass returns the status of a request with raw, 200 if it passed, and the token.
func pass(tb testing.TB, g *resource.Guard, raw string, scopes ...string) (int, *mandate.Token) {
	tb.Helper()
	tok, resp := g.Check(tb.Context(), resource.Credentials{Authorization: "Bearer " + raw}, g.Rule(mandate.Scope(scopes...), false))
	if resp == nil {
		return 200, tok
	}
	code := map[int]mandate.Code{401: mandate.InvalidToken, 403: mandate.InsufficientScope, 503: mandate.TemporarilyUnavailable}[resp.Status]
	if code == "" || !errors.Is(resp.Err, code) {
		tb.Errorf("status %d with %v", resp.Status, resp.Err)
	}
	return resp.Status, nil
}

func TestIntrospectionAnswers(t *testing.T) {
	t.Parallel()
	and := func(more string) string { return strings.Replace(activeAnswer, "{", "{"+more+",", 1) }
	without := func(member string) string {
		if !strings.Contains(activeAnswer, member) {
			t.Fatalf("%s is not in the answer", member)
		}
		return strings.Replace(activeAnswer, member, "", 1)
	}
	const aud = `,"aud":"https://api.example.com"`
	// Bubbles begin at midnight of 1 January 2000, UTC.
	const begin = 946684800
	for name, tc := range map[string]struct {
		answer string
		change func(*resource.Introspection)
		status int
		look   func(*mandate.Token) string
		want   string // what look sees, or a part of the cause
	}{
		"active":                             {activeAnswer, nil, 200, (*mandate.Token).Subject, "ann"},
		"its client":                         {activeAnswer, nil, 200, (*mandate.Token).ClientID, "web"},
		"its scopes":                         {activeAnswer, nil, 200, func(t *mandate.Token) string { return string(t.Scopes()) }, "profile email"},
		"its end, issue and id":              {and(fmt.Sprintf(`"exp":%d,"iat":%d,"nbf":%d,"jti":"j1"`, begin+60, begin-60, begin-60)), nil, 200, func(t *mandate.Token) string { return fmt.Sprint(t.Expires().Unix(), t.IssuedAt().Unix(), t.ID()) }, fmt.Sprint(begin+60, begin-60, "j1")},
		"its sign-in":                        {and(fmt.Sprintf(`"acr":"gold","auth_time":%d`, begin-10)), nil, 200, func(t *mandate.Token) string { return fmt.Sprint(t.ACR(), t.AuthTime().Unix()) }, fmt.Sprint("gold", begin-10)},
		"its issuer":                         {and(`"iss":"https://id.example.com"`), func(i *resource.Introspection) { i.Issuer = remoteIssuer }, 200, (*mandate.Token).Issuer, remoteIssuer},
		"the issuer of the server":           {activeAnswer, func(i *resource.Introspection) { i.Issuer = remoteIssuer }, 200, (*mandate.Token).Issuer, remoteIssuer},
		"all the rest":                       {and(`"username":"Ann","roles":["lead"]`), nil, 200, (*mandate.Token).Claims, `{"username":"Ann","roles":["lead"]}`},
		"roles from elsewhere":               {and(`"realm_access":{"roles":["lead"]}`), func(i *resource.Introspection) { i.RolesClaims = []string{"/realm_access/roles"} }, 200, func(t *mandate.Token) string { return string(t.Claim("roles")) }, `["lead"]`},
		"a client for itself":                {strings.Replace(activeAnswer, `"ann"`, `"web"`, 1), nil, 200, (*mandate.Token).Subject, ""},
		"no subject":                         {without(`"sub":"ann",`), nil, 200, (*mandate.Token).Subject, ""},
		"nulls are absent":                   {and(`"exp":null,"cnf":null,"nbf":null,"iss":null`), nil, 200, (*mandate.Token).Subject, "ann"},
		"several audiences":                  {strings.Replace(activeAnswer, `"https://api.example.com"`, `["x","https://api.example.com"]`, 1), nil, 200, (*mandate.Token).Subject, "ann"},
		"no audience, loudly":                {without(aud), func(i *resource.Introspection) { i.MayLackAudience = true }, 200, (*mandate.Token).Subject, "ann"},
		"another audience, loudly":           {strings.Replace(activeAnswer, api, "x", 1), func(i *resource.Introspection) { i.AnyAudience = true }, 200, (*mandate.Token).Subject, "ann"},
		"lower case bearer":                  {strings.Replace(activeAnswer, "Bearer", "bearer", 1), nil, 200, (*mandate.Token).Subject, "ann"},
		"typ of Keycloak":                    {strings.Replace(activeAnswer, "token_type", "typ", 1), nil, 200, (*mandate.Token).Subject, "ann"},
		"token_use of Ory":                   {strings.Replace(activeAnswer, `"token_type":"Bearer"`, `"token_use":"access_token"`, 1), nil, 200, (*mandate.Token).Subject, "ann"},
		"no word of its type, loudly":        {without(`"token_type":"Bearer",`), func(i *resource.Introspection) { i.AnyType = true }, 200, (*mandate.Token).Subject, "ann"},
		"just over, with leeway":             {and(fmt.Sprintf(`"exp":%d,"nbf":%d`, begin-5, begin+5)), func(i *resource.Introspection) { i.Leeway = 10 * time.Second }, 200, (*mandate.Token).Subject, "ann"},
		"not active":                         {`{"active":false}`, nil, 401, nil, "not active"},
		"not active, with more":              {strings.Replace(activeAnswer, "true", "false", 1), nil, 401, nil, "not active"},
		"active as a string":                 {strings.Replace(activeAnswer, "true", `"true"`, 1), nil, 503, nil, `\"active\"`},
		"active as a number":                 {strings.Replace(activeAnswer, "true", `1`, 1), nil, 503, nil, `\"active\"`},
		"Active":                             {strings.Replace(activeAnswer, "active", `Active`, 1), nil, 503, nil, `\"active\"`},
		"active twice":                       {and(`"active":false`), nil, 503, nil, "there twice"},
		"no active":                          {without(`"active":true,`), nil, 503, nil, `\"active\"`},
		"null":                               {"null", nil, 503, nil, "no JSON object"},
		"an array":                           {"[" + activeAnswer + "]", nil, 503, nil, "no JSON object"},
		"garbage":                            {"<html>", nil, 503, nil, "no JSON object"},
		"nothing":                            {"", nil, 503, nil, "no JSON object"},
		"more than one":                      {activeAnswer + activeAnswer, nil, 503, nil, "no JSON object"},
		"too much":                           {and(`"x":"` + strings.Repeat("x", 16<<10) + `"`), nil, 503, nil, "16384"},
		"a subject of the wrong type":        {strings.Replace(activeAnswer, `"ann"`, `7`, 1), nil, 503, nil, "sub"},
		"a client of the wrong type":         {strings.Replace(activeAnswer, `"web"`, `7`, 1), nil, 503, nil, "client_id"},
		"a scope of the wrong type":          {strings.Replace(activeAnswer, `"profile email"`, `7`, 1), nil, 503, nil, "scope"},
		"a time of the wrong type":           {and(`"exp":"soon"`), nil, 503, nil, "exp"},
		"expired":                            {and(fmt.Sprintf(`"exp":%d`, begin)), nil, 401, nil, "expired at 2000-01-01"},
		"not yet":                            {and(fmt.Sprintf(`"nbf":%d`, begin+1)), nil, 401, nil, "not valid before"},
		"another issuer":                     {and(`"iss":"https://evil.example.com"`), func(i *resource.Introspection) { i.Issuer = remoteIssuer }, 401, nil, "iss is"},
		"no audience":                        {without(aud), nil, 401, nil, "aud is missing"},
		"another audience":                   {strings.Replace(activeAnswer, api, "x", 1), nil, 401, nil, `aud is [\"x\"]`},
		"another audience, when it may lack": {strings.Replace(activeAnswer, api, "x", 1), func(i *resource.Introspection) { i.MayLackAudience = true }, 401, nil, `aud is [\"x\"]`},
		"bound to a key (RFC 9449)":          {and(`"cnf":{"jkt":"x"}`), nil, 401, nil, "bound to a key"},
		"bound to a certificate":             {and(`"cnf":{"x5t#S256":"x"}`), nil, 401, nil, "bound to a key"},
		"bound to who knows what":            {and(`"cnf":{}`), nil, 401, nil, "bound to a key"},
		"of type DPoP":                       {strings.Replace(activeAnswer, "Bearer", "DPoP", 1), nil, 401, nil, "DPoP"},
		"a type of the wrong type":           {strings.Replace(activeAnswer, `"Bearer"`, "7", 1), nil, 503, nil, "token_type"},
		"no word of its type":                {without(`"token_type":"Bearer",`), nil, 401, nil, "Introspection.AnyType"},
		"a JWT, which an ID token is, too":   {strings.Replace(activeAnswer, `"token_type":"Bearer"`, `"typ":"JWT"`, 1), nil, 401, nil, "Introspection.AnyType"},
		"a JWT, loudly":                      {strings.Replace(activeAnswer, `"token_type":"Bearer"`, `"typ":"JWT"`, 1), func(i *resource.Introspection) { i.AnyType = true }, 200, (*mandate.Token).Subject, "ann"},
		"a JWT, and a bearer token":          {and(`"typ":"JWT"`), nil, 200, (*mandate.Token).Subject, "ann"},
		"a refresh token of Ory":             {and(`"token_use":"refresh_token"`), func(i *resource.Introspection) { i.AnyType = true }, 401, nil, "no access token"},
		"a refresh token of Keycloak":        {and(`"typ":"Refresh"`), func(i *resource.Introspection) { i.AnyType = true }, 401, nil, "no access token"},
		"an ID token of Keycloak":            {and(`"typ":"ID"`), nil, 401, nil, "no access token"},
		"a refresh token of OpenIddict":      {and(`"token_usage":"refresh_token"`), nil, 401, nil, "no access token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t bubbled) {
				e, g := introspecting(t, tc.change)
				e.says(body(tc.answer))
				for range 2 { // the second time from memory, where it is remembered
					got, tok := pass(t, g, "token")
					switch {
					case got != tc.status:
						t.Fatalf("status %d, want %d; log:\n%s", got, tc.status, e.told())
					case tc.look != nil && tc.look(tok) != tc.want:
						t.Errorf("got %q, want %q", tc.look(tok), tc.want)
					case tc.look == nil && !strings.Contains(e.told(), tc.want):
						t.Errorf("the cause is not %q:\n%s", tc.want, e.told())
					}
				}
				if want := map[int]int{200: 1, 401: 1, 503: 2}[tc.status]; e.asked() != want {
					t.Errorf("asked %d times, want %d", e.asked(), want)
				}
			})
		})
	}
}

func TestIntrospectionOutage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(context.Context) (*mandate.Response, error)
		cause  string
	}{
		"refused connection":           {down, "connection refused"},
		"no answer":                    {hangs, "deadline exceeded"},
		"500":                          {status(500), "answered 500"},
		"404":                          {status(404), "answered 404"},
		"429":                          {status(429), "answered 429"},
		"204":                          {status(204), "answered 204"},
		"401: the client is refused":   {status(401), "does not let this client introspect"},
		"403":                          {status(403), "does not let this client introspect"},
		"nothing":                      {func(context.Context) (*mandate.Response, error) { return nil, nil }, "neither"},
		"a panic":                      {func(context.Context) (*mandate.Response, error) { panic("no use") }, "no use"},
		"an error that blames a token": {func(context.Context) (*mandate.Response, error) { return nil, mandate.InvalidToken }, "invalid_token"},
		"a JWT that nobody asked for": {func(context.Context) (*mandate.Response, error) {
			return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Content-Type", Value: "application/token-introspection+jwt"}}}, nil
		}, "Introspection.Signed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t bubbled) {
				e, g := introspecting(t, nil)
				if got, _ := pass(t, g, "warm"); got != 200 {
					t.Fatalf("status %d, want 200", got)
				}
				e.says(tc.answer)
				began := time.Now()
				if got, _ := pass(t, g, "token"); got != 503 || !strings.Contains(e.told(), tc.cause) || strings.Contains(e.told(), "s3cr3t") {
					t.Errorf("status %d, want 503 and the cause %q; log:\n%s", got, tc.cause, e.told())
				}
				if took := time.Since(began); took > 5*time.Second+100*time.Millisecond {
					t.Errorf("it took %v, want 5s at most", took)
				}
				if got, _ := pass(t, g, "warm"); got != 200 {
					t.Errorf("what is remembered: %d, want 200", got)
				}
				e.says(body(activeAnswer)) // an outage is not remembered
				if got, _ := pass(t, g, "token"); got != 200 {
					t.Errorf("after the outage: %d, want 200", got)
				}
			})
		})
	}
}

func TestIntrospectionMemory(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(t bubbled){
		"one question for all that come at once, and none for 30 seconds": func(t bubbled) {
			e, g := introspecting(t, nil)
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if got, _ := pass(t, g, "token"); got != 200 {
						t.Errorf("status %d, want 200", got)
					}
				})
			}
			wg.Wait()
			e.says(body(`{"active":false}`))
			time.Sleep(29 * time.Second)
			if got, _ := pass(t, g, "token"); got != 200 || e.asked() != 1 {
				t.Errorf("status %d, %d questions; want 200 and 1", got, e.asked())
			}
			time.Sleep(time.Second)
			if got, _ := pass(t, g, "token"); got != 401 || e.asked() != 2 {
				t.Errorf("status %d, %d questions; want 401 and 2", got, e.asked())
			}
		},
		"no longer than the token lives": func(t bubbled) {
			e, g := introspecting(t, nil)
			e.says(body(strings.Replace(activeAnswer, "{", fmt.Sprintf(`{"exp":%d,`, time.Now().Add(10*time.Second).Unix()), 1)))
			if got, _ := pass(t, g, "token"); got != 200 {
				t.Fatalf("status %d, want 200", got)
			}
			time.Sleep(10 * time.Second)
			if got, _ := pass(t, g, "token"); got != 401 || e.asked() != 2 {
				t.Errorf("status %d, %d questions; want 401 and 2", got, e.asked())
			}
		},
		"the token, not the verdict": func(t bubbled) {
			e, g := introspecting(t, nil)
			for scope, want := range map[string]int{"profile": 200, "admin": 403, "email": 200} {
				if got, _ := pass(t, g, "token", scope); got != want {
					t.Errorf("%s: %d, want %d", scope, got, want)
				}
			}
			if e.asked() != 1 {
				t.Errorf("%d questions, want 1", e.asked())
			}
		},
		"no for 5 seconds": func(t bubbled) {
			e, g := introspecting(t, nil)
			e.says(body(`{"active":false}`))
			pass(t, g, "token")
			e.says(body(activeAnswer))
			time.Sleep(4 * time.Second)
			if got, _ := pass(t, g, "token"); got != 401 || e.asked() != 1 {
				t.Errorf("status %d, %d questions; want 401 and 1", got, e.asked())
			}
			time.Sleep(time.Second)
			if got, _ := pass(t, g, "token"); got != 200 {
				t.Errorf("status %d, want 200", got)
			}
		},
		"forgotten at once": func(t bubbled) {
			e, g := introspecting(t, nil)
			pass(t, g, "token")
			e.says(body(`{"active":false}`))
			g.Forget(mandate.DigestOf("other"))
			if got, _ := pass(t, g, "token"); got != 200 {
				t.Errorf("another was forgotten: %d, want 200", got)
			}
			g.Forget(mandate.DigestOf("token"))
			if got, _ := pass(t, g, "token"); got != 401 {
				t.Errorf("forgotten: %d, want 401", got)
			}
		},
		"forgotten while the question is on its way": func(t bubbled) {
			e, g := introspecting(t, nil)
			var wg sync.WaitGroup
			wg.Go(func() { pass(t, g, "token") })
			time.Sleep(50 * time.Millisecond)
			g.Forget(mandate.DigestOf("token"))
			e.says(body(`{"active":false}`))
			if got, _ := pass(t, g, "token"); got != 401 {
				t.Errorf("while the old question is open: %d, want 401", got)
			}
			wg.Wait()
			if got, _ := pass(t, g, "token"); got != 401 {
				t.Errorf("when it was answered: %d, want 401", got)
			}
		},
		"never": func(t bubbled) {
			e, g := introspecting(t, func(i *resource.Introspection) { i.NeverRemember = true })
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() { pass(t, g, "token") })
			}
			wg.Wait()
			e.says(body(`{"active":false}`))
			if got, _ := pass(t, g, "token"); got != 401 || e.asked() != 4 {
				t.Errorf("status %d, %d questions; want 401 and 4", got, e.asked())
			}
		},
		"longer": func(t bubbled) {
			e, g := introspecting(t, func(i *resource.Introspection) { i.Remember = time.Hour })
			pass(t, g, "token")
			time.Sleep(time.Hour - time.Second)
			if got, _ := pass(t, g, "token"); got != 200 || e.asked() != 1 {
				t.Errorf("status %d, %d questions; want 200 and 1", got, e.asked())
			}
		},
		"who gives up does not take the answer from the others": func(t bubbled) {
			e, g := introspecting(t, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, resp := g.Check(ctx, resource.Credentials{Authorization: "Bearer token"}, g.Rule(mandate.Scope(), false))
			if resp == nil || resp.Status != 503 {
				t.Errorf("%s, want 503", show(resp))
			}
			if got, _ := pass(t, g, "token"); got != 200 || e.asked() != 1 {
				t.Errorf("status %d, %d questions; want 200 and 1", got, e.asked())
			}
		},
		"a flood of bad tokens drives out no good one, and stays within its bound": func(t bubbled) {
			e, g := introspecting(t, func(i *resource.Introspection) { i.Size = 64 })
			pass(t, g, "token")
			e.says(body(`{"active":false}`))
			for range 5 {
				var wg sync.WaitGroup
				for n := range 400 {
					wg.Go(func() { pass(t, g, fmt.Sprintf("bad%d", n)) })
				}
				wg.Wait()
			}
			if got, _ := pass(t, g, "token"); got != 200 {
				t.Errorf("status %d, want 200", got)
			}
		},
		"more than 512 questions at once are refused, not kept": func(t bubbled) {
			e, g := introspecting(t, nil)
			e.says(hangs)
			var wg sync.WaitGroup
			for n := range 600 {
				wg.Go(func() {
					if got, _ := pass(t, g, fmt.Sprintf("t%d", n)); got != 503 {
						t.Errorf("status %d, want 503", got)
					}
				})
			}
			wg.Wait()
			if e.asked() != 512 {
				t.Errorf("%d questions, want 512", e.asked())
			}
			e.says(body(activeAnswer))
			if got, _ := pass(t, g, "token"); got != 200 {
				t.Errorf("afterwards: %d, want 200", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, run)
		})
	}
}

func TestIntrospectionAsksAsItsClient(t *testing.T) {
	t.Parallel()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("s3cr3t/+", 4)
	assertion := func(t bubbled, form url.Values, verify func(string) (jose.Header, []byte, error), aud string) {
		t.Helper()
		_, payload, err := verify(form.Get("client_assertion"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := jose.ParseClaims(payload)
		if err != nil {
			t.Fatal(err)
		}
		if c.Issuer != "shop api" || c.Subject != "shop api" || !c.For(aud) || len(c.Audience) != 1 || c.ID == "" || c.Expires.Sub(c.IssuedAt) != time.Minute {
			t.Errorf("assertion: %s", payload)
		}
		if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Get("client_id") != "shop api" || form.Has("client_secret") {
			t.Errorf("form: %v", form)
		}
	}
	byKey := func(raw string) (jose.Header, []byte, error) {
		return jose.Verify(raw, jose.NewKeySet(key.Public()), []jose.Alg{jose.ES256})
	}
	for name, tc := range map[string]struct {
		change func(*resource.Introspection)
		look   func(t bubbled, r *mandate.FetchRequest, form url.Values)
	}{
		"client_secret_basic": {func(*resource.Introspection) {}, func(t bubbled, r *mandate.FetchRequest, form url.Values) {
			want := "Basic " + base64.StdEncoding.EncodeToString([]byte("shop+api:s3cr3t%2F%2B"))
			if r.Header.Get("Authorization") != want || form.Has("client_id") || form.Has("client_secret") {
				t.Errorf("Authorization %q, form %v", r.Header.Get("Authorization"), form)
			}
		}},
		"client_secret_post": {func(i *resource.Introspection) { i.Method = "client_secret_post" }, func(t bubbled, r *mandate.FetchRequest, form url.Values) {
			if r.Header.Get("Authorization") != "" || form.Get("client_id") != "shop api" || form.Get("client_secret") != "s3cr3t/+" {
				t.Errorf("form %v", form)
			}
		}},
		"client_secret_jwt": {func(i *resource.Introspection) { i.Method, i.Secret = "client_secret_jwt", long }, func(t bubbled, _ *mandate.FetchRequest, form url.Values) {
			assertion(t, form, func(raw string) (jose.Header, []byte, error) {
				return jose.VerifyHMAC(raw, []byte(long), []jose.Alg{jose.HS256})
			}, introspectURL)
		}},
		"private_key_jwt": {func(i *resource.Introspection) { i.Key, i.Secret, i.Issuer = key, "", remoteIssuer }, func(t bubbled, _ *mandate.FetchRequest, form url.Values) {
			assertion(t, form, byKey, remoteIssuer)
		}},
		"private_key_jwt for another audience": {func(i *resource.Introspection) {
			i.Key, i.Secret, i.AssertionAudience = key, "", "https://x.example.com"
		}, func(t bubbled, _ *mandate.FetchRequest, form url.Values) {
			assertion(t, form, byKey, "https://x.example.com")
		}},
		"tls_client_auth": {func(i *resource.Introspection) { i.Method, i.Secret = "tls_client_auth", "" }, func(t bubbled, r *mandate.FetchRequest, form url.Values) {
			if r.Header.Get("Authorization") != "" || form.Get("client_id") != "shop api" || len(form) != 3 {
				t.Errorf("form %v", form)
			}
		}},
		"an access token of its own": {func(i *resource.Introspection) {
			i.ClientID, i.Secret = "", ""
			i.Authenticate = func(_ context.Context, r *mandate.FetchRequest) error {
				r.Header = append(r.Header, mandate.Field{Name: "Authorization", Value: "Bearer own"})
				return nil
			}
		}, func(t bubbled, r *mandate.FetchRequest, _ url.Values) {
			if r.Header.Get("Authorization") != "Bearer own" {
				t.Errorf("header %v", r.Header)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t bubbled) {
				e, g := introspecting(t, tc.change)
				if got, _ := pass(t, g, "a+b/c"); got != 200 {
					t.Fatalf("status %d, want 200; log:\n%s", got, e.told())
				}
				r := e.calls[0]
				form, err := url.ParseQuery(r.Body)
				if err != nil {
					t.Fatal(err)
				}
				if r.URL != introspectURL || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.Header.Get("Accept") != "application/json" ||
					form.Get("token") != "a+b/c" || form.Get("token_type_hint") != "access_token" {
					t.Errorf("request %+v", r)
				}
				tc.look(t, r, form)
			})
		})
	}
}

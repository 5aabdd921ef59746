package adaptertest

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

func formCases() cases {
	return cases{
		"every form of guard checks what it says":          testForms,
		"a requirement can be made of the request":         testRequireFor,
		"an optional guard lets the anonymous in, no more": testOptional,
	}
}

func testForms(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	auth, scope := g.auth, mandate.Scope
	for path, m := range map[string]Middleware{
		"/any":        auth.Require(),
		"/one":        auth.Require("profile"),
		"/two":        auth.Require("profile", "email"),
		"/joined":     auth.Require("email profile"),
		"/twice":      auth.Require("email", "email profile"),
		"/lacks":      auth.Require("profile", "admin"),
		"/empty":      auth.Require(""),
		"/blank":      auth.Require(" "),
		"/slip":       auth.Require("profile", ""),
		"/quoted":     auth.Require(`pro"file`),
		"/or":         auth.RequireAny("admin", "email"),
		"/dnf":        auth.RequireAny("email admin", "profile email"),
		"/dnf-lacks":  auth.RequireAny("profile admin", "email admin"),
		"/or-nothing": auth.RequireAny(),
		"/or-slip":    auth.RequireAny("profile", ""),
		"/role":       auth.RequireRole("boss", "chef"),
		"/no-role":    auth.RequireRole(),
		"/role-slip":  auth.RequireRole("lead", ""),
		"/client":     auth.RequireClient(),
		"/zero":       auth.RequireThat(mandate.Requirement{}),
		"/nested": auth.RequireThat(mandate.AllOf(scope("email"), mandate.AnyOf(mandate.Role("lead"),
			mandate.AllOf(mandate.ACR("gold"), mandate.MaxAge(5*time.Minute))))),
		"/all-nothing": auth.RequireThat(mandate.AllOf()),
		"/any-nothing": auth.RequireThat(mandate.AnyOf()),
		"/group":       auth.RequireThat(mandate.Group("staff")),
		"/acr":         auth.RequireThat(mandate.ACR("gold", "silver")),
		"/age":         auth.RequireThat(mandate.MaxAge(5 * time.Minute)),
		"/age-to-it":   auth.RequireThat(mandate.MaxAge(time.Minute)),
		"/age-past-it": auth.RequireThat(mandate.MaxAge(time.Minute - time.Millisecond)),
		"/pay":         auth.RequireThat(mandate.AllOf(scope("profile"), mandate.ACR("gold"), mandate.MaxAge(time.Hour-time.Second))),
		"/func":        auth.RequireThat(mandate.Func("the subject is ann", func(tok *mandate.Token) bool { return tok.Subject() == "ann" })),
		"/no-func":     auth.RequireThat(mandate.Func("nothing", nil)),
	} {
		g.app.Handle(http.MethodGet, path, g.whoRoute(), m)
	}
	g.start(t)
	for name, tc := range map[string]struct{ path, token, want string }{
		"no scope: any valid token":         {"/any", "bare", ""},
		"no scope: an invalid token":        {"/any", "mallory", invalid()},
		"no scope: no token":                {"/any", "", missing("")},
		"one scope":                         {"/one", "ann", ""},
		"one scope, and none":               {"/one", "bare", lacking("profile")},
		"one scope, and another":            {"/one", "bob", lacking("profile")},
		"two scopes":                        {"/two", "ann", ""},
		"two scopes, one there":             {"/two", "bob", lacking("profile email")},
		"two scopes, no token":              {"/two", "", missing("profile email")},
		"scopes in one argument":            {"/joined", "ann", ""},
		"scopes in one argument, one there": {"/joined", "bob", lacking("email profile")},
		"a scope named twice":               {"/twice", "bob", lacking("email profile")},
		"the scope of the operation, no union with the token's (RFC 6750, 3)": {"/lacks", "ann", lacking("profile admin")},
		"an empty scope admits nobody":                                        {"/empty", "ann", lacking("")},
		"a blank scope admits nobody":                                         {"/blank", "ann", lacking("")},
		"an empty scope among others":                                         {"/slip", "ann", lacking("")},
		"what is no scope admits nobody":                                      {"/quoted", "ann", lacking("")},
		"one of two":                                                          {"/or", "bob", ""},
		"one of two, none there":                                              {"/or", "bare", lacking("admin")},
		"one of two, no token":                                                {"/or", "", missing("admin")},
		"(a and b) or (c and d)":                                              {"/dnf", "ann", ""},
		"(a and b) or (c and d), half of each":                                {"/dnf-lacks", "ann", lacking("profile admin")},
		"one of nothing admits nobody":                                        {"/or-nothing", "ann", lacking("")},
		"one of nothing, no token":                                            {"/or-nothing", "", missing("")},
		"an empty alternative spoils all":                                     {"/or-slip", "ann", lacking("")},
		"a role":                                                              {"/role", "lead", ""},
		"a role that is a string":                                             {"/role", "boss", ""},
		"no role":                                                             {"/role", "ann", lacking("")},
		"no role, no token":                                                   {"/role", "", missing("")},
		"one of no roles admits nobody":                                       {"/no-role", "lead", lacking("")},
		"an empty role among others":                                          {"/role-slip", "lead", lacking("")},
		"a client":                                                            {"/client", "robot", ""},
		"a user where a client must be":                                       {"/client", "ann", lacking("")},
		"neither user nor client":                                             {"/client", "nobody", lacking("")},
		"no requirement":                                                      {"/zero", "bare", ""},
		"no requirement, no token":                                            {"/zero", "", missing("")},
		"nested: the first branch":                                            {"/nested", "lead", ""},
		"nested: the second branch":                                           {"/nested", "fresh", ""},
		"nested: no branch":                                                   {"/nested", "stale", lacking("email")},
		"nested: before the branches":                                         {"/nested", "bare", lacking("email")},
		"all of nothing":                                                      {"/all-nothing", "bare", ""},
		"any of nothing":                                                      {"/any-nothing", "ann", lacking("")},
		"a group":                                                             {"/group", "lead", ""},
		"no group":                                                            {"/group", "ann", lacking("")},
		"a class of sign-in":                                                  {"/acr", "fresh", ""},
		"another class (RFC 9470, 3)":                                         {"/acr", "stale", stepUp(`, acr_values="gold silver"`, "")},
		"no class":                                                            {"/acr", "ann", stepUp(`, acr_values="gold silver"`, "")},
		"a recent sign-in":                                                    {"/age", "fresh", ""},
		"an old sign-in (RFC 9470, 3)":                                        {"/age", "stale", stepUp(`, max_age="300"`, "")},
		"an unknown time of sign-in":                                          {"/age", "ann", stepUp(`, max_age="300"`, "")},
		"as old as allowed":                                                   {"/age-to-it", "fresh", ""},
		"a millisecond older than allowed":                                    {"/age-past-it", "fresh", stepUp(`, max_age="59"`, "")},
		"step up names all that is needed":                                    {"/pay", "stale", stepUp(`, scope="profile", acr_values="gold", max_age="3599"`, `,"scope":"profile"`)},
		"the scope comes before the sign-in":                                  {"/pay", "bob", lacking("profile")},
		"no token: the challenge asks for scope":                              {"/pay", "", missing("profile")},
		"a function":                                                          {"/func", "ann", ""},
		"a function that says no":                                             {"/func", "bob", lacking("")},
		"no function admits nobody":                                           {"/no-func", "ann", lacking("")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fields []string
			if tc.token != "" {
				fields = as(tc.token)
			}
			ans := g.get(t, tc.path, fields...)
			if tc.want != "" {
				ans.same(t, tc.want)
			} else if ans.Status != 200 {
				t.Errorf("refused:\n%s", ans.exact(t))
			}
		})
	}
}

// testRequireFor: the function sees the request as it is, decides, and the handler can read it again.
func testRequireFor(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	need := func(_ context.Context, r *mandate.Request) mandate.Requirement {
		switch {
		case r.Oversized:
			return mandate.Scope("profile")
		case r.Method == http.MethodDelete:
			return mandate.Scope("admin")
		case strings.Contains(r.Body, `"tools/call"`):
			return mandate.Scope("profile", "email")
		case r.Header.Get("X-Tool") != "" && len(r.Header.Values("X-Tool")) == 2:
			return mandate.Role("lead")
		case strings.HasSuffix(r.URL(), "/tools?admin=%41"):
			return mandate.Scope("admin")
		case r.Cookie("tool") == "a":
			return mandate.Role("lead")
		case r.Header.Get("X-Nothing") == "yes":
			return mandate.AnyScope()
		}
		return mandate.Requirement{}
	}
	read := g.app.Route(func(c Ctx) error {
		body, err := c.Body()
		if err != nil {
			return err
		}
		return c.JSON(200, map[string]any{"subject": c.Token().Subject(), "anonymous": c.Token() == nil, "size": len(body), "start": body[:min(len(body), 64)]})
	})
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		g.app.Handle(method, "/tools", read, g.auth.RequireFor(need))
	}
	g.start(t)
	large := strings.Repeat("x", 1<<20+1)
	for name, tc := range map[string]struct {
		method, target, body, token string
		fields                      []string
		want                        string
	}{
		"nothing special: any token":         {"GET", "/tools", "", "bare", nil, ""},
		"no token":                           {"GET", "/tools", "", "", nil, missing("")},
		"by method":                          {"DELETE", "/tools", "", "ann", nil, lacking("admin")},
		"by body":                            {"POST", "/tools", `{"method":"tools/call"}`, "ann", nil, ""},
		"by body, not enough":                {"POST", "/tools", `{"method":"tools/call"}`, "bob", nil, lacking("profile email")},
		"by body, no token":                  {"POST", "/tools", `{"method":"tools/call"}`, "", nil, missing("profile email")},
		"by body, a bad token":               {"POST", "/tools", `{"method":"tools/call"}`, "mallory", nil, invalid()},
		"by query, as it was sent":           {"GET", "/tools?admin=%41", "", "ann", nil, lacking("admin")},
		"by a field that comes twice":        {"GET", "/tools", "", "lead", []string{"X-Tool", "a", "X-Tool", "b"}, ""},
		"by a field that comes twice, no":    {"GET", "/tools", "", "ann", []string{"X-Tool", "a", "X-Tool", "b"}, lacking("")},
		"by a cookie":                        {"GET", "/tools", "", "ann", []string{"Cookie", "x=1; tool=a"}, lacking("")},
		"by a cookie in a second field":      {"GET", "/tools", "", "ann", []string{"Cookie", "x=1", "Cookie", "tool=a"}, lacking("")},
		"what admits nobody":                 {"GET", "/tools", "", "ann", []string{"X-Nothing", "yes"}, lacking("")},
		"a body of 1 MiB is seen":            {"POST", "/tools", large[1:], "bare", nil, ""},
		"a larger one is known to be larger": {"POST", "/tools", large, "bare", nil, lacking("profile")},
		"a larger one reaches the handler":   {"POST", "/tools", large, "ann", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields := tc.fields
			if tc.token != "" {
				fields = append(as(tc.token), fields...)
			}
			answers := []*answer{g.do(t, tc.method, tc.target, tc.body, fields...)}
			if tc.body != "" {
				answers = append(answers, g.stream(t, tc.method, tc.target, tc.body, fields...))
			}
			for _, ans := range answers {
				if tc.want != "" {
					ans.same(t, tc.want)
					continue
				}
				if ans.Status != 200 {
					t.Fatalf("refused:\n%s", ans.exact(t))
				}
				if got := ans.json(t); got["size"] != float64(len(tc.body)) || got["start"] != tc.body[:min(len(tc.body), 64)] {
					t.Errorf("the handler read %v bytes %q, want %d", got["size"], got["start"], len(tc.body))
				}
			}
		})
	}
}

func testOptional(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, nil)
	g.app.Handle(http.MethodGet, "/timeline", g.whoRoute(), g.auth.Optional("profile"))
	g.app.Handle(http.MethodGet, "/closed", g.whoRoute(), g.auth.Optional(""))
	g.app.Handle(http.MethodGet, "/in-turn", g.whoRoute(), g.auth.Optional("email"), g.auth.Require("profile"))
	g.start(t)
	for name, tc := range map[string]struct{ path, header, want string }{
		"anonymous":                         {"/timeline", "", "anonymous"},
		"a token":                           {"/timeline", "Bearer ann", ""},
		"a bad token is not anonymous":      {"/timeline", "Bearer mallory", invalid()},
		"a token over is not anonymous":     {"/timeline", "Bearer ended", invalid()},
		"malformed is not anonymous":        {"/timeline", "Bearer", malformed()},
		"another scheme is not anonymous":   {"/timeline", "Basic YTph", missing("profile")},
		"nobody can tell: not anonymous":    {"/timeline", "Bearer outage", away()},
		"a scope lacks":                     {"/timeline", "Bearer bob", lacking("profile")},
		"what admits nobody: the anonymous": {"/closed", "", "anonymous"},
		"what admits nobody: a token":       {"/closed", "Bearer ann", lacking("")},
		"a strict guard after it":           {"/in-turn", "", missing("profile")},
		"a strict guard after it, a token":  {"/in-turn", "Bearer ann", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fields []string
			if tc.header != "" {
				fields = []string{"Authorization", tc.header}
			}
			ans := g.get(t, tc.path, fields...)
			switch tc.want {
			case "":
				ans.passed(t, "ann")
			case "anonymous":
				if ans.status(t, 200).json(t)["anonymous"] != true {
					t.Errorf("body %s, want anonymous", ans.Body)
				}
			default:
				ans.same(t, tc.want)
			}
		})
	}
}

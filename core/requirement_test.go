package mandate_test

import (
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

func TestRequirement(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	user := mandate.NewToken(mandate.TokenInfo{
		Subject: "u1", ClientID: "app", Scopes: "profile email", Audience: []string{"https://api"}, ACR: "gold", AuthTime: now.Add(-time.Minute),
		Claims: `{"roles":["editor","lead"],"groups":"staff","entitlements":7}`,
	})
	client := mandate.NewToken(mandate.TokenInfo{ClientID: "app", Scopes: "admin"})
	const (
		scope = mandate.InsufficientScope
		auth  = mandate.InsufficientUserAuthentication
		token = mandate.InvalidToken
	)
	for name, tc := range map[string]struct {
		q      mandate.Requirement
		token  *mandate.Token
		want   mandate.Code
		broken bool
	}{
		"nothing":                       {token: user},
		"nothing, and no token":         {want: token},
		"one scope":                     {q: mandate.Scope("email"), token: user},
		"scopes in one argument":        {q: mandate.Scope("email profile"), token: user},
		"scopes in two arguments":       {q: mandate.Scope("email", "admin"), token: user, want: scope},
		"no scope":                      {q: mandate.Scope(), token: client},
		"an empty scope":                {q: mandate.Scope("email", ""), token: user, want: scope, broken: true},
		"a scope with a quote":          {q: mandate.Scope(`a"b`), token: user, want: scope, broken: true},
		"any: the second":               {q: mandate.AnyScope("email admin", "profile"), token: user},
		"any: none":                     {q: mandate.AnyScope("email admin", "x"), token: user, want: scope},
		"any of no alternative":         {q: mandate.AnyScope(), token: user, want: scope, broken: true},
		"any with an empty alternative": {q: mandate.AnyScope("email", ""), token: user, want: scope, broken: true},
		"role":                          {q: mandate.Role("admin", "lead"), token: user},
		"role missing":                  {q: mandate.Role("admin"), token: user, want: scope},
		"role of a token without":       {q: mandate.Role("admin"), token: client, want: scope},
		"no role":                       {q: mandate.Role(), token: user, want: scope, broken: true},
		"a group that is one string":    {q: mandate.Group("staff"), token: user},
		"entitlements of a wrong type":  {q: mandate.Entitlement("7"), token: user, want: scope},
		"client only, user":             {q: mandate.ClientOnly(), token: user, want: scope},
		"client only, client":           {q: mandate.ClientOnly(), token: client},
		"audience":                      {q: mandate.Audience("https://api"), token: user},
		"audience of another":           {q: mandate.Audience("https://other"), token: user, want: token},
		"audience of a token without":   {q: mandate.Audience("https://api"), token: client, want: token},
		"audience in another spelling":  {q: mandate.Audience("HTTPS://API:443/"), token: user},
		"audience below another path":   {q: mandate.Audience("https://api/v1"), token: user, want: token},
		"no audience named":             {q: mandate.Audience(), token: user, want: scope, broken: true},
		"an entitlement, none there":    {q: mandate.Entitlement("x"), token: client, want: scope},
		"not a client, a user":          {q: mandate.Not(mandate.ClientOnly()), token: user},
		"not a client, a client":        {q: mandate.Not(mandate.ClientOnly()), token: client, want: scope},
		"not a client, no token":        {q: mandate.Not(mandate.ClientOnly()), want: token},
		"not an old sign-in":            {q: mandate.Not(mandate.MaxAge(time.Hour)), token: user, want: scope},
		"not, twice":                    {q: mandate.Not(mandate.Not(mandate.Role("lead"))), token: user},
		"not any token":                 {q: mandate.Not(mandate.Requirement{}), token: user, want: scope, broken: true},
		"not what makes no sense":       {q: mandate.Not(mandate.Scope("")), token: user, want: scope, broken: true},
		"not, within all":               {q: mandate.AllOf(mandate.Scope("email"), mandate.Not(mandate.AnyOf(mandate.Role("guest"), mandate.Group("students")))), token: user},
		"not, within any":               {q: mandate.AnyOf(mandate.Scope("x"), mandate.Not(mandate.Group("staff"))), token: user, want: scope},
		"acr":                           {q: mandate.ACR("silver", "gold"), token: user},
		"acr too weak":                  {q: mandate.ACR("platinum"), token: user, want: auth},
		"an acr with a quote":           {q: mandate.ACR(`a"`), token: user, want: auth, broken: true},
		"max age":                       {q: mandate.MaxAge(time.Minute), token: user},
		"max age, too old":              {q: mandate.MaxAge(time.Minute - 1), token: user, want: auth},
		"max age, unknown":              {q: mandate.MaxAge(time.Hour), token: client, want: auth},
		"a function":                    {q: mandate.Func("u1", func(t *mandate.Token) bool { return t.Subject() == "u1" }), token: user},
		"a function that says no":       {q: mandate.Func("u2", func(t *mandate.Token) bool { return t.Subject() == "u2" }), token: user, want: scope},
		"no function":                   {q: mandate.Func("x", nil), token: user, want: scope, broken: true},
		"all":                           {q: mandate.AllOf(mandate.Scope("email"), mandate.Role("lead"), mandate.MaxAge(time.Hour)), token: user},
		"all but one":                   {q: mandate.AllOf(mandate.Scope("email"), mandate.ACR("platinum")), token: user, want: auth},
		"all with a broken one":         {q: mandate.AllOf(mandate.Scope("email"), mandate.Scope("")), token: user, want: scope, broken: true},
		"all of nothing":                {q: mandate.AllOf(), token: user},
		"nested":                        {q: mandate.AnyOf(mandate.Scope("admin"), mandate.AllOf(mandate.Scope("email"), mandate.AnyOf(mandate.Role("x"), mandate.Group("staff")))), token: user},
		"nested, none":                  {q: mandate.AnyOf(mandate.ACR("platinum"), mandate.Scope("x")), token: user, want: auth},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.q.Check(tc.token, now); got != tc.want && (!tc.broken || got == "") {
				t.Errorf("Check = %q, want %q", got, tc.want)
			}
			if err := tc.q.Err(); (err != nil) != tc.broken {
				t.Errorf("Err = %v, want one: %v", err, tc.broken)
			}
		})
	}
}

func TestRequirementString(t *testing.T) {
	t.Parallel()
	for want, q := range map[string]mandate.Requirement{
		"any token":                       mandate.AllOf(),
		"scope a b":                       mandate.Scope("a", "b"),
		"one of (scope a b, scope c)":     mandate.AnyScope("a b", "c"),
		"role manager or lead":            mandate.Role("manager", "lead"),
		"group staff":                     mandate.Group("staff"),
		"entitlement x":                   mandate.Entitlement("x"),
		"a client that acts for itself":   mandate.ClientOnly(),
		"not one of (role a, group b)":    mandate.Not(mandate.AnyOf(mandate.Role("a"), mandate.Group("b"))),
		"audience https://a or https://b": mandate.Audience("https://a", "https://b"),
		"all of (acr gold, a sign-in of at most 5m0s ago, business hours)": mandate.AllOf(mandate.ACR("gold"), mandate.MaxAge(5*time.Minute), mandate.Func("business hours", func(*mandate.Token) bool { return true })),
	} {
		if got := q.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}

func TestRequirementNames(t *testing.T) {
	t.Parallel()
	q := mandate.AllOf(mandate.Scope("a b"), mandate.AnyScope("c d", "e"), mandate.MaxAge(time.Hour), mandate.MaxAge(time.Minute), mandate.ACR("gold"))
	if got := q.Scopes(); got != "a b c d" {
		t.Errorf("Scopes() = %q, want all that one way needs", got)
	}
	if age, ok := q.MaxAge(); age != time.Minute || !ok {
		t.Errorf("MaxAge() = %v, %v, want the stricter one", age, ok)
	}
	if got := q.ACR(); len(got) != 1 || got[0] != "gold" {
		t.Errorf("ACR() = %q", got)
	}
}

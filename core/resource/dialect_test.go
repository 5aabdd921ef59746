package resource_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/resource"
)

// ask presents raw to a guard for audience with the verifier v, and returns the cause that the hooks heard, too.
func ask(t *testing.T, v resource.Verifier, audience, raw string) (*mandate.Token, *mandate.Response, string) {
	t.Helper()
	var cause string
	g := newGuard(t, func(c *resource.Config) {
		c.Audience, c.Verifiers, c.Now = audience, []resource.Verifier{v}, func() time.Time { return today }
		c.Hooks.On = func(_ context.Context, e mandate.Event) {
			if why := errors.Unwrap(e.Err); why != nil {
				cause = why.Error()
			}
		}
	})
	tok, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, g.Rule(mandate.Requirement{}, false))
	return tok, resp, cause
}

// product is a dialect with the tokens that the product documents.
type product struct {
	verifier func(keys resource.KeySource) resource.Verifier
	audience string
	head     string // of its access tokens, signed with RS256
	claims   string // of its access token for a user
	good     map[string]sample
	bad      map[string]sample
}

// sample is the claims of a product's token with old replaced, or another token.
type sample struct {
	old, replacement string
	head             string // instead of the product's
	raw              string // instead of a signed token
	look             func(*mandate.Token) string
	want             string // of look; of a bad one: in the cause
}

func (p product) run(t *testing.T) {
	t.Helper()
	m := newMint(t)
	token := func(t *testing.T, s sample) string {
		t.Helper()
		if s.raw != "" {
			return s.raw
		}
		head, text := p.head, p.claims
		if s.head != "" {
			head = s.head
		}
		if s.old != "" {
			if strings.Count(text, s.old) != 1 {
				t.Fatalf("%q is not in the claims once", s.old)
			}
			text = strings.Replace(text, s.old, s.replacement, 1)
		}
		return m.rs256(t, head, text)
	}
	for name, s := range p.good {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok, resp, cause := ask(t, p.verifier(m.keys(t)), p.audience, token(t, s))
			if resp != nil {
				t.Fatalf("refused: %s", cause)
			}
			if got := s.look(tok); got != s.want {
				t.Errorf("got %q, want %q", got, s.want)
			}
		})
	}
	for name, s := range p.bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok, resp, cause := ask(t, p.verifier(m.keys(t)), p.audience, token(t, s))
			if tok != nil || show(resp) != invalid {
				t.Errorf("token %v, %s\nwant\n%s", tok, show(resp), invalid)
			}
			if !strings.Contains(cause, s.want) {
				t.Errorf("cause %q, want %q in it", cause, s.want)
			}
		})
	}
}

func scopes(t *mandate.Token) string { return string(t.Scopes()) }

// met returns a look that says whether a token meets a requirement.
func met(r mandate.Requirement) func(*mandate.Token) string {
	return func(t *mandate.Token) string {
		if r.Check(t, today) == "" {
			return "met"
		}
		return "not met"
	}
}

const jwtHead = `{"alg":"RS256","typ":"JWT","kid":"rsa"}`

func TestKeycloak(t *testing.T) {
	t.Parallel()
	product{
		verifier: func(keys resource.KeySource) resource.Verifier {
			return resource.Keycloak{URL: "https://sso.example.com/", Realm: "shop", JWT: resource.JWT{Keys: keys}}
		},
		audience: "shop-api", head: jwtHead,
		claims: `{"exp":1800000600,"iat":1799999940,"auth_time":1799999930,"jti":"0c2a","iss":"https://sso.example.com/realms/shop","aud":["shop-api","account"],` +
			`"sub":"f1d5c9a2","typ":"Bearer","azp":"shop-web","sid":"5a1b","acr":"1","allowed-origins":["https://shop.example.com"],"realm_access":{"roles":["offline_access","staff"]},` +
			`"resource_access":{"shop-api":{"roles":["manager"]},"account":{"roles":["view-profile"]}},"scope":"openid orders profile","preferred_username":"ann"}`,
		good: map[string]sample{
			"a user's token":                      {look: (*mandate.Token).Subject, want: "f1d5c9a2"},
			"the client is azp":                   {look: (*mandate.Token).ClientID, want: "shop-web"},
			"scopes":                              {look: scopes, want: "openid orders profile"},
			"a role of the realm":                 {look: met(mandate.Role("staff")), want: "met"},
			"a role of this API's client":         {look: met(mandate.Role("manager")), want: "met"},
			"no role of another client":           {look: met(mandate.Role("view-profile")), want: "not met"},
			"groups of a mapper":                  {old: `"sid"`, replacement: `"groups":["/sales"],"sid"`, look: met(mandate.Group("/sales")), want: "met"},
			"without any roles":                   {old: `"resource_access":{"shop-api":{"roles":["manager"]},"account":{"roles":["view-profile"]}},`, look: met(mandate.Role("manager")), want: "not met"},
			"with the type of RFC 9068":           {head: `{"alg":"RS256","typ":"at+jwt","kid":"rsa"}`, look: (*mandate.Token).Subject, want: "f1d5c9a2"},
			"a service account has no subject":    {old: `"preferred_username":"ann"`, replacement: `"preferred_username":"service-account-shop-web","client_id":"shop-web"`, look: (*mandate.Token).Subject, want: ""},
			"a user is no service account":        {old: `"preferred_username":"ann"`, replacement: `"preferred_username":"service-account-shop-web"`, look: (*mandate.Token).Subject, want: "f1d5c9a2"},
			"nor where a mapper writes client_id": {old: `"preferred_username":"ann"`, replacement: `"preferred_username":"ann","client_id":"shop-web"`, look: (*mandate.Token).Subject, want: "f1d5c9a2"},
		},
		bad: map[string]sample{
			"an ID token":                         {old: `"typ":"Bearer"`, replacement: `"typ":"ID"`, want: `"ID"`},
			"an ID token for this API itself":     {old: `["shop-api","account"],"sub":"f1d5c9a2","typ":"Bearer"`, replacement: `"shop-api","sub":"f1d5c9a2","typ":"ID"`, want: `"ID"`},
			"a refresh token":                     {old: `"typ":"Bearer"`, replacement: `"typ":"Refresh"`, want: `"Refresh"`},
			"an offline token":                    {old: `"typ":"Bearer"`, replacement: `"typ":"Offline"`, want: `"Offline"`},
			"a logout token":                      {old: `"typ":"Bearer"`, replacement: `"typ":"Logout"`, want: `"Logout"`},
			"a token that says nothing of itself": {old: `"typ":"Bearer",`, want: `typ is ""`},
			"another realm":                       {old: "/realms/shop", replacement: "/realms/other", want: "iss is"},
			"another server":                      {old: "sso.example.com", replacement: "sso.example.org", want: "iss is"},
			"for account alone":                   {old: `["shop-api","account"]`, replacement: `"account"`, want: "audience mapper"},
			"for another API":                     {old: `["shop-api","account"]`, replacement: `["other-api","account"]`, want: "audience mapper"},
			"roles that are no strings":           {old: `["manager"]`, replacement: `[{}]`, want: "/resource_access/shop-api/roles"},
			"bound to a key":                      {old: `"typ":"Bearer"`, replacement: `"typ":"DPoP","cnf":{"jkt":"x"}`, want: "bound"},
		},
	}.run(t)
}

func TestAuth0(t *testing.T) {
	t.Parallel()
	product{
		verifier: func(keys resource.KeySource) resource.Verifier {
			return resource.Auth0{Domain: "shop.eu.auth0.com", JWT: resource.JWT{Keys: keys}}
		},
		audience: api, head: jwtHead,
		claims: `{"iss":"https://shop.eu.auth0.com/","sub":"auth0|65f","aud":["https://api.example.com","https://shop.eu.auth0.com/userinfo"],"iat":1799999940,"exp":1800000600,` +
			`"azp":"wEb1","scope":"openid orders","permissions":["refund:orders"]}`,
		good: map[string]sample{
			"a user's token":                  {look: (*mandate.Token).Subject, want: "auth0|65f"},
			"the client is azp":               {look: (*mandate.Token).ClientID, want: "wEb1"},
			"scopes":                          {look: scopes, want: "openid orders"},
			"permissions":                     {look: met(mandate.Entitlement("refund:orders")), want: "met"},
			"the profile of RFC 9068":         {head: `{"alg":"RS256","typ":"at+jwt","kid":"rsa"}`, old: `"azp":"wEb1"`, replacement: `"client_id":"wEb1","jti":"73Wa"`, look: (*mandate.Token).ClientID, want: "wEb1"},
			"a machine has no subject":        {old: `"sub":"auth0|65f"`, replacement: `"sub":"wEb1@clients","gty":"client-credentials"`, look: (*mandate.Token).Subject, want: ""},
			"another's machine is not itself": {old: `"sub":"auth0|65f"`, replacement: `"sub":"other@clients"`, look: (*mandate.Token).Subject, want: "other@clients"},
		},
		bad: map[string]sample{
			"an ID token":                     {old: `"aud":["https://api.example.com","https://shop.eu.auth0.com/userinfo"],"iat":1799999940,"exp":1800000600,"azp":"wEb1","scope":"openid orders","permissions":["refund:orders"]`, replacement: `"aud":"wEb1","iat":1799999940,"exp":1800000600,"nonce":"n"`, want: "ID token"},
			"an ID token for this API itself": {old: `"azp":"wEb1"`, replacement: `"azp":"wEb1","at_hash":"x"`, want: "ID token"},
			"an ID token without a nonce":     {old: `"azp":"wEb1","scope":"openid orders",`, want: "client_id is missing"},
			"a refresh token":                 {raw: "v1.MR8sQxTnq0aG", want: "three parts"},
			"an opaque access token":          {raw: "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AA.AA.AA", want: "signature"},
			"another tenant":                  {old: `"https://shop.eu.auth0.com/"`, replacement: `"https://other.eu.auth0.com/"`, want: "iss is"},
			"the issuer without the slash":    {old: `"https://shop.eu.auth0.com/"`, replacement: `"https://shop.eu.auth0.com"`, want: "iss is"},
			"for another API":                 {old: `"https://api.example.com"`, replacement: `"https://other.example.com"`, want: "aud is"},
		},
	}.run(t)
}

func TestAuth0Organization(t *testing.T) {
	t.Parallel()
	product{
		verifier: func(keys resource.KeySource) resource.Verifier {
			return resource.Auth0{Domain: "shop.eu.auth0.com", Organization: "org_1", JWT: resource.JWT{Keys: keys}}
		},
		audience: api, head: jwtHead,
		claims: `{"iss":"https://shop.eu.auth0.com/","sub":"auth0|65f","aud":"https://api.example.com","iat":1799999940,"exp":1800000600,"azp":"wEb1","org_id":"org_1"}`,
		good:   map[string]sample{"its organization": {look: (*mandate.Token).Subject, want: "auth0|65f"}},
		bad: map[string]sample{
			"another organization": {old: "org_1", replacement: "org_2", want: "org_2"},
			"no organization":      {old: `,"org_id":"org_1"`, want: "org_id"},
		},
	}.run(t)
}

const tenant, otherTenant = "72f988bf-86f1-41af-91ab-2d7cd011db47", "72f988bf-86f1-41af-91ab-2d7cd011db48"

func TestEntra(t *testing.T) {
	t.Parallel()
	product{
		verifier: func(keys resource.KeySource) resource.Verifier {
			return resource.Entra{Tenant: tenant, JWT: resource.JWT{Keys: keys}}
		},
		audience: "6e74172b-be56-4843-9ff4-e66a39bb12e3", head: jwtHead,
		claims: `{"aud":"6e74172b-be56-4843-9ff4-e66a39bb12e3","iss":"https://login.microsoftonline.com/` + tenant + `/v2.0","iat":1799999940,"nbf":1799999940,"exp":1800000600,` +
			`"aio":"AXQA","azp":"b14a7505","azpacr":"1","name":"Ann","oid":"690222be","scp":"orders profile","sub":"HKZpfaHy","tid":"` + tenant + `","uti":"fqiB","ver":"2.0"}`,
		good: map[string]sample{
			"a user's token":            {look: (*mandate.Token).Subject, want: "HKZpfaHy"},
			"the client is azp":         {look: (*mandate.Token).ClientID, want: "b14a7505"},
			"scopes are scp":            {look: scopes, want: "orders profile"},
			"app roles":                 {old: `"uti"`, replacement: `"roles":["Orders.Admin"],"uti"`, look: met(mandate.Role("Orders.Admin")), want: "met"},
			"groups":                    {old: `"uti"`, replacement: `"groups":["g1"],"uti"`, look: met(mandate.Group("g1")), want: "met"},
			"an application for itself": {old: `"oid":"690222be","scp":"orders profile","sub":"HKZpfaHy"`, replacement: `"oid":"app1","roles":["Read.All"],"sub":"app1"`, look: (*mandate.Token).Subject, want: ""},
			"an application for itself, that says so":     {old: `"scp":"orders profile"`, replacement: `"idtyp":"app","roles":["Read.All"]`, look: (*mandate.Token).Subject, want: ""},
			"a user whose sub is the oid is still a user": {old: `"oid":"690222be"`, replacement: `"oid":"HKZpfaHy"`, look: (*mandate.Token).Subject, want: "HKZpfaHy"},
		},
		bad: map[string]sample{
			"an ID token": {old: `"azp":"b14a7505","azpacr":"1","name":"Ann","oid":"690222be","scp":"orders profile"`, replacement: `"nonce":"n","name":"Ann","oid":"690222be"`, want: "ID token"},
			"an ID token of the API's own web client": {old: `"scp":"orders profile"`, replacement: `"roles":["Orders.Admin"],"nonce":"n"`, want: "ID token"},
			"a refresh token":                         {raw: "0.AXoAv4j5cvGGr0GRqy180BHbRyt0", want: "three parts"},
			"neither scp nor roles":                   {old: `"scp":"orders profile",`, want: "neither scp nor roles"},
			"another tenant":                          {old: "microsoftonline.com/" + tenant, replacement: "microsoftonline.com/" + otherTenant, want: "iss is"},
			"the tid of another tenant":               {old: `"tid":"` + tenant, replacement: `"tid":"` + otherTenant, want: "tid is"},
			"of version 1":                            {old: `"ver":"2.0"`, replacement: `"ver":"1.0"`, want: "ver is"},
			"for another API":                         {old: `"aud":"6e74172b`, replacement: `"aud":"00000003`, want: "aud is"},
			"for the API's URI, which is version 1's": {old: `"aud":"6e74172b`, replacement: `"aud":"api://6e74172b`, want: "aud is"},
		},
	}.run(t)
}

func TestEntraV1(t *testing.T) {
	t.Parallel()
	product{
		verifier: func(keys resource.KeySource) resource.Verifier {
			return resource.Entra{Tenant: tenant, V1: true, JWT: resource.JWT{Keys: keys}}
		},
		audience: "api://6e74172b", head: `{"typ":"JWT","alg":"RS256","x5t":"nOo3ZDrODXEK1jKWhXslHR_KXEg","kid":"rsa"}`,
		claims: `{"aud":"api://6e74172b","iss":"https://sts.windows.net/` + tenant + `/","iat":1799999940,"nbf":1799999940,"exp":1800000600,"acr":"1","amr":["pwd"],"appid":"b14a7505",` +
			`"appidacr":"0","scp":"user_impersonation","sub":"l3_roISQ","tid":"` + tenant + `","upn":"ann@example.com","uti":"fqiB","ver":"1.0"}`,
		good: map[string]sample{
			"a user's token":      {look: (*mandate.Token).Subject, want: "l3_roISQ"},
			"the client is appid": {look: (*mandate.Token).ClientID, want: "b14a7505"},
			"scopes are scp":      {look: scopes, want: "user_impersonation"},
		},
		bad: map[string]sample{
			"an ID token":     {old: `"appid":"b14a7505","appidacr":"0","scp":"user_impersonation",`, replacement: `"nonce":"n",`, want: "ID token"},
			"a refresh token": {raw: "OAQABAAAAAAD", want: "three parts"},
			"another tenant":  {old: "windows.net/" + tenant, replacement: "windows.net/" + otherTenant, want: "iss is"},
			"for another API": {old: `"aud":"api://6e74172b"`, replacement: `"aud":"https://graph.microsoft.com"`, want: "aud is"},
			"of version 2":    {old: `"iss":"https://sts.windows.net/` + tenant + `/"`, replacement: `"iss":"https://login.microsoftonline.com/` + tenant + `/v2.0"`, want: "iss is"},
		},
	}.run(t)
}

func TestOkta(t *testing.T) {
	t.Parallel()
	product{
		verifier: func(keys resource.KeySource) resource.Verifier {
			return resource.Okta{Domain: "shop.okta.com", JWT: resource.JWT{Keys: keys}}
		},
		audience: "api://default", head: `{"kid":"rsa","alg":"RS256"}`,
		claims: `{"ver":1,"jti":"AT.MNAo","iss":"https://shop.okta.com/oauth2/default","aud":"api://default","iat":1799999940,"exp":1800000600,"cid":"0oa1","uid":"00u1",` +
			`"scp":["openid","orders"],"auth_time":1799999930,"sub":"ann@example.com"}`,
		good: map[string]sample{
			"a user's token":          {look: (*mandate.Token).Subject, want: "ann@example.com"},
			"the client is cid":       {look: (*mandate.Token).ClientID, want: "0oa1"},
			"scopes are scp":          {look: scopes, want: "openid orders"},
			"groups":                  {old: `"ver":1`, replacement: `"ver":1,"groups":["Everyone","sales"]`, look: met(mandate.Group("sales")), want: "met"},
			"a client for itself":     {old: `"sub":"ann@example.com"`, replacement: `"sub":"0oa1"`, look: (*mandate.Token).Subject, want: ""},
			"when the user signed in": {look: func(t *mandate.Token) string { return today.Sub(t.AuthTime()).String() }, want: "1m10s"},
		},
		bad: map[string]sample{
			"an ID token":                             {old: `"jti":"AT.MNAo"`, replacement: `"jti":"ID.radC"`, want: "ID token"},
			"an ID token whose jti says nothing":      {old: `"jti":"AT.MNAo"`, replacement: `"jti":"x","at_hash":"x"`, want: "ID token"},
			"an ID token without hashes":              {old: `"cid":"0oa1",`, want: "client_id is missing"},
			"a refresh token":                         {raw: "bXBDvJfRNPzCFkB0", want: "three parts"},
			"another organization":                    {old: "https://shop.okta.com", replacement: "https://other.okta.com", want: "iss is"},
			"another authorization server":            {old: "/oauth2/default", replacement: "/oauth2/aus1", want: "iss is"},
			"the organization's authorization server": {old: "/oauth2/default", want: "iss is"},
			"for another API":                         {old: `"api://default"`, replacement: `"api://other"`, want: "aud is"},
		},
	}.run(t)
}

func TestCognito(t *testing.T) {
	t.Parallel()
	product{
		verifier: func(keys resource.KeySource) resource.Verifier {
			return resource.Cognito{UserPool: "eu-central-1_AbCdEfGhI", Clients: []string{"1h57kf5cpq17"}, JWT: resource.JWT{Keys: keys}}
		},
		audience: api, head: `{"kid":"rsa","alg":"RS256"}`,
		claims: `{"sub":"b5d1","cognito:groups":["staff"],"iss":"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI","version":2,"client_id":"1h57kf5cpq17",` +
			`"origin_jti":"aaaa","event_id":"64f5","token_use":"access","scope":"openid shop/orders","auth_time":1799999930,"exp":1800000600,"iat":1799999940,"jti":"bbbb","username":"ann"}`,
		good: map[string]sample{
			"a user's token, without an audience": {look: (*mandate.Token).Subject, want: "b5d1"},
			"scopes":                              {look: scopes, want: "openid shop/orders"},
			"groups are groups":                   {look: met(mandate.Group("staff")), want: "met"},
			"groups are roles":                    {look: met(mandate.Role("staff")), want: "met"},
			"with this API as the audience":       {old: `"version":2`, replacement: `"aud":"https://api.example.com","version":2`, look: (*mandate.Token).Subject, want: "b5d1"},
			"a client for itself":                 {old: `"sub":"b5d1"`, replacement: `"sub":"1h57kf5cpq17"`, look: (*mandate.Token).Subject, want: ""},
		},
		bad: map[string]sample{
			"an ID token":              {old: `"token_use":"access"`, replacement: `"token_use":"id","aud":"1h57kf5cpq17"`, want: `"id"`},
			"no token_use":             {old: `"token_use":"access",`, want: `token_use is ""`},
			"a refresh token":          {raw: "eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ.AA.AA.AA.AA", want: "signature"},
			"another user pool":        {old: "eu-central-1_AbCdEfGhI", replacement: "eu-central-1_XXXXXXXXX", want: "iss is"},
			"another client":           {old: "1h57kf5cpq17", replacement: "other", want: "Cognito.Clients"},
			"no client":                {old: `"client_id":"1h57kf5cpq17",`, want: "Cognito.Clients"},
			"with another audience":    {old: `"version":2`, replacement: `"aud":"https://other.example.com","version":2`, want: "aud is"},
			"with an empty audience":   {old: `"version":2`, replacement: `"aud":"","version":2`, want: "aud"},
			"groups that are a number": {old: `["staff"]`, replacement: `7`, want: "cognito:groups"},
		},
	}.run(t)
}

func TestGoogle(t *testing.T) {
	t.Parallel()
	product{
		verifier: func(keys resource.KeySource) resource.Verifier {
			return resource.Google{Domains: []string{"example.com"}, JWT: resource.JWT{Keys: keys}}
		},
		audience: "1234987819200.apps.googleusercontent.com", head: jwtHead,
		claims: `{"iss":"https://accounts.google.com","azp":"web.apps.googleusercontent.com","aud":"1234987819200.apps.googleusercontent.com","sub":"10769150350006150715113082367",` +
			`"hd":"example.com","email":"ann@example.com","email_verified":true,"at_hash":"HK6E_P6Dh8Y93mRNtsDB1Q","nonce":"0394852","iat":1799999940,"exp":1800000600}`,
		good: map[string]sample{
			"an ID token, which is what a backend is sent": {look: (*mandate.Token).Subject, want: "10769150350006150715113082367"},
			"the older spelling of the issuer":             {old: "https://accounts.google.com", replacement: "accounts.google.com", look: (*mandate.Token).Issuer, want: "https://accounts.google.com"},
			"the client is azp":                            {look: (*mandate.Token).ClientID, want: "web.apps.googleusercontent.com"},
			"the address":                                  {look: func(t *mandate.Token) string { return string(t.Claim("email")) }, want: `"ann@example.com"`},
			"without azp":                                  {old: `"azp":"web.apps.googleusercontent.com",`, look: (*mandate.Token).ClientID, want: ""},
			"no scopes":                                    {look: scopes, want: ""},
		},
		bad: map[string]sample{
			"an access token":                {raw: "ya29.a0AfH6SMBx", want: "three parts"},
			"a refresh token":                {raw: "1//0gdZ3QxC", want: "three parts"},
			"another domain":                 {old: `"hd":"example.com"`, replacement: `"hd":"example.org"`, want: "hd is"},
			"an account of no domain":        {old: `"hd":"example.com",`, want: `hd is ""`},
			"for another backend":            {old: `"1234987819200`, replacement: `"999`, want: "aud is"},
			"a security event token":         {old: `"email_verified":true`, replacement: `"events":{}`, want: "events"},
			"one that others put a name to":  {old: "https://accounts.google.com", replacement: "https://accounts.google.com.evil.example", want: "iss is"},
			"a logout token by its type":     {head: `{"alg":"RS256","typ":"logout+jwt","kid":"rsa"}`, want: "typ is"},
			"one with another key algorithm": {head: `{"alg":"RS384","typ":"JWT","kid":"rsa"}`, want: "RS384"},
		},
	}.run(t)
}

func TestGoogleServiceAccount(t *testing.T) {
	t.Parallel()
	product{
		verifier: func(keys resource.KeySource) resource.Verifier { return resource.Google{JWT: resource.JWT{Keys: keys}} },
		audience: "https://api-abc.a.run.app", head: jwtHead,
		claims: `{"aud":"https://api-abc.a.run.app","azp":"112","email":"job@shop.iam.gserviceaccount.com","email_verified":true,"exp":1800000600,"iat":1799999940,"iss":"https://accounts.google.com","sub":"112"}`,
		good: map[string]sample{
			"has no subject":            {look: (*mandate.Token).Subject, want: ""},
			"and is a client by itself": {look: met(mandate.ClientOnly()), want: "met"},
		},
	}.run(t)
}

func TestDialectFields(t *testing.T) {
	t.Parallel()
	keys := newMint(t).keys(t)
	with := resource.JWT{Keys: keys}
	for name, tc := range map[string]struct {
		verifier resource.Verifier
		want     string
	}{
		"Keycloak without a URL":               {resource.Keycloak{Realm: "shop", JWT: with}, "Keycloak.URL"},
		"Keycloak with a host for a URL":       {resource.Keycloak{URL: "sso.example.com", Realm: "shop", JWT: with}, "Keycloak.URL"},
		"Keycloak without a realm":             {resource.Keycloak{URL: "https://sso.example.com", JWT: with}, "Keycloak.Realm"},
		"Auth0 without a domain":               {resource.Auth0{JWT: with}, "Auth0.Domain"},
		"Auth0 with a URL for a domain":        {resource.Auth0{Domain: "https://shop.eu.auth0.com/", JWT: with}, "Auth0.Domain"},
		"Entra for all tenants":                {resource.Entra{Tenant: "common", JWT: with}, "Entra.Tenant"},
		"Entra with what is nearly a GUID":     {resource.Entra{Tenant: tenant[:35] + "g", JWT: with}, "Entra.Tenant"},
		"Okta without a domain":                {resource.Okta{JWT: with}, "Okta.Domain"},
		"Okta with a path for a server":        {resource.Okta{Domain: "shop.okta.com", Server: "oauth2/default", JWT: with}, "Okta.Server"},
		"Cognito without a pool":               {resource.Cognito{Clients: []string{"c"}, JWT: with}, "Cognito.UserPool"},
		"Cognito with a pool without a region": {resource.Cognito{UserPool: "AbCdEfGhI", Clients: []string{"c"}, JWT: with}, "Cognito.UserPool"},
		"Cognito without clients":              {resource.Cognito{UserPool: "eu-central-1_A", JWT: with}, "Cognito.Clients"},
		"Google with HMAC":                     {resource.Google{JWT: resource.JWT{Keys: keys, Algs: []jose.Alg{jose.HS256}}}, "HS256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := resource.New(resource.Config{Audience: api, Verifiers: []resource.Verifier{tc.verifier}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New: %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestDialectsBesideEachOther(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	with := resource.JWT{Keys: m.keys(t)}
	g := newGuard(t, func(c *resource.Config) {
		c.Now = func() time.Time { return today }
		c.Verifiers = []resource.Verifier{
			resource.Google{JWT: with}, resource.Keycloak{URL: "https://sso.example.com", Realm: "shop", JWT: with}, resource.Okta{Domain: "shop.okta.com", JWT: with},
		}
	})
	rule := g.Rule(mandate.Requirement{}, false)
	for iss, more := range map[string]string{
		"accounts.google.com":                  `"azp":"c"`,
		"https://sso.example.com/realms/shop":  `"azp":"c","typ":"Bearer","jti":"j"`,
		"https://shop.okta.com/oauth2/default": `"cid":"c","jti":"AT.j"`,
	} {
		raw := m.rs256(t, jwtHead, `{"iss":"`+iss+`","aud":"`+api+`","sub":"ann","exp":1800000600,"iat":1799999940,`+more+`}`)
		if tok, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer " + raw}, rule); resp != nil || tok.ClientID() != "c" {
			t.Errorf("%s: %s", iss, show(resp))
		}
	}
}

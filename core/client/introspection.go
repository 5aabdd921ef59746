package client

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Introspection is what a server says of a token (RFC 7662, section 2.2). Of one that is not active it says nothing else.
type Introspection struct {
	Active    bool
	Scopes    []string
	ClientID  string
	Username  string
	Subject   string
	Issuer    string
	TokenType string
	Audience  []string
	Expires   time.Time // zero: it was not said
	IssuedAt  time.Time // zero: it was not said
	Raw       map[string]any
}

// Introspect asks the server about a token (RFC 7662). hint, "access_token" or "refresh_token", may be empty. To guard an API use
// resource.Introspection, which remembers.
func (r *TokenRequester) Introspect(ctx context.Context, token, hint string) (*Introspection, error) {
	form := url.Values{"token": {token}}
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	res, err := r.post(ctx, "introspection", form)
	if err != nil {
		return nil, err
	}
	m, fault := answer(res, r.c.ContentType)
	var active, ok bool
	if fault == nil {
		if active, ok = m["active"].(bool); !ok {
			fault = broken(res, "the answer does not say whether the token is active")
		}
	}
	if fault != nil {
		fault.App = r.c.App
		return nil, fault
	}
	if !active {
		return &Introspection{Raw: m}, nil
	}
	return &Introspection{
		Active: true, Scopes: strings.Fields(text(m["scope"])), ClientID: text(m["client_id"]), Username: text(m["username"]),
		Subject: text(m["sub"]), Issuer: text(m["iss"]), TokenType: text(m["token_type"]), Audience: texts(m["aud"]),
		Expires: date(m["exp"]), IssuedAt: date(m["iat"]), Raw: m,
	}, nil
}

// texts returns the strings of a member that is one or a list of them.
func texts(member any) []string {
	list, ok := member.([]any)
	if !ok {
		list = []any{member}
	}
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return slices.Clip(out)
}

// maxDate is the end of the year 9999.
const maxDate = 253402300799

// date returns the time that a member says in seconds since 1970.
func date(member any) time.Time {
	n, ok := member.(float64)
	if !ok || n < 1 || n > maxDate {
		return time.Time{}
	}
	return time.Unix(int64(n), 0)
}

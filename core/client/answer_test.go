package client_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

func TestAnswersOfTokenEndpoints(t *testing.T) {
	t.Parallel()
	ends := func(d time.Duration) func(*oauth2.Token) bool {
		return func(tok *oauth2.Token) bool {
			if d == 0 {
				return tok.Expiry.IsZero()
			}
			left := time.Until(tok.Expiry)
			return left <= d && left > d-time.Minute
		}
	}
	for name, tc := range map[string]struct {
		answer *mandate.Response
		ok     func(*oauth2.Token) bool
		kind   client.Kind
		code   mandate.Code
	}{
		"JSON":                                {answer: saysJSON(200, granted), ok: ends(time.Hour)},
		"201":                                 {answer: saysJSON(201, granted), ok: ends(time.Hour)},
		"JSON as JavaScript":                  {answer: says(200, "text/javascript; charset=UTF-8", granted), ok: ends(time.Hour)},
		"JSON without a type":                 {answer: says(200, "", " \n"+granted), ok: ends(time.Hour)},
		"JSON as text":                        {answer: says(200, "text/plain", granted), ok: ends(time.Hour)},
		"JSON with a mark before it":          {answer: saysJSON(200, "\xef\xbb\xbf"+granted), ok: ends(time.Hour)},
		"a form":                              {answer: says(200, "application/x-www-form-urlencoded", "access_token=at&expires_in=3600"), ok: ends(time.Hour)},
		"a form as text, with an old name":    {answer: says(200, "text/plain; charset=UTF-8", "access_token=at&expires=3600"), ok: ends(time.Hour)},
		"expires_in as a text":                {answer: saysJSON(200, `{"access_token":"at","expires_in":"3600"}`), ok: ends(time.Hour)},
		"expires_in as a fraction":            {answer: saysJSON(200, `{"access_token":"at","expires_in":3600.5}`), ok: ends(time.Hour + time.Second)},
		"expires_in of null":                  {answer: saysJSON(200, `{"access_token":"at","expires_in":null}`), ok: ends(0)},
		"expires_in of 0":                     {answer: saysJSON(200, `{"access_token":"at","expires_in":0}`), ok: ends(0)},
		"a negative expires_in":               {answer: saysJSON(200, `{"access_token":"at","expires_in":-1}`), ok: ends(0)},
		"expires_in that is no number":        {answer: saysJSON(200, `{"access_token":"at","expires_in":"soon"}`), ok: ends(0)},
		"expires_in beyond all time":          {answer: saysJSON(200, `{"access_token":"at","expires_in":1e300}`), ok: ends(100 * 365 * 24 * time.Hour)},
		"scopes separated by commas":          {answer: saysJSON(200, `{"access_token":"at","scope":"user:email,repo"}`), ok: func(tok *oauth2.Token) bool { return strings.Join(client.Scopes(tok), " ") == "user:email repo" }},
		"scopes as a list":                    {answer: saysJSON(200, `{"access_token":"at","scope":["a","b"]}`), ok: func(tok *oauth2.Token) bool { return strings.Join(client.Scopes(tok), " ") == "a b" }},
		"other members":                       {answer: saysJSON(200, `{"access_token":"at","id_token":"x","n":5}`), ok: func(tok *oauth2.Token) bool { return tok.Extra("id_token") == "x" && tok.Extra("n") == 5.0 }},
		"an error":                            {answer: saysJSON(400, `{"error":"invalid_grant","error_description":"no"}`), kind: client.Provider, code: mandate.InvalidGrant},
		"an error with 200, as GitHub has it": {answer: saysJSON(200, `{"error":"bad_verification_code","access_token":"x"}`), kind: client.Provider, code: "bad_verification_code"},
		"an error in a form":                  {answer: says(400, "application/x-www-form-urlencoded", "error=invalid_client"), kind: client.Provider, code: mandate.InvalidClient},
		"an error that is an object":          {answer: saysJSON(400, `{"error":{"message":"no","type":"OAuthException","code":100}}`), kind: client.Provider, code: "OAuthException"},
		"access_denied":                       {answer: saysJSON(400, `{"error":"access_denied"}`), kind: client.Denied, code: mandate.AccessDenied},
		"access_denied to the application":    {answer: saysJSON(401, `{"error":"access_denied"}`), kind: client.Provider, code: mandate.AccessDenied},
		"expired_token":                       {answer: saysJSON(400, `{"error":"expired_token"}`), kind: client.Expired, code: mandate.ExpiredToken},
		"an overload":                         {answer: saysJSON(429, `{"error":"slow"}`), kind: client.Unreachable, code: "slow"},
		"an outage":                           {answer: says(502, "text/html", "<html>"), kind: client.Unreachable},
		"an outage, said politely":            {answer: saysJSON(503, `{"error":"temporarily_unavailable"}`), kind: client.Unreachable, code: mandate.TemporarilyUnavailable},
		"a refusal without an error":          {answer: saysJSON(403, `{"access_token":"at"}`), kind: client.Provider},
		"a page":                              {answer: says(200, "text/html", "<html>access_token=1"), kind: client.Unreachable},
		"nothing":                             {answer: says(200, "", ""), kind: client.Unreachable},
		"no object":                           {answer: saysJSON(200, `["access_token"]`), kind: client.Unreachable},
		"null":                                {answer: saysJSON(200, `null`), kind: client.Unreachable},
		"no access_token":                     {answer: saysJSON(200, `{"token_type":"Bearer"}`), kind: client.Unreachable},
		"an access_token that is an object":   {answer: saysJSON(200, `{"access_token":{}}`), kind: client.Unreachable},
		"an access_token that breaks headers": {answer: saysJSON(200, `{"access_token":"a\r\nX: y"}`), kind: client.Unreachable},
		"a token_type that breaks headers":    {answer: saysJSON(200, `{"access_token":"a","token_type":"B\n"}`), kind: client.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := requester(t, func(*mandate.FetchRequest, url.Values) *mandate.Response { return tc.answer })
			tok, err := r.ClientCredentials(t.Context(), client.Want{})
			if tc.ok != nil {
				if err != nil || tok.AccessToken != "at" || !tc.ok(tok) {
					t.Errorf("token = %+v, %v", tok, err)
				}
				return
			}
			e, ok := errors.AsType[*client.Error](err)
			if !ok || e.Kind != tc.kind || e.Code != tc.code || e.App != "test" || e.Status != tc.answer.Status || string(e.Body) != string(tc.answer.Body) {
				t.Errorf("error = %+v, want kind %q and code %q", err, tc.kind, tc.code)
			}
		})
	}
}

func TestErrorsThatAreNotThoseOfRFC6749(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]client.Error{
		`{"status":400,"message":"Invalid authorization code"}`:                    {Description: "Invalid authorization code"},
		`{"errorCode":"invalid_client","errorSummary":"Invalid value","x":[]}`:     {Code: mandate.InvalidClient, Description: "Invalid value"},
		`{"error":"slow","message":"later","errorCode":"x","errorSummary":"none"}`: {Code: "slow", Description: "later"},
	} {
		r := requester(t, func(*mandate.FetchRequest, url.Values) *mandate.Response { return saysJSON(400, body) })
		_, err := r.ClientCredentials(t.Context(), client.Want{})
		if e, ok := errors.AsType[*client.Error](err); !ok || e.Kind != client.Provider || e.Code != want.Code || e.Description != want.Description {
			t.Errorf("%s: error = %+v", body, err)
		}
	}
}

func TestAForcedContentType(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		forced string
		ok     bool
	}{"right": {"application/x-www-form-urlencoded", true}, "wrong": {"application/json", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := requester(t, func(*mandate.FetchRequest, url.Values) *mandate.Response {
				return says(200, "text/html", "access_token=at")
			},
				func(c *client.TokenConfig) { c.ContentType = tc.forced })
			if tok, err := r.ClientCredentials(t.Context(), client.Want{}); (err == nil) != tc.ok {
				t.Errorf("token = %+v, %v", tok, err)
			}
		})
	}
}

func TestMissingScopes(t *testing.T) {
	t.Parallel()
	tok := (&oauth2.Token{}).WithExtra(map[string]any{"scope": "b  a,c"})
	if got := client.MissingScopes(tok, "a", "x", "c"); len(got) != 1 || got[0] != "x" {
		t.Errorf("missing = %q, want x", got)
	}
	if client.Scopes(nil) != nil || client.Scopes(&oauth2.Token{}) != nil {
		t.Error("scopes of nothing")
	}
}

func FuzzAnswer(f *testing.F) {
	for _, body := range []string{granted, "access_token=at&expires=3600", `{"error":{"code":5}}`, `{"access_token":"at","expires_in":"1e400"}`, "\xef\xbb\xbf{}", "error=%ff", `{"active":true,"aud":["x",5],"exp":1e300}`, `{"device_code":"d","user_code":"u","verification_url":"v"}`} {
		for _, kind := range []string{"application/json", "application/x-www-form-urlencoded", "text/plain; charset=x", ""} {
			f.Add(200, kind, "", []byte(body))
			f.Add(400, kind, "application/json", []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, status int, kind, force string, body []byte) {
		r := requester(t, func(*mandate.FetchRequest, url.Values) *mandate.Response {
			return &mandate.Response{Status: status, Header: mandate.Fields{{Name: "Content-Type", Value: kind}}, Body: body}
		}, func(c *client.TokenConfig) { c.ContentType = force })
		tok, err := r.ClientCredentials(t.Context(), client.Want{})
		if (tok == nil) == (err == nil) {
			t.Fatalf("token %v, error %v", tok, err)
		}
		if err == nil {
			if status/100 != 2 || tok.AccessToken == "" || strings.ContainsAny(tok.Type()+tok.AccessToken+tok.RefreshToken, "\r\n\x00") || !tok.Expiry.IsZero() && tok.Expiry.Before(time.Now()) {
				t.Errorf("status %d made the token %+v", status, tok)
			}
			client.Scopes(tok)
		} else if strings.ContainsAny(err.Error(), "\r\n\x00") || len(err.Error()) > 4000 {
			t.Errorf("error = %q", err)
		}
		if d, err := r.Device(t.Context(), client.Want{}); err == nil && (d.DeviceCode == "" || d.UserCode == "" || d.VerificationURI == "" || d.Expiry.IsZero() || d.Interval < 0) {
			t.Errorf("device = %+v", d)
		}
		_, _ = r.Introspect(t.Context(), "t", "")
		_ = r.Revoke(t.Context(), tok)
	})
}

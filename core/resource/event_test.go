package resource_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header string
		need   mandate.Requirement
		want   string // name, client, subject, grant, code, and a part of the cause
		cause  string
	}{
		"let in":           {"Bearer good", mandate.Scope("profile"), "token.authenticated web ann g1 ", ""},
		"a scope lacks":    {"Bearer good", mandate.Scope("admin"), "token.refused web ann g1 insufficient_scope", `scope is "profile email", this route needs "admin"`},
		"a role lacks":     {"Bearer good", mandate.Role("lead"), "token.refused web ann g1 insufficient_scope", "role"},
		"a senseless rule": {"Bearer good", mandate.AnyScope(), "token.refused web ann g1 insufficient_scope", "a choice of no requirements"},
		"a weak sign-in":   {"Bearer good", mandate.ACR("gold"), "token.refused web ann g1 insufficient_user_authentication", `acr ["gold"]`},
		"for another API":  {"Bearer elsewhere", mandate.Scope(), "token.refused web ann g1 invalid_token", `aud is ["https://other.example.com"], this API is "https://api.example.com"`},
		"bound":            {"Bearer dpop", mandate.Scope(), "token.refused web ann g1 invalid_token", "cnf"},
		"unknown":          {"Bearer nobody", mandate.Scope(), "token.refused    invalid_token", "not in the store"},
		"malformed":        {"Bearer", mandate.Scope(), "token.refused    invalid_request", "RFC 6750"},
		"anonymous":        {"", mandate.Scope(), "token.refused    missing_authorization", "no credentials"},
		"foreign":          {"Basic eA==", mandate.Scope(), "token.refused    missing_authorization", "not Bearer"},
		"an outage":        {"Bearer outage", mandate.Scope(), "fault    temporarily_unavailable", "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []mandate.Event
			var line bytes.Buffer
			log := resource.LogRefusals(slog.New(slog.NewTextHandler(&line, nil)))
			g := newGuard(t, func(c *resource.Config) {
				c.Hooks.On = func(ctx context.Context, e mandate.Event) {
					got = append(got, e)
					log.On(ctx, e)
				}
			})
			g.Check(t.Context(), resource.Credentials{Authorization: tc.header}, g.Rule(tc.need, false))
			if len(got) != 1 {
				t.Fatalf("%d events, want 1", len(got))
			}
			e := got[0]
			code, cause := mandate.Code(""), ""
			if e.Err != nil {
				code, cause = mandate.AsError(e.Err).Code, fmt.Sprint(errors.Unwrap(e.Err))
			}
			if text := fmt.Sprint(e.Name, " ", e.ClientID, " ", e.Subject, " ", e.GrantID, " ", code); text != tc.want || !strings.Contains(cause, tc.cause) {
				t.Errorf("event %s, cause %q; want %s, %q", text, cause, tc.want, tc.cause)
			}
			if lines := strings.Count(line.String(), "\n"); (lines == 1) != (tc.cause != "") || !strings.Contains(strings.ReplaceAll(line.String(), `\"`, `"`), tc.cause) {
				t.Errorf("%d lines: %s, want one with %q", lines, line.String(), tc.cause)
			}
		})
	}
}

func TestFaultsOfUsers(t *testing.T) {
	t.Parallel()
	var line bytes.Buffer
	g := newGuard(t, func(c *resource.Config) {
		c.Hooks = resource.LogRefusals(slog.New(slog.NewTextHandler(&line, nil)))
	})
	_, err := g.User(t.Context(), mandate.NewToken(mandate.TokenInfo{Subject: "ann"}))
	if got := show(g.Refuse(t.Context(), err)); got != broken {
		t.Errorf("got\n%s\nwant\n%s", got, broken)
	}
	if !strings.Contains(line.String(), "Config.User is not set") || !strings.Contains(line.String(), "level=ERROR") {
		t.Errorf("log %q, want an error about Config.User", line.String())
	}
}

// TestCausesOfAudience covers what a guard says about aud where one side has none.
func TestCausesOfAudience(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		audience string
		token    []string
		want     string
	}{
		"the guard has none": {"", []string{"x"}, "set resource.Config.Audience"},
		"the token has none": {api, nil, "aud is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cause string
			g := newGuard(t, func(c *resource.Config) {
				c.Audience = tc.audience
				c.Verifiers = []resource.Verifier{opens{opened: resource.Opened{Verify: func(context.Context, string, time.Time) (*mandate.Token, error) {
					return mandate.NewToken(mandate.TokenInfo{ClientID: "c", Audience: tc.token}), nil
				}}}}
				c.Hooks.On = func(_ context.Context, e mandate.Event) { cause = fmt.Sprint(errors.Unwrap(e.Err)) }
			})
			_, resp := g.Check(t.Context(), resource.Credentials{Authorization: "Bearer x"}, g.Rule(mandate.Requirement{}, false))
			if show(resp) != invalid || !strings.Contains(cause, tc.want) {
				t.Errorf("%s, cause %q, want %q", show(resp), cause, tc.want)
			}
		})
	}
}

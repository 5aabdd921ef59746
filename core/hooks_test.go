package mandate_test

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
)

func TestJoinHooks(t *testing.T) {
	t.Parallel()
	var got []string
	note := func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
	type key struct{}
	named := func(name string, answer *mandate.Response) mandate.Hooks {
		return mandate.Hooks{
			Around: func(ctx context.Context, endpoint string) (context.Context, func(int, error)) {
				note("%s around %s", name, endpoint)
				return context.WithValue(ctx, key{}, name), func(status int, _ error) { note("%s end %d", name, status) }
			},
			BeforeWithSecrets: func(context.Context, string, *mandate.Request) *mandate.Response {
				note("%s before", name)
				return answer
			},
			After: func(context.Context, string, int, error) { note("%s after", name) },
			On:    func(_ context.Context, e mandate.Event) { note("%s %s", name, e.Name) },
		}
	}
	h := mandate.JoinHooks(mandate.Hooks{}, named("a", nil), named("b", &mandate.Response{Status: 429}), mandate.Hooks{}, named("c", nil))
	ctx, end := h.Around(t.Context(), "token")
	if ctx.Value(key{}) != "c" {
		t.Errorf("context is of %v, want of the last", ctx.Value(key{}))
	}
	if resp := h.BeforeWithSecrets(ctx, "token", nil); resp == nil || resp.Status != 429 {
		t.Errorf("answer = %+v", resp)
	}
	h.Tell(ctx, mandate.Event{Name: mandate.Fault})
	h.After(ctx, "token", 429, nil)
	end(429, nil)
	want := "a around token, b around token, c around token, a before, b before, a fault, b fault, c fault, a after, b after, c after, c end 429, b end 429, a end 429"
	if all := strings.Join(got, ", "); all != want {
		t.Errorf("hooks = %q, want %q", all, want)
	}
	if none := mandate.JoinHooks(mandate.Hooks{}, mandate.Hooks{}); none.Around != nil || none.BeforeWithSecrets != nil || none.After != nil || none.On != nil {
		t.Error("what nobody has set costs something")
	}
}

func TestLogHooks(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	plain := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	h := mandate.LogHooks(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: plain})))
	h.After(t.Context(), "token", 200, nil)
	h.Tell(t.Context(), mandate.Event{Name: mandate.ClientAuthenticated, ClientID: "web"})
	h.Tell(t.Context(), mandate.Event{Name: mandate.TokenIssued, ClientID: "web", Subject: "alice", GrantID: "g", Scopes: "read", Expires: time.Unix(0, 0).UTC()})
	h.Tell(t.Context(), mandate.Event{Name: mandate.RequestRefused, ClientID: "web", GrantType: "x", Err: mandate.Errorf(mandate.InvalidGrant, errors.New("it was used"), "no")})
	h.Tell(t.Context(), mandate.Event{Name: mandate.GrantReused, TokenID: "j", Endpoint: "token"})
	want := "level=INFO msg=token.issued client=web grant=g scope=read expires=1970-01-01T00:00:00.000Z\n" +
		"level=WARN msg=request.refused client=web grant_type=x err.code=invalid_grant err.description=no err.cause=\"it was used\"\n" +
		"level=ERROR msg=grant.reused endpoint=token jti=j\n"
	if out.String() != want {
		t.Errorf("log = %s\nwant %s", out.String(), want)
	}
	out.Reset()
	h = mandate.LogHooks(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: plain, Level: slog.LevelDebug})))
	h.After(t.Context(), "token", 400, mandate.Errorf(mandate.InvalidGrant, nil, ""))
	if got := out.String(); got != "level=DEBUG msg=answered endpoint=token status=400 err.code=invalid_grant\n" {
		t.Errorf("log = %s", got)
	}
}

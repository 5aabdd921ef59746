package mandate_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
)

func TestError(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("token endpoint: %w", mandate.Errorf(mandate.InvalidGrant, io.ErrUnexpectedEOF, "code %q is over", "x"))
	if !errors.Is(err, mandate.InvalidGrant) || errors.Is(err, mandate.InvalidClient) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the code is the sentinel and the cause is in the chain")
	}
	e := mandate.AsError(err)
	if e.Error() != "invalid_grant: code ?x? is over" {
		t.Errorf("Error() = %q: want code and description in the characters of RFC 6749, 5.2", e.Error())
	}
	if strings.Contains(e.Error(), "EOF") || !strings.Contains(e.LogValue().String(), "EOF") {
		t.Error("the cause is for the log alone")
	}
	if got := mandate.AsError(io.EOF); got.Code != mandate.ServerError || got.Description != "" || !errors.Is(got, io.EOF) {
		t.Errorf("AsError(no refusal) = %+v, want server_error without a text", got)
	}
	if got := mandate.AsError(fmt.Errorf("x: %w", mandate.AccessDenied)); got.Code != mandate.AccessDenied {
		t.Errorf("AsError(a code) = %+v", got)
	}
}

func TestCodeStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[mandate.Code]int{
		mandate.InvalidRequest: 400, mandate.InvalidClient: 400, mandate.InvalidGrant: 400, mandate.InvalidToken: 401,
		mandate.MissingAuthorization: 401, mandate.InsufficientScope: 403, mandate.InsufficientUserAuthentication: 401,
		mandate.ServerError: 500, mandate.TemporarilyUnavailable: 503, "something_else": 400,
	} {
		if got := code.Status(); got != want {
			t.Errorf("%s.Status() = %d, want %d", code, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain text": "plain text", "a\r\nSet-Cookie: x": "a??Set-Cookie: x", `say "hi"\`: "say ?hi??", "ü\x00\x7f\xff": "????", "": "",
	} {
		if got := mandate.Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

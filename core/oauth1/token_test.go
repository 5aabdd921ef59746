package oauth1_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
)

func TestParseIssued(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want oauth1.Issued
	}{
		"temporary credentials (RFC 5849, 2.1)": {
			"oauth_token=hdk48Djdsa&oauth_token_secret=xyz4992k83j47x0b&oauth_callback_confirmed=true",
			oauth1.Issued{Token: "hdk48Djdsa", Secret: "xyz4992k83j47x0b", CallbackConfirmed: true},
		},
		"token credentials (RFC 5849, 2.3)": {
			"oauth_token=j49ddk933skd9dks&oauth_token_secret=ll399dj47dskfjdk\n", oauth1.Issued{Token: "j49ddk933skd9dks", Secret: "ll399dj47dskfjdk"},
		},
		"more, encoded": {
			"oauth_token=a%2Bb+c&oauth_token_secret=&user_id=1&screen_name=%C3%BC&oauth_token=second",
			oauth1.Issued{Token: "a+b c", Extra: mandate.Params{{Name: "user_id", Value: "1"}, {Name: "screen_name", Value: "ü"}}},
		},
		"JSON": {
			` {"oauth_token":"t","oauth_token_secret":"s","oauth_callback_confirmed":true,"other":{"a":1}}`,
			oauth1.Issued{Token: "t", Secret: "s", CallbackConfirmed: true},
		},
		"JSON with a number": {`{"oauth_token":"t","user_id":12345678901234567890}`, oauth1.Issued{Token: "t", Extra: mandate.Params{{Name: "user_id", Value: "12345678901234567890"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := oauth1.ParseIssued(200, tc.body); !reflect.DeepEqual(got, tc.want) || err != nil {
				t.Errorf("ParseIssued() = %+v, %v, want %+v", got, err, tc.want)
			}
		})
	}
}

func TestParseIssuedRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status     int
		body       string
		code       mandate.Code
		parameters []string
		text       string
	}{
		"a problem":           {401, "oauth_problem=token_rejected&oauth_problem_advice=Ask+again", oauth1.TokenRejected, nil, "Ask again"},
		"a problem with 200":  {200, "oauth_problem=permission_denied&oauth_token=t", oauth1.PermissionDenied, nil, ""},
		"what is missing":     {400, "oauth_problem=parameter_absent&oauth_parameters_absent=oauth_nonce%26oauth_token", oauth1.ParameterAbsent, []string{"oauth_nonce", "oauth_token"}, ""},
		"an error in a form":  {400, "error=invalid_request&error_description=Missing", mandate.ServerError, nil, "Missing"},
		"an error in JSON":    {401, `{"error":"invalid_client"}`, mandate.ServerError, nil, "invalid_client"},
		"HTML":                {503, "<html>%</html>", mandate.ServerError, nil, ""},
		"hostile characters":  {401, "oauth_problem=a%0Ab%22", "a?b?", nil, ""},
		"credentials and 500": {500, "oauth_token=t&oauth_token_secret=s", mandate.ServerError, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := oauth1.ParseIssued(tc.status, tc.body)
			e, ok := errors.AsType[*oauth1.Error](err)
			if !ok || e.Code != tc.code || !slices.Equal(e.Parameters, tc.parameters) || !strings.Contains(e.Description, tc.text) || got.Token != "" {
				t.Errorf("ParseIssued() = %+v, %#v, want %s %q %q", got, err, tc.code, tc.parameters, tc.text)
			}
		})
	}
	for name, body := range map[string]string{
		"nothing": "", "no token": "oauth_token_secret=s", "broken": "oauth_token=%", "JSON that breaks off": `{"oauth_token":`, "too much": "oauth_token=" + strings.Repeat("x", 1<<17),
	} {
		if got, err := oauth1.ParseIssued(200, body); err == nil || got.Token != "" {
			t.Errorf("ParseIssued() of %s = %+v, %v, want an error", name, got, err)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("the secret is hush")
	e := oauth1.Errorf(oauth1.NonceUsed, cause, "nonce %q", "n")
	if got := e.Error(); got != `nonce_used: nonce ?n?` || !errors.Is(e, cause) || !errors.Is(e, oauth1.NonceUsed) || e.Status() != 401 {
		t.Errorf("Errorf() = %q", got)
	}
	if m, ok := errors.AsType[*mandate.Error](error(e)); !ok || m.Code != oauth1.NonceUsed || !errors.Is(m.Cause, cause) {
		t.Errorf("as a *mandate.Error: %v", m)
	}
	for code, want := range map[mandate.Code]int{
		oauth1.ParameterAbsent: 400, oauth1.ParameterRejected: 400, oauth1.VersionRejected: 400, oauth1.SignatureMethodRejected: 400,
		oauth1.SignatureInvalid: 401, oauth1.TimestampRefused: 401, oauth1.ConsumerKeyUnknown: 401, oauth1.TokenRejected: 401, oauth1.PermissionDenied: 401,
		mandate.ServerError: 500, mandate.TemporarilyUnavailable: 503,
	} {
		if got := oauth1.Status(code); got != want {
			t.Errorf("Status(%s) = %d, want %d", code, got, want)
		}
	}
	for _, tc := range []struct {
		e    oauth1.Error
		want mandate.Params
	}{
		{oauth1.Error{Code: oauth1.ParameterAbsent, Parameters: []string{"oauth_token", "oauth_nonce"}}, mandate.Params{{Name: "oauth_problem", Value: "parameter_absent"}, {Name: "oauth_parameters_absent", Value: "oauth_token&oauth_nonce"}}},
		{oauth1.Error{Code: oauth1.ParameterRejected, Parameters: []string{"oauth_x"}, Description: "no"}, mandate.Params{{Name: "oauth_problem", Value: "parameter_rejected"}, {Name: "oauth_parameters_rejected", Value: "oauth_x"}, {Name: "oauth_problem_advice", Value: "no"}}},
		{oauth1.Error{Code: oauth1.VersionRejected}, mandate.Params{{Name: "oauth_problem", Value: "version_rejected"}, {Name: "oauth_acceptable_versions", Value: "1.0-1.0"}}},
		{oauth1.Error{Code: oauth1.ParameterRejected}, mandate.Params{{Name: "oauth_problem", Value: "parameter_rejected"}}},
	} {
		if got := tc.e.Problem(); !slices.Equal(got, tc.want) {
			t.Errorf("Problem() = %v, want %v", got, tc.want)
		}
	}
}

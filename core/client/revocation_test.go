package client_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

func TestRevocationInAnotherWay(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		url  string
		err  error
		res  *mandate.Response
		sent string
		want error
	}{
		"below the API":        {url: "tokens/at", res: says(204, "", ""), sent: "https://api.example.com/v2/tokens/at"},
		"elsewhere":            {url: "https://id.example.com/x?t=at", res: saysJSON(200, "null"), sent: "https://id.example.com/x?t=at"},
		"refused":              {url: "tokens/at", res: saysJSON(404, `{"message":"no"}`), sent: "https://api.example.com/v2/tokens/at", want: client.Provider},
		"unreachable":          {url: "tokens/at", sent: "https://api.example.com/v2/tokens/at", want: client.Unreachable},
		"failing":              {err: boom, want: boom},
		"to a URL that is bad": {url: "http://id.example.com/?t=at", want: client.Fault},
		"to no URL":            {url: "https://%zz/?t=at", want: client.Fault},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := plain("one")
			app.APIURL, app.RevocationURL = "https://api.example.com/v2", "https://id.example.com/unused"
			app.RevocationRequest = func(c client.Credentials, tok *oauth2.Token) (*mandate.FetchRequest, error) {
				if c.ID != "us" || tok.AccessToken != "at" {
					t.Errorf("asked with %v, %q", c, tok.AccessToken)
				}
				return &mandate.FetchRequest{Method: "DELETE", URL: tc.url}, tc.err
			}
			var sent *mandate.FetchRequest
			reg := newRegistry(t, client.Config{Apps: []client.App{app}, Fetcher: server(func(r *mandate.FetchRequest, _ url.Values) *mandate.Response {
				sent = r
				return tc.res
			})})
			err := reg.App("one").Requester().Revoke(t.Context(), &oauth2.Token{AccessToken: "at", RefreshToken: "rt"})
			if !errors.Is(err, tc.want) {
				t.Errorf("error = %v, want %v", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "t=at") {
				t.Errorf("the error shows the URL: %v", err)
			}
			switch {
			case tc.sent == "" && sent != nil:
				t.Errorf("sent to %s", sent.URL)
			case tc.sent != "" && (sent == nil || sent.URL != tc.sent || sent.Method != http.MethodDelete || sent.Trust != mandate.Operator || sent.Purpose != "revocation"):
				t.Errorf("sent %+v, want it to %s", sent, tc.sent)
			}
		})
	}
}

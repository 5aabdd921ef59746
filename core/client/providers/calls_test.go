package providers_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/client/providers"
)

// trip is an http.RoundTripper that is asked nothing else.
type trip func(r *http.Request)

func (t trip) RoundTrip(r *http.Request) (*http.Response, error) {
	t(r)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// Each call of an API carries what the provider demands, not the profile's alone.
func TestCalls(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		app    client.OAuth2
		header http.Header // of the application
		url    string
		want   map[string]string
	}{
		"of Weibo":                  {app: providers.Weibo(creds), url: "https://api.weibo.com/2/me?q=1", want: map[string]string{"Authorization": "OAuth2 at"}},
		"of QQ":                     {app: providers.QQ(creds), url: "https://graph.qq.com/me?access_token=at&q=1", want: map[string]string{"Authorization": ""}},
		"of GitHub":                 {app: providers.GitHub(creds), url: "https://api.github.com/me?q=1", want: map[string]string{"Authorization": "Bearer at", "X-GitHub-Api-Version": "2022-11-28"}},
		"of GitHub's other version": {app: providers.GitHub(creds), header: http.Header{"X-Github-Api-Version": {"2099-01-01"}}, url: "https://api.github.com/me?q=1", want: map[string]string{"X-GitHub-Api-Version": "2099-01-01"}},
		"of Notion":                 {app: providers.Notion(creds), url: "https://api.notion.com/v1/me?q=1", want: map[string]string{"Notion-Version": "2026-03-11"}},
		"of Notion's other version": {app: providers.Notion(creds), header: http.Header{"Notion-Version": {"2022-06-28"}}, url: "https://api.notion.com/v1/me?q=1", want: map[string]string{"Notion-Version": "2022-06-28"}},
		"of Reddit":                 {app: providers.Reddit("web:shop:v1", creds), url: "https://oauth.reddit.com/me?q=1", want: map[string]string{"User-Agent": "web:shop:v1"}},
		"of Facebook": {
			app: providers.Facebook(client.Credentials{ID: "us", Secret: "key"}),
			url: "https://graph.facebook.com/v25.0/me?appsecret_proof=" + proofOfAt + "&q=1", want: map[string]string{"Authorization": "Bearer at"},
		},
		"of Facebook without a secret": {app: providers.Facebook(client.Credentials{ID: "us"}), url: "https://graph.facebook.com/v25.0/me?q=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *http.Request
			api, err := client.NewAPI(client.APIConfig{
				BaseURL: tc.app.APIURL, Before: tc.app.BeforeCall, Base: trip(func(r *http.Request) { got = r }),
			})
			if err != nil {
				t.Fatal(err)
			}
			source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "at"})
			if _, err := api.With(source).Do(t.Context(), client.Call{URL: "me?q=1", Header: tc.header}); err != nil {
				t.Fatal(err)
			}
			if got.URL.String() != tc.url {
				t.Errorf("URL = %s, want %s", got.URL, tc.url)
			}
			for name, want := range tc.want {
				if value := strings.Join(got.Header.Values(name), "|"); value != want {
					t.Errorf("%s = %q, want %q", name, value, want)
				}
			}
		})
	}
}

// proofOfAt is what openssl dgst -sha256 -hmac key makes of "at".
const proofOfAt = "bf2f1aa3988597cd9186d7e02bbbc6bd9d5f0be1ab2789942ddc5f531f1e8490"

package client_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

func TestHowParametersAreSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		encoding                client.Encoding
		tokenURL                string
		method, url, kind, body string
	}{
		"as a form":                  {method: "POST", url: "https://id.test/token", kind: "application/x-www-form-urlencoded", body: "a=1+%26&b=2&b=3&client_id=id&client_secret=secret"},
		"in the query":               {encoding: client.EncodeQuery, method: "GET", url: "https://id.test/token?a=1+%26&b=2&b=3&client_id=id&client_secret=secret"},
		"in a query that is there":   {encoding: client.EncodeQuery, tokenURL: "https://id.test/token?v=2", method: "GET", url: "https://id.test/token?v=2&a=1+%26&b=2&b=3&client_id=id&client_secret=secret"},
		"as JSON, and lists as such": {encoding: client.EncodeJSON, method: "POST", url: "https://id.test/token", kind: "application/json", body: `{"a":"1 \u0026","b":["2","3"],"client_id":"id","client_secret":"secret"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *mandate.FetchRequest
			r := requester(t, func(r *mandate.FetchRequest, _ url.Values) *mandate.Response {
				got = r
				return saysJSON(200, granted)
			}, func(c *client.TokenConfig) {
				c.Encoding, c.Credentials.Method = tc.encoding, client.MethodPost
				if tc.tokenURL != "" {
					c.TokenURL = tc.tokenURL
				}
			})
			if _, err := r.Token(t.Context(), url.Values{"a": {"1 &"}, "b": {"2", "3"}}); err != nil {
				t.Fatal(err)
			}
			if kind := got.Header.Get("Content-Type"); got.Method != tc.method || got.URL != tc.url || kind != tc.kind || got.Body != tc.body {
				t.Errorf("sent %s %s, %q: %s", got.Method, got.URL, kind, got.Body)
			}
		})
	}
}

func TestAnEncodingThatIsNone(t *testing.T) {
	t.Parallel()
	_, err := client.NewTokenRequester(client.TokenConfig{TokenURL: "https://id.test/token", Credentials: client.Credentials{ID: "id"}, Encoding: "xml"})
	if err == nil || !strings.Contains(err.Error(), `TokenConfig.Encoding is "xml"`) {
		t.Errorf("error = %v", err)
	}
	app := plain("one")
	app.TokenEncoding = "xml"
	_, err = client.NewRegistry(client.Config{BaseURL: "https://app.example.com", Secret: mandate.NewRandomSecret(), Apps: []client.App{app}})
	if err == nil || !strings.Contains(err.Error(), `TokenEncoding is "xml"`) {
		t.Errorf("error = %v", err)
	}
}

func TestAnAnswerInAWayOfItsOwn(t *testing.T) {
	t.Parallel()
	r := requester(t, func(*mandate.FetchRequest, url.Values) *mandate.Response {
		return says(200, "text/html", `callback( {"error":100019,"error_description":"no"} );`)
	}, func(c *client.TokenConfig) {
		c.Answer = func(res *mandate.Response) {
			res.Body = []byte(strings.TrimSuffix(strings.TrimPrefix(string(res.Body), "callback( "), " );"))
		}
	})
	_, err := r.ClientCredentials(t.Context(), client.Want{})
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Kind != client.Provider || e.Code != "100019" || e.Description != "no" {
		t.Errorf("error = %+v", err)
	}
}

func TestANoThatIsNoError(t *testing.T) {
	t.Parallel()
	app := plain("one")
	app.Declined = func(answer mandate.Params) bool { return answer.Get("usercancel") == "1" }
	for name, tc := range map[string]struct {
		answer url.Values
		kind   client.Kind
	}{
		"a no":                    {url.Values{"usercancel": {"1"}}, client.Denied},
		"a no with another error": {url.Values{"usercancel": {"1"}, "error": {"user_error"}}, client.Denied},
		"an error":                {url.Values{"error": {"server_error"}}, client.Provider},
		"nothing":                 {url.Values{}, client.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := through(t, app, nil, tc.answer); !errors.Is(err, tc.kind) {
				t.Errorf("error = %v, want %q", err, tc.kind)
			}
		})
	}
}

package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// calling returns an API that base answers.
func calling(tb testing.TB, base roundTrip, change ...func(*client.APIConfig)) *client.API {
	tb.Helper()
	c := client.APIConfig{App: "test", BaseURL: "https://api.test/v2", Base: base}
	for _, f := range change {
		f(&c)
	}
	a, err := client.NewAPI(c)
	if err != nil {
		tb.Fatal(err)
	}
	return a.With(static())
}

func answering(status int, contentType, body string) roundTrip {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func TestWhatCallsSend(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		call func(context.Context, *client.API) (*client.Response, error)
		want string // method, URL, content type, body
	}{
		"a relative URL stays in the base's folder": {func(ctx context.Context, a *client.API) (*client.Response, error) {
			return a.Get(ctx, "me?x=1", url.Values{"q": {"a b"}})
		}, "GET https://api.test/v2/me?x=1&q=a+b  "},
		"a URL from the root": {func(ctx context.Context, a *client.API) (*client.Response, error) { return a.Get(ctx, "/me", nil) }, "GET https://api.test/me  "},
		"an absolute URL": {func(ctx context.Context, a *client.API) (*client.Response, error) {
			return a.Get(ctx, "https://api.test/z", nil)
		}, "GET https://api.test/z  "},
		"a form": {func(ctx context.Context, a *client.API) (*client.Response, error) {
			return a.Post(ctx, "x", url.Values{"a": {"1 2"}})
		}, "POST https://api.test/v2/x application/x-www-form-urlencoded a=1+2"},
		"JSON": {func(ctx context.Context, a *client.API) (*client.Response, error) {
			return a.Put(ctx, "x", map[string]int{"a": 1})
		}, `PUT https://api.test/v2/x application/json {"a":1}`},
		"bytes": {func(ctx context.Context, a *client.API) (*client.Response, error) {
			return a.Patch(ctx, "x", []byte("raw"))
		}, "PATCH https://api.test/v2/x application/octet-stream raw"},
		"a text of a type": {func(ctx context.Context, a *client.API) (*client.Response, error) {
			return a.Do(ctx, client.Call{Method: "post", URL: "x", Body: "<a/>", ContentType: "text/xml"})
		}, "POST https://api.test/v2/x text/xml <a/>"},
		"a stream, with a header of its own": {func(ctx context.Context, a *client.API) (*client.Response, error) {
			return a.Do(ctx, client.Call{Method: "POST", URL: "x", Body: io.LimitReader(strings.NewReader("stream"), 3), Header: http.Header{"content-type": {"image/png"}}})
		}, "POST https://api.test/v2/x image/png str"},
		"a deletion": {func(ctx context.Context, a *client.API) (*client.Response, error) { return a.Delete(ctx, "x") }, "DELETE https://api.test/v2/x  "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := calling(t, func(r *http.Request) (*http.Response, error) {
				var body []byte
				if r.Body != nil {
					body, _ = io.ReadAll(r.Body)
				}
				if r.Header.Get("Authorization") != "Bearer at" || r.Header.Get("X-Api") != "1" {
					t.Errorf("header = %v", r.Header)
				}
				return answering(200, "text/plain", fmt.Sprintf("%s %s %s %s", r.Method, r.URL, r.Header.Get("Content-Type"), body))(r)
			}, func(c *client.APIConfig) { c.Header = http.Header{"X-Api": {"1"}} })
			res, err := tc.call(t.Context(), a)
			if err != nil || string(res.Raw) != tc.want {
				t.Errorf("got %+v, %v, want %q", res, err, tc.want)
			}
		})
	}
	for name, call := range map[string]client.Call{"no URL": {URL: "://?secret"}, "no method": {Method: "a b"}, "no JSON": {Body: func() {}}} {
		if _, err := calling(t, nil).Do(t.Context(), call); !errors.Is(err, client.Fault) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error = %v, want %v", name, err, client.Fault)
		}
	}
}

const xxe = `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "boom">]><r>%s</r>`

func TestData(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		contentType, force, body string
		want                     any // nil: unreadable
	}{
		"JSON":                      {contentType: "application/json", body: `{"id":12345678901234567890}`, want: map[string]any{"id": json.Number("12345678901234567890")}},
		"JSON of its own type":      {contentType: "application/problem+json; charset=utf-8", body: `[1]`, want: []any{json.Number("1")}},
		"JSON as JavaScript":        {contentType: "text/javascript", body: `true`, want: true},
		"no type":                   {body: `"x"`, want: "x"},
		"a forced type":             {contentType: "text/html", force: "application/json", body: `"x"`, want: "x"},
		"broken JSON":               {contentType: "application/json", body: `{"a":`},
		"JSON in Latin-1":           {contentType: "application/json; charset=ISO-8859-1", body: "\"\xe9\"", want: "é"},
		"JSON in something else":    {contentType: "application/json; charset=koi8-r", body: `"x"`},
		"a form":                    {contentType: "application/x-www-form-urlencoded", body: "a=1&a=2", want: url.Values{"a": {"1", "2"}}},
		"a broken form":             {contentType: "application/x-www-form-urlencoded", body: "a=%zz"},
		"XML":                       {contentType: "text/xml", body: `<r a="1">x<c/></r>`, want: "r 1 x c"},
		"broken XML":                {contentType: "application/xml", body: `<r>`},
		"an external entity":        {contentType: "application/xml", body: fmt.Sprintf(xxe, "&x;")},
		"an entity of the document": {contentType: "application/atom+xml", body: fmt.Sprintf(xxe, "&y;")},
		"XML without end":           {contentType: "application/xml", body: strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100)},
		"anything else":             {contentType: "image/png", body: "\x89PNG", want: []byte("\x89PNG")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, err := calling(t, answering(200, tc.contentType, tc.body), func(c *client.APIConfig) { c.ContentType = tc.force }).Get(t.Context(), "", nil)
			if err != nil || string(res.Raw) != tc.body {
				t.Fatalf("response = %+v, %v", res, err)
			}
			got, err := res.Data()
			if tc.want == nil {
				if !errors.Is(err, client.Unreadable) {
					t.Errorf("data = %v, %v, want %v", got, err, client.Unreadable)
				}
				return
			}
			if e, ok := got.(*client.Element); ok && len(e.Attrs) == 1 && len(e.Children) == 1 {
				got = e.XMLName.Local + " " + e.Attrs[0].Value + " " + e.Text + " " + e.Children[0].XMLName.Local
			}
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("data = %#v, %v, want %#v", got, err, tc.want)
			}
		})
	}
	res, err := calling(t, answering(200, "application/json", "")).Get(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := res.Data(); data != nil || err != nil {
		t.Errorf("data of nothing = %v, %v", data, err)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	res, err := calling(t, answering(200, "application/json", `{"id":5}`)).Get(ctx, "", nil)
	var user struct{ ID int }
	if err != nil || res.Decode(&user) != nil || user.ID != 5 {
		t.Errorf("user = %+v, %v", user, err)
	}
	res, err = calling(t, answering(404, "application/json", `{"error":"not_found","error_description":"no such thing"}`)).Get(ctx, "", nil)
	if err != nil || res.Status != 404 || res.OK() {
		t.Fatalf("response = %+v, %v", res, err)
	}
	e, ok := errors.AsType[*client.Error](res.Decode(&user))
	if !ok || e.Kind != client.BadStatus || e.Status != 404 || e.Code != "not_found" || e.App != "test" || e.Description != "no such thing" {
		t.Errorf("error = %+v", e)
	}
	var m map[string]string
	if err := res.Read(&m); err != nil || m["error"] != "not_found" {
		t.Errorf("an error's body = %v, %v", m, err)
	}
	res, err = calling(t, answering(200, "application/x-www-form-urlencoded", "a=1")).Get(ctx, "", nil)
	if err != nil || res.Read(&m) != nil || m["a"] != "1" {
		t.Errorf("form = %v, %v", m, err)
	}
	if err := res.Read(&user); !errors.Is(err, client.Unreadable) {
		t.Errorf("a form in a struct: error = %v", err)
	}
	var text string
	if err := res.Read(&text); err != nil || text != "a=1" {
		t.Errorf("text = %q, %v", text, err)
	}
}

func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	a := calling(t, answering(200, "text/plain", "123456"), func(c *client.APIConfig) { c.MaxBytes = 5 })
	if _, err := a.Get(t.Context(), "", nil); !errors.Is(err, client.Unreachable) {
		t.Errorf("error = %v, want %v", err, client.Unreachable)
	}
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		hung := roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		if _, err := calling(t, hung).Get(t.Context(), "", nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 30*time.Second {
			t.Errorf("error = %v after %v", err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := calling(t, hung).Get(ctx, "", nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 31*time.Second {
			t.Errorf("error = %v after %v", err, time.Since(begun))
		}
	})
}

func TestFaultsOfAnAPIAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := client.NewAPI(client.APIConfig{BaseURL: "http://api.example.com", Allowed: []string{"x"}, Timeout: -1})
	for _, want := range []string{"BaseURL", "Allowed", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), "APIConfig."+want) {
			t.Errorf("error = %v, want one that names %s", err, want)
		}
	}
}

func TestARegisteredAppCalls(t *testing.T) {
	t.Parallel()
	app := client.OAuth2{
		Name: "test", Credentials: client.Credentials{ID: "id"}, AuthURL: "https://id.test/a", TokenURL: "https://id.test/token", APIURL: "https://api.test/",
	}
	bare := app
	bare.Name, bare.APIURL = "bare", ""
	srv := &rotating{}
	reg, err := client.NewRegistry(client.Config{
		BaseURL: "https://app.test", Secret: mandate.NewRandomSecret(), Tokens: &rows{}, Apps: []client.App{app, bare}, Fetcher: server(srv.answer),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	r := reg.App("test")
	if err := r.Keep(ctx, "ada", old()); err != nil {
		t.Fatal(err)
	}
	wantToken(t, r.Source("ada"), "t1")
	if _, err := r.API("bob").Get(ctx, "", nil); !errors.Is(err, client.NoToken) {
		t.Errorf("error = %v, want %v", err, client.NoToken)
	}
	if err := r.Disconnect(ctx, "ada"); err != nil {
		t.Errorf("an app without a revocation endpoint: %v", err)
	}
	if _, err := r.Source("ada").Token(); !errors.Is(err, client.NoToken) {
		t.Errorf("error = %v, want %v", err, client.NoToken)
	}
	if _, err := reg.App("bare").API("ada").Get(ctx, "", nil); !errors.Is(err, client.Fault) || !strings.Contains(err.Error(), "APIURL") {
		t.Errorf("error = %v, want one that names APIURL", err)
	}
	none := reg.App("none")
	if _, err := none.API("ada").Get(ctx, "", nil); !errors.Is(err, client.Fault) {
		t.Errorf("error = %v, want %v", err, client.Fault)
	}
	if err := none.Keep(ctx, "ada", old()); !errors.Is(err, client.Fault) {
		t.Errorf("error = %v, want %v", err, client.Fault)
	}
	if res, err := none.API("ada").HTTP().Get("https://api.test"); !errors.Is(err, client.Fault) { //nolint:noctx // it is not sent
		_ = res.Body.Close()
		t.Errorf("error = %v, want %v", err, client.Fault)
	}
}

// Errors hold 64 KiB of an answer at most, as they say: they end up in logs and in memory.
func TestErrorsHoldABoundedBody(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]client.Kind{500: client.BadStatus, 200: client.Unreadable} {
		res, err := calling(t, answering(status, "application/json", strings.Repeat("x", 1<<20))).Get(t.Context(), "x", nil)
		if err != nil {
			t.Fatal(err)
		}
		err = res.Decode(new(any))
		if e, ok := errors.AsType[*client.Error](err); !ok || e.Kind != kind || len(e.Body) != 64<<10 || len(res.Raw) != 1<<20 {
			t.Errorf("%d: error = %v", status, err)
		}
	}
}

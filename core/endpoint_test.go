package mandate_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
)

func TestEndpointServe(t *testing.T) {
	t.Parallel()
	handle := func(_ context.Context, r *mandate.Request) *mandate.Response {
		return &mandate.Response{Status: 200, Header: mandate.Fields{{"X-Method", r.Method}}, Body: []byte("body")}
	}
	page := &mandate.Endpoint{Methods: []string{"GET", "POST"}, Handle: handle}
	script := &mandate.Endpoint{Methods: []string{"POST"}, CORS: true, Handle: handle}
	document := &mandate.Endpoint{Methods: []string{"GET"}, CORS: true, Handle: handle}
	preflight := http.Header{"Origin": {"https://spa"}, "Access-Control-Request-Method": {"POST"}}
	cors := mandate.Fields{{"Access-Control-Allow-Origin", "*"}, {"Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce, Retry-After"}}
	for name, tc := range map[string]struct {
		e      *mandate.Endpoint
		method string
		header http.Header
		big    bool
		want   mandate.Response
	}{
		"its method":           {e: page, method: "POST", want: mandate.Response{Status: 200, Header: mandate.Fields{{"X-Method", "POST"}}, Body: []byte("body")}},
		"HEAD is GET, no body": {e: page, method: "HEAD", want: mandate.Response{Status: 200, Header: mandate.Fields{{"X-Method", "GET"}, {"Content-Length", "4"}}}},
		"another method":       {e: page, method: "PUT", want: mandate.Response{Status: 405, Header: mandate.Fields{{"Allow", "GET, HEAD, POST"}}}},
		"HEAD without GET":     {e: script, method: "HEAD", want: mandate.Response{Status: 405, Header: append(mandate.Fields{{"Allow", "POST, OPTIONS"}}, cors...)}},
		"preflight": {e: script, method: "OPTIONS", header: preflight, want: mandate.Response{Status: 204, Header: mandate.Fields{
			{"Access-Control-Allow-Origin", "*"},
			{"Access-Control-Allow-Methods", "POST, OPTIONS"},
			{"Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP, MCP-Protocol-Version"},
			{"Access-Control-Max-Age", "86400"},
		}}},
		"preflight without CORS":        {e: page, method: "OPTIONS", header: preflight, want: mandate.Response{Status: 405, Header: mandate.Fields{{"Allow", "GET, HEAD, POST"}}}},
		"OPTIONS that is no preflight":  {e: script, method: "OPTIONS", want: mandate.Response{Status: 405, Header: append(mandate.Fields{{"Allow", "POST, OPTIONS"}}, cors...)}},
		"a script's POST":               {e: script, method: "POST", header: preflight, want: mandate.Response{Status: 200, Header: append(mandate.Fields{{"X-Method", "POST"}}, cors...), Body: []byte("body")}},
		"a POST without Origin":         {e: script, method: "POST", want: mandate.Response{Status: 200, Header: mandate.Fields{{"X-Method", "POST"}}, Body: []byte("body")}},
		"a document that caches keep":   {e: document, method: "GET", want: mandate.Response{Status: 200, Header: append(mandate.Fields{{"X-Method", "GET"}}, cors...), Body: []byte("body")}},
		"a body over the limit":         {e: page, method: "POST", big: true, want: mandate.Response{Status: 413, Header: mandate.Fields{{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, Body: []byte(`{"error":"invalid_request","error_description":"request body is too large"}`)}},
		"a big body of a wrong method":  {e: page, method: "DELETE", big: true, want: mandate.Response{Status: 405, Header: mandate.Fields{{"Allow", "GET, HEAD, POST"}}}},
		"a method in lower case is not": {e: page, method: "post", want: mandate.Response{Status: 405, Header: mandate.Fields{{"Allow", "GET, HEAD, POST"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := tc.header
			if header == nil {
				header = http.Header{}
			}
			got := tc.e.Serve(t.Context(), &mandate.Request{Method: tc.method, Header: header, Oversized: tc.big})
			if got.Status != tc.want.Status || !slices.Equal(got.Header, tc.want.Header) || string(got.Body) != string(tc.want.Body) {
				t.Errorf("Serve = %+v, want %+v", *got, tc.want)
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	if got := (&mandate.Endpoint{}).BodyLimit(); got != 64<<10 {
		t.Errorf("default limit = %d, want 64 KiB", got)
	}
	if got := (&mandate.Endpoint{Limit: 7}).BodyLimit(); got != 7 {
		t.Errorf("limit = %d, want 7", got)
	}
}

func TestResponseWith(t *testing.T) {
	t.Parallel()
	r := &mandate.Response{Header: make(mandate.Fields, 1, 4)}
	a, b := r.With("A", "1"), r.With("B", "2")
	if len(r.Header) != 1 || a.Header.Get("A") != "1" || a.Header.Get("B") != "" || b.Header.Get("b") != "2" {
		t.Errorf("With changed what it was called on: %v %v %v", r.Header, a.Header, b.Header)
	}
	if got := a.With("a", "3").Header.Values("A"); len(got) != 2 {
		t.Errorf("Values = %q, want both lines", got)
	}
}

package nethttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
)

func TestServeReadsAndRestoresTheBody(t *testing.T) {
	t.Parallel()
	const limit = 1000
	long := strings.Repeat("0123456789", 100)
	broken := errors.New("connection reset")
	for name, tc := range map[string]struct {
		body      io.Reader
		length    int64
		want      string // what the endpoint sees
		oversized bool
		status    int    // other than 200
		again     string // what a later handler reads
		err       error  // and how that ends
	}{
		"no body":                          {body: http.NoBody},
		"a body of known length":           {body: strings.NewReader("a=b"), length: 3, want: "a=b", again: "a=b"},
		"a body of unknown length":         {body: strings.NewReader("a=b"), length: -1, want: "a=b", again: "a=b"},
		"a body that comes byte by byte":   {body: iotest.OneByteReader(strings.NewReader(long)), length: -1, want: long, again: long},
		"an end that comes with the data":  {body: iotest.DataErrReader(strings.NewReader(long)), length: limit, want: long, again: long},
		"more than it says":                {body: strings.NewReader(long), length: 3, want: long, again: long},
		"less than it says":                {body: strings.NewReader("a=b"), length: limit, want: "a=b", again: "a=b"},
		"exactly the limit":                {body: strings.NewReader(long), length: -1, want: long, again: long},
		"a byte over the limit":            {body: strings.NewReader(long + "x"), length: -1, oversized: true, again: long + "x"},
		"far over the limit":               {body: strings.NewReader(long + long), length: -1, oversized: true, again: long + long},
		"over the limit by its own words":  {body: strings.NewReader(long + long), length: 2 * limit, oversized: true, again: long + long},
		"a limit of the application":       {body: http.MaxBytesReader(nil, io.NopCloser(strings.NewReader(long)), 10), length: -1, oversized: true, again: long[:10], err: &http.MaxBytesError{}},
		"a body that breaks off":           {body: io.MultiReader(strings.NewReader("a="), iotest.ErrReader(broken)), length: -1, status: 400, again: "a=", err: broken},
		"a body that breaks off, silently": {body: io.MultiReader(strings.NewReader("a="), iotest.ErrReader(io.ErrUnexpectedEOF)), length: 9, status: 400, again: "a=", err: io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *mandate.Request
			e := &mandate.Endpoint{Origin: "https://id.example.com", Path: "/token", Methods: []string{"POST"}, Limit: limit, Handle: func(_ context.Context, r *mandate.Request) *mandate.Response {
				got = r
				return &mandate.Response{Status: 200}
			}}
			r := httptest.NewRequest(http.MethodPost, "/token?x=y", tc.body)
			r.ContentLength = tc.length
			resp := nethttp.Serve(t.Context(), e, r)
			again, err := io.ReadAll(r.Body)
			if string(again) != tc.again {
				t.Errorf("read again: %d bytes, want %d", len(again), len(tc.again))
			}
			_, wantTooLarge := errors.AsType[*http.MaxBytesError](tc.err)
			_, tooLarge := errors.AsType[*http.MaxBytesError](err)
			if tooLarge != wantTooLarge || !tooLarge && !errors.Is(err, tc.err) {
				t.Errorf("read again: error %v, want %v", err, tc.err)
			}
			want := map[bool]int{false: 200, true: 413}[tc.oversized]
			if tc.status != 0 {
				want = tc.status
			}
			if resp.Status != want {
				t.Errorf("status %d, want %d", resp.Status, want)
			}
			if want == 200 && (got.Body != tc.want || got.URL() != "https://id.example.com/token?x=y") {
				t.Errorf("the endpoint saw %d bytes at %s, want %d", len(got.Body), got.URL(), len(tc.want))
			}
		})
	}
}

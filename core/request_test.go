package mandate_test

import (
	"fmt"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
)

func TestRequestURL(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]*mandate.Request{
		"https://id.example.com/a%2Fb%3F/c?x=%41&y=?#": {Origin: "https://id.example.com", Path: "/a%2Fb%3F/c", RawQuery: "x=%41&y=?#"},
		"https://id.example.com/token":                 {Origin: "https://id.example.com", Path: "/token"},
		"https://id.example.com":                       {Origin: "https://id.example.com"},
		"/photos?size=big":                             {Path: "/photos", RawQuery: "size=big"},
		"/photos":                                      {Path: "/photos"},
		"":                                             {},
	} {
		if got := r.URL(); got != want {
			t.Errorf("URL() = %q, want %q", got, want)
		}
	}
}

func TestRequestQuery(t *testing.T) {
	t.Parallel()
	r := &mandate.Request{Path: "/a%3Fb", RawQuery: "x=%41&y=1?2&z"}
	for range 2 {
		p, err := r.Query()
		if err != nil || len(p) != 2 || p.Get("x") != "A" || p.Get("y") != "1?2" {
			t.Errorf("Query() = %q, %v, want x and y", p, err)
		}
	}
	for _, r := range []*mandate.Request{{Path: "/token?client_secret=s3cr3t"}, {Path: "/token?", RawQuery: "x=1"}} {
		p, err := r.Query()
		if e := mandate.AsError(err); err == nil || p != nil || e.Code != mandate.InvalidRequest || e.Code.Status() != 400 {
			t.Errorf("a query in the path: Query() = %q, %v, want %s", p, err, mandate.InvalidRequest)
		}
	}
}

func TestRequestShowsNoSecrets(t *testing.T) {
	t.Parallel()
	for _, r := range []*mandate.Request{
		{Method: "POST", Origin: "https://id.example.com", Path: "/token", RawQuery: "s3cr3t", Body: "s3cr3t"},
		{Method: "POST", Origin: "https://id.example.com", Path: "/token?s3cr3t"},
	} {
		if got := fmt.Sprintf("%v %+v %#v %s", r, r, r, r.LogValue()); strings.Contains(got, "s3cr3t") || strings.Count(got, "POST https://id.example.com/token") != 4 {
			t.Errorf("it shows %s", got)
		}
	}
}

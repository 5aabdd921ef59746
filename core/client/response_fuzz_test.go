package client_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/client"
)

func FuzzResponse(f *testing.F) {
	for body, kind := range map[string]string{
		`{"id":12345678901234567890,"error":"no"}`: "application/json", `[1,"x",null]`: "application/problem+json; charset=iso-8859-1", "": "",
		"a=1&a=2&b": "application/x-www-form-urlencoded", `<r a="1">x<c/></r>`: "text/xml", fmt.Sprintf(xxe, "&x;"): "application/xml",
		strings.Repeat("<a>", 70): "image/svg+xml", "\x89PNG": "image/png", `{"error":{"message":"m","code":5}}`: "text/javascript; charset=x",
	} {
		f.Add(200, kind, []byte(body))
		f.Add(404, kind, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		r := &client.Response{Status: status, ContentType: kind, Raw: body}
		data, err := r.Data()
		if err != nil && !errors.Is(err, client.Unreadable) {
			t.Errorf("data %v, error %v", data, err)
		}
		if e, ok := data.(*client.Element); ok && err == nil && strings.Contains(e.Text, "root:") && !strings.Contains(string(body), "root:") {
			t.Errorf("an entity was fetched: %q", e.Text)
		}
		for _, into := range []any{new(map[string]any), new(struct{ ID int }), new(url.Values), new(map[string]string), new(any), new(string), new([]byte)} {
			if err := r.Read(into); err != nil && !errors.Is(err, client.Unreadable) {
				t.Errorf("into a %T: error %v", into, err)
			}
		}
		if err := r.Err(); (err == nil) != (status/100 == 2) || err != nil && (!errors.Is(err, client.BadStatus) || strings.ContainsAny(err.Error(), "\r\n\x00")) {
			t.Errorf("status %d: error %q", status, err)
		}
	})
}

package adaptertest

import (
	"context"
	"net/http"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

func bodyCases() cases {
	return cases{"a token in a form counts where it was asked for": testBodyToken}
}

func testBodyToken(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, func(c *resource.Config) { c.BodyToken = true })
	read := g.app.Route(func(c Ctx) error {
		note := c.Form("note")
		body, err := c.Body()
		if err != nil {
			return err
		}
		return c.JSON(200, map[string]any{"subject": c.Token().Subject(), "anonymous": c.Token() == nil, "note": note, "size": len(body)})
	})
	body := g.app.Route(func(c Ctx) error {
		body, err := c.Body()
		if err != nil {
			return err
		}
		return c.JSON(200, map[string]any{"subject": c.Token().Subject(), "anonymous": c.Token() == nil, "size": len(body)})
	})
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		g.app.Handle(method, "/note", read, g.auth.Require("profile"))
		g.app.Handle(method, "/body", body, g.auth.Require("profile"))
		g.app.Handle(method, "/for", body, g.auth.RequireFor(func(_ context.Context, r *mandate.Request) mandate.Requirement {
			if strings.Contains(r.Body, "note=hi") {
				return mandate.Scope("profile")
			}
			return mandate.Scope("admin")
		}))
	}
	g.start(t)
	const form = "application/x-www-form-urlencoded"
	large := "access_token=ann&note=hi&pad=" + strings.Repeat("x", 64<<10)
	for name, tc := range map[string]struct{ method, target, kind, body, header, want string }{
		"in a form (RFC 6750, 2.2)":                 {"POST", "/note", form, "access_token=ann&note=hi", "", ""},
		"in a form that another method sends":       {"PUT", "/body", form, "access_token=ann&note=hi", "", ""},
		"in a form with a character set":            {"POST", "/body", "Application/X-WWW-Form-URLEncoded ; charset=UTF-8", "note=hi&access_token=ann", "", ""},
		"escaped":                                   {"POST", "/note", form, "note=hi&access%5Ftoken=%61nn", "", ""},
		"beside a function of the request":          {"POST", "/for", form, "access_token=ann&note=hi", "", ""},
		"in the header, as ever":                    {"POST", "/note", form, "note=hi", "Bearer ann", ""},
		"in both places (RFC 6750, 2)":              {"POST", "/note", form, "access_token=ann&note=hi", "Bearer ann", doubled()},
		"in both places, one bad":                   {"POST", "/note", form, "access_token=mallory&note=hi", "Bearer ann", doubled()},
		"beside another scheme":                     {"POST", "/note", form, "access_token=ann&note=hi", "Basic YTph", doubled()},
		"twice":                                     {"POST", "/note", form, "access_token=ann&access_token=ann", "", malformed()},
		"no token (RFC 6750, 2.1)":                  {"POST", "/note", form, "access_token=a+b", "", malformed()},
		"unknown":                                   {"POST", "/note", form, "access_token=mallory", "", invalid()},
		"a scope lacks":                             {"POST", "/note", form, "access_token=bob", "", lacking("profile")},
		"empty is absent (RFC 6749, 3.1)":           {"POST", "/note", form, "access_token=&note=hi", "", missing("profile")},
		"under another name":                        {"POST", "/note", form, "Access_Token=ann", "", missing("profile")},
		"in a form that cannot be read":             {"POST", "/note", form, "access_token=ann&x=%zz", "", missing("profile")},
		"in a GET (RFC 6750, 2.2)":                  {"GET", "/note", form, "access_token=ann", "", missing("profile")},
		"in the query":                              {"POST", "/note?access_token=ann", form, "note=hi", "", missing("profile")},
		"in JSON":                                   {"POST", "/note", "application/json", "access_token=ann", "", missing("profile")},
		"in a form of parts":                        {"POST", "/note", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"access_token\"\r\n\r\nann\r\n--b--\r\n", "", missing("profile")},
		"without a content type":                    {"POST", "/note", "", "access_token=ann", "", missing("profile")},
		"in a form of more than 64 KiB":             {"POST", "/body", form, large, "", missing("profile")},
		"a form of more than 64 KiB, in the header": {"POST", "/body", form, large, "Bearer ann", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fields []string
			if tc.kind != "" {
				fields = append(fields, "Content-Type", tc.kind)
			}
			if tc.header != "" {
				fields = append(fields, "Authorization", tc.header)
			}
			ans := g.do(t, tc.method, tc.target, tc.body, fields...)
			if tc.want != "" {
				ans.same(t, tc.want)
				return
			}
			ans.passed(t, "ann")
			got := ans.json(t)
			if tc.target == "/note" && got["note"] != "hi" {
				t.Errorf("the handler read %q of the form, want %q", got["note"], "hi")
			}
			if tc.target != "/note" && got["size"] != float64(len(tc.body)) {
				t.Errorf("the handler read %v bytes, want %d", got["size"], len(tc.body))
			}
		})
	}
}

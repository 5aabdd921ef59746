package adaptertest

import (
	"encoding/base64"
	"maps"
	"net/url"
	"testing"

	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// attempt is a way in which a client authenticates, or does not.
type attempt struct {
	authorization string     // "": no such field
	form          url.Values // beside the request's own
	status        int        // 200: it works
	code          string
	challenge     bool // the answer has one
}

// clientAuth are the cases of RFC 6749, section 2.3, at each endpoint where clients authenticate.
func clientAuth() cases {
	list := cases{
		"two Authorization fields are refused": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			field := "Authorization: " + basic(web().id, web().secret) + "\r\n"
			for _, path := range []string{"/token", "/introspect", "/revoke"} {
				ans := w.raw(t, "POST "+path+" HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"+field+field+
					"Content-Length: 37\r\n\r\ngrant_type=client_credentials&token=x\r\n")
				ans.refused(t, 400, "invalid_request")
			}
		},
		"the name of the field and of the scheme may be written in any case": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			w.raw(t, "POST /token HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nCONTENT-TYPE: application/x-www-form-urlencoded\r\naUTHORIZATION: bASIC "+basic(web().id, web().secret)[6:]+
				"\r\ncontent-length: 40\r\n\r\ngrant_type=client_credentials&scope=read\r\n").tokens(t)
		},
	}
	table := attempts()
	for name, row := range table {
		list[name] = func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Clients = append(s.Clients, oddClients()...) })
			for _, path := range []string{"/token", "/introspect", "/revoke"} {
				form := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}, "token": {"x"}}
				maps.Copy(form, row.form)
				var fields []string
				if row.authorization != "" {
					fields = []string{"Authorization", row.authorization}
				}
				ans := w.form(t, path, form, fields...)
				if row.status == 200 {
					ans.status(t, 200)
					continue
				}
				ans.refused(t, row.status, row.code)
				challenge := ""
				if row.challenge {
					challenge = `Basic realm="` + w.url + `"`
				}
				ans.fields(t, "WWW-Authenticate", challenge, "Pragma", "no-cache")
			}
		}
	}
	return list
}

const oddID, oddSecret = "cl:i+e%nt/1", "s%20e:c+r/e=t&~"

// oddClients are clients whose names and secrets need care, and one that is off.
func oddClients() []*store.Client {
	odd := &store.Client{ID: oddID, Secrets: []store.Secret{server.HashSecret(oddSecret)}, Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}}}
	off := &store.Client{ID: "off", Disabled: true, Secrets: odd.Secrets, Metadata: odd.Metadata}
	offPost := &store.Client{ID: "off-post", Disabled: true, Secrets: odd.Secrets, Metadata: odd.Metadata}
	offPost.Metadata.AuthMethod = "client_secret_post"
	return []*store.Client{odd, off, offPost}
}

func attempts() map[string]attempt {
	plain := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	body := func(pairs ...string) url.Values { return with(nil, pairs...) }
	works := func(authorization string, form url.Values) attempt {
		return attempt{authorization, form, 200, "", false}
	}
	challenged := func(authorization string) attempt {
		return attempt{authorization, nil, 401, "invalid_client", true}
	}
	quiet := func(form url.Values) attempt { return attempt{"", form, 400, "invalid_client", false} }
	bad := func(authorization string, form url.Values) attempt {
		return attempt{authorization, form, 400, "invalid_request", false}
	}
	good := basic(web().id, web().secret)
	return map[string]attempt{
		"Basic works":                                 works(good, nil),
		"Basic with the same client_id works":         works(good, body("client_id", "web")),
		"Basic with percent-encoding works":           works(basic(oddID, oddSecret), nil),
		"Basic with several spaces works":             works("Basic   "+good[6:], nil),
		"a secret in the body works":                  works("", body("client_id", "post", "client_secret", post().secret)),
		"nothing at all is challenged":                challenged(""),
		"a wrong secret is challenged":                challenged(basic("web", "wrong")),
		"an empty secret is challenged":               challenged(basic("web", "")),
		"a secret and more is challenged":             challenged(basic("web", web().secret+"x")),
		"another client's secret is challenged":       challenged(basic("web", service().secret)),
		"an unknown client is challenged":             challenged(basic("nobody", "x")),
		"a disabled client is challenged":             challenged(basic("off", oddSecret)),
		"Basic of a client of the body is challenged": challenged(basic("post", post().secret)),
		"Basic of a public client is challenged":      challenged(basic("spa", "")),
		"Basic that is not base64 is challenged":      challenged("Basic !!!"),
		"Basic in another spelling is challenged":     challenged(good[:len(good)-3] + string(good[len(good)-3]+1) + "=="), // bits that mean nothing
		"Basic without colon is challenged":           challenged(plain("web")),
		"Basic without a name is challenged":          challenged(plain(":" + web().secret)),
		"Basic with broken percents is challenged":    challenged(plain("web:%zz")),
		"Basic with NUL is challenged":                challenged(plain("web:%00")),
		"Basic with bytes that are no text":           challenged(plain("web:\xff\xfe")),
		"Basic alone is challenged":                   challenged("Basic"),
		"Basic without encoding, as some send it":     challenged(plain(oddID + ":" + oddSecret)),
		"another scheme is challenged":                challenged("Bearer " + good[6:]),
		"a scheme that begins like it is challenged":  challenged("Basics " + good[6:]),
		"a wrong secret in the body":                  quiet(body("client_id", "post", "client_secret", "wrong")),
		"an unknown client in the body":               quiet(body("client_id", "nobody", "client_secret", "x")),
		"a disabled client in the body":               quiet(body("client_id", "off-post", "client_secret", oddSecret)),
		"a secret in the body of a client of Basic":   quiet(body("client_id", "web", "client_secret", web().secret)),
		"a public client with a secret":               quiet(body("client_id", "spa", "client_secret", "x")),
		"an unknown public client":                    quiet(body("client_id", "nobody")),
		"a confidential client that shows no secret":  quiet(body("client_id", "web")),
		"a secret without a name":                     quiet(body("client_secret", web().secret)),
		"an assertion, which is not accepted":         quiet(body("client_id", "web", "client_assertion", "a.b.c", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")),
		"Basic and a secret in the body":              bad(good, body("client_secret", web().secret)),
		"Basic and the same secret in the body":       bad(good, body("client_id", "web", "client_secret", web().secret)),
		"Basic and an assertion":                      bad(good, body("client_assertion", "a.b.c")),
		"a secret in the body and an assertion":       bad("", body("client_id", "post", "client_secret", post().secret, "client_assertion", "a.b.c")),
		"Basic and another client_id":                 bad(good, body("client_id", "post")),
	}
}

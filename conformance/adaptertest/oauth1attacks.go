package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// launch is what a learning platform lets the browser of a learner post: signed, and in the hands of who would like to be somebody else.
const launch = "lti_message_type=basic-lti-launch-request&user=student"

// launches returns an oldWorld with a tool at /tool, as the documentation has it: who may launch is RequireClient's, and the form says who it is. Behind
// /tool/parsed middleware of somebody else has read the form before the guard.
func launches(t *testing.T, a Adapter, change func(s *setup)) *oldWorld {
	t.Helper()
	return newOldWorld(t, a, func(s *setup) {
		before := s.more
		s.more = func(x *world) {
			before(x)
			guard, err := resource.New(resource.Config{Verifiers: []resource.Verifier{resource.Of(x.srv), resource.OAuth1{Server: x.srv}}, Realm: "photos", Now: s.clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			auth, h := x.app.Auth(guard, AuthConfig{}), x.app.Route(func(c Ctx) error {
				return c.JSON(200, map[string]any{"user": strings.Join(c.Forms("user"), ",")})
			})
			nosy := x.app.Middleware(func(c Ctx, next func() error) error {
				_ = c.Form("csrf")
				return next()
			})
			x.app.Handle(http.MethodPost, "/tool", h, auth.RequireClient())
			x.app.Handle(http.MethodPost, "/tool/parsed", h, nosy, auth.RequireClient())
		}
		if change != nil {
			change(s)
		}
	})
}

// moved is a launch for path whose signed parameters stand in the query, which is the same to a signature.
func (w *oldWorld) moved(path string) string {
	w.t.Helper()
	signed := w.as("launcher", oauth1.HMACSHA1, oauth1.InBody).sign(oauth1.Outgoing{Method: "POST", URL: path, ContentType: formContent, Body: launch})
	return path + "?" + signed.Body
}

// oauth1Attacks are the cases of what strangers, browsers in between and other machines try.
func oauth1Attacks() cases {
	return cases{
		"who carries a signed form elsewhere puts no other one in its place": func(t *testing.T, a Adapter) {
			w := launches(t, a, nil)
			if m := w.as("launcher", oauth1.HMACSHA1, oauth1.InBody).call(oauth1.Outgoing{Method: "POST", URL: "/tool", ContentType: formContent, Body: launch}).status(t, 200).json(t); m["user"] != "student" {
				t.Errorf("an honest launch is %v", m)
			}
			var parts bytes.Buffer
			form := multipart.NewWriter(&parts)
			if err := errors.Join(form.WriteField("user", "teacher"), form.Close()); err != nil {
				t.Fatal(err)
			}
			for kind, body := range map[string]string{
				form.FormDataContentType():                                       parts.String(),
				strings.Replace(form.FormDataContentType(), "multi", "Multi", 1): parts.String(),
				formContent:                     "user=teacher",
				formContent + "; charset=utf-8": "user=teacher",
				formContent + "s":               "user=teacher",
				formContent + ", text/plain":    "user=teacher",
				" " + formContent + " ;":        "user=teacher",
				strings.ToUpper(formContent):    "user=teacher",
				"text/plain":                    "user=teacher",
				"":                              "user=teacher",
			} {
				for _, path := range []string{"/tool", "/tool/parsed"} {
					ans := w.do(t, "POST", w.moved(path), body, "Content-Type", kind)
					if ans.Status == 200 && strings.Contains(ans.Body, "teacher") {
						t.Errorf("%s with %q: the handler saw %s", path, kind, ans.Body)
					}
				}
			}
		},
		"middleware that reads the form first neither opens the door nor closes it": func(t *testing.T, a Adapter) {
			w := launches(t, a, nil)
			side := w.as("launcher", oauth1.HMACSHA1, oauth1.InHeader)
			out := oauth1.Outgoing{Method: "POST", URL: "/tool/parsed?size=big", ContentType: formContent, Body: "user=student&a=%20+%2B&a=&b"}
			if m := side.call(out).status(t, 200).json(t); m["user"] != "student" {
				t.Errorf("handler saw %v", m)
			}
			bad := side.sign(out)
			bad.Body += "&user=teacher"
			if ans := w.send("POST", bad); ans.Status != 401 {
				t.Errorf("status = %d %q", ans.Status, ans.Body)
			}
		},
		"multipart forms of who holds a token are taken, and covered where their hash is signed": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			var parts bytes.Buffer
			form := multipart.NewWriter(&parts)
			if err := errors.Join(form.WriteField("color", "red"), form.Close()); err != nil {
				t.Fatal(err)
			}
			upload := oauth1.Outgoing{Method: "POST", URL: "/old", ContentType: form.FormDataContentType(), Body: parts.String()}
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			side.holding(side.login()).call(upload).status(t, 200)
			own := w.as("launcher", oauth1.HMACSHA1, oauth1.InHeader)
			own.call(upload).challenged(t, 400, "parameter_rejected")
			own.with(func(c *oauth1.SignerConfig) { c.BodyHash = true }).call(upload).status(t, 200)
		},
		"no answer repeats how much was sent": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			long := "oauth_" + strings.Repeat("x", 25<<10)
			for _, target := range []string{"/old", temporaryPath} {
				for _, body := range []string{long + "=1&" + long + "=2&oauth_signature=x", long + "=%zz&oauth_signature=x"} {
					ans := w.do(t, "POST", target, body, "Content-Type", formContent)
					size := len(ans.Body)
					for name, values := range ans.Header {
						size += len(name) + len(strings.Join(values, ""))
					}
					if ans.Status != 400 || size > 4<<10 {
						t.Errorf("%s: %d with %d bytes", target, ans.Status, size)
					}
				}
			}
		},
		"ten thousand parameters of the protocol are too many": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			var b strings.Builder
			for i := range 9_000 {
				fmt.Fprintf(&b, "oauth_%05d=&", i)
			}
			b.WriteString("oauth_signature=x")
			ans := w.do(t, "POST", "/old", b.String(), "Content-Type", formContent)
			ans.challenged(t, 400, "parameter_rejected")
			if !strings.Contains(ans.Body, "protocol parameters") {
				t.Errorf("body = %q", ans.Body)
			}
		},
		"a form that only speaks of signatures is not signed": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			for _, body := range []string{"q=oauth_signature", "q=what+is+oauth_signature%3D", "my_oauth_signature=1", "oauth_signature_method=x"} {
				w.do(t, "POST", "/old/optional", body, "Content-Type", formContent).status(t, 200)
				w.do(t, "POST", "/old/optional?"+body, "").status(t, 200)
			}
			w.do(t, "POST", "/old/optional", "a=b&oauth_signature=x", "Content-Type", formContent).challenged(t, 400, "parameter_absent")
		},
		"no stranger makes the server fetch a document": func(t *testing.T, a Adapter) {
			site := newDocumentSite(t)
			w := newOldWorld(t, a, func(s *setup) { s.ClientDocuments, s.Fetcher = &server.ClientDocuments{}, site.fetcher(t) })
			stranger := w.as(site.id(), oauth1.HMACSHA1, oauth1.InHeader)
			stranger.call(oauth1.Outgoing{Method: "GET", URL: "/old"}).challenged(t, 401, "signature_invalid")
			stranger.call(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack}).problem(t, 401, "signature_invalid")
			if n := site.hits.Load(); n != 0 {
				t.Errorf("the document was fetched %d times", n)
			}
		},
		"a nonce outlives its timestamp, though clocks of two machines differ and stores take their time": func(t *testing.T, a Adapter) {
			var while func()
			own := ownMethod{func() { while() }}
			w := newOldWorld(t, a, func(s *setup) { s.OAuth1.Methods = append(s.OAuth1.Methods, own) })
			while = func() {}
			side := w.as("launcher", oauth1.HMACSHA1, oauth1.InHeader).with(func(c *oauth1.SignerConfig) { c.Method = own })
			signed := side.sign(oauth1.Outgoing{Method: "GET", URL: "/old"})
			w.send("GET", signed).status(t, 200)
			// Another machine, whose clock is five seconds ahead, forgets what is over.
			w.clock.Pass(5 * time.Minute)
			if p, ok := w.store.(store.Pruner); ok {
				if _, err := p.Prune(t.Context(), w.clock.Now().Add(5*time.Second), 1000); err != nil {
					t.Fatal(err)
				}
			}
			w.send("GET", signed).challenged(t, 401, "nonce_used")
			// The last moment passes while the request is looked at, and a minute more.
			while = func() { w.clock.Pass(time.Minute) }
			w.send("GET", signed).challenged(t, 401, "timestamp_refused")
		},
		"a request that was signed for one method is not heard as another": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			signed := side.sign(oauth1.Outgoing{Method: "GET", URL: temporaryPath, Callback: consumerBack})
			if ans := w.send("HEAD", signed); ans.Status != 401 {
				t.Errorf("HEAD: %d", ans.Status)
			}
			w.send("GET", signed).issued(t)
			side.call(oauth1.Outgoing{Method: "HEAD", URL: temporaryPath, Callback: consumerBack}).status(t, 200)
		},
		"whatever the request says of hosts, the configured one is signed": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("launcher", oauth1.HMACSHA1, oauth1.InHeader)
			send := func(line, host, authorization, more string) *answer {
				t.Helper()
				return w.raw(t, line+" HTTP/1.1\r\nHost: "+host+"\r\nAuthorization: "+authorization+"\r\nConnection: close\r\n"+more+"\r\n")
			}
			good := func() string { return side.sign(oauth1.Outgoing{Method: "GET", URL: "/old?a=1"}).Authorization }
			evil := side.sign(oauth1.Outgoing{Method: "GET", URL: "http://evil.example/old?a=1"}).Authorization
			send("GET /old?a=1", "evil.example", good(), "").status(t, 200)
			send("GET http://evil.example/old?a=1", "evil.example", good(), "").status(t, 200)
			for line, more := range map[string]string{
				"GET /old?a=1": "", "GET http://evil.example/old?a=1": "", "GET //evil.example/old?a=1": "", "GET /http://evil.example/old?a=1": "", "GET http:/evil.example/old?a=1": "",
				"GET /old?a=1&x": "X-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nX-Original-URL: http://evil.example/old\r\n",
			} {
				if ans := send(line, "evil.example", evil, more); ans.Status < 300 {
					t.Errorf("%s: %d %q", line, ans.Status, ans.Body)
				}
			}
		},
		"what has two readings has one signature": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side := w.as("launcher", oauth1.HMACSHA256, oauth1.InHeader)
			call := func(target, body string) oauth1.Signed {
				return side.sign(oauth1.Outgoing{Method: "POST", URL: w.url + target, ContentType: formContent, Body: body})
			}
			signed := call("/old?size=a%20b", "color=%7e%c3%bc+x")
			signed.URL, signed.Body = w.url+"/old?size=a+b", "%63olor=~%C3%BC%20x" // the same to every reader
			if m := w.send("POST", signed).status(t, 200).json(t); m["size"] != "a b" || m["color"] != "~ü x" {
				t.Errorf("handler saw %v", m)
			}
			for from, to := range map[[2]string][2]string{
				{"/old?size=1&x=2", "a=1"}: {"/old?size=1;x=2", "a=1"}, {"/old", "color=1;a=2"}: {"/old", "color=1&a=2"}, {"/old?size=1", "color=2"}: {"/old?size=1%26color=2", ""},
				{"/old?size=1", "a=b"}: {"/old?size=1%00", "a=b"}, {"/old", "color=%2B"}: {"/old", "color=+"}, {"/old", "color=%252B"}: {"/old", "color=%2B"}, {"/old", "color=a"}: {"/old", "color=a&color="},
				{"/old?size=%C3%BC", "a=b"}: {"/old?size=%FC", "a=b"}, {"/old/read", "a=b"}: {"/old//read", "a=b"}, {"/old?", "a=b"}: {"/old?=", "a=b"},
			} {
				signed := call(from[0], from[1])
				signed.URL, signed.Body = w.url+to[0], to[1]
				if ans := w.send("POST", signed); ans.Status < 300 {
					t.Errorf("%v as %v: %d %q", from, to, ans.Status, ans.Body)
				}
			}
			// In chunks it is the same form.
			signed = call("/old", "color=red")
			ans := w.raw(t, "POST /old HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: "+formContent+"\r\nTransfer-Encoding: chunked\r\nAuthorization: "+signed.Authorization+
				"\r\n\r\n5\r\ncolor\r\n4\r\n=red\r\n0\r\n\r\n")
			if m := ans.status(t, 200).json(t); m["color"] != "red" {
				t.Errorf("handler saw %v", m)
			}
		},
		"functions of the application that panic cost one request, and nothing else": func(t *testing.T, a Adapter) {
			var broken atomic.Bool
			w := newOldWorld(t, a, func(s *setup) {
				s.OAuth1.Methods = append(s.OAuth1.Methods, ownMethod{func() {
					if broken.Load() {
						panic("method") //nolint:forbidigo // as an application may
					}
				}})
				s.OAuth1.Extra = func(context.Context, server.OAuth1Issue) ([]mandate.Field, error) {
					if broken.Load() {
						panic("extra") //nolint:forbidigo // as an application may
					}
					return nil, nil
				}
			})
			side := w.as("plain", oauth1.HMACSHA1, oauth1.InHeader)
			temporary := side.temporary(consumerBack)
			_, q := w.decided(temporary)
			broken.Store(true)
			side.exchange(temporary, q.Get("oauth_verifier")).status(t, 500)
			side.call(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack}).status(t, 500)
			own := w.as("launcher", oauth1.HMACSHA1, oauth1.InHeader).with(func(c *oauth1.SignerConfig) { c.Method = ownMethod{} })
			own.call(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack}).status(t, 500)
			own.call(oauth1.Outgoing{Method: "GET", URL: "/old"}).status(t, 500)
			broken.Store(false)
			c, _ := side.exchange(temporary, q.Get("oauth_verifier")).issued(t)
			side.holding(c).call(oauth1.Outgoing{Method: "GET", URL: "/old"}).status(t, 200)
			own.call(oauth1.Outgoing{Method: "GET", URL: "/old"}).status(t, 200)
		},
		"whatever breaks between two writes, a verifier is good once and nobody is stuck": func(t *testing.T, a Adapter) {
			brittle := &brittleStore{left: unbroken}
			w := newOldWorld(t, a, func(s *setup) { brittle.Store = s.store; s.Store = brittle })
			side := w.as("plain", oauth1.HMACSHA256, oauth1.InHeader)
			for how := range endings {
				for n := range 20 {
					brittle.at(n, how)
					ans := side.call(oauth1.Outgoing{Method: "POST", URL: temporaryPath, Callback: consumerBack})
					brittle.at(unbroken, how)
					if ans.Status == 200 {
						ans.issued(t)
					}
					temporary := side.temporary(consumerBack)
					target := "/oauth1/authorize?oauth_token=" + temporary.Token
					brittle.at(n, how)
					w.get(t, target)
					brittle.at(unbroken, how)
					ans = w.get(t, target)
					if ans.Status != 303 && ans.Status != 410 {
						t.Fatalf("call %d, %v: the second decision is %d %q", n, how, ans.Status, ans.Body)
					}
					if ans.Status == 410 { // it was decided, and the answer was lost
						continue
					}
					verifier := strings.TrimPrefix(ans.Header.Get("Location")[strings.Index(ans.Header.Get("Location"), "oauth_verifier="):], "oauth_verifier=")
					brittle.at(n, how)
					first := side.exchange(temporary, verifier)
					hit := brittle.at(unbroken, how)
					second := side.exchange(temporary, verifier)
					switch {
					case first.Status == 200 && second.Status == 200:
						t.Fatalf("call %d, %v: the verifier was good twice", n, how)
					case first.Status != 200 && second.Status != 200 && hit != "Redeem":
						t.Fatalf("call %d (%s), %v: nobody has credentials: %q, %q", n, hit, how, first.Body, second.Body)
					}
				}
			}
		},
	}
}

// ownMethod is a signature method of an application.
type ownMethod struct{ first func() }

func (ownMethod) Name() string { return "X-OWN" }

func (ownMethod) Sign(base string, k *oauth1.Keys) (string, error) {
	return oauth1.HMACSHA256.Sign(base, k)
}

func (m ownMethod) Verify(base, signature string, k *oauth1.Keys) error {
	m.first()
	return oauth1.HMACSHA256.Verify(base, signature, k)
}

package adaptertest

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // what RFC 6455 is made of
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
)

func liveCases() cases {
	return cases{
		"events stream from behind a guard, each as it happens":          testEventStream,
		"a connection is upgraded behind a guard, and not before it":     testUpgrade,
		"the framework's CORS middleware works before and behind it":     testCORS,
		"a token in the query, where it was asked for, stays private":    testQueryToken,
		"an application looks at requests before their tokens are":       testCheckRequest,
		"an application has the last word, and may revoke":               testLastWord,
		"the metadata of the API is where its challenges say (RFC 9728)": testResourceMetadata,
	}
}

// loud is a guard that takes tokens of the query too: what a browser's EventSource and WebSocket can send.
func loud(c *resource.Config) { c.QueryTokenInLogsAndReferers = true }

func testEventStream(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, loud)
	next := make(chan struct{})
	events := func(c Ctx, tok *mandate.Token) error {
		subject := tok.Subject()
		return c.Stream("text/event-stream", func(w io.Writer, flush func() error) error {
			for n := range 3 {
				if _, err := fmt.Fprintf(w, "data: %d for %s\n\n", n, subject); err != nil {
					return err
				}
				if err := flush(); err != nil {
					return err
				}
				<-next
			}
			return nil
		})
	}
	g.app.Handle(http.MethodGet, "/events", g.app.Route(func(c Ctx) error { return events(c, c.Token()) }), g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/with", g.auth.With(events, "profile"))
	g.start(t)
	for _, path := range []string{"/events", "/with", "/events?access_token=ann"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(path, "?") {
			req.Header.Set("Authorization", "Bearer ann")
		}
		resp, err := g.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%s: status %d of type %q", path, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
		lines := bufio.NewReader(resp.Body)
		for n := range 3 { // the handler goes on when this one has arrived
			if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d for ann\n", n) {
				t.Fatalf("%s: event %d is %q, %v", path, n, line, err)
			}
			_, _ = lines.ReadString('\n')
			next <- struct{}{}
		}
		if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
			t.Errorf("%s: after the last event %q, %v", path, rest, err)
		}
		_ = resp.Body.Close()
	}
	g.get(t, "/events", "Accept", "text/event-stream").same(t, missing("profile"))
	g.get(t, "/with?access_token=mallory").same(t, invalid())
}

// accept is the answer to a key of RFC 6455, section 4.2.2.
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // RFC 6455
	return base64.StdEncoding.EncodeToString(sum[:])
}

func testUpgrade(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, loud)
	socket := func(c Ctx, tok *mandate.Token) error {
		subject := tok.Subject()
		c.SetHeader("Upgrade", "websocket")
		c.SetHeader("Connection", "Upgrade")
		c.SetHeader("Sec-WebSocket-Accept", accept(c.Header("Sec-WebSocket-Key")))
		return c.Upgrade(func(conn io.ReadWriter) {
			said := make([]byte, 5)
			if _, err := io.ReadFull(conn, said); err == nil {
				_, _ = fmt.Fprintf(conn, "%s says %s", subject, said)
			}
		})
	}
	g.app.Handle(http.MethodGet, "/socket", g.app.Route(func(c Ctx) error { return socket(c, c.Token()) }), g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/with", g.auth.With(socket, "profile"))
	g.start(t)
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	ask := func(target, field string) (*http.Response, net.Conn, *bufio.Reader) {
		t.Helper()
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) //nolint:forbidigo // a deadline of a real connection
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n", target, g.addr, key, field)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		return resp, conn, in
	}
	for target, field := range map[string]string{"/socket": "Authorization: Bearer ann\r\n", "/with": "Authorization: Bearer ann\r\n", "/socket?access_token=ann": ""} {
		resp, conn, in := ask(target, field)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || resp.Header.Get("Upgrade") != "websocket" {
			t.Fatalf("%s: status %d, header %v; want the handshake of RFC 6455, 1.3", target, resp.StatusCode, resp.Header)
		}
		if _, err := io.WriteString(conn, "hello"); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, len("ann says hello"))
		if _, err := io.ReadFull(in, said); err != nil || string(said) != "ann says hello" {
			t.Errorf("%s: over the connection %q, %v", target, said, err)
		}
	}
	for target, want := range map[string]string{"/socket": missing("profile"), "/with?access_token=bob": lacking("profile")} {
		resp, _, _ := ask(target, "")
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		(&answer{Status: resp.StatusCode, Header: resp.Header, Body: string(body)}).same(t, want)
	}
}

func testCORS(t *testing.T, a Adapter) {
	t.Helper()
	const origin = "https://app.example.com"
	g := newGuarded(t, a, func(c *resource.Config) { c.PassPreflights = true }) // for the one behind
	cors := g.app.CORS(origin)
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
		g.app.Handle(method, "/before", g.whoRoute(), cors, g.auth.Require("profile"))
		g.app.Handle(method, "/behind", g.whoRoute(), g.auth.Require("profile"), cors)
		g.app.Handle(method, "/with", g.auth.With(func(c Ctx, tok *mandate.Token) error { c.SetToken(tok); return who(c) }, "profile"), cors)
	}
	g.start(t)
	for _, path := range []string{"/before", "/behind", "/with"} {
		ans := g.do(t, http.MethodOptions, path, "", append(preflight(), "Access-Control-Request-Headers", "authorization")...)
		ans.status(t, http.StatusNoContent).fields(t, "Access-Control-Allow-Origin", origin, "Access-Control-Allow-Headers", "Authorization", "WWW-Authenticate", "")
		if ans.Header.Get("Access-Control-Allow-Methods") != "GET" || ans.Body != "" {
			t.Errorf("preflight of %s: %s", path, ans.exact(t))
		}
		ans = g.get(t, path, append(as("ann"), "Origin", origin)...)
		ans.passed(t, "ann")
		ans.fields(t, "Access-Control-Allow-Origin", origin)
		ans = g.get(t, path, "Origin", origin)
		ans.status(t, 401).fields(t, "WWW-Authenticate", `Bearer scope="profile"`)
		if path != "/behind" { // or scripts cannot read the refusal
			ans.fields(t, "Access-Control-Allow-Origin", origin)
		}
	}
	g.asked(t, 3)
}

func testQueryToken(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, func(c *resource.Config) { c.QueryTokenInLogsAndReferers, c.BodyToken = true, true })
	private := g.app.Route(func(c Ctx) error {
		c.SetHeader("Cache-Control", "no-store")
		return who(c)
	})
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
		g.app.Handle(method, "/require", g.whoRoute(), g.auth.Require("profile"))
		g.app.Handle(method, "/optional", g.whoRoute(), g.auth.Optional("profile"), g.auth.Require("email"))
		g.app.Handle(method, "/for", g.whoRoute(), g.auth.RequireFor(func(context.Context, *mandate.Request) mandate.Requirement { return mandate.Scope("profile") }))
		g.app.Handle(method, "/with", g.auth.With(func(c Ctx, tok *mandate.Token) error { c.SetToken(tok); return who(c) }, "profile"))
		g.app.Handle(method, "/user", g.auth.WithUser(func(c Ctx, user *User) error {
			return c.JSON(200, map[string]any{"subject": user.ID, "anonymous": false})
		}, "profile"))
	}
	g.app.Handle(http.MethodGet, "/stricter", private, g.auth.Require("profile"))
	g.start(t)
	for _, path := range []string{"/require", "/optional", "/for", "/with", "/user"} {
		for _, query := range []string{"?access_token=ann", "?a=b&access%5Ftoken=%61nn&c"} {
			ans := g.get(t, path+query)
			ans.passed(t, "ann")
			ans.fields(t, "Cache-Control", "private") // RFC 6750, section 2.3
		}
		ans := g.get(t, path, as("ann")...)
		ans.passed(t, "ann")
		ans.fields(t, "Cache-Control", "")
		g.get(t, path+"?access_token=mallory").same(t, invalid())
		g.get(t, path+"?access_token=a,b").same(t, malformed())
		g.get(t, path+"?access_token=ann&access_token=ann").same(t, malformed())
		g.get(t, path+"?access_token=ann", as("ann")...).same(t, doubled())
		g.get(t, path+"?access_token=ann", "Authorization", "Basic YTph").same(t, doubled())
		g.do(t, http.MethodPost, path+"?access_token=ann", "access_token=ann", "Content-Type", "application/x-www-form-urlencoded").same(t, doubled())
		if path != "/optional" { // whose first guard lets in what has no token
			g.get(t, path+"?access_token=").same(t, missing("profile"))
		}
	}
	g.get(t, "/stricter?access_token=ann").fields(t, "Cache-Control", "no-store")
	g.get(t, "/require?access_token=bob").same(t, lacking("profile"))
}

func testCheckRequest(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, func(c *resource.Config) {
		c.CheckRequestWithSecrets = func(_ context.Context, r *mandate.Request) error {
			switch {
			case r.Header.Get("X-Tenant") == "" || !strings.HasPrefix(r.URL(), "/") || r.Method == http.MethodOptions:
				return mandate.Errorf(mandate.InvalidRequest, nil, "X-Tenant is missing")
			case strings.Contains(r.Body, "attack"):
				return mandate.Errorf(mandate.AccessDenied, nil, "not that")
			case r.RawQuery == "closed":
				return mandate.TemporarilyUnavailable
			}
			return nil
		}
	})
	read := g.app.Route(func(c Ctx) error {
		body, err := c.Body()
		if err != nil {
			return err
		}
		return c.JSON(200, map[string]any{"subject": c.Token().Subject(), "anonymous": c.Token() == nil, "size": len(body)})
	})
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
		g.app.Handle(method, "/require", read, g.auth.Require("profile"), g.auth.Require("email"))
		g.app.Handle(method, "/optional", read, g.auth.Optional("profile"))
		g.app.Handle(method, "/for", read, g.auth.RequireFor(func(context.Context, *mandate.Request) mandate.Requirement { return mandate.Scope("profile") }))
		g.app.Handle(method, "/with", g.auth.With(func(c Ctx, tok *mandate.Token) error { c.SetToken(tok); return who(c) }, "profile"))
		g.app.Handle(method, "/acquire", g.app.Route(func(c Ctx) error {
			if _, err := g.auth.Acquire(c, "profile"); err != nil {
				return g.auth.Refuse(c, err)
			}
			return who(c)
		}))
	}
	g.start(t)
	const plain = "\nCache-Control: no-store\nContent-Type: application/json\n"
	for _, path := range []string{"/require", "/optional", "/for", "/with", "/acquire"} {
		for _, token := range []string{"ann", "mallory", ""} {
			fields := as(token)
			if token == "" {
				fields = nil
			}
			g.get(t, path, fields...).same(t, "400"+plain+"\n"+`{"error":"invalid_request","error_description":"X-Tenant is missing"}`)
			fields = append(fields, "X-Tenant", "blue")
			g.get(t, path+"?closed", fields...).same(t, "503"+plain+"Retry-After: 5\n\n"+`{"error":"temporarily_unavailable"}`)
			g.do(t, http.MethodPost, path, "an attack", fields...).same(t, "403"+plain+"\n"+`{"error":"access_denied","error_description":"not that"}`)
		}
	}
	g.asked(t, 0) // nobody looked at a token
	for _, path := range []string{"/require", "/optional", "/for", "/with", "/acquire"} {
		ans := g.do(t, http.MethodPost, path, strings.Repeat("x", 3000), append(as("ann"), "X-Tenant", "blue")...)
		ans.passed(t, "ann")
		if size, ok := ans.json(t)["size"]; ok && size != float64(3000) {
			t.Errorf("%s: the handler read %v bytes, want all", path, size)
		}
		g.get(t, path, append(as("mallory"), "X-Tenant", "blue")...).same(t, invalid())
	}
	for path, status := range map[string]int{"/require": 204, "/optional": 200, "/for": 204} { // a CORS preflight is not asked about
		g.do(t, http.MethodOptions, path, "", preflight()...).status(t, status)
	}
}

func testLastWord(t *testing.T, a Adapter) {
	t.Helper()
	g := newGuarded(t, a, func(c *resource.Config) {
		c.Revoked = func(_ context.Context, tok *mandate.Token) (bool, error) { return tok.Subject() == "gone", nil }
		c.CheckToken = func(_ context.Context, tok *mandate.Token) error {
			if tok.Subject() == "boom" {
				return mandate.Errorf(mandate.AccessDenied, nil, "the account is suspended")
			}
			return nil
		}
	})
	g.app.Handle(http.MethodGet, "/require", g.whoRoute(), g.auth.Require("profile"), g.auth.Require("email"))
	g.app.Handle(http.MethodGet, "/optional", g.whoRoute(), g.auth.Optional("profile"))
	g.app.Handle(http.MethodGet, "/with", g.auth.With(func(c Ctx, tok *mandate.Token) error { c.SetToken(tok); return who(c) }, "profile"))
	g.start(t)
	for _, path := range []string{"/require", "/optional", "/with"} {
		g.get(t, path, as("ann")...).passed(t, "ann")
		g.get(t, path, as("gone")...).same(t, invalid())
		g.get(t, path, as("boom")...).same(t, "403\nCache-Control: no-store\nContent-Type: application/json\n\n"+`{"error":"access_denied","error_description":"the account is suspended"}`)
	}
}

func testResourceMetadata(t *testing.T, a Adapter) {
	t.Helper()
	describe := func(api string) func(c *resource.Config) {
		return func(c *resource.Config) {
			c.Audience = api
			c.Metadata = &oauth2.ResourceMetadata{AuthorizationServers: []string{vaultIssuer}, Name: "Shop", Scopes: []string{"profile"}}
		}
	}
	g := newGuarded(t, a, describe(guardedAPI))
	below := g.another(t, describe(guardedAPI+"/v1/shop"))
	g.app.Handle(http.MethodGet, "/profile", g.whoRoute(), g.auth.Require("profile"))
	g.app.Handle(http.MethodGet, "/v1/shop/profile", g.whoRoute(), g.app.Auth(below, AuthConfig{}).Require("profile"))
	if err := g.app.MountResource(g.guard); err != nil {
		t.Fatal(err)
	}
	if err := g.app.MountResource(below); err != nil {
		t.Fatal(err)
	}
	if err := g.app.MountResource(below); err == nil {
		t.Error("mounted twice: no error")
	}
	silent := g.another(t, nil)
	for name, guard := range map[string]*resource.Guard{"none": nil, "one without metadata": silent} {
		if err := g.app.MountResource(guard); err == nil || !strings.Contains(err.Error(), "Metadata") {
			t.Errorf("guard: %s: %v, want an error that names Config.Metadata", name, err)
		}
	}
	g.start(t)
	for path, api := range map[string]string{"/profile": guardedAPI, "/v1/shop/profile": guardedAPI + "/v1/shop"} {
		challenge := g.get(t, path).status(t, 401).Header.Get("WWW-Authenticate")
		_, at, _ := strings.Cut(challenge, `resource_metadata="`+guardedAPI)
		at = strings.TrimSuffix(at, `"`)
		ans := g.get(t, at, "Origin", "https://app.example.com", "Authorization", "Bearer of-no-interest")
		ans.same(t, "200\nAccess-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: WWW-Authenticate, DPoP-Nonce, Retry-After\nCache-Control: public, max-age=300\nContent-Type: application/json\n\n"+
			`{"resource":"`+api+`","authorization_servers":["`+vaultIssuer+`"],"scopes_supported":["profile"],"bearer_methods_supported":["header"],"resource_name":"Shop"}`)
		if head := g.do(t, http.MethodHead, at, ""); head.Status != 200 || head.Body != "" || head.Header.Get("Content-Length") != statusText(len(ans.Body)) {
			t.Errorf("HEAD %s: %s", at, head.exact(t))
		}
		g.do(t, http.MethodPost, at, "").status(t, 405).fields(t, "Allow", "GET, HEAD, OPTIONS")
		g.do(t, http.MethodOptions, at, "", preflight()...).status(t, 204).fields(t, "Access-Control-Allow-Origin", "*")
	}
}

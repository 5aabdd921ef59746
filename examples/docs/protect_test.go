package docs_test

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/examples/docs"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// ownTokens is a guard of one token.
func ownTokens(t *testing.T) *resource.Guard {
	t.Helper()
	guard, err := resource.New(resource.Config{Verifiers: []resource.Verifier{resource.Lookup(func(_ context.Context, raw string, _ time.Time) (*mandate.Token, error) {
		if raw == "good" {
			return mandate.NewToken(mandate.TokenInfo{Subject: "ann", Scopes: "orders"}), nil
		}
		return nil, mandate.InvalidToken
	})}})
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

// twoEvents are what the streams of the documentation send.
func twoEvents(_ context.Context, tok *mandate.Token) iter.Seq[string] {
	return func(yield func(string) bool) { _ = yield("1 "+tok.Subject()) && yield("2") }
}

// TestProtect asks the programs of the documentation.
func TestProtect(t *testing.T) {
	t.Parallel()
	guard := ownTokens(t)
	var logged []error
	log := func(err error) { logged = append(logged, err) }

	g := gin.New()
	raised := docs.GinRaise(g, guard, log)
	g.GET("/problem", docs.GinProblem(guard).Require(), func(*gin.Context) {})
	g.GET("/raised", raised.Require(), func(*gin.Context) {})
	docs.GinEvents(g, raised, twoEvents)

	e := echo.New()
	e.GET("/problem", func(echo.Context) error { return nil }, docs.EchoProblem(guard).Require())
	echoAuth := docs.EchoRaise(e, guard, log)
	e.GET("/raised", func(echo.Context) error { return nil }, echoAuth.Require())
	docs.EchoEvents(e, echoAuth, twoEvents)

	f, fiberAuth := docs.FiberRaise(guard, log)
	f.Get("/problem", docs.FiberProblem(guard).Require(), func(*fiber.Ctx) error { return nil })
	f.Get("/raised", fiberAuth.Require(), func(*fiber.Ctx) error { return nil })
	docs.FiberEvents(f, fiberAuth, twoEvents)

	mux := http.NewServeMux()
	mux.Handle("GET /problem", docs.NetHTTPProblem(guard, nil).Require()(http.NotFoundHandler()))
	plain := nethttp.New(guard)
	docs.NetHTTPEvents(mux, plain, twoEvents)
	docs.NetHTTPAcquire(mux, plain)

	inProcess := func(h http.Handler) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Result(), nil
		}
	}
	inFiber := func(r *http.Request) (*http.Response, error) { return f.Test(r, -1) }
	for name, ask := range map[string]func(*http.Request) (*http.Response, error){
		"gin": inProcess(g), "echo": inProcess(e), "fiber": inFiber, "nethttp": inProcess(mux), //nolint:bodyclose // get closes them
	} {
		get := func(path, token string) (int, string, string) {
			t.Helper()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			resp, err := ask(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode, resp.Header.Get("Content-Type"), strings.TrimSpace(string(body))
		}
		const want = `{"type":"about:blank","title":"invalid_token","status":401,"detail":"the access token is unknown, expired, revoked or not for this resource"}`
		if status, kind, body := get("/problem", "bad"); status != 401 || kind != "application/problem+json" || body != want {
			t.Errorf("%s: %d %s %s, want %s", name, status, kind, body, want)
		}
		if status, kind, body := get("/events", "good"); status != 200 || kind != "text/event-stream" || body != "data: 1 ann\n\ndata: 2" {
			t.Errorf("%s: %d %s %q, want both events", name, status, kind, body)
		}
		if name == "nethttp" {
			if status, _, body := get("/report", "good"); status != 403 {
				t.Errorf("%s: %d %s, want 403", name, status, body)
			}
			continue
		}
		logged = nil
		status, _, body := get("/raised", "bad")
		if status != 401 || !strings.HasPrefix(body, `{"error":"invalid_token"`) || len(logged) != 1 {
			t.Errorf("%s: %d %s, %d errors logged, want the refusal and one", name, status, body, len(logged))
		}
	}
}

// TestProtectConfigs makes the guards of the documentation, and mounts what one says about itself.
func TestProtectConfigs(t *testing.T) {
	t.Parallel()
	srv, err := server.New(server.Config{Issuer: "https://id.example.com", Store: memstore.New(), Secret: mandate.NewRandomSecret(), Scopes: []server.Scope{{Name: "orders"}}})
	if err != nil {
		t.Fatal(err)
	}
	described, err := docs.GuardMetadata(srv, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"gin": docs.GinResource(gin.New(), described), "echo": docs.EchoResource(echo.New(), described),
		"fiber": docs.FiberResource(fiber.New(), described), "nethttp": docs.NetHTTPResource(http.NewServeMux(), described),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := docs.GuardChecks(srv, nil, nil, nil); err != nil {
		t.Error(err)
	}
	if _, err := docs.GuardSchemes(srv, func(context.Context, string, time.Time) (*mandate.Token, error) { return nil, mandate.InvalidToken }); err != nil {
		t.Error(err)
	}
}

package clients_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-github/v92/github"
	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// hub is a server in the shape of GitHub: an API, and a token endpoint whose tokens are good until the next one is given out.
type hub struct {
	*httptest.Server

	given  atomic.Int64
	refuse atomic.Bool // refresh tokens
	strays atomic.Int64
}

func newHub(t *testing.T) *hub {
	t.Helper()
	h := &hub{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login/oauth/access_token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if last := "r" + strconv.FormatInt(h.given.Load(), 10); h.refuse.Load() || r.FormValue("refresh_token") != last {
			fmt.Fprint(w, `{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}`) // with 200, as theirs
			return
		}
		n := h.given.Add(1)
		fmt.Fprintf(w, `{"access_token":"a%d","refresh_token":"r%d","token_type":"bearer","expires_in":28800}`, n, n)
	})
	mux.HandleFunc("GET /user", h.guarded(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"login":"octocat","id":583231}`)
	}))
	mux.HandleFunc("GET /user/repos", h.guarded(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("page") != "2" {
			w.Header().Set("Link", "<"+h.URL+`/user/repos?page=2>; rel="next"`)
			fmt.Fprint(w, `[{"name":"one"}]`)
			return
		}
		fmt.Fprint(w, `[{"name":"two"}]`)
	}))
	mux.HandleFunc("GET /repos/octocat/one/zipball", h.guarded(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(h.URL, "127.0.0.1", "localhost", 1)+"/stray", http.StatusFound)
	}))
	mux.HandleFunc("GET /stray", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			h.strays.Add(1)
		}
		fmt.Fprint(w, "zip")
	})
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

// guarded lets in who brings the token that was given out last.
func (h *hub) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer a"+strconv.FormatInt(h.given.Load(), 10) {
			http.Error(w, `{"message":"Bad credentials"}`, http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		next(w, r)
	}
}

// account returns the app of a registry that keeps a token of "foo" for h, good or over.
func (h *hub) account(t *testing.T, over bool) *client.Remote {
	t.Helper()
	reg, err := client.NewRegistry(client.Config{
		BaseURL: "http://127.0.0.1:1", Secret: mandate.NewRandomSecret(), Tokens: memstore.New(),
		Apps: []client.App{client.OAuth2{
			Name: "hub", Credentials: client.Credentials{ID: "id", Secret: secret}, APIURL: h.URL,
			AuthURL: h.URL + "/login/oauth/authorize", TokenURL: h.URL + "/login/oauth/access_token",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	tok := &oauth2.Token{AccessToken: "a0", RefreshToken: "r0", TokenType: "bearer", Expiry: time.Now().Add(time.Hour)}
	if over {
		tok.AccessToken, tok.Expiry = "old", time.Now().Add(-time.Hour)
	}
	app := reg.App("hub")
	if err := app.Keep(t.Context(), "foo", tok); err != nil {
		t.Fatal(err)
	}
	return app
}

// sdk returns GitHub's SDK with one of the ways to hand it a token.
func (h *hub) sdk(t *testing.T, c *http.Client) *github.Client {
	t.Helper()
	g, err := github.NewClient(github.WithHTTPClient(c), github.WithURLs(new(h.URL+"/"), new(h.URL+"/")))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestSDK hands tokens that Mandate keeps and renews to an SDK that other people wrote, as it is: as a TokenSource, and as an http.Client.
func TestSDK(t *testing.T) {
	t.Parallel()
	for name, hand := range map[string]func(t *testing.T, app *client.Remote) *http.Client{
		"token source": func(t *testing.T, app *client.Remote) *http.Client {
			t.Helper()
			return oauth2.NewClient(t.Context(), app.Source("foo"))
		},
		"http client": func(t *testing.T, app *client.Remote) *http.Client { t.Helper(); return app.API("foo").HTTP() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("calls and pages", func(t *testing.T) {
				t.Parallel()
				h := newHub(t)
				g := h.sdk(t, hand(t, h.account(t, false)))
				user, _, err := g.Users.Get(t.Context(), "")
				if err != nil || user.GetLogin() != "octocat" || h.given.Load() != 0 {
					t.Fatalf("user = %v, %v after %d renewals", user, err, h.given.Load())
				}
				var names []string
				for repo, err := range g.Repositories.ListByAuthenticatedUserIter(t.Context(), nil) {
					if err != nil {
						t.Fatal(err)
					}
					names = append(names, repo.GetName())
				}
				if strings.Join(names, " ") != "one two" {
					t.Errorf("repositories = %v, want both pages", names)
				}
			})
			t.Run("many calls, one renewal", func(t *testing.T) {
				t.Parallel()
				h := newHub(t)
				g := h.sdk(t, hand(t, h.account(t, true)))
				var all sync.WaitGroup
				for range 64 {
					all.Go(func() {
						if user, _, err := g.Users.Get(t.Context(), ""); err != nil || user.GetID() != 583231 {
							t.Errorf("user = %v, %v", user, err)
						}
					})
				}
				all.Wait()
				if n := h.given.Load(); n != 1 {
					t.Errorf("%d renewals, want 1", n)
				}
			})
			t.Run("a grant that is lost", func(t *testing.T) {
				t.Parallel()
				h := newHub(t)
				h.refuse.Store(true)
				_, _, err := h.sdk(t, hand(t, h.account(t, true))).Users.Get(t.Context(), "")
				if e, ok := errors.AsType[*client.Error](err); !ok || e.Kind != client.GrantLost {
					t.Errorf("error = %v, want %q", err, client.GrantLost)
				}
			})
		})
	}
	t.Run("http client: no token goes elsewhere", func(t *testing.T) {
		t.Parallel()
		h := newHub(t)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/repos/octocat/one/zipball", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := h.account(t, false).API("foo").HTTP().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 200 || h.strays.Load() != 0 {
			t.Errorf("status %d, and %d requests to another host had the token", resp.StatusCode, h.strays.Load())
		}
	})
}

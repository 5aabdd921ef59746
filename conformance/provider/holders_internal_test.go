package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	relying "github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/store"
)

// holding is the job of a process that holds tokens of another server, in its environment.
type holding struct {
	Store, DSN, Prefix, Secret, Server string
	Goroutines                         int
	Timeout                            time.Duration
	Hang                               bool // instead of storing a new token, which it says
}

const holdingEnv = "MANDATE_HOLDING"

// hanging is a store that never stores.
type hanging struct{ store.RemoteTokens }

func (hanging) PutRemoteToken(ctx context.Context, _ store.RemoteToken) error {
	fmt.Fprintln(os.Stdout, "storing")
	<-ctx.Done()
	return ctx.Err()
}

// open returns what a process of the job keeps tokens with.
func (h holding) open(ctx context.Context) (*relying.Tokens, *relying.TokenRequester, error) {
	s, err := openStorage(ctx, h.Store, h.DSN, h.Prefix)
	if err != nil {
		return nil, nil, err
	}
	secret, err := mandate.ParseSecret(h.Secret)
	if err != nil {
		return nil, nil, err
	}
	c := relying.TokensConfig{Store: s.store, Secret: secret, Timeout: h.Timeout}
	if h.Hang {
		c.Store = hanging{s.store}
	}
	k, err := relying.NewTokens(c)
	if err != nil {
		return nil, nil, err
	}
	r, err := relying.NewTokenRequester(relying.TokenConfig{App: "other", TokenURL: h.Server + "/token", Credentials: relying.Credentials{ID: "me"}})
	return k, r, err
}

// hold is the process: when it is told to, all its goroutines call the API, and it says how that went.
func (h holding) hold() error {
	ctx := context.Background()
	k, r, err := h.open(ctx)
	if err != nil {
		return err
	}
	api, err := relying.NewAPI(relying.APIConfig{BaseURL: h.Server, Base: &http.Transport{MaxConnsPerHost: 16, MaxIdleConnsPerHost: 16}, Timeout: time.Minute})
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	results := make(chan string, h.Goroutines)
	var wg sync.WaitGroup
	for range h.Goroutines {
		wg.Go(func() {
			res, err := api.With(k.Source(r, "ada")).Get(ctx, "/api", nil)
			switch e, _ := errors.AsType[*relying.Error](err); {
			case err == nil:
				results <- fmt.Sprint(res.Status, " ", string(res.Raw))
			case e != nil:
				results <- string(e.Kind)
			default:
				results <- err.Error()
			}
		})
	}
	wg.Wait()
	close(results)
	for said := range results {
		fmt.Fprintln(os.Stdout, said)
	}
	return nil
}

// issuing is a server that takes each refresh token once: when one comes again it revokes everything, as RFC 9700 has it.
type issuing struct {
	mu      sync.Mutex // guards what follows
	good    int        // the number of the refresh token and of the access token that are good
	revoked bool
	asked   int
	used    map[string]int // access tokens at the API
}

func (s *issuing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		time.Sleep(200 * time.Millisecond) // so that everybody has asked before there is an answer
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path != "/token" {
		tok := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		s.used[tok]++
		_, _ = io.WriteString(w, tok)
		return
	}
	s.asked++
	w.Header().Set("Content-Type", "application/json")
	if r.PostFormValue("refresh_token") != fmt.Sprint("r", s.good) || s.revoked {
		s.revoked = true
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		return
	}
	s.good++
	_, _ = fmt.Fprintf(w, `{"access_token":"t%d","refresh_token":"r%d","expires_in":3600}`, s.good, s.good)
}

// holder is a process that holds tokens.
type holder struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// start starts a process, and returns when it is ready.
func (h holding) start(t *testing.T) *holder {
	t.Helper()
	job, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &holder{t: t, cmd: exec.CommandContext(t.Context(), self)}
	p.cmd.Env = append(os.Environ(), holdingEnv+"="+string(job))
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.in, err = p.cmd.StdinPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	p.wait("ready")
	return p
}

// wait reads on until the process says what.
func (p *holder) wait(what string) {
	p.t.Helper()
	if !p.out.Scan() || p.out.Text() != what {
		p.t.Fatalf("the process says %q, %v, want %q", p.out.Text(), p.out.Err(), what)
	}
}

// begin lets the process begin.
func (p *holder) begin() {
	p.t.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		p.t.Fatal(err)
	}
}

// results counts what the goroutines of the process say.
func (p *holder) results(into map[string]int) {
	for p.out.Scan() {
		into[p.out.Text()]++
	}
}

// held returns a job on a store where a token that has run out is kept, and the server that it is of.
func held(t *testing.T, name string) (holding, *issuing, *relying.Tokens) {
	t.Helper()
	srv := &issuing{used: map[string]int{}}
	at := httptest.NewServer(srv)
	t.Cleanup(at.Close)
	h := holding{Store: name, DSN: dsnOf(t, name), Prefix: "p" + strings.ToLower(rand.Text()[:12]) + "_", Secret: strings.Repeat("QUJD", 11), Server: at.URL, Timeout: 10 * time.Second}
	leave(t, h.Store, h.DSN, h.Prefix)
	k, _, err := h.open(t.Context())
	if err == nil {
		err = k.Keep(t.Context(), "other", "ada", &oauth2.Token{AccessToken: "t0", RefreshToken: "r0", Expiry: time.Now().Add(-time.Minute)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return h, srv, k
}

// A thousand goroutines in three processes share a token that has run out: the server is asked once, and everybody gets the new token.
func TestProcessesShareATokenOfAnotherServer(t *testing.T) {
	t.Parallel()
	for _, name := range storeNames()[1:] {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, srv, _ := held(t, name)
			var all []*holder
			for _, n := range []int{334, 333, 333} {
				h.Goroutines = n
				all = append(all, h.start(t))
			}
			for _, p := range all {
				p.begin()
			}
			said := map[string]int{}
			for _, p := range all {
				p.results(said)
			}
			srv.mu.Lock()
			defer srv.mu.Unlock()
			if want := map[string]int{"200 t1": 1000}; !maps.Equal(said, want) {
				t.Errorf("the processes say %v, want %v", said, want)
			}
			if want := map[string]int{"t1": 1000}; srv.asked != 1 || !maps.Equal(srv.used, want) {
				t.Errorf("%d requests for a token, want 1; used %v, want %v", srv.asked, srv.used, want)
			}
		})
	}
}

// A process that is killed between the server's answer and the store costs one login, and nobody uses an old token.
func TestAProcessThatIsKilledBeforeItStores(t *testing.T) {
	t.Parallel()
	for _, name := range storeNames()[1:] {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, srv, k := held(t, name)
			h.Goroutines, h.Timeout = 10, time.Second
			dying := h
			dying.Hang = true
			first, second := dying.start(t), h.start(t)
			first.begin()
			first.wait("storing")
			second.begin() // while the other has the lease
			if err := first.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			said := map[string]int{}
			second.results(said)
			if want := map[string]int{string(relying.GrantLost): 10}; !maps.Equal(said, want) {
				t.Errorf("the other process says %v, want %v", said, want)
			}
			srv.mu.Lock()
			if srv.asked != 2 || len(srv.used) != 0 {
				t.Errorf("%d requests for a token, want 2; used %v, want none", srv.asked, srv.used)
			}
			srv.mu.Unlock()
			if err := k.Keep(t.Context(), "other", "ada", &oauth2.Token{AccessToken: "t9", RefreshToken: "r9", Expiry: time.Now().Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
			third := h.start(t)
			third.begin()
			said = map[string]int{}
			third.results(said)
			if want := map[string]int{"200 t9": 10}; !maps.Equal(said, want) {
				t.Errorf("after a login a process says %v, want %v", said, want)
			}
		})
	}
}

// holdingProcess is the main function of a process that a test starts, if this is one.
func holdingProcess() (is bool) {
	job, is := os.LookupEnv(holdingEnv)
	if !is {
		return false
	}
	var h holding
	err := json.Unmarshal([]byte(job), &h)
	if err == nil {
		err = h.hold()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

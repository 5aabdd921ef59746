package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/server"
)

// oauth1Races are the cases in which many want the same at once.
func oauth1Races() cases {
	return cases{
		"of 64 that exchange one request token one gets credentials": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side, l := w.as("plain", oauth1.HMACSHA256, oauth1.InHeader), w.dial(t)
			for range a.Rounds {
				temporary := side.temporary(consumerBack)
				_, q := w.decided(temporary)
				var headers []string
				for range contenders {
					headers = append(headers, side.holding(temporary).sign(oauth1.Outgoing{Method: "POST", URL: tokenPath1, Verifier: q.Get("oauth_verifier")}).Authorization)
				}
				answers, err := l.each(w.addr, "POST", tokenPath1, headers)
				if err != nil {
					t.Fatal(err)
				}
				won := w.one(t, answers, "token_used")
				c, _ := won.issued(t)
				side.holding(c).call(oauth1.Outgoing{Method: "GET", URL: "/old"}).status(t, 200)
			}
		},
		"of 64 that repeat one signed request one is heard": func(t *testing.T, a Adapter) {
			w := newOldWorld(t, a, nil)
			side, l := w.as("plain", oauth1.HMACSHA256, oauth1.InHeader), w.dial(t)
			c := side.login()
			for range a.Rounds {
				headers := make([]string, contenders)
				headers[0] = side.holding(c).sign(oauth1.Outgoing{Method: "GET", URL: "/old"}).Authorization
				for i := range headers {
					headers[i] = headers[0]
				}
				answers, err := l.each(w.addr, "GET", "/old", headers)
				if err != nil {
					t.Fatal(err)
				}
				w.one(t, answers, "nonce_used")
			}
		},
		"of 64 at two servers on one store one is heard, and one gets credentials": func(t *testing.T, a Adapter) {
			var config server.Config
			w := newOldWorld(t, a, func(s *setup) { config = s.Config })
			second, err := server.New(config)
			if err != nil {
				t.Fatal(err)
			}
			side := w.as("plain", oauth1.HMACSHA256, oauth1.InHeader)
			c := side.login()
			for range fewer(a).Rounds {
				signed := side.holding(c).sign(oauth1.Outgoing{Method: "GET", URL: "/old"})
				oneOf(t, oauth1.NonceUsed, func(i int) error {
					_, err := []*server.Server{w.srv, second}[i%2].VerifySigned(t.Context(), asked("GET", "", "/old", signed.Authorization), w.url, w.clock.Now())
					return err
				})
				temporary := side.temporary(consumerBack)
				_, q := w.decided(temporary)
				var headers [contenders]string
				for i := range headers {
					headers[i] = side.holding(temporary).sign(oauth1.Outgoing{Method: "POST", URL: tokenPath1, Verifier: q.Get("oauth_verifier")}).Authorization
				}
				at := [2]mandate.Endpoint{exchangeOf(t, w.srv), exchangeOf(t, second)}
				oneOf(t, oauth1.TokenUsed, func(i int) error {
					return at[i%2].Serve(t.Context(), asked("POST", w.url, tokenPath1, headers[i])).Err
				})
			}
		},
	}
}

// asked is a request as an adapter reads it.
func asked(method, origin, path, authorization string) *mandate.Request {
	return &mandate.Request{Method: method, Origin: origin, Path: path, Header: http.Header{"Authorization": {authorization}}}
}

// exchangeOf returns the endpoint of srv that exchanges verifiers.
func exchangeOf(t *testing.T, srv *server.Server) mandate.Endpoint {
	t.Helper()
	list, err := srv.Endpoints(server.Mounting{Decide: func(context.Context, *server.Ask) (server.Answer, error) { return server.Deny(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Path == tokenPath1 {
			return e
		}
	}
	t.Fatal("the server has no such endpoint")
	return mandate.Endpoint{}
}

// oneOf calls f for each contender at once. One must come through, and all others be told code.
func oneOf(t *testing.T, code mandate.Code, f func(i int) error) {
	t.Helper()
	var errs [contenders]error
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range contenders {
		wait.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, code) {
			t.Fatalf("a loser is told %v", err)
		}
	}
	if won != 1 {
		t.Fatalf("%d won", won)
	}
}

// one returns the answer that won. All others must be a 401 with the problem.
func (w *oldWorld) one(t *testing.T, answers []*answer, problem string) *answer {
	t.Helper()
	var won *answer
	for _, ans := range answers {
		switch {
		case ans.Status == 200 && won == nil:
			won = ans
		case ans.Status != 401 || !strings.Contains(strings.Join(ans.Header.Values("WWW-Authenticate"), " "), `oauth_problem="`+problem+`"`):
			t.Fatalf("a loser is told %d %q", ans.Status, ans.Body)
		}
	}
	if won == nil {
		t.Fatalf("nobody won: %d %q", answers[0].Status, answers[0].Body)
	}
	return won
}

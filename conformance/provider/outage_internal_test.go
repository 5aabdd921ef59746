package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The store goes away under load, in two ways, and comes back: what could not be done is refused in time, as an outage; what was answered
// stays so; nothing is half done; and service resumes by itself.
func TestOutage(t *testing.T) {
	t.Parallel()
	for store, s := range map[string]struct {
		server, framework string
		orphans           func(t *testing.T, dsn, prefix string) []string
	}{
		"postgres": {"postgres", "gin", orphansInSQL}, "redis": {"redis", "fiber", orphansInRedis},
	} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, s.server, store)
			content := basis()
			content["auto_consent"], content["refresh_grace_s"], content["lifetimes"] = true, 300, map[string]any{"code": 600}
			c, err := readConfig(file(t, content))
			if err != nil {
				t.Fatal(err)
			}
			p := startOn(t, flags{framework: s.framework, store: store, dsn: server.dsn}, content, nil)
			v := newVisitor(t, p.addr)
			login := v.follow(v.send("GET", authorizeURL("web", redirectURI), "", navigation()...))
			v.code(v.follow(v.submit(login, "action", "login", "username", "foo", "password", "bar")))

			l := &load{t: t, url: "http://" + p.addr, clock: time.Now}
			for name, value := range v.cookies {
				l.cookie += name + "=" + value + "; "
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { l.run(ctx) })
			}
			more := func(what string, n *atomic.Int64, by int64) {
				t.Helper()
				want := n.Load() + by
				until(t, what, func() bool { return n.Load() >= want })
			}
			more("the load to begin", &l.good, 200)
			server.stop()
			more("requests to fail", &l.bad, 50)
			server.restart()
			more("service to resume", &l.good, 200)
			server.freeze()
			more("requests to time out", &l.late, 16)
			server.thaw()
			more("service to resume after a silence", &l.good, 200)
			stop()
			wg.Wait()
			t.Logf("%d requests were answered and %d refused, %d of these after a deadline; the longest took %v", l.good.Load(), l.bad.Load(), l.late.Load(), time.Duration(l.longest.Load()))

			l.check()
			if rows := s.orphans(t, server.dsn, c.place()); len(rows) > 0 {
				t.Errorf("%d tokens stand under a grant that does not exist: %q", len(rows), rows)
			}
		})
	}
}

// load is what clients send, and what they were answered.
type load struct {
	t      *testing.T
	url    string
	cookie string
	clock  func() time.Time

	good, bad, late atomic.Int64
	longest         atomic.Int64

	mu      sync.Mutex // guards what follows
	access  []string   // were answered, and so are good
	refresh []string   // the same; or the answer to their use was lost, and then they are good all the same
	codes   []string   // were answered, and not yet used
}

// most is how long an answer may take: the deadlines of all calls to the store that a request makes, in the worst case.
const most = 25 * time.Second

// run makes one visit after the other until ctx ends.
func (l *load) run(ctx context.Context) {
	client := &http.Client{
		Timeout:       most,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		l.visit(client) //nolint:contextcheck // a visit that has begun is not cut off
		<-tick.C
	}
}

func (l *load) visit(client *http.Client) {
	if tok, ok := l.token(client, "grant_type=client_credentials&scope=read"); ok {
		l.guard(client, tok.Access)
		l.introspect(client, tok.Access)
	}
	code, ok := l.authorize(client)
	if !ok {
		return
	}
	tok, ok := l.token(client, exchange(code))
	if !ok {
		return // spent or not: who asks again learns it
	}
	l.guard(client, tok.Access)
	if next, ok := l.token(client, "grant_type=refresh_token&refresh_token="+tok.Refresh); ok {
		tok = next
	}
	if code, ok = l.authorize(client); !ok {
		code = ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refresh = append(l.refresh, tok.Refresh)
	if code != "" {
		l.codes = append(l.codes, code)
	}
}

func exchange(code string) string {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}}.Encode()
}

type pair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// token reports whether there was a token; otherwise the answer was a proper refusal.
func (l *load) token(client *http.Client, form string) (pair, bool) {
	status, header, body := l.send(client, "POST", "/token", form)
	if status != 200 {
		l.refused("token", status, header, body)
		return pair{}, false
	}
	var p pair
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Access == "" {
		l.t.Errorf("token: 200 %q", body)
	}
	l.good.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.access = append(l.access, p.Access)
	return p, true
}

func (l *load) guard(client *http.Client, access string) {
	status, header, body := l.send(client, "GET", "/resource", "", "Authorization", "Bearer "+access)
	if status == 200 {
		l.good.Add(1)
		return
	}
	l.refused("guard", status, header, body)
}

func (l *load) introspect(client *http.Client, access string) {
	status, header, body := l.send(client, "POST", "/introspect", "token="+access)
	switch {
	case status != 200:
		l.refused("introspection", status, header, body)
	case !strings.Contains(body, `"active":true`):
		l.t.Errorf("introspection: 200 %s, of a token that was answered", body)
	default:
		l.good.Add(1)
	}
}

// authorize returns a code.
func (l *load) authorize(client *http.Client) (string, bool) {
	status, header, body := l.send(client, "GET", authorizeURL("web", redirectURI, "prompt", "none"), "", "Cookie", l.cookie, "Accept", "text/html")
	if status != 303 {
		l.refused("authorize", status, header, body)
		return "", false
	}
	u, err := url.Parse(header.Get("Location"))
	if err != nil {
		l.t.Error(err)
		return "", false
	}
	q := u.Query()
	if code := q.Get("code"); code != "" {
		l.good.Add(1)
		return code, true
	}
	l.refused("authorize", map[string]int{"temporarily_unavailable": 503, "server_error": 500}[q.Get("error")], nil, u.RawQuery)
	return "", false
}

// refused counts a refusal, which must be one that says that it is nobody's fault.
func (l *load) refused(what string, status int, header http.Header, body string) {
	want := map[int]string{500: "server_error", 503: "temporarily_unavailable"}[status]
	if want == "" || !strings.Contains(body, want) {
		l.t.Errorf("%s: status %d, %.300s, want 500 server_error or 503 temporarily_unavailable", what, status, body)
		return
	}
	if retry := header.Get("Retry-After"); header != nil && header.Get("Content-Type") == jsonType && (retry != "") != (status == 503) {
		l.t.Errorf("%s: status %d with Retry-After %q", what, status, retry)
	}
	l.bad.Add(1)
	if status == 503 {
		l.late.Add(1)
	}
}

// send sends a request as the client web, unless fields say something else. One without an answer in time fails the test.
func (l *load) send(client *http.Client, method, target, body string, fields ...string) (int, http.Header, string) {
	r, err := http.NewRequestWithContext(context.WithoutCancel(l.t.Context()), method, l.url+target, strings.NewReader(body))
	if err != nil {
		l.t.Error(err)
		return 0, nil, ""
	}
	if method == "POST" {
		fields = append(fields, "Content-Type", "application/x-www-form-urlencoded",
			"Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("web:"+secretOfWeb)))
	}
	for field := range slices.Chunk(fields, 2) {
		r.Header.Set(field[0], field[1])
	}
	begin := l.clock()
	resp, err := client.Do(r)
	if err != nil {
		l.t.Errorf("%s %.30s: %v after %v", method, target, err, l.clock().Sub(begin))
		return 500, nil, "server_error"
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Error(err)
	}
	took := int64(l.clock().Sub(begin))
	for longest := l.longest.Load(); took > longest && !l.longest.CompareAndSwap(longest, took); longest = l.longest.Load() {
	}
	return resp.StatusCode, resp.Header, string(data)
}

// check asks for everything that was answered: it is as it was.
func (l *load) check() {
	l.t.Helper()
	client := &http.Client{Timeout: most, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	lost := map[string]int{}
	for _, access := range l.access {
		if status, _, _ := l.send(client, "GET", "/resource", "", "Authorization", "Bearer "+access); status != 200 {
			lost[fmt.Sprint("access token: ", status)]++
		}
	}
	for _, refresh := range l.refresh {
		if status, _, body := l.send(client, "POST", "/token", "grant_type=refresh_token&refresh_token="+refresh); status != 200 {
			lost[fmt.Sprint("refresh token: ", status, body)]++
		}
	}
	for _, code := range l.codes {
		if status, _, body := l.send(client, "POST", "/token", exchange(code)); status != 200 {
			lost[fmt.Sprint("code: ", status, body)]++
		}
	}
	if len(lost) > 0 || len(l.access) < 100 || len(l.refresh) < 30 || len(l.codes) < 30 {
		l.t.Errorf("of %d access tokens, %d refresh tokens and %d codes that were answered are lost: %v", len(l.access), len(l.refresh), len(l.codes), lost)
	}
}

func orphansInSQL(t *testing.T, dsn, prefix string) (rows []string) {
	t.Helper()
	err := gormed(t, "postgres", dsn).Raw("SELECT grant_id FROM " + prefix + "tokens t WHERE grant_id <> '' AND NOT EXISTS (SELECT 1 FROM " + prefix + "grants g WHERE g.id = t.grant_id)").Scan(&rows).Error
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// orphansInRedis reads all tokens, whose values name their grants.
func orphansInRedis(t *testing.T, dsn, prefix string) (rows []string) {
	t.Helper()
	client, ctx, n := dialed(t, dsn), t.Context(), 0
	grants := map[string]bool{}
	begin := "{" + prefix + "}:"
	all := client.Scan(ctx, 0, begin+"g:*", 1000).Iterator()
	for all.Next(ctx) {
		grants[strings.TrimPrefix(all.Val(), begin+"g:")] = true
	}
	all = client.Scan(ctx, 0, begin+"t:*", 1000).Iterator()
	for all.Next(ctx) {
		value, err := client.Get(ctx, all.Val()).Result()
		if err != nil {
			t.Fatal(err)
		}
		n++
		found := false
		for id := range grants {
			found = found || strings.Contains(value, id)
		}
		if !found {
			rows = append(rows, value)
		}
	}
	if err := all.Err(); err != nil || n < 100 || len(grants) < 30 {
		t.Fatalf("%d tokens and %d grants are in Redis, %v", n, len(grants), err)
	}
	return rows
}

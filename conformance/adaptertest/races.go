package adaptertest

import (
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// contenders is how many requests race for one thing.
const contenders = 64

// races are the cases in which many want the same at once, over real connections.
func races() cases {
	return cases{
		"of 64 that redeem a code one gets tokens, and they die with it": func(t *testing.T, a Adapter) {
			race(t, a, nil, func(w *world, l *lines, round int) error {
				p := racer(round)
				code, err := w.tryCode(p)
				if err != nil {
					return err
				}
				return w.once(l, p, p.exchange(code))
			})
		},
		"of 64 that use a refresh token without a grace one gets tokens, and they die with it": func(t *testing.T, a Adapter) {
			race(t, a, func(s *setup) { s.Grace = -1 }, func(w *world, l *lines, round int) error {
				p := racer(round)
				first, err := w.tryLogin(p)
				if err != nil {
					return err
				}
				return w.once(l, p, refreshing(first.Refresh))
			})
		},
		"of 64 that use a refresh token within the grace all get the same successor": func(t *testing.T, a Adapter) {
			race(t, a, nil, func(w *world, l *lines, round int) error {
				p := racer(round)
				first, err := w.tryLogin(p)
				if err != nil {
					return err
				}
				answers, err := w.crowd(l, p, refreshing(first.Refresh))
				if err != nil {
					return err
				}
				for _, ans := range answers {
					if ans.Status != 200 || ans.text(w.t, "refresh_token") != answers[0].text(w.t, "refresh_token") {
						return fmt.Errorf("answers = %d %s, %d %s", answers[0].Status, answers[0].Body, ans.Status, ans.Body)
					}
				}
				// Nothing forked: of generations there is one more, and it goes on.
				second, err := w.tryToken(p, refreshing(answers[0].text(w.t, "refresh_token")))
				if err != nil || second.Status != 200 {
					return fmt.Errorf("the successor: %v %w", second, err)
				}
				return nil
			})
		},
		"strangers who have a code change nothing": func(t *testing.T, a Adapter) {
			race(t, fewer(a), nil, func(w *world, _ *lines, round int) error {
				p := racer(round)
				code, err := w.tryCode(p)
				if err != nil {
					return err
				}
				other := web()
				if p == other {
					other = post()
				}
				wrong := []struct {
					p    party
					form url.Values
				}{
					{party{p.id, "", "none", ""}, p.exchange(code)},
					{party{p.id, "guessed", "client_secret_basic", ""}, p.exchange(code)},
					{other, p.exchange(code)},
					{spa(), p.exchange(code)},
					{p, with(p.exchange(code), "redirect_uri", "")},
					{p, with(p.exchange(code), "redirect_uri", "https://evil.example/cb")},
					{p, with(p.exchange(code), "code_verifier", "")},
					{p, with(p.exchange(code), "code_verifier", verifier+"x")},
				}
				var wg sync.WaitGroup
				var good atomic.Int64
				for i := range contenders {
					wg.Go(func() {
						row := wrong[i%len(wrong)]
						if ans, err := w.tryToken(row.p, row.form); err != nil || ans.Status != 400 && ans.Status != 401 {
							good.Add(1)
						}
					})
				}
				wg.Wait()
				if n := good.Load(); n > 0 {
					return fmt.Errorf("%d strangers were not refused", n)
				}
				ans, err := w.tryToken(p, p.exchange(code))
				if err != nil || ans.Status != 200 {
					return fmt.Errorf("the owner of the code: %v %w", ans, err)
				}
				return w.tryAlive(ans.text(w.t, "access_token"), true)
			})
		},
		"of 64 that send one decision all get the same code": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, ownPages)
			for range fewer(fewer(a)).Rounds {
				b := newBrowser(w)
				b.cookies["app"] = "alice.0."
				f := b.authorize(web(), "prompt", "consent").form()
				body := with(f.values, "verdict", "allow", "scope", "read").Encode()
				var fields []string
				for name, value := range b.cookies {
					fields = append(fields, "Cookie", name+"="+value)
				}
				var all [contenders]string
				var wg sync.WaitGroup
				for i := range all {
					wg.Go(func() {
						ans, err := w.try(t, "POST", f.action, body, append(fields, "Content-Type", "application/x-www-form-urlencoded")...)
						if err != nil {
							t.Error(err)
							return
						}
						all[i] = ans.Header.Get("Location")
					})
				}
				wg.Wait()
				for _, to := range all {
					if to == "" || to != all[0] {
						t.Fatalf("answers = %q, %q", all[0], to)
					}
				}
			}
		},
	}
}

// racer is the client of a round: now one whose tokens are stored, now one whose tokens are signed.
func racer(round int) party {
	switch round % 8 {
	case 1:
		return jwtWeb()
	case 2, 3:
		return post()
	default:
		return web()
	}
}

// fewer is a with a tenth of the rounds: where nothing can be won nothing races, and the gate of a replay is one for all that goes through it.
func fewer(a Adapter) Adapter {
	a.Rounds = max(1, a.Rounds/10)
	return a
}

// race runs the rounds of a race, several at a time.
func race(t *testing.T, a Adapter, change func(s *setup), round func(w *world, l *lines, n int) error) {
	t.Helper()
	w := newWorld(t, a, change)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		l := w.dial(t)
		wg.Go(func() {
			for n := int(next.Add(1)); n <= a.Rounds && !t.Failed(); n = int(next.Add(1)) {
				if err := round(w, l, n); err != nil {
					t.Errorf("round %d: %v", n, err)
				}
			}
		})
	}
	wg.Wait()
}

// crowd sends one token request from all contenders at once.
func (w *world) crowd(l *lines, p party, form url.Values) ([]*answer, error) {
	form = with(form)
	fields := p.sign(form)
	return l.crowd(w.addr, "/token", form, fields...)
}

// once lets the crowd send form, of which one may win. The losers have proven that it was used twice: what the winner got is dead.
func (w *world) once(l *lines, p party, form url.Values) error {
	w.t.Helper()
	answers, err := w.crowd(l, p, form)
	if err != nil {
		return err
	}
	var won *answer
	for _, ans := range answers {
		switch {
		case ans.Status == 200 && won == nil:
			won = ans
		case ans.Status == 200:
			return fmt.Errorf("two won: %s, %s", won.Body, ans.Body)
		case ans.Status != 400 || ans.text(w.t, "error") != "invalid_grant":
			return fmt.Errorf("a loser is told %d %s", ans.Status, ans.Body)
		}
	}
	if won == nil {
		return fmt.Errorf("nobody won: %s", answers[0].Body)
	}
	if err := w.tryAlive(won.text(w.t, "access_token"), false); err != nil {
		return err
	}
	ans, err := w.tryToken(p, refreshing(won.text(w.t, "refresh_token")))
	if err != nil || ans.Status != 400 || ans.text(w.t, "error") != "invalid_grant" {
		return fmt.Errorf("the winner's refresh token: %v %w", ans, err)
	}
	return nil
}

// tryToken is token for goroutines.
func (w *world) tryToken(p party, form url.Values) (*answer, error) {
	w.t.Helper()
	form = with(form)
	fields := append(p.sign(form), "Content-Type", "application/x-www-form-urlencoded")
	return w.try(w.t, "POST", "/token", form.Encode(), fields...)
}

// tryCode is code for goroutines.
func (w *world) tryCode(p party) (string, error) {
	w.t.Helper()
	ans, err := w.try(w.t, "GET", "/authorize?"+p.request().Encode(), "")
	if err != nil {
		return "", err
	}
	u, err := url.Parse(ans.Header.Get("Location"))
	if err != nil || u.Query().Get("code") == "" {
		return "", fmt.Errorf("no code: %d %q", ans.Status, ans.Header.Get("Location"))
	}
	return u.Query().Get("code"), nil
}

// tryLogin is login for goroutines.
func (w *world) tryLogin(p party) (tokens, error) {
	w.t.Helper()
	code, err := w.tryCode(p)
	if err != nil {
		return tokens{}, err
	}
	ans, err := w.tryToken(p, p.exchange(code))
	if err != nil || ans.Status != 200 {
		return tokens{}, fmt.Errorf("no tokens: %v %w", ans, err)
	}
	return tokens{Access: ans.text(w.t, "access_token"), Refresh: ans.text(w.t, "refresh_token")}, nil
}

// tryAlive says whether the API does with an access token what it should.
func (w *world) tryAlive(access string, alive bool) error {
	w.t.Helper()
	ans, err := w.try(w.t, "GET", "/api", "", "Authorization", "Bearer "+access)
	if err != nil {
		return err
	}
	if (ans.Status == 200) != alive || !alive && ans.Status != 401 {
		return fmt.Errorf("the API answers %d, and the token should be alive: %v", ans.Status, alive)
	}
	return nil
}

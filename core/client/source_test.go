package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// counting returns a source of numbered tokens that live for life, each of which takes delay, and how many there were.
func counting(delay, life time.Duration, fail func(n int32) error) (*client.Source, *atomic.Int32) {
	n := new(atomic.Int32)
	return client.NewSource(func(ctx context.Context) (*oauth2.Token, error) {
		i := n.Add(1)
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if fail != nil {
			if err := fail(i); err != nil {
				return nil, err
			}
		}
		return &oauth2.Token{AccessToken: fmt.Sprint("t", i), Expiry: time.Now().Add(life), RefreshToken: "never shown"}, nil
	}, client.SourceConfig{}), n
}

func wantToken(t *testing.T, s oauth2.TokenSource, want string) {
	t.Helper()
	tok, err := s.Token()
	if err != nil || tok.AccessToken != want || tok.RefreshToken != "" {
		t.Errorf("token = %+v, %v, want %q and no refresh token", tok, err, want)
	}
}

func TestOneRequestForAThousandWhoAsk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, n := counting(time.Second, time.Hour, nil)
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { wantToken(t, s, "t1") })
		}
		wg.Wait()
		if n.Load() != 1 {
			t.Errorf("%d requests, want 1", n.Load())
		}
	})
}

func TestATokenIsRenewedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ life, good time.Duration }{
		"by the leeway":                   {time.Hour, 59 * time.Minute},
		"by a quarter of a life so short": {40 * time.Second, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, _ := counting(0, tc.life, nil)
				wantToken(t, s, "t1")
				time.Sleep(tc.good - time.Second)
				wantToken(t, s, "t1")
				time.Sleep(2 * time.Second)
				wantToken(t, s, "t2")
			})
		})
	}
}

func TestWhoStopsWaitingFailsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, n := counting(5*time.Second, time.Hour, nil)
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error)
		go func() {
			_, err := s.TokenContext(ctx)
			first <- err
		}()
		synctest.Wait() // the flight is the first one's
		var wg sync.WaitGroup
		wg.Go(func() { wantToken(t, s, "t1") })
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want %v", err, context.Canceled)
		}
		wg.Wait()
		if n.Load() != 1 {
			t.Errorf("%d requests, want 1", n.Load())
		}
	})
}

func TestAFailureIsTheAnswerForASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := &client.Error{Kind: client.Unreachable}
		s, n := counting(0, time.Hour, func(i int32) error {
			if i == 1 {
				return down
			}
			return nil
		})
		for range 100 {
			if _, err := s.Token(); !errors.Is(err, client.Unreachable) {
				t.Errorf("error = %v", err)
			}
		}
		if n.Load() != 1 {
			t.Errorf("%d requests, want 1", n.Load())
		}
		time.Sleep(time.Second)
		wantToken(t, s, "t2")
	})
}

func TestATokenThatLivesIsUsedWhileItCannotBeRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, n := counting(0, time.Hour, func(i int32) error {
			if i > 1 {
				return errors.New("connection refused")
			}
			return nil
		})
		wantToken(t, s, "t1")
		time.Sleep(59*time.Minute + time.Second)
		for range 100 {
			wantToken(t, s, "t1")
		}
		if n.Load() != 2 {
			t.Errorf("%d requests, want 2", n.Load())
		}
		time.Sleep(2 * time.Second)
		wantToken(t, s, "t1") // and another try, in the background
		synctest.Wait()
		if n.Load() != 3 {
			t.Errorf("%d requests, want 3", n.Load())
		}
		time.Sleep(time.Minute)
		if _, err := s.Token(); err == nil {
			t.Error("a token that has run out is used")
		}
	})
}

func TestAPanicIsAnError(t *testing.T) {
	t.Parallel()
	s := client.NewSource(func(context.Context) (*oauth2.Token, error) { panic("x") }, client.SourceConfig{})
	if _, err := s.Token(); !errors.Is(err, client.Fault) {
		t.Errorf("error = %v, want %v", err, client.Fault)
	}
	s = client.NewSource(func(context.Context) (*oauth2.Token, error) { return nil, nil }, client.SourceConfig{}) //nolint:nilnil // that is the case
	if _, err := s.Token(); !errors.Is(err, client.NoToken) {
		t.Errorf("error = %v, want %v", err, client.NoToken)
	}
}

func TestRefreshingInMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, unsaved := 0, true
		var saved []string
		r := requester(t, func(_ *mandate.FetchRequest, form url.Values) *mandate.Response {
			n++
			if got, want := form.Get("refresh_token"), fmt.Sprint("r", n-1); got != want {
				t.Errorf("refresh token = %q, want %q", got, want)
			}
			return saysJSON(200, fmt.Sprintf(`{"access_token":"t%d","refresh_token":"r%d","expires_in":3600}`, n, n))
		}, func(c *client.TokenConfig) { c.Now = time.Now })
		s := client.NewRefreshing(r, &oauth2.Token{AccessToken: "t0", RefreshToken: "r0", Expiry: time.Now().Add(time.Hour)},
			func(_ context.Context, tok *oauth2.Token) error {
				if unsaved {
					unsaved = false
					return errors.New("disk full")
				}
				saved = append(saved, tok.AccessToken+" "+tok.RefreshToken)
				return nil
			}, client.SourceConfig{})
		wantToken(t, s, "t0")
		time.Sleep(2 * time.Hour)
		if _, err := s.Token(); !errors.Is(err, client.Fault) {
			t.Errorf("error = %v, want %v: nobody may use what is not saved", err, client.Fault)
		}
		time.Sleep(2 * time.Second)
		wantToken(t, s, "t1") // saved now, not refreshed again
		time.Sleep(2 * time.Hour)
		wantToken(t, s, "t2")
		if fmt.Sprint(saved) != "[t1 r1 t2 r2]" {
			t.Errorf("saved %q", saved)
		}
	})
}

func TestDevice(t *testing.T) {
	t.Parallel()
	const codes = `{"device_code":"d","user_code":"U-1","verification_uri":"https://id.test/go","verification_uri_complete":"https://id.test/go?c=U-1","expires_in":600,"interval":2}`
	refuse := func(code string) *mandate.Response { return saysJSON(400, `{"error":"`+code+`"}`) }
	for name, tc := range map[string]struct {
		answers []*mandate.Response // nil: cannot be reached
		want    error
		after   time.Duration
	}{
		"polls, slows down, and succeeds (RFC 8628, 3.5)": {
			[]*mandate.Response{refuse("authorization_pending"), refuse("slow_down"), refuse("authorization_pending"), saysJSON(200, granted)}, nil, (2 + 2 + 7 + 7) * time.Second,
		},
		"goes half as fast when the server cannot be reached": {[]*mandate.Response{nil, nil, saysJSON(200, granted)}, nil, (2 + 4 + 8) * time.Second},
		"the user says no":     {[]*mandate.Response{refuse("authorization_pending"), refuse("access_denied")}, client.Denied, 4 * time.Second},
		"the server says late": {[]*mandate.Response{refuse("expired_token")}, client.Expired, 2 * time.Second},
		"another refusal":      {[]*mandate.Response{refuse("invalid_client")}, mandate.InvalidClient, 2 * time.Second},
		"nobody comes":         {nil, client.Expired, 598 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				r := requester(t, func(r *mandate.FetchRequest, form url.Values) *mandate.Response {
					if r.URL == "https://id.test/device" {
						if form.Get("scope") != "films" {
							t.Errorf("form = %v", form)
						}
						return saysJSON(200, codes)
					}
					if form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:device_code" || form.Get("device_code") != "d" {
						t.Errorf("form = %v", form)
					}
					if tc.answers == nil {
						return refuse("authorization_pending")
					}
					n++
					return tc.answers[n-1]
				})
				begun := time.Now()
				d, err := r.Device(t.Context(), client.Want{Scopes: []string{"films"}})
				if err != nil || d.UserCode != "U-1" || d.Interval != 2 || !d.Expiry.Equal(begun.Add(10*time.Minute)) {
					t.Fatalf("device = %+v, %v", d, err)
				}
				_, err = r.DeviceToken(t.Context(), d)
				if took := time.Since(begun); !errors.Is(err, tc.want) || took != tc.after {
					t.Errorf("after %v: error = %v, want %v after %v", took, err, tc.want, tc.after)
				}
			})
		})
	}
}

func TestDeviceStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := requester(t, nil).DeviceToken(ctx, &oauth2.DeviceAuthResponse{DeviceCode: "d"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}

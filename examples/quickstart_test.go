package examples_test

import (
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestQuickstart(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			p := start(t, "quickstart-"+framework)
			if !strings.Contains(p.said, "Open "+p.base+" ") {
				t.Errorf("it says %q, want where to go", p.said)
			}
			if got := paste(t, p.said); !slices.Equal(got, []string{"200", "401", "403"}) {
				t.Errorf("the pasted lines = %v, want 200 401 403", got)
			}

			b := newBrowser(t)
			if home := b.open(p.base).want(t, 200, "Nobody is signed in."); !strings.Contains(home.text, `href="/login"`) {
				t.Fatalf("no link in %s", home.text)
			}
			login := b.open(p.base+"/login").want(t, 200, "<form")
			login = b.submit(login, url.Values{"username": {"demo"}, "password": {"wrong"}, "action": {"login"}}).want(t, 200, "<form")
			consent := b.submit(login, url.Values{"username": {"demo"}, "password": {"demo"}, "action": {"login"}}).want(t, 200, "See who you are")
			done := b.submit(consent, url.Values{"action": {"allow"}})
			done.want(t, 200, "The API says: ").want(t, 200, "user-1")

			// The second time nobody is asked.
			b.open(p.base+"/login").want(t, 200, "user-1")

			// A callback that this browser did not begin.
			b.open(p.base+"/callback?code=x&state=y").want(t, 200, "not begun in this browser")
			newBrowser(t).open(p.base+"/callback?code=x&state=").want(t, 200, "not begun in this browser")
		})
	}
}

func TestQuickstartDenied(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			p := start(t, "quickstart-"+framework)
			b := newBrowser(t)
			consent := b.submit(b.open(p.base+"/login"), url.Values{"username": {"demo"}, "password": {"demo"}, "action": {"login"}})
			b.submit(consent, url.Values{"action": {"deny"}}).want(t, 200, "access_denied")
		})
	}
}

// TestQuickstartIsShort holds the quickstarts to what can be read in one go.
func TestQuickstartIsShort(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		text, err := os.ReadFile("quickstart-" + framework + "/main.go")
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n >= 150 {
			t.Errorf("quickstart-%s has %d lines, want fewer than 150", framework, n)
		}
	}
}

package providers_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/client/providers"
)

// preset is a provider under test. Its scenarios are the files in testdata/<name of the app>.
type preset struct {
	app  client.App
	fill func(w *world, answer string) string // puts into an answer what files cannot have, such as ID tokens; may be nil
	// without are the scenarios that every provider has, and this one cannot have.
	without []string
}

// presets are all of them.
func presets() []preset {
	return slices.Concat([]preset{
		{app: providers.Amazon(creds)},
		{app: providers.Bitbucket(creds)},
		{app: providers.Discord(creds)},
		{app: providers.Douban(creds)},
		{app: providers.Dropbox(creds)},
		{app: providers.Facebook(creds)},
		{app: providers.GitHub(creds)},
		{app: providers.Notion(creds), without: []string{"expired"}}, // the profile is in the token's answer
		{app: providers.QQ(creds)},
		{app: providers.Reddit("web:com.example.shop:v1.2 (by /u/someone)", creds)},
		{app: providers.Spotify(creds)},
		{app: providers.Twitter(creds)},
		{app: providers.Weibo(creds)},
		{app: providers.X(creds)},
		{app: providers.Zoom(creds)},
	}, openids())
}

// Every provider has a login, a user's no at the callback, a refusal of the token endpoint, and a profile that is refused for its token and for
// the number of calls.
var usual = []string{"login", "denied", "refused", "expired", "limited"}

func TestLogins(t *testing.T) {
	t.Parallel()
	for _, p := range presets() {
		dir := filepath.Join("testdata", p.app.AppName())
		for _, name := range usual {
			if _, err := os.Stat(filepath.Join(dir, name+".txt")); err != nil && !slices.Contains(p.without, name) {
				t.Errorf("%s has no scenario %q", p.app.AppName(), name)
			}
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			t.Run(p.app.AppName()+" "+strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
				t.Parallel()
				s := readScenario(t, file)
				w := newWorld(t, s.all("answer"), p.fill)
				authorize, in, err := run(t, w, p.app, s.one("callback"))
				after := then(t, in, s.one("then"))
				s.check(t, authorize, w.requests, outcome(t, in, err)+after)
			})
		}
	}
}

// What a provider or something before it may answer instead, whatever it was asked.
var nonsense = map[string]string{
	"an error page":      "503\nContent-Type: text/html; charset=utf-8\n\n<!DOCTYPE html><html><body><h1>We'll be right back</h1></body></html>",
	"a page":             "200\nContent-Type: text/html; charset=utf-8\n\n<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>",
	"nothing":            "200\nContent-Type: application/json\n\n",
	"null":               "200\nContent-Type: application/json\n\nnull",
	"another shape":      "200\nContent-Type: application/json\n\n[[[]]]",
	"half an answer":     "200\nContent-Type: application/json\n\n{\"access_token\": \"an-ac",
	"wrong types":        "200\nContent-Type: application/json\n\n{\"access_token\": {}, \"id\": [], \"data\": 1, \"user\": \"x\", \"sub\": {}}",
	"an empty object":    "200\nContent-Type: application/json\n\n{}",
	"too many requests":  "429\nContent-Type: application/json\nRetry-After: 30\n\n{\"message\": \"slow down\"}",
	"a bare bad gateway": "502\n\n",
}

// Whatever is answered at whatever step of a login, it ends in an error that is the provider's, or in the sign-in of the same user.
func TestNonsense(t *testing.T) {
	t.Parallel()
	for _, p := range presets() {
		s := readScenario(t, filepath.Join("testdata", p.app.AppName(), "login.txt"))
		_, good, err := run(t, newWorld(t, s.all("answer"), p.fill), p.app, s.one("callback"))
		if err != nil {
			t.Errorf("%s: %v", p.app.AppName(), err)
			continue
		}
		for i := range s.all("answer") {
			for name, answer := range nonsense {
				t.Run(p.app.AppName()+" answers "+string(rune('1'+i))+" with "+name, func(t *testing.T) {
					t.Parallel()
					answers := s.all("answer")
					answers[i] = answer
					_, in, err := run(t, newWorld(t, answers, p.fill), p.app, s.one("callback"))
					switch e, _ := errors.AsType[*client.Error](err); {
					case err == nil && (in.Profile.Subject != good.Profile.Subject || in.Profile.EmailVerified && in.Profile.Email != good.Profile.Email):
						t.Errorf("the sign-in is of %+v", in.Profile)
					case err != nil && (e == nil || e.App != p.app.AppName() || e.HTTPStatus() != 502):
						t.Errorf("error = %v, want the provider's", err)
					}
				})
			}
		}
	}
}

package examples_test

import (
	"net/url"
	"regexp"
	"testing"
)

// TestOpenID signs in, out at both places, and in again, and out at the provider.
func TestOpenID(t *testing.T) {
	t.Parallel()
	leave := regexp.MustCompile(`http://[^"]+/leave`)
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			p := start(t, "openid-"+framework)
			b := newBrowser(t)
			b.open(p.base+"/").want(t, 200, "Nobody is signed in.")
			page := b.open(p.base+"/auth/corp/login?return_to=/").want(t, 200, "Hello Demo.")
			b.submit(page, url.Values{}).want(t, 200, "Nobody is signed in.")
			page = b.open(p.base+"/auth/corp/login?return_to=/").want(t, 200, "Hello Demo.")
			newBrowser(t).open(leave.FindString(page.text)).want(t, 200, "The application answered 200.")
			b.open(p.base+"/").want(t, 200, "Nobody is signed in.")
			b.open(p.base+"/auth/corp/callback?code=x&state=y").want(t, 400, "")
		})
	}
}

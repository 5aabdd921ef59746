package examples_test

import (
	"net/url"
	"testing"
)

// TestLogin signs in with both providers, after saying no once, and brings an answer that nobody asked for.
func TestLogin(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			p := start(t, "login-"+framework)
			other := newBrowser(t)
			page := other.open(p.base+"/auth/north/login").want(t, 200, "Sign in")
			page = other.submit(page, url.Values{"username": {"demo"}, "password": {"demo"}, "action": {"login"}}).want(t, 200, "Demo shop")
			other.submit(page, url.Values{"action": {"deny"}}).want(t, 403, "You said no.")
			b := newBrowser(t)
			b.open(p.base+"/").want(t, 200, "Sign in with North")
			for name, title := range map[string]string{"north": "North", "south": "South"} {
				page := b.open(p.base+"/auth/"+name+"/login?return_to=/cart").want(t, 200, "Sign in")
				page = b.submit(page, url.Values{"username": {"demo"}, "password": {"demo"}, "action": {"login"}}).want(t, 200, "Demo shop")
				b.submit(page, url.Values{"action": {"allow"}}).want(t, 200, "Hello Demo of "+title+", you are user-1 of "+name+" and came from /cart.")
			}
			newBrowser(t).open(p.base+"/auth/north/callback?code=x&state=y").want(t, 400, "That sign-in is over.")
		})
	}
}

// TestLoginOAuth1 signs in with OAuth 1.0a and has the application call the API, after saying no once.
func TestLoginOAuth1(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			p := start(t, "login-oauth1-"+framework)
			other := newBrowser(t)
			page := other.open(p.base+"/auth/west/login").want(t, 200, "Sign in")
			page = other.submit(page, url.Values{"username": {"demo"}, "password": {"demo"}, "action": {"login"}}).want(t, 200, "Demo shop")
			other.submit(page, url.Values{"action": {"deny"}}).want(t, 403, "You said no.")
			b := newBrowser(t)
			b.open(p.base+"/").want(t, 200, "Sign in with West")
			page = b.open(p.base+"/auth/west/login").want(t, 200, "Sign in")
			page = b.submit(page, url.Values{"username": {"demo"}, "password": {"demo"}, "action": {"login"}}).want(t, 200, "See your photos")
			b.submit(page, url.Values{"action": {"allow"}}).want(t, 200, "Hello Demo of West, you are user-1 of west. Your photos: sea.jpg, hills.jpg.")
			newBrowser(t).open(p.base+"/auth/west/callback?oauth_token=x&oauth_verifier=y").want(t, 400, "That sign-in is over.")
		})
	}
}

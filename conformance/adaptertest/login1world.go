package adaptertest

import (
	"testing"

	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/store"
)

// login1Setup is what a case changes before its world begins.
type login1Setup struct {
	client.Config
	LoginConfig

	apps     map[string]*client.OAuth1 // by consumer: "plain", "other", "keyed"
	provider func(s *setup)
	more     []client.App
}

// newLogin1World makes an application whose users sign in with OAuth 1.0a, and their provider: two sites of the same framework. What is granted is kept.
func newLogin1World(t *testing.T, a Adapter, change func(s *login1Setup)) *loginWorld {
	t.Helper()
	l := &loginWorld{shop: newSite(t, a)}
	s := &login1Setup{apps: map[string]*client.OAuth1{}}
	s.BaseURL, s.Tokens = l.shop.url, a.NewStore(t)
	key, err := consumerKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plain", "other", "keyed"} {
		s.apps[name] = &client.OAuth1{Name: name, Credentials: client.Credentials{ID: name, Secret: consumerSecret}}
	}
	s.apps["keyed"].Credentials.Secret, s.apps["keyed"].PrivateKey = "", key
	if change != nil {
		change(s)
	}
	l.world = newOldWorld(t, a, func(w *setup) {
		for i, c := range w.Clients {
			if s.apps[c.ID] != nil {
				w.Clients[i] = withCallback(c, s.BaseURL)
			}
		}
		if s.provider != nil {
			s.provider(w)
		}
	}).world
	s.Now = l.clock.Now
	for _, name := range []string{"plain", "other", "keyed"} {
		o := *s.apps[name]
		if o.RequestTokenURL == "" {
			o.RequestTokenURL, o.AuthURL, o.TokenURL = l.url+temporaryPath, l.url+"/oauth1/authorize", l.url+tokenPath1
		}
		o.APIURL = l.url
		if o.ProfileURL == "" {
			o.ProfileURL = "/old"
		}
		s.Apps = append(s.Apps, o)
	}
	for _, app := range s.more {
		if o, ok := app.(client.OAuth2); ok {
			o.Issuer, o.ProfileURL = l.issuer, l.issuer+"/api"
			app = o
		}
		s.Apps = append(s.Apps, app)
	}
	if l.reg, err = client.NewRegistry(s.Config); err != nil {
		t.Fatal(err)
	}
	if err := l.shop.app.MountLogin("/auth", l.reg, signedIn1, s.LoginConfig); err != nil {
		t.Fatal(err)
	}
	l.shop.start(t)
	return l
}

// withCallback returns c with the callback that the application at base has for it.
func withCallback(c *store.Client, base string) *store.Client {
	out := *c
	out.Metadata.RedirectURIs = []string{base + "/auth/" + c.ID + "/callback"}
	return &out
}

// signedIn1 keeps what was granted, and answers with who signed in.
func signedIn1(c Ctx, in *client.SignIn) error {
	if in.OAuth1 == nil {
		return signedIn(c, in)
	}
	if err := in.Keep(c.Context(), in.Profile.Subject); err != nil {
		return err
	}
	c.SetCookie("signed-in", in.Profile.Subject)
	return c.JSON(200, map[string]any{
		"app": in.App, "sub": in.Profile.Subject, "return_to": in.ReturnTo, "token": in.OAuth1.Token, "bearer": in.Token != nil, "scopes": len(in.Scopes), "missing": len(in.Missing),
		"first": first(in.Scopes), "user_id": in.OAuth1.Extra["user_id"],
	})
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// kept calls the provider's API with what is kept of alice, and checks that she may.
func (b *tabs) kept(app string) {
	b.t.Helper()
	resp, err := b.l.reg.App(app).API("alice").Get(b.t.Context(), "/old?size=big", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	var m map[string]any
	if err := resp.Decode(&m); err != nil {
		b.t.Fatal(err)
	}
	if m["sub"] != "alice" || m["client"] != app || m["type"] != "OAuth" || m["size"] != "big" {
		b.t.Errorf("the API says %v", m)
	}
}

// logins1 are the ways in which an application may sign.
func logins1() map[string]client.OAuth1 {
	return map[string]client.OAuth1{
		"HMAC-SHA1":             {Name: "plain"},
		"HMAC-SHA256":           {Name: "plain", Method: oauth1.HMACSHA256},
		"HMAC-SHA512, in forms": {Name: "plain", Method: oauth1.HMACSHA512, Placement: oauth1.InBody},
		"RSA-SHA1":              {Name: "keyed"},
		"RSA-SHA256":            {Name: "keyed", Method: oauth1.RSASHA256},
		"PLAINTEXT":             {Name: "plain", Method: oauth1.Plaintext},
		"in queries, by GET":    {Name: "plain", Placement: oauth1.InQuery, RequestTokenMethod: "GET", TokenMethod: "GET"},
		"with a realm":          {Name: "plain", Realm: "read"},
	}
}

package docs

import (
	"context"
	"strings"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/client/providers"
)

// PresetChanged changes what a preset says.
func PresetChanged(c client.Credentials) []client.App {
	// doc:start preset-change
	github := providers.GitHub(c)
	github.Scopes = append(github.Scopes, "repo")

	dropbox := providers.Dropbox(c)
	dropbox.AuthParams = append(dropbox.AuthParams, mandate.Field{Name: "token_access_type", Value: "offline"}) // for a refresh token

	work := providers.GitHub(c) // a second app of one provider: a GitHub Enterprise Server
	work.Name = "work"
	work.AuthURL, work.TokenURL = "https://git.example.com/login/oauth/authorize", "https://git.example.com/login/oauth/access_token"
	work.DeviceURL, work.APIURL = "https://git.example.com/login/device/code", "https://git.example.com/api/v3/"
	// doc:end
	return []client.App{github, dropbox, work}
}

// PresetsOAuth2 are all presets without OpenID Connect.
func PresetsOAuth2(env func(prefix string) client.Credentials) []client.App {
	// doc:start preset-oauth2
	apps := []client.App{
		providers.Amazon(env("AMAZON")),
		providers.Bitbucket(env("BITBUCKET")),
		providers.Discord(env("DISCORD")),
		providers.Douban(env("DOUBAN")),
		providers.Dropbox(env("DROPBOX")),
		providers.Facebook(env("FACEBOOK")),
		providers.GitHub(env("GITHUB")),
		providers.Notion(env("NOTION")),
		providers.QQ(env("QQ")),
		providers.Reddit("web:com.example.shop:v1.2 (by /u/someone)", env("REDDIT")),
		providers.Spotify(env("SPOTIFY")),
		providers.Weibo(env("WEIBO")),
		providers.X(env("X")),
		providers.Zoom(env("ZOOM")),
	}
	// doc:end
	return apps
}

// PresetCall asks GitHub for the organizations of who signed in.
func PresetCall(ctx context.Context, in *client.SignIn) ([]string, error) {
	// doc:start preset-call
	var orgs []struct{ Login string }
	api := in.Remote().APIWith(oauth2.StaticTokenSource(in.Token))
	res, err := api.Get(ctx, "user/orgs", nil)
	if err == nil {
		err = res.Decode(&orgs)
	}
	// doc:end
	var names []string
	for _, o := range orgs {
		names = append(names, o.Login)
	}
	return names, err
}

// PresetOwn is a provider that is not among the presets.
func PresetOwn(c client.Credentials) client.App {
	// doc:start preset-own
	app := client.OAuth2{
		Name: "example", Credentials: c,
		AuthURL: "https://id.example.com/authorize", TokenURL: "https://id.example.com/token", APIURL: "https://api.example.com/v2/",
		Scopes: []string{"user", "mail"}, ScopeSeparator: ",",
		TokenEncoding: client.EncodeJSON, // it wants the parameters as JSON
		TokenAnswer: func(res *mandate.Response) { // and answers with something in front
			res.Body = []byte(strings.TrimPrefix(string(res.Body), "for (;;);"))
		},
		Declined: func(answer mandate.Params) bool { return answer.Get("cancelled") == "1" },
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			res, err := g.Do(ctx, client.Call{Method: "POST", URL: "me"})
			if err != nil {
				return client.Profile{}, err
			}
			if !res.OK() {
				return client.Profile{}, g.Refused(res)
			}
			var me struct{ Data struct{ ID, Name string } }
			err = res.Read(&me)
			return client.Profile{Subject: me.Data.ID, Name: me.Data.Name}, err
		},
	}
	// doc:end
	return app
}

package providers

import (
	"context"
	"net/url"
	"strings"

	"golang.org/x/oauth2/endpoints"

	"github.com/go-mandate/mandate/core/client"
)

// Discord is Discord (https://docs.discord.com/developers/topics/oauth2). A token lives for a week, and is renewed. The profile says whether the e-mail
// address is verified; users without one, or who did not grant the scope email, have none.
func Discord(c client.Credentials) client.OAuth2 {
	return client.OAuth2{
		Name: "discord", Credentials: c,
		AuthURL: endpoints.Discord.AuthURL, TokenURL: endpoints.Discord.TokenURL, RevocationURL: "https://discord.com/api/oauth2/token/revoke",
		APIURL: "https://discord.com/api/v10/",
		Scopes: []string{"identify", "email"},
		Profile: func(ctx context.Context, g *client.Granted) (client.Profile, error) {
			var raw map[string]any
			if err := g.JSON(ctx, "users/@me", &raw); err != nil {
				return client.Profile{}, err
			}
			p := client.Profile{
				Subject: text(raw, "id"), Name: text(raw, "global_name"), Username: text(raw, "username"),
				Email: text(raw, "email"), EmailVerified: raw["verified"] == true, Locale: text(raw, "locale"), Raw: raw,
			}
			if p.Name == "" {
				p.Name = p.Username
			}
			if hash := text(raw, "avatar"); hash != "" {
				kind := ".png"
				if strings.HasPrefix(hash, "a_") { // animated
					kind = ".gif"
				}
				p.Picture = "https://cdn.discordapp.com/avatars/" + url.PathEscape(p.Subject) + "/" + url.PathEscape(hash) + kind
			}
			return p, nil
		},
	}
}

package providers

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
)

const apple = "https://appleid.apple.com"

// Apple is Sign in with Apple (https://developer.apple.com/documentation/signinwithapplerestapi). The credentials are best those of
// [AppleCredentials].
//
// Apple posts its answer, as it must where a scope is asked for: the cookie of the login is SameSite=None then, which takes https. The name comes
// at the user's very first login and never again, in the browser's hands: keep it then, and do not trust it. The address is that of the ID token, often
// one that Apple relays to the user's own; Apple has verified either. There is no user info. Subjects are those of one developer team.
func Apple(c client.Credentials) client.OpenID {
	c.Method = orPost(c)
	return client.OpenID{
		Name: "apple", Credentials: c, Issuer: apple,
		Scopes: []string{"openid", "name", "email"}, FormPost: true,
		Profile: func(_ context.Context, g *client.Granted) (client.Profile, error) {
			p := client.ProfileOf(g.IDToken)
			var user struct {
				Name struct {
					First string `json:"firstName"`
					Last  string `json:"lastName"`
				} `json:"name"`
			}
			if json.Unmarshal([]byte(g.Params.Get("user")), &user) == nil { // absent mostly, and no more than the browser's word
				p.Name = strings.TrimSpace(user.Name.First + " " + user.Name.Last)
			}
			return p, nil
		},
	}
}

// How long a secret lives that is made for one request, and how far Apple's clock may be behind: what seems to be of the future is refused.
// Apple takes secrets for at most six months.
const (
	appleLife   = 5 * time.Minute
	appleBehind = time.Minute
)

// AppleCredentials returns the credentials of the Services ID clientID. Apple's client secret is a JWT; it is made anew for each request, of the team's ID, the ID
// of a key and the key itself, as Apple hands it out once: the content of the file AuthKey_<keyID>.p8.
func AppleCredentials(clientID, teamID, keyID string, p8 []byte) (client.Credentials, error) {
	for _, x := range [...]struct{ name, value string }{{"clientID", clientID}, {"teamID", teamID}, {"keyID", keyID}} {
		if x.value == "" {
			return client.Credentials{}, fmt.Errorf("providers: Apple: %s is empty", x.name)
		}
	}
	key, err := jose.ParsePEM(jose.ES256, p8, keyID)
	if err != nil {
		return client.Credentials{}, fmt.Errorf("providers: Apple: the key: hand over the content of AuthKey_%s.p8: %w", keyID, err)
	}
	return client.Credentials{ID: clientID, SecretFunc: func(now time.Time) (string, error) {
		return jose.Sign(key, "", jose.Claims{
			Issuer: teamID, Subject: clientID, Audience: []string{apple}, IssuedAt: now.Add(-appleBehind), Expires: now.Add(appleLife),
		})
	}}, nil
}

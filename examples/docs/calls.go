package docs

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/store"
)

// CallsOfAUser keeps what a sign-in brought, and calls the API for the user later.
func CallsOfAUser(ctx context.Context, reg *client.Registry, in *client.SignIn, user string) error {
	// doc:start calls-keep
	if err := in.Keep(ctx, user); err != nil { // in the callback, once the user is known
		return err
	}
	// doc:end

	// doc:start calls-user
	api := reg.App("github").API(user) // anywhere, and at any time, in any process
	res, err := api.Get(ctx, "user/repos", url.Values{"per_page": {"50"}})
	if err != nil {
		return err
	}
	var repos []struct {
		Name string `json:"name"`
	}
	if err := res.Decode(&repos); err != nil {
		return err
	}
	// doc:end

	// doc:start calls-bodies
	_, err = api.Post(ctx, "user/repos", map[string]any{"name": "new"}) // JSON
	if err == nil {
		_, err = api.Post(ctx, "search", url.Values{"q": {"mandate"}}) // a form
	}
	if err == nil {
		_, err = api.Do(ctx, client.Call{Method: "PUT", URL: "avatar", Body: []byte("..."), ContentType: "image/png"})
	}
	// doc:end
	if err != nil {
		return err
	}

	// doc:start calls-source
	source := reg.App("github").Source(user) // an oauth2.TokenSource, for any SDK that takes one
	plain := api.HTTP()                      // an *http.Client, for everything else
	// doc:end
	_, _ = source, plain
	return nil
}

// CallsTokens keeps tokens without a registry.
func CallsTokens(db store.RemoteTokens, secret mandate.Secret, requester *client.TokenRequester, tell func(account string)) (*client.Source, error) {
	// doc:start calls-tokens
	tokens, err := client.NewTokens(client.TokensConfig{
		Store: db, Secret: secret,
		Lost: func(_ context.Context, app, account string, err *client.Error) { tell(account) }, // the user has to sign in again
	})
	if err != nil {
		return nil, err
	}
	source := tokens.Source(requester, "account-17")
	// doc:end
	return source, nil
}

// CallsGrants asks for tokens in other ways.
func CallsGrants(ctx context.Context, requester *client.TokenRequester, key *jose.Key, theirs string) error {
	// doc:start calls-grants
	want := client.Want{Scopes: []string{"orders"}}
	tok, err := requester.ClientCredentials(ctx, want)
	if err != nil {
		return err
	}
	assertion, err := client.Assertion{Issuer: "robot@example.com", Subject: "ada@example.com", Audience: "https://id.example.com"}.Sign(key, time.Now())
	if err == nil {
		tok, err = requester.JWTBearer(ctx, assertion, want) // a service account (RFC 7523)
	}
	if err == nil {
		tok, err = requester.Exchange(ctx, client.Exchange{Subject: theirs, Audiences: []string{"https://stock.example.com"}}, want) // RFC 8693
	}
	// doc:end
	if err != nil {
		return err
	}

	// doc:start calls-scopes
	if missing := client.MissingScopes(tok, "orders"); len(missing) > 0 {
		fmt.Println("without", missing) // not an error: the server may grant less, or more
	}
	// doc:end
	return requester.Revoke(ctx, tok)
}

// CallsQuirks is an API that wants the token in another way.
func CallsQuirks() (*client.API, error) {
	// doc:start calls-before
	api, err := client.NewAPI(client.APIConfig{
		BaseURL: "https://api.weibo.com/2/", ContentType: "application/json",
		Allowed: []string{"https://upload.api.weibo.com"}, // another origin to which the token may go
		Before: func(r *http.Request) error {
			r.Header.Set("Authorization", "OAuth2 "+r.Header.Get("Authorization")[len("Bearer "):])
			return nil
		},
	})
	// doc:end
	return api, err
}

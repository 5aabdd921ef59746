// Daemon is a program without a user that calls an API with a token of its own (client credentials), and has it renewed by itself. With
// examples/remote-issuer-gin and examples/remote-api-gin running:
//
//	go run ./examples/daemon
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	"golang.org/x/oauth2"

	"github.com/go-mandate/mandate/core/client"
)

func main() {
	issuer := flag.String("issuer", "http://127.0.0.1:9000", "the authorization server")
	at := flag.String("api", "http://127.0.0.1:8080", "the API")
	times := flag.Int("times", 3, "how often to call it")
	flag.Parse()
	if err := run(context.Background(), *issuer, *at, *times); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, issuer, at string, times int) error {
	// doc:start daemon
	tokens, err := client.NewTokenRequester(client.TokenConfig{
		TokenURL: issuer + "/oauth/token", Credentials: client.Credentials{ID: "demo", Secret: "demo-secret"},
	})
	if err != nil {
		return err
	}
	orders, err := client.NewAPI(client.APIConfig{BaseURL: at})
	if err != nil {
		return err
	}
	source := client.NewSource(func(ctx context.Context) (*oauth2.Token, error) {
		return tokens.ClientCredentials(ctx, client.Want{Scopes: []string{"orders"}})
	}, client.SourceConfig{}) // an oauth2.TokenSource: one token for all goroutines, renewed a minute before its end
	orders = orders.With(source)
	// doc:end
	for range times {
		// doc:start daemon-call
		res, err := orders.Get(ctx, "/orders", nil)
		if err != nil {
			return err // there is no answer
		}
		var list any
		if err := res.Decode(&list); err != nil {
			return err // a status that is not 2xx, or a body that is not what it says
		}
		// doc:end
		fmt.Println(res.Status, list)
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

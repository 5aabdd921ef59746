// Device-cli is a device without a keyboard: it shows a code, waits until its owner has typed that into a browser, and calls the API of
// examples/device-gin, -echo or -fiber:
//
//	go run ./examples/device-cli
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"golang.org/x/oauth2"

	"github.com/go-mandate/mandate/core/client"
)

func main() {
	issuer := flag.String("issuer", "http://127.0.0.1:8080", "the authorization server")
	flag.Parse()
	if err := run(context.Background(), *issuer); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, issuer string) error {
	// doc:start device-cli
	tokens, err := client.NewTokenRequester(client.TokenConfig{
		TokenURL: issuer + "/token", DeviceURL: issuer + "/device_authorization", Credentials: client.Credentials{ID: "tv"},
	})
	if err != nil {
		return err
	}
	codes, err := tokens.Device(ctx, client.Want{Scopes: []string{"films"}})
	if err != nil {
		return err
	}
	fmt.Printf("Open %s and enter %s\nor open %s\n", codes.VerificationURI, codes.UserCode, codes.VerificationURIComplete)
	tok, err := tokens.DeviceToken(ctx, codes) // polls, and slows down when it is told to
	if err != nil {
		return err // errors.Is(err, client.Denied), client.Expired
	}
	save := func(_ context.Context, tok *oauth2.Token) error { return nil } // a file that only its owner can read, for example
	api, err := client.NewAPI(client.APIConfig{BaseURL: issuer})
	if err != nil {
		return err
	}
	films, err := api.With(client.NewRefreshing(tokens, tok, save, client.SourceConfig{})).Get(ctx, "/api/films", nil)
	if err != nil {
		return err
	}
	// doc:end
	fmt.Printf("%d %s\n", films.Status, films.Raw)
	return nil
}

// Device-cli is a device without a keyboard: it shows a code, waits until its owner has typed that into a browser, and calls the API of
// examples/device-gin, -echo or -fiber:
//
//	go run ./examples/device-cli
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"

	"golang.org/x/oauth2"
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
	config := oauth2.Config{ClientID: "tv", Scopes: []string{"films"}, Endpoint: oauth2.Endpoint{
		DeviceAuthURL: issuer + "/device_authorization", TokenURL: issuer + "/token", AuthStyle: oauth2.AuthStyleInParams,
	}}
	codes, err := config.DeviceAuth(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("Open %s and enter %s\nor open %s\n", codes.VerificationURI, codes.UserCode, codes.VerificationURIComplete)
	tok, err := config.DeviceAccessToken(ctx, codes) // polls, and slows down when it is told to
	if err != nil {
		return err
	}
	api := config.Client(ctx, tok) // refreshes by itself
	// doc:end
	resp, err := api.Get(issuer + "/api/films")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	fmt.Printf("%d %s\n", resp.StatusCode, body)
	return nil
}

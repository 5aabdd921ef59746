package fetch_test

import (
	"context"
	"errors"
	"fmt"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
)

func ExampleFetcher_Fetch() {
	f, err := fetch.New(fetch.Config{Documents: map[string]string{"https://client.example/jwks": `{"keys":[]}`}})
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := f.Fetch(context.Background(), &mandate.FetchRequest{URL: "https://client.example/jwks", Purpose: "jwks"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Status, string(res.Body))

	_, err = f.Fetch(context.Background(), &mandate.FetchRequest{URL: "https://127.0.0.1/jwks?secret=1", Purpose: "jwks"})
	fmt.Println(errors.Is(err, fetch.ErrRefused))
	// Output:
	// 200 {"keys":[]}
	// true
}

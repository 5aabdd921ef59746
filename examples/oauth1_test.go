package examples_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/oauth1"
)

// TestOAuth1 has a client sign requests: for itself, and for temporary credentials.
func TestOAuth1(t *testing.T) {
	t.Parallel()
	for _, framework := range []string{"gin", "echo", "fiber"} {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			p := start(t, "oauth1-"+framework)
			signer, err := oauth1.NewSigner(oauth1.SignerConfig{ConsumerKey: "printer", Keys: oauth1.Keys{ClientSecret: "printer-secret"}})
			if err != nil {
				t.Fatal(err)
			}
			signing := &http.Client{Transport: &client.OAuth1Transport{Signer: signer}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/photos", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := signing.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if want := `{"client":"printer","user":""}`; err != nil || strings.TrimSpace(string(body)) != want {
				t.Errorf("the API answers %d %s, want %s: %v", resp.StatusCode, body, want, err)
			}
			signed, err := signer.Sign(oauth1.Outgoing{Method: "POST", URL: p.base + "/oauth1/request_token", Callback: "oob"})
			if err != nil {
				t.Fatal(err)
			}
			req, err = http.NewRequestWithContext(t.Context(), http.MethodPost, signed.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", signed.Authorization)
			resp, err = http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err = io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if issued, err := oauth1.ParseIssued(resp.StatusCode, string(body)); err != nil || issued.Token == "" {
				t.Errorf("temporary credentials: %d %s: %v", resp.StatusCode, body, err)
			}
		})
	}
}

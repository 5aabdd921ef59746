package subject

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/go-mandate/mandate/core/client"
)

// nowhere answers every request at once, without a network.
type nowhere struct{ answer *http.Response }

// RoundTrip implements http.RoundTripper.
func (n nowhere) RoundTrip(*http.Request) (*http.Response, error) { return n.answer, nil }

func nowhereAt() nowhere {
	return nowhere{&http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}}
}

// SendOurs returns a function that sends a request through our transport with a token that is good, and refreshes by itself when it is not.
func SendOurs() func() {
	source := client.NewSource(func(context.Context) (*oauth2.Token, error) { return remoteToken(), nil }, client.SourceConfig{})
	return send(&client.Transport{Source: source, Allowed: []string{"https://api.example.com"}, Base: nowhereAt()})
}

// SendTheirs is SendOurs through the transport of golang.org/x/oauth2.
func SendTheirs() func() {
	config := &oauth2.Config{ClientID: "id", Endpoint: oauth2.Endpoint{TokenURL: "https://id.example.com/token"}}
	return send(&oauth2.Transport{Source: config.TokenSource(context.Background(), remoteToken()), Base: nowhereAt()})
}

func remoteToken() *oauth2.Token {
	return &oauth2.Token{AccessToken: "mda_0123456789012345678901234567890123456789012", TokenType: "Bearer", RefreshToken: "r", Expiry: time.Now().Add(24 * time.Hour)}
}

func send(t http.RoundTripper) func() {
	r := must(http.NewRequestWithContext(context.Background(), http.MethodGet, "https://api.example.com/v1/users/me", http.NoBody))
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "bench")
	return func() {
		must(t.RoundTrip(r)) //nolint:bodyclose // it has none
	}
}

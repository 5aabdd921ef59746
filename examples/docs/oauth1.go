package docs

import (
	"context"
	"crypto"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/oauth1"
)

// SignedPhotos calls an API with signed requests.
func SignedPhotos(ctx context.Context, token, tokenSecret string) (*http.Response, error) {
	// doc:start oauth1-client
	signer, err := oauth1.NewSigner(oauth1.SignerConfig{
		ConsumerKey: os.Getenv("PHOTOS_KEY"), Token: token,
		Keys: oauth1.Keys{ClientSecret: os.Getenv("PHOTOS_SECRET"), TokenSecret: tokenSecret},
	})
	if err != nil {
		return nil, err
	}
	photos := &http.Client{Transport: &client.OAuth1Transport{Signer: signer}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/photos?size=original", nil)
	if err != nil {
		return nil, err
	}
	return photos.Do(r) // signed, and every later request of this http.Client
	// doc:end
}

// SignedWithAKey returns a signer that shares no secret with the server.
func SignedWithAKey(key crypto.Signer) (*oauth1.Signer, error) {
	// doc:start oauth1-rsa
	return oauth1.NewSigner(oauth1.SignerConfig{
		ConsumerKey: "dpf43f3p2l4k3l03", Method: oauth1.RSASHA256,
		Keys:     oauth1.Keys{Private: key}, // *rsa.PrivateKey, or one that a KMS keeps
		BodyHash: true,                      // bodies that are no forms are signed, too
	})
	// doc:end
}

// Begin asks for temporary credentials.
func Begin(ctx context.Context, signer *oauth1.Signer, send func(context.Context, string, oauth1.Signed) (int, string, error)) (oauth1.Issued, error) {
	// doc:start oauth1-temporary
	const initiate = "https://api.example.com/oauth/initiate"
	signed, err := signer.Sign(oauth1.Outgoing{Method: "POST", URL: initiate, Callback: "https://app.example.com/callback"})
	if err != nil {
		return oauth1.Issued{}, err
	}
	status, body, err := send(ctx, initiate, signed) // POST with the header Authorization: signed.Authorization
	if err != nil {
		return oauth1.Issued{}, err
	}
	temporary, err := oauth1.ParseIssued(status, body)
	if errors.Is(err, oauth1.TimestampRefused) {
		return oauth1.Issued{}, errors.New("this machine's clock is wrong")
	}
	// doc:end
	return temporary, err
}

// Finish exchanges temporary credentials for those of a token.
func Finish(signer *oauth1.Signer, temporary oauth1.Issued, verifier string) (oauth1.Signed, error) {
	// doc:start oauth1-token
	return signer.With(temporary.Token, temporary.Secret).
		Sign(oauth1.Outgoing{Method: "POST", URL: "https://api.example.com/oauth/token", Verifier: verifier})
	// doc:end
}

// VerifyLaunch verifies a request that a client signed for itself.
func VerifyLaunch(r *http.Request, secretOf func(consumerKey string) string) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	// doc:start oauth1-verify
	m, err := oauth1.Parse(&mandate.Request{
		Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Header: r.Header, Body: string(body),
	}, "https://app.example.com")
	if err != nil {
		return err // oauth1.ErrNoCredentials, or an *oauth1.Error with its code and status
	}
	return m.Verify(oauth1.HMACSHA1, &oauth1.Keys{ClientSecret: secretOf(m.ConsumerKey)})
	// doc:end
}

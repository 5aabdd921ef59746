package client

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
)

// The ways to authenticate at a token endpoint, for [Credentials.Method].
const (
	MethodBasic         = "client_secret_basic" // ID and secret percent-encoded (RFC 6749, section 2.3.1 and appendix B)
	MethodPost          = "client_secret_post"
	MethodNone          = "none"
	MethodSecretJWT     = "client_secret_jwt" // RFC 7523 with HS256: the secret has at least 32 bytes
	MethodPrivateKeyJWT = "private_key_jwt"   // RFC 7523, with Credentials.Key
	// MethodBasicRaw is MethodBasic without the percent-encoding, for servers that do not know that rule.
	MethodBasicRaw = "client_secret_basic_raw"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523, section 2.2
	assertionLife = time.Minute
)

// checkMethod returns what is wrong with the way to authenticate, if anything is.
func (c Credentials) checkMethod() error {
	if c.Secret != "" && c.SecretFunc != nil {
		return errors.New("Credentials has a Secret and a SecretFunc: remove one of them")
	}
	switch m := c.Method; m {
	case "":
		if c.Secret == "" && c.SecretFunc == nil && c.Key == nil {
			return c.noSecret // nil but of FromEnv: a forgotten variable makes no public client
		}
	case MethodNone:
		if c.Secret != "" || c.SecretFunc != nil || c.Key != nil {
			return errors.New(`Credentials.Method is "none", and there is a Secret or a Key: remove one of them`)
		}
	case MethodBasic, MethodBasicRaw, MethodPost:
		if c.Secret == "" && c.SecretFunc == nil {
			return fmt.Errorf("Credentials.Method is %q, and Secret is empty", m)
		}
	case MethodSecretJWT:
		if len(c.Secret) < 32 {
			return fmt.Errorf("Credentials.Method is %q, and Secret has %d bytes: it needs at least 32 (RFC 7518, section 3.2)", m, len(c.Secret))
		}
	case MethodPrivateKeyJWT:
		if c.Key == nil {
			return fmt.Errorf("Credentials.Method is %q, and Key is nil", m)
		}
	default:
		return fmt.Errorf("Credentials.Method is %q, want one of %q", m,
			[]string{MethodBasic, MethodBasicRaw, MethodPost, MethodNone, MethodSecretJWT, MethodPrivateKeyJWT})
	}
	return nil
}

// authenticate puts c into a request with the parameters form, for a server that is audience.
func (c Credentials) authenticate(audience string, now time.Time, form url.Values) (mandate.Fields, error) {
	if c.SecretFunc != nil {
		var err error
		if c.Secret, err = c.SecretFunc(now); err != nil {
			return nil, fmt.Errorf("Credentials.SecretFunc: %w", err)
		}
	}
	switch c.method() {
	case MethodBasic:
		return basic(url.QueryEscape(c.ID), url.QueryEscape(c.Secret)), nil
	case MethodBasicRaw:
		return basic(c.ID, c.Secret), nil
	case MethodPost:
		form.Set("client_secret", c.Secret)
	case MethodSecretJWT, MethodPrivateKeyJWT:
		signed, err := c.assertion(audience, now)
		if err != nil {
			return nil, err
		}
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", signed)
	}
	form.Set("client_id", c.ID)
	return nil, nil
}

func (c Credentials) assertion(audience string, now time.Time) (string, error) {
	a := Assertion{Issuer: c.ID, Subject: c.ID, Audience: audience}
	if c.method() == MethodPrivateKeyJWT {
		return a.Sign(c.Key, now)
	}
	return jose.SignHMAC(jose.HS256, []byte(c.Secret), "", a.claims(now))
}

func basic(id, secret string) mandate.Fields {
	return mandate.Fields{{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))}}
}

// Assertion is what a JWT for [TokenRequester.JWTBearer] says (RFC 7523, section 3): for a service account, for example.
type Assertion struct {
	Issuer   string         // "iss": the service account
	Subject  string         // "sub": for whom the token is asked
	Audience string         // "aud": the server's issuer or its token endpoint, as its documentation says
	TTL      time.Duration  // until "exp"; zero: a minute
	Claims   map[string]any // more, none of those above
}

// Sign returns the assertion as it is good from now on. It has an ID of its own, so that each can be used once.
func (a Assertion) Sign(key *jose.Key, now time.Time) (string, error) {
	if key == nil {
		return "", errors.New("client: sign an assertion: the key is nil")
	}
	c := a.claims(now)
	for name, value := range a.Claims {
		if err := c.Set(name, value); err != nil {
			return "", fmt.Errorf("client: Assertion.Claims: %w", err)
		}
	}
	signed, err := jose.Sign(key, "", c)
	if err != nil {
		return "", fmt.Errorf("client: sign an assertion: %w", err)
	}
	return signed, nil
}

func (a Assertion) claims(now time.Time) *jose.Claims {
	ttl := a.TTL
	if ttl <= 0 {
		ttl = assertionLife
	}
	return &jose.Claims{
		Issuer: a.Issuer, Subject: a.Subject, Audience: slices.DeleteFunc([]string{a.Audience}, func(s string) bool { return s == "" }),
		IssuedAt: now, Expires: now.Add(ttl), ID: rand.Text(),
	}
}

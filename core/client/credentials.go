package client

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/go-mandate/mandate/core/jose"
)

// Credentials are what the provider knows this application by. Printing them shows the ID alone.
type Credentials struct {
	// ID is the client id; the consumer key in OAuth 1.0a.
	ID string
	// Secret is the client secret; empty for a public client.
	Secret string
	// SecretFunc makes the secret of each request instead, for providers whose secret does not last: Apple's is a JWT that the application
	// signs. It is called by any number of goroutines.
	SecretFunc func(now time.Time) (string, error)
	// Key signs instead of a secret: the provider has its public half.
	Key *jose.Key
	// Method is how the client authenticates at the token endpoint, by its registered name: [MethodBasic] and the others. Default:
	// private_key_jwt where there is a Key, client_secret_post where there is a SecretFunc, client_secret_basic where there is a Secret,
	// else none.
	Method string

	fault    error // of FromEnv, told by NewRegistry
	noSecret error // of FromEnv: a fault where nothing else authenticates
}

// FromEnv returns the credentials that lookup has under prefix: GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET for the prefix GITHUB, or
// GITHUB_CONSUMER_KEY and GITHUB_CONSUMER_SECRET. Hand over os.LookupEnv, or the lookup of a configuration. What is missing is an
// error of [NewRegistry], which names it together with everything else. A public client has no secret: set Method to [MethodNone].
func FromEnv(lookup func(name string) (value string, ok bool), prefix string) Credentials {
	if lookup == nil {
		return Credentials{fault: errors.New("FromEnv got no lookup: hand over os.LookupEnv")}
	}
	var c Credentials
	var faults []error
	for _, v := range [...]struct {
		into       *string
		name, seed string
		required   bool
	}{{&c.ID, "CLIENT_ID", "CONSUMER_KEY", true}, {&c.Secret, "CLIENT_SECRET", "CONSUMER_SECRET", false}} {
		name, seed := prefix+"_"+v.name, prefix+"_"+v.seed
		value, _ := lookup(name)
		other, _ := lookup(seed)
		switch value, other = strings.TrimSpace(value), strings.TrimSpace(other); {
		case value != "" && other != "" && value != other:
			faults = append(faults, fmt.Errorf("%s and %s are both set and differ: remove one", name, seed))
		case value == "" && other == "" && v.required:
			faults = append(faults, fmt.Errorf("%s is not set (nor %s)", name, seed))
		case value == "":
			value = other
		}
		*v.into = value
	}
	if c.Secret == "" {
		c.noSecret = fmt.Errorf("%[1]s_CLIENT_SECRET is not set (nor %[1]s_CONSUMER_SECRET): for a public client set Credentials.Method to client.MethodNone", prefix)
	}
	c.fault = errors.Join(faults...)
	return c
}

// faults returns what is wrong with c.
func (c Credentials) faults() []error {
	if c.fault != nil {
		return []error{c.fault}
	}
	var faults []error
	if c.ID == "" {
		faults = append(faults, errors.New("Credentials.ID is empty: it is the client id that the provider gave you"))
	}
	if err := c.checkMethod(); err != nil {
		faults = append(faults, err)
	}
	return faults
}

// method returns Method or its default.
func (c Credentials) method() string {
	switch {
	case c.Method != "":
		return c.Method
	case c.Key != nil:
		return MethodPrivateKeyJWT
	case c.SecretFunc != nil:
		return MethodPost
	case c.Secret == "":
		return MethodNone
	}
	return MethodBasic
}

// String shows the ID alone.
func (c Credentials) String() string { return "client.Credentials(" + c.ID + ")" }

// GoString is String.
func (c Credentials) GoString() string { return c.String() }

// LogValue is String for package slog.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

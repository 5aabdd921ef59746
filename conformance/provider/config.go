package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-mandate/mandate/core/oauth2"
)

// config is the configuration as it stands in the file. Pointers tell what is absent from what is zero.
type config struct {
	Issuer        string           `json:"issuer"`
	Secret        string           `json:"secret"`
	TLS           tlsConfig        `json:"tls"`
	Profile       string           `json:"profile"`
	Keys          []keyConfig      `json:"keys"`
	GrantTypes    []string         `json:"grant_types"`
	ResponseTypes []string         `json:"response_types"`
	ResponseModes []string         `json:"response_modes"`
	AuthMethods   []string         `json:"client_auth_methods"`
	Scopes        []string         `json:"scopes"`
	Rotation      string           `json:"refresh_rotation"`
	GraceSeconds  *int64           `json:"refresh_grace_s"`
	Outbound      outbound         `json:"outbound"`
	Registration  registration     `json:"registration"`
	Features      features         `json:"features"`
	Lifetimes     lifetimes        `json:"lifetimes"`
	SigningAlgs   signingAlgs      `json:"signing_algs"`
	Limits        limits           `json:"limits"`
	PasswordCost  *int             `json:"password_cost"`
	Accounts      []account        `json:"accounts"`
	Clients       []client         `json:"clients"`
	Resources     []resourceConfig `json:"resources"`
	MCP           *mcpConfig       `json:"mcp"`
	OAuth1        *oauth1Config    `json:"oauth1"`
	AutoConsent   bool             `json:"auto_consent"`

	folder string // of the file: where its relative paths begin
	root   []byte // the root secret of all processes that share a store
}

type features struct {
	PKCE     *bool `json:"pkce_required"`
	Refresh  *bool `json:"refresh_tokens"`
	Iss      *bool `json:"iss_parameter"`
	CIMD     *bool `json:"cimd"`
	Exchange *bool `json:"token_exchange"`
	Device   *bool `json:"device"`
	OAuth1   *bool `json:"oauth1"`
	requestFeatures
}

// lifetimes are in seconds.
type lifetimes struct {
	Code    *int64 `json:"code"`
	Access  *int64 `json:"access_token"`
	Refresh *int64 `json:"refresh_token"`
	Session *int64 `json:"session"`
	Device  *int64 `json:"device_code"`
	PAR     *int64 `json:"par"`
}

type limits struct {
	Enabled bool `json:"enabled"`
}

// readConfig reads the file called name. An error names the member.
func readConfig(name string) (*config, error) {
	data, err := os.ReadFile(name) // #nosec G304 -- the operator names it
	if err != nil {
		return nil, err
	}
	c := &config{folder: filepath.Dir(name)}
	if err = configShape().check(data); err == nil {
		err = json.Unmarshal(data, c)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("%s is a %s, which it cannot be", wrong.Field, wrong.Value)
	}
	if err == nil {
		c.root = []byte(c.Secret)
		if c.Secret == "" { // who has the same file has the same clients' secrets, too
			sum := sha256.Sum256(append([]byte("root secret of a provider without one\n"), data...))
			c.root = sum[:]
		}
		err = c.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// check refuses what no later step would, and sets the defaults.
func (c *config) check() error {
	if c.Profile == "" {
		c.Profile = "oidc"
	}
	if c.PasswordCost == nil {
		c.PasswordCost = new(bcrypt.DefaultCost)
	}
	if c.AuthMethods == nil {
		c.AuthMethods = authMethods()
	}
	if c.GrantTypes == nil {
		c.GrantTypes = usualGrants()
		if c.Features.Exchange != nil && *c.Features.Exchange {
			c.GrantTypes = append(c.GrantTypes, oauth2.GrantTokenExchange)
		}
		if !c.Features.device() {
			c.GrantTypes = slices.DeleteFunc(c.GrantTypes, func(g string) bool { return g == oauth2.GrantDeviceCode })
		}
		if !on(c.Features.Refresh) {
			c.GrantTypes = slices.DeleteFunc(c.GrantTypes, func(g string) bool { return g == "refresh_token" })
		}
	}
	switch {
	case c.Issuer == "":
		return errors.New("issuer is missing")
	case c.Secret != "" && len(c.Secret) < longSecret:
		return fmt.Errorf("secret has %d bytes, want at least %d random ones", len(c.Secret), longSecret)
	case c.Profile == "oidc", c.Profile == "fapi2-sp", c.Profile == "fapi2-ms":
		return fmt.Errorf("profile %s does not exist yet: there is oauth2", c.Profile)
	case c.Profile != "oauth2":
		return fmt.Errorf("profile %q is unknown: there is oauth2", c.Profile)
	case *c.PasswordCost < bcrypt.MinCost || *c.PasswordCost > maxPasswordCost:
		return fmt.Errorf("password_cost %d is not between %d and %d", *c.PasswordCost, bcrypt.MinCost, maxPasswordCost)
	case c.Rotation != "" && c.Rotation != "always" && c.Rotation != "public" && c.Rotation != "never":
		return fmt.Errorf("refresh_rotation %q is none of always, public, never", c.Rotation)
	case c.GraceSeconds != nil && (*c.GraceSeconds < 0 || *c.GraceSeconds > 300):
		return fmt.Errorf("refresh_grace_s %d is not between 0 and 300", *c.GraceSeconds)
	case !on(c.Features.Refresh) && slices.Contains(c.GrantTypes, "refresh_token"):
		return errors.New("features.refresh_tokens is false and grant_types has refresh_token")
	case on(c.Features.Refresh) && c.Features.Refresh != nil && !slices.Contains(c.GrantTypes, "refresh_token"):
		return errors.New("features.refresh_tokens is true and grant_types has no refresh_token")
	}
	if err := c.checkRequests(); err != nil {
		return err
	}
	if err := known("client_auth_methods", c.AuthMethods, authMethods()); err != nil {
		return err
	}
	if err := c.SigningAlgs.check(c.AuthMethods); err != nil {
		return err
	}
	if err := c.checkDevice(); err != nil {
		return err
	}
	if err := c.checkOAuth1(); err != nil {
		return err
	}
	if err := errors.Join(c.Outbound.check(), c.Registration.check()); err != nil {
		return err
	}
	if err := known("grant_types", c.GrantTypes, grantTypes()); err != nil {
		return err
	}
	if err := c.checkExchange(); err != nil {
		return err
	}
	if err := c.checkResponseTypes(); err != nil {
		return err
	}
	if err := c.SigningAlgs.checkKeys(c.Keys); err != nil {
		return err
	}
	for name, seconds := range map[string]*int64{
		"code": c.Lifetimes.Code, "access_token": c.Lifetimes.Access,
		"refresh_token": c.Lifetimes.Refresh, "session": c.Lifetimes.Session,
	} {
		if seconds != nil && (*seconds < 1 || *seconds > maxSeconds) {
			return fmt.Errorf("lifetimes.%s %d is not between 1 and %d seconds", name, *seconds, maxSeconds)
		}
	}
	return c.checkIssuer()
}

const (
	maxPasswordCost = 18                // a quarter of a minute for one password
	maxSeconds      = 100 * 365 * 86400 // what fits a time.Duration, with room
)

// checkIssuer refuses an issuer whose scheme and tls do not go together. The rest is for server.New to refuse.
func (c *config) checkIssuer() error {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return fmt.Errorf("issuer %q is not a URL", c.Issuer)
	}
	files := c.TLS.Cert != "" || c.TLS.Key != ""
	switch {
	case u.Scheme == "http" && (c.TLS.SelfSigned || files):
		return fmt.Errorf("issuer %q is http and tls is set: leave tls out, or make the issuer https", c.Issuer)
	case u.Scheme == "https" && !c.TLS.SelfSigned && !files:
		return fmt.Errorf("issuer %q is https and tls is missing: set tls.self_signed, or tls.cert and tls.key", c.Issuer)
	case c.TLS.SelfSigned && files:
		return errors.New("tls.self_signed is true and tls.cert or tls.key is set: it is one or the other")
	case files && (c.TLS.Cert == "" || c.TLS.Key == ""):
		return errors.New("tls.cert and tls.key go together: one is missing")
	}
	return nil
}

// path returns where the file called name is: relative to the configuration.
func (c *config) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.folder, name)
}

// on is the value of a feature that is on unless it is switched off.
func on(feature *bool) bool { return feature == nil || *feature }

// known refuses an empty list, one with an element twice, and one with something else than all has.
func known(member string, some, all []string) error {
	if len(some) == 0 {
		return fmt.Errorf("%s is empty: leave it out for %s", member, strings.Join(all, ", "))
	}
	for i, s := range some {
		if !slices.Contains(all, s) {
			return fmt.Errorf("%s has %q, which does not exist yet: there are %s", member, s, strings.Join(all, ", "))
		}
		if slices.Contains(some[:i], s) {
			return fmt.Errorf("%s has %q twice", member, s)
		}
	}
	return nil
}

func authMethods() []string {
	return []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"}
}

// seconds returns n as a duration; nil is 0, which is the default everywhere.
func seconds(n *int64) time.Duration {
	if n == nil {
		return 0
	}
	return time.Duration(*n) * time.Second
}

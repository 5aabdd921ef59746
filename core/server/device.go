package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/url"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// Device turns on the device authorization grant (RFC 8628): a television or a command line shows a short code, and its owner
// types it into the page /device in a browser elsewhere. Its zero value is the whole of it, with safe defaults: server.Config{Device:
// &server.Device{}}. Clients need the grant type [oauth2.GrantDeviceCode].
//
// Whoever sits in front of the page decides there as for an authorization request: the same decision function, or the
// built-in pages. Whether a code exists is told to nobody who has not signed in, and guessing it is slowed down by Config.Limiter.
type Device struct {
	// TTL is how long device code and user code are good. At most 10 minutes, since a user code can be guessed. Default: 10 minutes.
	TTL time.Duration
	// Interval is how long a device waits between two polls; one that does not is told to wait 5 seconds more each time (RFC 8628,
	// section 3.5). Whole seconds, at most one minute. Default: 5 seconds.
	Interval time.Duration
	// Shape is the form of user codes: every X is one of Alphabet, and the rest, spaces and dashes, is for the eye. Default: "XXXX-XXXX".
	Shape string
	// Alphabet is what user codes are made of: capital letters and digits, each once. With Shape it must make more than 2^34
	// codes. Default: "BCDFGHJKLMNPQRSTVWXZ", which spells no words and mistakes nothing for something else; for keypads take "0123456789" and "XXXX-XXXX-XXX".
	Alphabet string
	// VerificationURL is what a device shows as the address to go to, where it is another than the page /device: a short
	// one, which sends the browser on to /device, or a page of the application's own that asks for the code and sends the
	// browser on to /device?user_code= with it. https, or http on loopback. Default: the page.
	VerificationURL string
}

const (
	maxDeviceTTL      = 10 * time.Minute
	maxDeviceInterval = time.Minute
	minUserCodes      = 1 << 34
	maxUserCode       = 64 // as somebody types it
	prefixDevice      = "mdd_"
)

// withDefaults returns a completed copy of d, or says why it cannot be.
func (d *Device) withDefaults() (*Device, error) {
	c := *d
	d = &c
	if d.TTL == 0 {
		d.TTL = maxDeviceTTL
	}
	if d.Interval == 0 {
		d.Interval = 5 * time.Second
	}
	if d.Shape == "" {
		d.Shape = "XXXX-XXXX"
	}
	if d.Alphabet == "" {
		d.Alphabet = "BCDFGHJKLMNPQRSTVWXZ"
	}
	switch {
	case d.TTL < 0 || d.TTL > maxDeviceTTL || d.TTL%time.Second != 0:
		return nil, fmt.Errorf("server: Device.TTL %v is not whole seconds up to %v: a user code is short enough to be guessed", d.TTL, maxDeviceTTL)
	case d.Interval < 0 || d.Interval > maxDeviceInterval || d.Interval%time.Second != 0:
		return nil, fmt.Errorf("server: Device.Interval %v is not whole seconds up to %v", d.Interval, maxDeviceInterval)
	case d.Interval >= d.TTL:
		return nil, fmt.Errorf("server: Device.Interval %v is not less than TTL %v: no device could poll in time", d.Interval, d.TTL)
	case len(d.Shape) > maxUserCode/2 || strings.Trim(d.Shape, "X -") != "":
		return nil, fmt.Errorf("server: Device.Shape %q is not at most %d X, spaces and dashes", d.Shape, maxUserCode/2)
	}
	for i, c := range d.Alphabet {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') || strings.ContainsRune(d.Alphabet[:i], c) {
			return nil, fmt.Errorf("server: Device.Alphabet %q is not capital letters and digits, each once: %q", d.Alphabet, c)
		}
	}
	if codes := math.Pow(float64(len(d.Alphabet)), float64(strings.Count(d.Shape, "X"))); codes < minUserCodes {
		return nil, fmt.Errorf("server: Device.Shape %q with Alphabet %q makes %.0f codes, and fewer than 2^34 can be guessed: add an X", d.Shape, d.Alphabet, codes)
	}
	if d.VerificationURL != "" {
		u, err := url.Parse(d.VerificationURL)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) || u.Fragment != "" || u.User != nil {
			return nil, fmt.Errorf("server: Device.VerificationURL %q is not an https URL without a fragment: http is for loopback alone, since people sign in where it leads to", d.VerificationURL)
		}
	}
	return d, nil
}

// newUserCode returns a fresh user code, without what is for the eye.
func (d *Device) newUserCode() (string, error) {
	letters := big.NewInt(int64(len(d.Alphabet)))
	var b strings.Builder
	for range strings.Count(d.Shape, "X") {
		n, err := rand.Int(rand.Reader, letters)
		if err != nil {
			return "", fault("make user code", err)
		}
		b.WriteByte(d.Alphabet[n.Int64()])
	}
	return b.String(), nil
}

// shown returns a code as a person reads it.
func (d *Device) shown(code string) string {
	var b strings.Builder
	for _, c := range d.Shape {
		switch {
		case c != 'X':
			b.WriteRune(c)
		case code != "":
			b.WriteByte(code[0])
			code = code[1:]
		}
	}
	return b.String()
}

// normal returns the code that somebody typed, in any case, with spaces and dashes anywhere. It is false for what can be no code.
func (d *Device) normal(typed string) (string, bool) {
	if len(typed) > maxUserCode {
		return "", false
	}
	var b strings.Builder
	for _, c := range typed {
		switch {
		case strings.ContainsRune(" \t-_.\u00a0\u2010\u2011\u2012\u2013\u2014\u2212", c): // what keyboards make of a dash, too
		case c >= 'a' && c <= 'z':
			b.WriteRune(c - 'a' + 'A')
		default:
			b.WriteRune(c)
		}
	}
	code := b.String()
	return code, len(code) == strings.Count(d.Shape, "X") && strings.Trim(code, d.Alphabet) == ""
}

// userCodeKey returns what the store finds a user code by. A plain digest of so short a text would be guessed from a dump in a second.
func (s *Server) userCodeKey(code string) mandate.Digest {
	sum, _ := s.userCodes.Sum(s.userCodes.Current(), []byte(code)) // the current key is always there
	return sum
}

// findUserCode returns the ticket that code stands for, also where it was made before Config.Secret was rotated.
func (s *Server) findUserCode(ctx context.Context, code string, now time.Time) (t store.Ticket, err error) {
	for key := range s.userCodes.All([]byte(code)) {
		if t, err = s.store.Ticket(ctx, store.Device, key, now); !errors.Is(err, store.ErrNotFound) {
			break
		}
	}
	return t, err
}

// deviceKey returns what the store finds a device code by: another at every issuer.
func (s *Server) deviceKey(code string) mandate.Digest {
	return mandate.DigestOf(s.config.Issuer + " " + code)
}

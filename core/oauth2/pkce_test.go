package oauth2_test

import (
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/oauth2"
)

// The example of RFC 7636, appendix B.
const (
	rfcVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	rfcChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestChallenge(t *testing.T) {
	t.Parallel()
	if got := oauth2.Challenge(rfcVerifier); got != rfcChallenge {
		t.Errorf("Challenge = %q, want %q (RFC 7636, appendix B)", got, rfcChallenge)
	}
	a, b := oauth2.NewVerifier(), oauth2.NewVerifier()
	if a == b || !oauth2.VerifyChallenge(oauth2.Challenge(a), a) || oauth2.VerifyChallenge(oauth2.Challenge(a), b) {
		t.Errorf("NewVerifier gave %q and %q", a, b)
	}
}

func TestVerifyChallenge(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 128)
	for name, tc := range map[string]struct {
		challenge, verifier string
		ok                  bool
	}{
		"the right one":           {rfcChallenge, rfcVerifier, true},
		"the longest":             {oauth2.Challenge(long), long, true},
		"all unreserved marks":    {oauth2.Challenge(strings.Repeat("-._~", 11)), strings.Repeat("-._~", 11), true},
		"another":                 {rfcChallenge, rfcVerifier[:42] + "A", false},
		"none":                    {rfcChallenge, "", false},
		"too short":               {oauth2.Challenge("short"), "short", false},
		"too long":                {oauth2.Challenge(long + "a"), long + "a", false},
		"a character too many":    {oauth2.Challenge(long[:50] + "+"), long[:50] + "+", false},
		"the challenge itself":    {rfcChallenge, rfcChallenge, false},
		"plain is never accepted": {rfcVerifier, rfcVerifier, false},
		"no challenge":            {"", rfcVerifier, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := oauth2.VerifyChallenge(tc.challenge, tc.verifier); got != tc.ok {
				t.Errorf("VerifyChallenge = %v, want %v", got, tc.ok)
			}
		})
	}
}

func TestValidChallenge(t *testing.T) {
	t.Parallel()
	for challenge, want := range map[string]bool{
		rfcChallenge: true, "": false, rfcChallenge[:42]: false, rfcChallenge + "a": false, rfcChallenge[:42] + "=": false, rfcChallenge[:42] + ".": false,
	} {
		if got := oauth2.ValidChallenge(challenge); got != want {
			t.Errorf("ValidChallenge(%q) = %v", challenge, got)
		}
	}
}

// TestChallengeCharacters: which of all bytes a verifier (RFC 7636, section 4.1) and a challenge may have.
func TestChallengeCharacters(t *testing.T) {
	t.Parallel()
	for i := range 256 {
		c := byte(i)
		inChallenge := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
		inVerifier := inChallenge || c == '.' || c == '~'
		verifier := rfcVerifier[:20] + string([]byte{c}) + rfcVerifier[20:]
		if got := oauth2.VerifyChallenge(oauth2.Challenge(verifier), verifier); got != inVerifier {
			t.Errorf("VerifyChallenge with %q = %v, want %v", c, got, inVerifier)
		}
		if got := oauth2.ValidChallenge(rfcChallenge[:20] + string([]byte{c}) + rfcChallenge[21:]); got != inChallenge {
			t.Errorf("ValidChallenge with %q = %v, want %v", c, got, inChallenge)
		}
	}
}

package server

import (
	"strings"
	"testing"
)

// What is short and printable is not looked at by name: no name may refuse it.
func TestAllowedIsAllowedFor(t *testing.T) {
	t.Parallel()
	names := strings.Fields(`grant_type client_id client_secret code refresh_token code_verifier token_type_hint device_code token assertion
		subject_token actor_token username password response_type prompt state nonce response_mode code_challenge code_challenge_method redirect_uri resource
		max_age acr_values ui_locales audience subject_token_type actor_token_type requested_token_type login_hint display id_token_hint scope unknown`)
	for _, n := range []int{0, 1, maxWords, maxWords + 1, maxName + 1, maxState + 1, maxText + 1, maxToken + 1} {
		for c := range 256 {
			value := strings.Repeat(string([]byte{byte(c)}), n)
			for _, name := range names {
				if got, want := allowed(name, value), allowedFor(name, value); got != want {
					t.Fatalf("%s of %d bytes %#x: allowed = %t, allowedFor = %t", name, n, c, got, want)
				}
			}
		}
	}
}

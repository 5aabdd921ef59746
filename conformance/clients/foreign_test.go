package clients_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-mandate/mandate/conformance/freeport"
)

// programs are clients in other languages, each a program that ends with 0 if everything went as it should. run.sh installs what they need.
var programs = map[string][]string{
	"oauth4webapi":      {"node", filepath.Join("node", "oauth4webapi.mjs")},
	"openid-client":     {"node", filepath.Join("node", "openid-client.mjs")},
	"mcp-sdk":           {"node", filepath.Join("node", "mcp-sdk.mjs")},
	"urllib":            {"python3", filepath.Join("python", "challenges.py")},
	"requests-oauthlib": {debianPython, filepath.Join("python", "requests_oauthlib_client.py")},
	"authlib":           {debianPython, filepath.Join("python", "authlib_client.py")},
	// OAuth 1.0a
	"requests-oauthlib-1": {debianPython, filepath.Join("python", "oauth1.py")},
	"oauth-1.0a":          {"node", filepath.Join("node", "oauth-1.0a.mjs")},
	"authlib-1":           {debianPython, filepath.Join("python", "oauth1.py")},
}

// wentWell is what a program says that tested something.
var wentWell = regexp.MustCompile(`(?:^|\n)[1-9][0-9]* passed, 0 failed$`)

// debianPython sees the packages that apt-get installs; another python3 may come first in the path.
const debianPython = "/usr/bin/python3"

// TestClients has all clients ask one provider on each framework. They come at the same time, but for what moves its clock.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			p := start(t, framework)
			t.Run("now", func(t *testing.T) {
				t.Run("x-oauth2", func(t *testing.T) {
					t.Parallel()
					testXOAuth2(t, p)
				})
				t.Run("dghubble-oauth1", func(t *testing.T) {
					t.Parallel()
					testDghubble(t, p)
				})
				for name, command := range programs {
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						args := append(command[1:len(command):len(command)], p.issuer, p.control, secret)
						if module, ok := strings.CutSuffix(name, "-1"); ok {
							args = append(args, module)
						}
						if name == "mcp-sdk" {
							example := "" // net/http has none
							if framework != "nethttp" {
								example = startExample(t, "mcp-"+framework, freeport.Address(t))
							}
							args = append(args, example)
						}
						out, err := exec.CommandContext(t.Context(), command[0], args...).CombinedOutput()
						said := strings.TrimSpace(string(out))
						if err != nil || !wentWell.MatchString(said) {
							t.Fatalf("%v\n%s", err, said)
						}
						t.Log(said)
					})
				}
			})
			t.Run("later", func(t *testing.T) {
				t.Run("x-oauth2 refreshes by itself", func(t *testing.T) { testRefresh(t, p) })
			})
		})
	}
}

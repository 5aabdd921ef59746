package clients_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Clients in other languages, each a program that ends with 0 if everything went as it should. run.sh installs what they need.
func TestOtherLanguages(t *testing.T) {
	t.Parallel()
	for name, command := range map[string][]string{
		"oauth4webapi":  {"node", filepath.Join("node", "oauth4webapi.mjs")},
		"openid-client": {"node", filepath.Join("node", "openid-client.mjs")},
		"urllib":        {"python3", filepath.Join("python", "challenges.py")},
	} {
		for _, framework := range frameworks {
			t.Run(name+" with "+framework, func(t *testing.T) {
				t.Parallel()
				p := start(t, framework)
				args := append(command[1:len(command):len(command)], p.issuer, p.control, secret)
				out, err := exec.CommandContext(t.Context(), command[0], args...).CombinedOutput()
				said := strings.TrimSpace(string(out))
				if err != nil || !strings.HasSuffix(said, " passed, 0 failed") {
					t.Fatalf("%v\n%s", err, said)
				}
				t.Log(said)
			})
		}
	}
}

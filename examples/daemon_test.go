package examples_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program without a user gets tokens, and calls an API with them.
func TestDaemon(t *testing.T) {
	t.Parallel()
	as := start(t, "remote-issuer-gin")
	api := start(t, "remote-api-echo", "-issuer", as.base)
	out, err := exec.CommandContext(t.Context(), filepath.Join(build(t), "daemon"), "-issuer", as.base, "-api", api.base).CombinedOutput()
	if got := strings.Count(string(out), "200 "); err != nil || got != 3 {
		t.Errorf("the daemon says %q, %v, want three answers of 200", out, err)
	}
}

package examples_test

import (
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The device asks for a code, its owner enters it in a browser, and the device calls the API.
func TestDevice(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			p := start(t, "device-"+framework)
			cmd := exec.CommandContext(t.Context(), filepath.Join(build(t), "device-cli"), "-issuer", p.base)
			var said output
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			shown := regexp.MustCompile(`Open (\S+) and enter (\S+)`)
			for range 500 {
				if shown.MatchString(said.String()) {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			m := shown.FindStringSubmatch(said.String())
			if m == nil {
				t.Fatalf("the device says %q", said.String())
			}
			b := newBrowser(t)
			page := b.open(m[1]).want(t, 200, "Connect a device")
			page = b.submit(page, url.Values{"user_code": {strings.ToLower(m[2])}}).want(t, 200, m[2])
			page = b.submit(page, url.Values{"action": {"confirm"}}).want(t, 200, "Sign in")
			page = b.submit(page, url.Values{"username": {"demo"}, "password": {"demo"}, "action": {"login"}}).want(t, 200, "Living room television")
			b.submit(page, url.Values{"action": {"allow"}}).want(t, 200, "Device connected")
			if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), `200 {"films":["Metropolis","M"],"user":"user-1"}`) {
				t.Errorf("the device says %q, %v", said.String(), err)
			}
		})
	}
}

package admin_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/admin"
)

// errOpen is what opening gives in these tests: nothing here needs a server.
var errOpen = errors.New("the database is down")

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	c := admin.Command{Open: func(context.Context) (admin.Config, error) { return admin.Config{}, errOpen }, Out: &out}
	err := c.Run(t.Context(), args)
	return out.String(), err
}

// TestHelp: help lists the commands, and each has one that needs no server.
func TestHelp(t *testing.T) {
	t.Parallel()
	top, err := run(t)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Builder{}
	all.WriteString(top)
	for line := range strings.Lines(top) {
		name, _, ok := strings.Cut(strings.TrimPrefix(line, "  "), "  ")
		if !ok || !strings.HasPrefix(line, "  ") {
			continue
		}
		words := strings.Fields(name)
		text, err := run(t, append([]string{"help"}, words...)...)
		if err != nil {
			t.Errorf("help %s: %v", name, err)
		}
		if same, err := run(t, append(words, "-h")...); err != nil || same != text {
			t.Errorf("%s -h = %q, %v, want what help says", name, same, err)
		}
		if strings.HasPrefix(text, "usage: "+name+" [flags]") {
			all.WriteString("\n--- help " + name + "\n" + text)
			continue
		}
		t.Errorf("help %s = %q", name, text)
	}
	for _, flag := range []string{"help", "-h", "-help", "--help"} {
		if text, err := run(t, flag); err != nil || text != top {
			t.Errorf("%s = %q, %v, want the list", flag, text, err)
		}
	}
	golden := filepath.Join("testdata", "help.txt")
	want, err := os.ReadFile(golden)
	if string(want) == all.String() {
		return
	}
	if os.Getenv("GOLDEN") == "write" {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(golden, []byte(all.String()), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s, %v, is not what help says: run GOLDEN=write go test ./core/admin; it is\n%s", golden, err, all.String())
}

// TestSecret: a root secret is one that the library reads, needs no server, and is another every time.
func TestSecret(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 3 {
		out, err := run(t, "secret")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSuffix(out, "\n")
		if _, err := mandate.ParseSecret(text); err != nil || seen[text] || len(text) != 44 {
			t.Errorf("secret = %q, %v", text, err)
		}
		seen[text] = true
	}
}

// TestOpen: what opening fails with is what the caller hears, and arguments are checked before it.
func TestOpen(t *testing.T) {
	t.Parallel()
	if out, err := run(t, "client", "list"); !errors.Is(err, errOpen) || out != "" {
		t.Errorf("client list = %q, %v, want the error of Open", out, err)
	}
	if _, err := run(t, "client", "show"); err == nil || errors.Is(err, errOpen) {
		t.Errorf("client show = %v, want that an argument is missing", err)
	}
	if _, err := run(t, "client", "show", "--", "-json"); !errors.Is(err, errOpen) {
		t.Errorf("client show -- -json = %v, want it to look for the client -json", err)
	}
	if _, err := run(t, "client", "show", "-json", "x", "-json=false"); !errors.Is(err, errOpen) {
		t.Errorf("flags before and after = %v", err)
	}
}

func TestIncomplete(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		says string
	}{
		"no Open":   {admin.Command{Out: &strings.Builder{}}.Run(t.Context(), nil), "Command.Open is nil: name the function that returns the server"},
		"no Out":    {admin.Command{Open: func(context.Context) (admin.Config, error) { return admin.Config{}, nil }}.Run(t.Context(), nil), "Command.Out is nil: name the writer"},
		"no Server": {admin.Run(t.Context(), admin.Config{}, []string{"client", "list"}, &strings.Builder{}), "Server is nil: hand over the server that server.New returned"},
	} {
		if tc.err == nil || !strings.Contains(tc.err.Error(), tc.says) {
			t.Errorf("%s: %v, want %q", name, tc.err, tc.says)
		}
	}
}

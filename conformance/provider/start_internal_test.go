package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/gin-gonic/gin"
)

// scratch is a directory for all tests.
var scratch string

// visits are tests in a browser, as many at a time as there are cores: a browser keeps them busy, and with more each waits longer for its page.
var visits = make(chan struct{}, runtime.GOMAXPROCS(0))

func TestMain(m *testing.M) {
	if holdingProcess() {
		return
	}
	gin.SetMode(gin.ReleaseMode)
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen { // they wait for databases half of their time
		if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
			panic(err)
		}
	}
	var err error
	if scratch, err = os.MkdirTemp("", "provider"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// basis is a small configuration that is right, to be made wrong.
func basis() map[string]any {
	return map[string]any{
		"issuer":  "http://127.0.0.1:9999",
		"profile": "oauth2",
		"scopes":  []any{"read", "write"},
		"accounts": []any{
			map[string]any{"username": "foo", "password": "bar", "sub": "user-foo", "claims": map[string]any{"name": "Foo Bar"}},
			map[string]any{"username": "baz", "password": "qux", "sub": "user-baz"},
		},
		"clients": []any{
			map[string]any{
				"client_id": "web", "client_secret": secretOfWeb, "client_name": "Web shop", "redirect_uris": []any{"https://app.example.com/cb"},
				"grant_types": []any{"authorization_code", "refresh_token", "client_credentials"},
			},
			map[string]any{"client_id": "jwt", "client_secret": secretOfWeb, "grant_types": []any{"client_credentials"}, "token_format": "jwt"},
			map[string]any{
				"client_id": "native", "token_endpoint_auth_method": "none", "application_type": "native", "client_name": "Phone app",
				"redirect_uris": []any{"http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"},
				"grant_types":   []any{"authorization_code", "refresh_token"},
			},
		},
		"resources": []any{
			map[string]any{"path": "/resource", "resource": "https://api.example.com", "scope": "read"},
			map[string]any{"path": "/jwt", "resource": "https://jwt.example.com", "token_format": "jwt", "methods": []any{"POST"}},
		},
		"password_cost": 4,
	}
}

const secretOfWeb = "a-secret-of-more-than-thirty-two-characters"

// client0 is the first client of a basis.
func client0(c map[string]any) map[string]any { return c["clients"].([]any)[0].(map[string]any) }

// file writes a configuration and returns its name.
func file(t *testing.T, content any) string {
	t.Helper()
	data, ok := content.(string)
	if !ok {
		b, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		data = string(b)
	}
	name := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// started is a provider at work.
type started struct {
	addr    string
	control string
	log     *bytes.Buffer
	*provider
}

// start serves content, on l or on a free port, until the test is over.
func start(t *testing.T, framework string, content any, l net.Listener) *started {
	t.Helper()
	return startOn(t, flags{framework: framework}, content, l)
}

// startOn is start with a store.
func startOn(t *testing.T, f flags, content any, l net.Listener) *started {
	t.Helper()
	c, err := readConfig(file(t, content))
	if err != nil {
		t.Fatal(err)
	}
	s := &started{log: new(bytes.Buffer)}
	if s.provider, err = newProvider(t.Context(), c, f, s.log); err != nil {
		t.Fatal(err)
	}
	if l == nil {
		l = listen(t)
	}
	control := listen(t)
	s.addr, s.control = l.Addr().String(), "http://"+control.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, l, control) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := s.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

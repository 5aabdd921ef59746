package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-mandate/mandate/conformance/freeport"
	"github.com/go-mandate/mandate/core/jose"
)

// The program itself: READY when it can be asked, and a clean end after SIGTERM.
func TestReadyAndSignal(t *testing.T) {
	t.Parallel()
	program := built(t)
	for _, framework := range frameworkNames() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			at, control := freeport.Address(t), freeport.Address(t)
			c := basis()
			c["issuer"] = "http://" + at
			cmd := exec.CommandContext(t.Context(), program, "-framework", framework, "-config", file(t, c), "-listen", at, "-control", control, "-log", "json")
			var errs strings.Builder
			cmd.Stderr = &errs
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			if line, err := lines.ReadString('\n'); line != "READY http://"+at+"\n" {
				t.Fatalf("first line = %q, %v, want READY and the issuer; %s", line, err, &errs)
			}
			if status, _ := get(t, http.DefaultClient, "http://"+at+"/.well-known/oauth-authorization-server"); status != 200 {
				t.Errorf("metadata: status %d, want 200", status)
			}
			if status, _ := get(t, http.DefaultClient, "http://"+control+"/healthz"); status != 200 {
				t.Errorf("healthz: status %d, want 200", status)
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(lines)
			if err := cmd.Wait(); err != nil || len(rest) > 0 {
				t.Errorf("end: %v, standard output %q, want exit code 0 and nothing more", err, rest)
			}
			for line := range strings.Lines(errs.String()) {
				if !json.Valid([]byte(line)) {
					t.Errorf("standard error has %q, want JSON alone", line)
				}
			}
		})
	}
}

func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	return ask(t, c, http.MethodGet, url, "")
}

func ask(t *testing.T, c *http.Client, method, url, body string, fields ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworkNames() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			content := basis()
			content["issuer"], content["tls"] = "https://id.example.test:9443", map[string]any{"self_signed": true}
			c, err := readConfig(file(t, content))
			if err != nil {
				t.Fatal(err)
			}
			secure, err := c.serverTLS(time.Now())
			if err != nil {
				t.Fatal(err)
			}
			cert, err := x509.ParseCertificate(secure.Certificates[0].Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			s := start(t, framework, content, tls.NewListener(listen(t), secure))
			pool := x509.NewCertPool()
			pool.AddCert(cert)
			for _, name := range []string{"localhost", "127.0.0.1", "id.example.test"} {
				for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
					client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
						RootCAs: pool, ServerName: name, MinVersion: version, MaxVersion: version,
					}, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
					if status, body := get(t, client, "https://"+s.addr+"/jwks"); status != 200 {
						t.Errorf("%s with TLS %x: status %d, %s", name, version, status, body)
					}
				}
			}
			for name, config := range map[string]*tls.Config{
				"TLS 1.1": {RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, // #nosec G402
				"CBC": {
					RootCAs: pool, ServerName: "localhost", MaxVersion: tls.VersionTLS12,
					CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256},
				},
			} {
				d := tls.Dialer{Config: config}
				if conn, err := d.DialContext(t.Context(), "tcp", s.addr); err == nil {
					_ = conn.Close()
					t.Errorf("%s: the handshake succeeds, want a refusal", name)
				}
			}
		})
	}
}

// A key and a certificate from files, with the paths relative to the configuration.
func TestFiles(t *testing.T) {
	t.Parallel()
	key, err := jose.Generate(jose.PS256)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := key.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	content := basis()
	content["keys"] = []any{
		map[string]any{"kid": "mine", "alg": "PS256", "file": "signing.pem"},
		map[string]any{"kid": "made", "alg": "ES256"},
	}
	name := file(t, content)
	if err := os.WriteFile(filepath.Join(filepath.Dir(name), "signing.pem"), pem, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := readConfig(name)
	if err != nil {
		t.Fatal(err)
	}
	ring, alg, err := c.ring()
	if err != nil || alg != jose.PS256 {
		t.Fatalf("ring signs with %s, %v, want the algorithm of the first key, PS256", alg, err)
	}
	signer := ring.Signer(alg, time.Now())
	again, err := signer.MarshalPEM()
	if err != nil || string(again) != string(pem) || signer.ID() != "mine" {
		t.Errorf("signer = %s, %v, want the key of the file under its kid", signer, err)
	}
	set, err := json.Marshal(ring.Public(time.Now()))
	if err != nil || !strings.Contains(string(set), `"kid":"made"`) {
		t.Errorf("key set = %s, %v, want both keys", set, err)
	}
}

// A request that never ends is cut off, whatever it is that it withholds.
func TestUnfinishedRequests(t *testing.T) {
	t.Parallel()
	if patience+patience/4 > 30*time.Second {
		t.Errorf("patience is %v: a request could last longer than 30 s", patience)
	}
	content := basis()
	for _, framework := range frameworkNames() {
		c, err := readConfig(file(t, content))
		if err != nil {
			t.Fatal(err)
		}
		p, err := newProvider(t.Context(), c, flags{framework: framework}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		p.web = newWeb(framework, 200*time.Millisecond, nil) // so that the test need not wait for patience
		if err := p.put(p.site); err != nil {
			t.Fatal(err)
		}
		l := listen(t)
		go func() { _ = p.web.serve(l) }()
		t.Cleanup(func() { _ = p.web.shutdown(context.WithoutCancel(t.Context())) })
		for name, sent := range map[string]string{
			"nothing":       "",
			"half a header": "POST /token HTTP/1.1\r\nHost: x\r\n",
			"half a body":   "POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ngrant_type=",
			"half a chunk":  "POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40\r\ngrant",
		} {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
			if _, err := io.WriteString(conn, sent); err != nil { // on a busy machine the server may have ended it by now
				_ = conn.Close()
				continue
			}
			if _, err := io.ReadAll(conn); err != nil && !strings.Contains(err.Error(), "reset by peer") {
				t.Errorf("%s, %s: %v, want a connection that the server ends", framework, name, err)
			}
			_ = conn.Close()
		}
	}
}

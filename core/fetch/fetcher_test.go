package fetch_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
)

// secretQuery stands in every URL of these tests and must stand in no error.
const secretQuery = "?token=canary-in-query"

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func trusting(s *httptest.Server) fetch.Config {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return fetch.Config{RootCAs: roots}
}

func newFetcher(t *testing.T, c fetch.Config) *fetch.Fetcher {
	t.Helper()
	f, err := fetch.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// wantErr checks that err is want and tells no secret.
func wantErr(t *testing.T, res *mandate.Response, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || res != nil {
		t.Fatalf("Fetch = %v, %v, want nil and %v", res, err, want)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("error %q shows a secret", err)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Add("X-Two", "b")
		w.Header().Add("X-Two", "a")
		w.Header().Set("A-One", r.Header.Get("X-Sent"))
		w.Header()["Date"] = nil
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL.RequestURI(), body, r.UserAgent())
	})
	f := newFetcher(t, trusting(s))
	res, err := f.Fetch(t.Context(), &mandate.FetchRequest{
		Method: "POST", URL: s.URL + "/p?q=1", Header: mandate.Fields{{Name: "X-Sent", Value: "x"}}, Body: "hello", Trust: mandate.Operator,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(res.Body), "POST /p?q=1 hello mandate"; got != want || res.Status != 418 {
		t.Errorf("answer = %d %q, want 418 %q", res.Status, got, want)
	}
	names := make([]string, 0, len(res.Header))
	for _, field := range res.Header {
		names = append(names, field.Name+"="+field.Value)
	}
	want := []string{"A-One=x", "Content-Length=25", "Content-Type=text/plain; charset=utf-8", "X-Two=b", "X-Two=a"}
	if !slices.Equal(names, want) {
		t.Errorf("header = %q, want %q", names, want)
	}
}

func TestStrangersURLs(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a stranger's URL reached loopback") })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	f := newFetcher(t, trusting(s))
	for name, url := range map[string]string{
		"loopback":                    s.URL,
		"name that leads to loopback": "https://localhost:" + port,
		"IPv4-mapped loopback":        "https://[::ffff:127.0.0.1]:" + port,
		"IPv6 loopback":               "https://[::1]:" + port,
		"this network":                "https://0.0.0.0:" + port,
		"unspecified IPv6":            "https://[::]:" + port,
		"private":                     "https://10.0.0.1",
		"cloud metadata":              "https://169.254.169.254/latest",
		"unique-local":                "https://[fd00::1]",
		"NAT64 to private":            "https://[64:ff9b::10.0.0.1]",
		"http":                        "http://" + s.Listener.Addr().String(),
		"http to a public address":    "http://1.1.1.1/",
		"another scheme":              "ftp://1.1.1.1/",
		"file":                        "file:///etc/passwd",
		"user in the URL":             "https://canary:canary@1.1.1.1/",
		"fragment":                    "https://1.1.1.1/#canary",
		"empty fragment":              "https://1.1.1.1/#",
		"no host":                     "https:///x",
		"opaque":                      "https:1.1.1.1",
		"relative":                    "/x",
		"empty":                       "",
		"not a URL":                   "https://1.1.1.1/%zz?canary",
		"control character":           "https://1.1.1.1/\n",
		"longer than 8 KiB":           "https://1.1.1.1/" + strings.Repeat("x", 9<<10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.ContainsAny(url, "?#%") && url != "" {
				url += secretQuery
			}
			res, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: url})
			wantErr(t, res, err, fetch.ErrRefused)
			res, err = f.Fetch(t.Context(), &mandate.FetchRequest{URL: url, Trust: 7})
			wantErr(t, res, err, fetch.ErrRefused)
		})
	}
}

func TestStrangersShareNoConnectionWithTheOperator(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	f := newFetcher(t, trusting(s))
	if _, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: s.URL, Trust: mandate.Operator}); err != nil {
		t.Fatal(err)
	}
	res, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: s.URL + secretQuery})
	wantErr(t, res, err, fetch.ErrRefused)
}

func TestAllowPrivateNetworks(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	c := trusting(s)
	c.AllowPrivateNetworks = true
	f := newFetcher(t, c)
	res, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: s.URL})
	if err != nil || string(res.Body) != "ok" {
		t.Fatalf("Fetch = %v, %v, want ok", res, err)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	res, err = f.Fetch(t.Context(), &mandate.FetchRequest{URL: plain.URL + secretQuery})
	wantErr(t, res, err, fetch.ErrRefused)
}

func TestOperatorsHTTP(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	f := newFetcher(t, fetch.Config{})
	for _, host := range []string{"127.0.0.1", "localhost", "LOCALHOST"} {
		if _, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: "http://" + host + ":" + port, Trust: mandate.Operator}); err != nil {
			t.Errorf("http to %s: %v", host, err)
		}
	}
	for _, host := range []string{"10.0.0.1", "id.example.com", "localhost.example.com", "127.0.0.1.example.com", "0.0.0.0"} {
		res, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: "http://" + host + "/" + secretQuery, Trust: mandate.Operator})
		wantErr(t, res, err, fetch.ErrRefused)
	}
	f = newFetcher(t, fetch.Config{AllowInsecureHTTP: true})
	if _, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: "http://0.0.0.0:" + port, Trust: mandate.Operator}); err != nil {
		t.Errorf("http beyond loopback, allowed: %v", err)
	}
	res, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: s.URL + secretQuery})
	wantErr(t, res, err, fetch.ErrRefused)
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a redirect left the origin") })
	mux := http.NewServeMux()
	s := serve(t, mux.ServeHTTP)
	for path, to := range map[string]string{
		"/one": "/end?canary", "/loop": "/loop", "/away": other.URL + "/?canary", "/down": strings.Replace(s.URL, "https", "http", 1),
		"/user": strings.Replace(s.URL, "https://", "https://canary@", 1), "/nowhere": "", "/bad": "https://%zz/canary",
		"/host": strings.Replace(s.URL, "127.0.0.1", "localhost", 1), "/abs": s.URL + "/end", "/fragment": "/end#x",
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to)
			status := http.StatusFound
			if r.URL.Query().Get("keep") != "" {
				status = http.StatusPermanentRedirect
			}
			w.WriteHeader(status)
		})
	}
	mux.HandleFunc("/end", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write([]byte(r.Method + " " + string(body) + r.Header.Get("Authorization")))
	})
	mux.HandleFunc("/same", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	mux.HandleFunc("/choices", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMultipleChoices) })

	c := trusting(s)
	c.AllowPrivateNetworks = true
	f := newFetcher(t, c)
	for name, tc := range map[string]struct {
		path, method, want string // an empty want: refused
		trust              mandate.Trust
	}{
		"a stranger's is refused":           {path: "/one"},
		"a stranger's with status 300":      {path: "/choices"},
		"within the origin":                 {path: "/one", trust: mandate.Operator, want: "GET auth"},
		"absolute, within the origin":       {path: "/abs", trust: mandate.Operator, want: "GET auth"},
		"with a fragment":                   {path: "/fragment", trust: mandate.Operator, want: "GET auth"},
		"without end":                       {path: "/loop", trust: mandate.Operator},
		"to another port":                   {path: "/away", trust: mandate.Operator},
		"to another host":                   {path: "/host", trust: mandate.Operator},
		"to http":                           {path: "/down", trust: mandate.Operator},
		"with a user":                       {path: "/user", trust: mandate.Operator},
		"without a Location":                {path: "/nowhere", trust: mandate.Operator},
		"with a broken Location":            {path: "/bad", trust: mandate.Operator},
		"status 300":                        {path: "/choices", trust: mandate.Operator},
		"of a POST that would become a GET": {path: "/one", method: "POST", trust: mandate.Operator},
		"of a POST that stays one":          {path: "/one?keep=1", method: "POST", trust: mandate.Operator, want: "POST bodyauth"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &mandate.FetchRequest{Method: tc.method, URL: s.URL + tc.path, Trust: tc.trust, Header: mandate.Fields{{Name: "Authorization", Value: "auth"}}}
			if tc.method == "POST" {
				r.Body = "body"
			}
			res, err := f.Fetch(t.Context(), r)
			if tc.want == "" {
				wantErr(t, res, err, fetch.ErrRefused)
			} else if err != nil || string(res.Body) != tc.want {
				t.Errorf("Fetch = %v, %v, want %q", res, err, tc.want)
			}
		})
	}
	if res, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: s.URL + "/same"}); err != nil || res.Status != 304 {
		t.Errorf("304 = %v, %v, want an answer", res, err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	r := &mandate.FetchRequest{URL: s.URL + secretQuery, Trust: mandate.Operator}

	res, err := newFetcher(t, fetch.Config{}).Fetch(t.Context(), r)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok || res != nil {
		t.Errorf("unknown authority: Fetch = %v, %v, want a certificate error", res, err)
	}
	if _, err := newFetcher(t, fetch.Config{InsecureSkipVerify: true}).Fetch(t.Context(), r); err != nil {
		t.Errorf("InsecureSkipVerify: %v", err)
	}

	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10} // #nosec G402 -- must be refused
	old.StartTLS()
	defer old.Close()
	if res, err := newFetcher(t, trusting(old)).Fetch(t.Context(), &mandate.FetchRequest{URL: old.URL, Trust: mandate.Operator}); err == nil {
		t.Errorf("TLS 1.1: Fetch = %v, want an error", res)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]fetch.Config{
		"Timeout":     {Timeout: -time.Second},
		"Concurrency": {Concurrency: -1},
		"PerHost":     {PerHost: -1},
		"Documents":   {Documents: map[string]string{"jwks.json": "{}"}},
	} {
		if f, err := fetch.New(c); err == nil || f != nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New with a bad %s = %v, %v, want an error that names it", name, f, err)
		}
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	const url = "https://client.example/jwks"
	docs := map[string]string{url: `{"keys":[]}`}
	f := newFetcher(t, fetch.Config{Documents: docs})
	docs[url] = "changed"
	res, err := f.Fetch(t.Context(), &mandate.FetchRequest{URL: url})
	if err != nil || res.Status != 200 || string(res.Body) != `{"keys":[]}` || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("document = %v, %v", res, err)
	}
	res, err = f.Fetch(t.Context(), &mandate.FetchRequest{URL: url, MaxBytes: 10})
	wantErr(t, res, err, fetch.ErrTooLarge)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res, err = f.Fetch(ctx, &mandate.FetchRequest{URL: url + "/other" + secretQuery})
	wantErr(t, res, err, context.Canceled)
}

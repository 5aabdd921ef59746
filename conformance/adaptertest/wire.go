package adaptertest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Body   string
	Raw    string // status line and header as they came; for raw requests alone
}

// do sends a request and returns the answer. It follows no redirect. target is a path, or an absolute URL.
func (s *site) do(t *testing.T, method, target, body string, fields ...string) *answer {
	t.Helper()
	ans, err := s.try(t, method, target, body, fields...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return ans
}

// try is do for goroutines that are not the test's own.
func (s *site) try(t *testing.T, method, target, body string, fields ...string) (*answer, error) {
	t.Helper()
	if strings.HasPrefix(target, "/") {
		target = s.url + target
	}
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, content)
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(fields); i += 2 {
		req.Header.Add(fields[i], fields[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return &answer{Status: resp.StatusCode, Header: resp.Header, Body: string(data)}, nil
}

// get is a GET.
func (s *site) get(t *testing.T, target string, fields ...string) *answer {
	t.Helper()
	return s.do(t, http.MethodGet, target, "", fields...)
}

// form is a POST of a form.
func (s *site) form(t *testing.T, target string, values url.Values, fields ...string) *answer {
	t.Helper()
	return s.do(t, http.MethodPost, target, values.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, fields...)...)
}

// raw sends request as it is, over a connection of its own, and returns the answer. Lines end with CR LF where request
// has them; "{host}" stands for the address.
func (s *site) raw(t *testing.T, request string) *answer {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) //nolint:forbidigo // a deadline of a real connection
	if _, err := io.WriteString(conn, strings.ReplaceAll(request, "{host}", s.addr)); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &seen)), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("answer to %.100q: %v", request, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(seen.String(), "\r\n\r\n")
	return &answer{Status: resp.StatusCode, Header: resp.Header, Body: string(data), Raw: head}
}

// json decodes the body, which must be a JSON object.
func (a *answer) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.Body), &m); err != nil {
		t.Fatalf("status %d, body %q: %v", a.Status, a.Body, err)
	}
	return m
}

// text returns the member called name of the JSON body, which must be a string; "" where there is none.
func (a *answer) text(t *testing.T, name string) string {
	t.Helper()
	s, _ := a.json(t)[name].(string)
	return s
}

// fields checks header fields of the answer: name, value, name, value. "" means that the field is absent.
func (a *answer) fields(t *testing.T, want ...string) {
	t.Helper()
	for i := 0; i+1 < len(want); i += 2 {
		switch got := a.Header.Values(want[i]); {
		case want[i+1] == "" && len(got) == 0:
		case len(got) != 1 || got[0] != want[i+1]:
			t.Errorf("%s = %q, want %q", want[i], got, want[i+1])
		}
	}
}

// refused checks that the answer is the JSON of an error: status, code and the fields that such an answer always has.
func (a *answer) refused(t *testing.T, status int, code string) {
	t.Helper()
	if a.Status != status {
		t.Errorf("status = %d, want %d; body %.300q", a.Status, status, a.Body)
		return
	}
	a.fields(t, "Content-Type", "application/json", "Cache-Control", "no-store")
	if got := a.text(t, "error"); got != code {
		t.Errorf("error = %q, want %q; body %q", got, code, a.Body)
	}
}

// status ends the test where the answer has another status.
func (a *answer) status(t *testing.T, want int) *answer {
	t.Helper()
	if a.Status != want {
		t.Fatalf("status = %d, want %d; Location %q, body %.400q", a.Status, want, a.Header.Get("Location"), a.Body)
	}
	return a
}

// basic returns the Authorization field of RFC 6749, section 2.3.1.
func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

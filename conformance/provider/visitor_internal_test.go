package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// visitor sends requests as bytes and keeps what came back as bytes: what a framework adds or leaves out is seen.
type visitor struct {
	t       *testing.T
	addr    string
	other   string // of another process, which has every second request
	cookies map[string]string
	dump    []string          // every request and its answer, with what is random replaced
	names   map[string]string // what random values were replaced by
	count   int               // of the numbers among them
}

func newVisitor(t *testing.T, addr string) *visitor {
	t.Helper()
	return &visitor{t: t, addr: addr, cookies: map[string]string{}, names: map[string]string{}}
}

// answer is one answer.
type answer struct {
	status   int
	location string
	body     string
}

// send sends one request. fields are whole lines, "Accept: text/html".
func (v *visitor) send(method, target, body string, fields ...string) answer {
	v.t.Helper()
	if v.other != "" {
		v.addr, v.other = v.other, v.addr
	}
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(v.t.Context(), "tcp", v.addr)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: 127.0.0.1:9999", "Connection: close"}, fields...)
	if body != "" || method == "POST" {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	if body != "" && !slices.ContainsFunc(fields, func(f string) bool { return strings.HasPrefix(f, "Content-Type:") }) {
		lines = append(lines, "Content-Type: application/x-www-form-urlencoded")
	}
	for _, name := range slices.Sorted(mapsKeys(v.cookies)) {
		lines = append(lines, "Cookie: "+name+"="+v.cookies[name])
	}
	request := strings.Join(lines, "\r\n") + "\r\n\r\n" + body
	go func() { _, _ = io.WriteString(c, request) }() // a server that has seen enough may not read it all
	raw, err := io.ReadAll(c)
	if len(raw) == 0 {
		v.t.Fatalf("%s %.60s: no answer: %v", method, target, err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(raw))), &http.Request{Method: method})
	if err != nil {
		v.t.Fatalf("%s %.60s: %v in %q", method, target, err, raw)
	}
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		v.cookies[c.Name] = c.Value
	}
	v.dump = append(v.dump, fmt.Sprintf("%s %.100s\n%s", method, v.plain(target), v.plain(ordered(string(raw)))))
	return answer{resp.StatusCode, resp.Header.Get("Location"), string(data)}
}

// ordered sorts the header fields, whose order means nothing and which net/http and fasthttp write in orders of their own, and
// cuts out the date.
func ordered(raw string) string {
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	fields := slices.DeleteFunc(lines[1:], func(l string) bool { return strings.HasPrefix(l, "Date: ") })
	if strings.Contains(body, `name="handle"`) || strings.Contains(body, "?handle=") { // whose length is as random as itself
		fields = slices.DeleteFunc(fields, func(l string) bool { return l == fmt.Sprintf("Content-Length: %d", len(body)) })
	}
	slices.Sort(fields)
	return lines[0] + "\n" + strings.Join(fields, "\n") + "\n\n" + body
}

// random finds what differs from run to run: it is the last group that is not empty.
var random = regexp.MustCompile(`(md[acr]_[\w-]{20,})|name="(?:handle|csrf)" value="([^"]+)"|handle=([\w-]{20,})|(eyJ[\w-]+\.[\w-]+\.[\w-]+)` +
	`|"(?:x|y|kid|jti)":"([^"]+)"|mandate-(?:session|browser)-\w+=([\w-]+)|"(?:exp|iat|auth_time)":(\d+)`)

// plain replaces what is random by a number, the same one wherever it comes again.
func (v *visitor) plain(s string) string {
	for _, m := range random.FindAllStringSubmatch(s, -1) {
		for _, value := range m[1:] {
			if value != "" && v.names[value] == "" {
				if len(value) == len("1700000000") && value[0] == '1' {
					v.names[value] = "<time>" // which of them are equal is chance
					continue
				}
				v.names[value] = fmt.Sprintf("<%d>", v.count)
				v.count++
			}
		}
	}
	values := slices.SortedFunc(mapsKeys(v.names), func(a, b string) int { return len(b) - len(a) })
	for _, value := range values {
		s = strings.ReplaceAll(s, value, v.names[value])
	}
	return s
}

func mapsKeys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// navigation is what a browser sends with a navigation.
func navigation() []string { return []string{"Accept: text/html", "Sec-Fetch-Mode: navigate"} }

var (
	hidden = regexp.MustCompile(`name="(handle|csrf)" value="([^"]*)"`)
	action = regexp.MustCompile(`action="([^"]*)"`)
)

// submit posts the form of a page.
func (v *visitor) submit(a answer, fields ...string) answer {
	v.t.Helper()
	to := action.FindStringSubmatch(a.body)
	if to == nil {
		v.t.Fatalf("status %d without a form: %s", a.status, a.body)
	}
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(a.body, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	for pair := range slices.Chunk(fields, 2) {
		form.Set(pair[0], pair[1])
	}
	return v.send("POST", html.UnescapeString(to[1]), form.Encode(), append(navigation(), "Origin: http://127.0.0.1:9999", "Sec-Fetch-Site: same-origin")...)
}

// follow goes where a redirect leads, as long as it stays here.
func (v *visitor) follow(a answer) answer {
	v.t.Helper()
	for strings.HasPrefix(a.location, "/") {
		a = v.send("GET", a.location, "", navigation()...)
	}
	return a
}

const verifier = "a-verifier-of-at-least-forty-three-characters-1"

// authorizeURL is an authorization request of client.
func authorizeURL(client, redirect string, more ...string) string {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {client}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"read"}, "state": {"s-1"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for pair := range slices.Chunk(more, 2) {
		q.Set(pair[0], pair[1])
	}
	return "/authorize?" + q.Encode()
}

// code is the authorization code of a redirect to the client.
func (v *visitor) code(a answer) string {
	v.t.Helper()
	u, err := url.Parse(a.location)
	if err != nil || u.Query().Get("code") == "" {
		v.t.Fatalf("status %d, location %q, want a code", a.status, a.location)
	}
	return u.Query().Get("code")
}

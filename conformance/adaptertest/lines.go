package adaptertest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// lines are open connections, one for each contender: cheap enough for a thousand rounds.
type lines struct{ all []line }

type line struct {
	conn net.Conn
	in   *bufio.Reader
}

// dial opens a connection for each contender, which are closed at the end of the test.
func (s *site) dial(t *testing.T) *lines {
	t.Helper()
	l := new(lines)
	for range contenders {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		l.all = append(l.all, line{conn, bufio.NewReader(conn)})
	}
	return l
}

// crowd sends one form over all connections at once, and returns the answers.
func (l *lines) crowd(host, path string, form url.Values, fields ...string) ([]*answer, error) {
	body := form.Encode()
	var b strings.Builder
	b.WriteString("POST " + path + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n")
	for i := 0; i+1 < len(fields); i += 2 {
		b.WriteString(fields[i] + ": " + fields[i+1] + "\r\n")
	}
	b.WriteString("\r\n" + body)
	request := b.String()
	return l.rush(func(int) string { return request })
}

// each sends one request over each connection at once, without a body, with the Authorization field that it has in headers.
func (l *lines) each(host, method, path string, headers []string) ([]*answer, error) {
	return l.rush(func(i int) string {
		return method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 0\r\nAuthorization: " + headers[i] + "\r\n\r\n"
	})
}

// rush sends a request over each connection at once, and returns the answers.
func (l *lines) rush(request func(i int) string) ([]*answer, error) {
	answers, errs := make([]*answer, len(l.all)), make([]error, len(l.all))
	const each = 8 // connections to a goroutine
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for from := 0; from < len(l.all); from += each {
		wg.Go(func() {
			<-gate
			own := l.all[from:min(from+each, len(l.all))]
			for i, x := range own {
				_, errs[from+i] = io.WriteString(x.conn, request(from+i))
			}
			for i, x := range own {
				if errs[from+i] == nil {
					answers[from+i], errs[from+i] = x.read()
				}
			}
		})
	}
	close(gate)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}

func (x line) read() (*answer, error) {
	resp, err := http.ReadResponse(x.in, nil)
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

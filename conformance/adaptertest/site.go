package adaptertest

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// site is an application that runs on a loopback listener of its own.
type site struct {
	app    App
	addr   string
	url    string // "http://127.0.0.1:port"
	client *http.Client
	l      net.Listener
}

// newSite makes an application whose address is known and that does not serve yet: register routes, then call start.
func newSite(t *testing.T, a Adapter) *site {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true, ResponseHeaderTimeout: 30 * time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	s := &site{app: a.New(t), addr: l.Addr().String(), l: l}
	s.url = "http://" + s.addr
	s.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s
}

// start serves until the test is over.
func (s *site) start(t *testing.T) {
	t.Helper()
	s.app.Serve(t, s.l)
	t.Cleanup(s.client.CloseIdleConnections) // before the server stops, which waits for them
}

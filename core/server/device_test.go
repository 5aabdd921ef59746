package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

func TestNewRefusesDevice(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		device server.Device
		want   string // the error names it
	}{
		"codes that live for long":         {server.Device{TTL: 11 * time.Minute}, "Device.TTL 11m0s"},
		"codes that never live":            {server.Device{TTL: -1}, "Device.TTL"},
		"half a second":                    {server.Device{TTL: 1500 * time.Millisecond}, "Device.TTL 1.5s"},
		"a long interval":                  {server.Device{Interval: time.Hour}, "Device.Interval 1h0m0s"},
		"a negative interval":              {server.Device{Interval: -time.Second}, "Device.Interval"},
		"an interval as long as the codes": {server.Device{TTL: 10 * time.Second, Interval: 10 * time.Second}, "Device.Interval 10s is not less"},
		"letters in the shape":             {server.Device{Shape: "XXXX+XXXX"}, `Device.Shape "XXXX+XXXX"`},
		"a long shape":                     {server.Device{Shape: strings.Repeat("X", 33)}, "Device.Shape"},
		"a short code":                     {server.Device{Shape: "XXX-XXXX"}, "add an X"},
		"nine digits":                      {server.Device{Shape: "XXXXX-XXXX", Alphabet: "0123456789"}, "2^34"},
		"a letter twice":                   {server.Device{Alphabet: "BCDFGB"}, "Device.Alphabet"},
		"small letters":                    {server.Device{Alphabet: "abcdefgh"}, "Device.Alphabet"},
		"an address that is none":          {server.Device{VerificationURL: "example.com/tv"}, `Device.VerificationURL "example.com/tv"`},
		"an address that begins a program": {server.Device{VerificationURL: "javascript://example.com/%0aalert(1)"}, "Device.VerificationURL"},
		"an address without TLS":           {server.Device{VerificationURL: "http://example.com/tv"}, `Device.VerificationURL "http://example.com/tv" is not an https URL`},
		"an address with a fragment":       {server.Device{VerificationURL: "https://example.com/#tv"}, "Device.VerificationURL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := valid()
			before := tc.device
			c.Device = &tc.device
			if _, err := server.New(c); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want one with %q", err, tc.want)
			}
			if tc.device != before {
				t.Errorf("New changed the caller's Device: %+v", tc.device)
			}
		})
	}
}

func TestNewTakesDevice(t *testing.T) {
	t.Parallel()
	for _, device := range []server.Device{
		{}, {TTL: 61 * time.Second, Interval: time.Minute}, {Shape: "XXXXX XXXXXX", Alphabet: "0123456789"}, {VerificationURL: "https://example.com/tv"}, {VerificationURL: "http://localhost:8080/tv"},
	} {
		c := valid()
		c.Device = &device
		c.Clients = client(func(c *store.Client) { c.Metadata.GrantTypes = []string{oauth2.GrantDeviceCode} })
		s, err := server.New(c)
		if err != nil {
			t.Errorf("%+v: %v", device, err)
			continue
		}
		if _, err := s.Endpoints(server.Mounting{}); err == nil || !strings.Contains(err.Error(), "SignIn") {
			t.Errorf("endpoints without anybody who decides: %v", err)
		}
		if s.ReturnTo("/device?handle=x", "/") != "/device?handle=x" || s.ReturnTo("/device?user_code=x", "/") != "/" || s.ReturnTo("//device?handle=x", "/") != "/" {
			t.Error("ReturnTo knows the page of devices, with a handle, alone")
		}
	}
	s, err := server.New(valid())
	if err != nil || s.ReturnTo("/device?handle=x", "/") != "/" || s.Serves("/device") {
		t.Errorf("a server without devices serves /device: %v", err)
	}
}

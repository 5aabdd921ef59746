package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

func TestDeadlinesThatBoundNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		deadlines map[string]time.Duration
		says      string
	}{
		"of an endpoint, and of all others":   {map[string]time.Duration{"token": time.Second, "": time.Minute}, ""},
		"of an endpoint that there is not":    {map[string]time.Duration{"tokn": time.Second}, `Deadlines has "tokn"`},
		"of an endpoint that is off":          {map[string]time.Duration{"device": time.Second}, `Deadlines has "device"`},
		"one that is over before it begins":   {map[string]time.Duration{"token": -time.Second}, `Deadlines["token"] is -1s`},
		"one that is zero, which is no bound": {map[string]time.Duration{"": 0}, `Deadlines[""] is 0s`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := server.New(server.Config{Issuer: "http://localhost", Store: struct{ store.Store }{}, Deadlines: c.deadlines})
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("error = %v, want %q", err, c.says)
			}
		})
	}
}

package docs

import (
	"github.com/go-mandate/mandate/core/server"
)

// DecideForDevices is an application's own decision, which tells devices apart.
func DecideForDevices(ask *server.Ask, user server.User, ok bool, allowed func() bool, page func(text string) error) server.Answer {
	// doc:start device-decide
	switch {
	case !ok || !ask.Accepts(user):
		return server.SignIn("/login")
	case ask.Submitted() && allowed():
		return server.Approve(user)
	case ask.Submitted():
		return server.Deny()
	case ask.Device():
		return server.Page(func() error {
			return page(ask.ClientName() + " wants to connect. Does your device show " + ask.UserCode() + "?")
		})
	}
	// doc:end
	return server.Page(func() error { return page("Allow " + ask.ClientName() + "?") })
}

// DeviceOptions are what can be set.
func DeviceOptions() *server.Device {
	// doc:start device-options
	device := &server.Device{
		Shape: "XXXX-XXXX-XXX", Alphabet: "0123456789", // for a keypad: 36 bits
		VerificationURL: "https://example.com/tv", // short enough to type; it sends the browser on to /device
	}
	// doc:end
	return device
}

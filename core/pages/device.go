package pages

import (
	"fmt"

	mandate "github.com/go-mandate/mandate/core"
)

// Device is the content of the page that connects a device (RFC 8628): it asks for the code, or, with Confirm, whether the code is
// the one on the device.
//
// The form is posted to Action with the fields handle and csrf and, where it asks for the code, user_code. With Confirm it has action,
// which is "confirm" or "cancel".
type Device struct {
	Action   string // an absolute path on this server; required
	Handle   string // hidden field of that name
	CSRF     string // hidden field of that name
	UserCode string // what was typed before; with Confirm the code, as the device shows it
	Example  string // what a code looks like: "XXXX-XXXX". May be empty
	Failed   bool   // no device shows that code
	Limited  bool   // too many wrong codes: wait. It is shown instead of Failed, with status 429
	Confirm  bool   // ask whether the device shows UserCode
	Client   Client // with Confirm: which client does, where the user may know
}

// DeviceDone is the content of the last page of a user who connected a device, or denied it.
type DeviceDone struct {
	Denied bool
	Client Client
}

// Device returns the page that connects a device, with status 200, or 429 where d is Limited.
func (s *Set) Device(d Device) (*mandate.Response, error) {
	v := s.base
	v.Title = v.Text.DeviceTitle
	if path(d.Action) == "" {
		return nil, fmt.Errorf("pages: Device.Action %q is not an absolute path", d.Action)
	}
	status := 200
	if d.Limited {
		d.Failed, status = false, 429
	}
	d.UserCode, d.Example = field(d.UserCode), text(d.Example, maxName)
	d.Client = d.Client.clean()
	v.Device, v.Client = d, d.Client
	return s.page(s.device, status, "same-origin", &v)
}

// DeviceDone returns the last page of the user who decided about a device, with status 200.
func (s *Set) DeviceDone(d DeviceDone) (*mandate.Response, error) {
	v := s.base
	v.Title = v.Text.DeviceDoneTitle
	if d.Denied {
		v.Title = v.Text.DeviceDeniedTitle
	}
	d.Client = d.Client.clean()
	v.DeviceDone, v.Client = d, d.Client
	return s.page(s.deviceDone, 200, "no-referrer", &v)
}

package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
)

// maxDeviceSeconds is the longest life of a user code.
const maxDeviceSeconds = 600

// device reports whether devices may be connected, which is off unless it is switched on.
func (f features) device() bool { return f.Device != nil && *f.Device }

// checkDevice refuses members about devices that contradict each other.
func (c *config) checkDevice() error {
	served := slices.Contains(c.GrantTypes, oauth2.GrantDeviceCode)
	switch ttl := c.Lifetimes.Device; {
	case served && !c.Features.device():
		return errors.New("grant_types has " + oauth2.GrantDeviceCode + " and features.device is not true")
	case !served && c.Features.device():
		return errors.New("features.device is true and grant_types has no " + oauth2.GrantDeviceCode)
	case ttl != nil && !c.Features.device():
		return errors.New("lifetimes.device_code is set and features.device is not true")
	case ttl != nil && (*ttl < 1 || *ttl > maxDeviceSeconds):
		return fmt.Errorf("lifetimes.device_code %d is not between 1 and %d seconds", *ttl, maxDeviceSeconds)
	}
	return nil
}

// serverDevice returns how devices are connected, or nil.
func (c *config) serverDevice() *server.Device {
	if !c.Features.device() {
		return nil
	}
	return &server.Device{TTL: seconds(c.Lifetimes.Device)}
}

package fetch

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
)

// Public reports whether addr is an address of the public Internet: not private, loopback, link-local, shared
// (RFC 6598), unique-local, multicast, reserved, for documentation or for benchmarks. An IPv4 address
// inside an IPv6 one counts as itself where it is mapped or translated (NAT64, RFC 6052); where it is
// tunnelled (6to4, Teredo) it is not public.
func Public(addr netip.Addr) bool {
	addr = addr.Unmap()
	if addr.Is4() {
		return public4(addr.As4())
	}
	if !addr.Is6() || addr.Zone() != "" {
		return false
	}
	b := addr.As16()
	if [12]byte(b[:12]) == [12]byte{0x00, 0x64, 0xff, 0x9b} { // 64:ff9b::/96
		return public4([4]byte(b[12:]))
	}
	switch {
	case b[0]>>5 != 1: // outside 2000::/3, which is all that is handed out
		return false
	case b[0] == 0x20 && b[1] == 0x01 && b[2] < 0x02: // 2001::/23, protocols: Teredo, ORCHID, benchmarks
		return false
	case b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8: // 2001:db8::/32, documentation
		return false
	case b[0] == 0x20 && b[1] == 0x02: // 2002::/16, 6to4
		return false
	case b[0] == 0x3f && b[1] == 0xff && b[2]>>4 == 0: // 3fff::/20, documentation
		return false
	default:
		return true
	}
}

func public4(b [4]byte) bool {
	switch {
	case b[0] == 0, b[0] == 10, b[0] == 127, // this network, private, loopback
		b[0] == 100 && b[1]&0xc0 == 64,           // 100.64/10, shared by carriers
		b[0] == 169 && b[1] == 254,               // link-local, and the metadata of clouds
		b[0] == 172 && b[1]&0xf0 == 16,           // private
		b[0] == 192 && b[1] == 0 && b[2] == 0,    // protocols
		b[0] == 192 && b[1] == 0 && b[2] == 2,    // documentation
		b[0] == 192 && b[1] == 88 && b[2] == 99,  // 6to4 relays
		b[0] == 192 && b[1] == 168,               // private
		b[0] == 198 && b[1]&0xfe == 18,           // benchmarks
		b[0] == 198 && b[1] == 51 && b[2] == 100, // documentation
		b[0] == 203 && b[1] == 0 && b[2] == 113,  // documentation
		b[0] >= 224:                              // multicast, reserved, broadcast
		return false
	default:
		return true
	}
}

// control returns a check of the address of every connection, for [net.Dialer].
func control(allow func(netip.Addr) bool) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: address %q: %w", ErrRefused, address, err)
		}
		if !allow(to.Addr()) {
			return fmt.Errorf("%w: address %s is not allowed", ErrRefused, to.Addr())
		}
		return nil
	}
}

// loopback is for plain http: a name that stands for loopback must lead there.
func loopback(addr netip.Addr) bool { return addr.Unmap().IsLoopback() }

package fetch_test

import (
	"net/netip"
	"testing"

	"github.com/go-mandate/mandate/core/fetch"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"1.1.1.1": true, "8.8.8.8": true, "93.184.215.14": true, "100.63.255.255": true, "100.128.0.0": true,
		"172.15.255.255": true, "172.32.0.0": true, "169.253.0.1": true, "192.0.1.0": true, "198.17.0.1": true,
		"198.20.0.1": true, "223.255.255.255": true, "11.0.0.0": true, "126.0.0.1": true, "128.0.0.1": true,

		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "10.255.255.255": false, "127.0.0.1": false, "127.255.255.254": false,
		"100.64.0.0": false, "100.127.255.255": false, "169.254.0.1": false, "169.254.169.254": false,
		"172.16.0.0": false, "172.31.255.255": false, "192.0.0.1": false, "192.0.0.170": false, "192.0.2.1": false,
		"192.88.99.1": false, "192.168.0.1": false, "192.168.255.255": false, "198.18.0.1": false, "198.19.255.255": false,
		"198.51.100.7": false, "203.0.113.7": false, "224.0.0.1": false, "239.255.255.250": false, "240.0.0.1": false,
		"255.255.255.255": false,

		"2606:4700:4700::1111": true, "2001:4860:4860::8888": true, "2001:200::1": true, "2a00:1450::1": true, "3fff:1000::1": true,

		"::": false, "::1": false, "::127.0.0.1": false, "::8.8.8.8": false, "fe80::1": false, "fe80::1%eth0": false, "febf::1": false,
		"fec0::1": false, "fc00::1": false, "fd12:3456::1": false, "ff02::1": false, "ff0e::1": false, "100::1": false, "5f00::1": false,
		"2001:db8::1": false, "3fff::1": false, "3fff:fff::1": false, "2001:2::1": false, "2001:10::1": false, "2001:20::1": false,
		"2001::1": false, "2001:0:4136:e378:8000:63bf:3fff:fdd2": false, // Teredo
		"2002:808:808::1": false, "2002:7f00:1::1": false, "2002:a00:1::": false, // 6to4
		"4000::1": false, "2606:4700::1%eth0": false,

		"::ffff:8.8.8.8": true, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:0.0.0.0": false,
		"64:ff9b::8.8.8.8": true, "64:ff9b::127.0.0.1": false, "64:ff9b::10.0.0.1": false, "64:ff9b::169.254.169.254": false,
		"64:ff9b:1::8.8.8.8": false, "64:ff9b:0:1::8.8.8.8": false,
	} {
		if got := fetch.Public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Public(%s) = %v, want %v", addr, got, want)
		}
	}
	if fetch.Public(netip.Addr{}) {
		t.Error("Public of no address = true, want false")
	}
}

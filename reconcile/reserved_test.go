package reconcile

import (
	"os"
	"strings"
	"testing"
)

// TestReservedAreAllRead: Reserved skips what it cannot parse, so each line of its table has to come out.
func TestReservedAreAllRead(t *testing.T) {
	source, err := os.ReadFile("reserved.go")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Count(string(source), "\n\t\t{\""); want < 20 || len(Reserved()) != want {
		t.Errorf("%d ranges of %d lines", len(Reserved()), want)
	}
	for _, p := range Reserved() {
		if p.Prefix != p.Prefix.Masked() || p.Reason != LeftOutReserved || p.Detail == "" {
			t.Errorf("%+v", p)
		}
	}
}

func TestReserved(t *testing.T) {
	all := NewProtection(Reserved())
	for _, visitor := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
		"198.17.255.255", "198.20.0.0", "223.255.255.255",
		"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", // documentation: examples work
		"2000::", "2001:4860:4860::8888", "2002::1", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	} {
		if p, ok := all.Touching(prefix(visitor)); ok {
			t.Errorf("%s is a visitor's, but %s is %s", visitor, p.Prefix, p.Detail)
		}
	}
	for _, nobody := range []string{
		"0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1",
		"198.19.0.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::1", "::2", "64:ff9b::1", "100::1", "fc00::1", "fd12::1", "fe80::1", "ff02::1", "4000::1", "7fff::1", "8000::1", "1fff::1",
	} {
		if _, ok := all.Covering(prefix(nobody)); !ok {
			t.Errorf("%s is nobody's", nobody)
		}
	}
	if p, _ := all.Covering(prefix("::1")); p.Detail != "loopback (RFC 4291)" {
		t.Errorf("::1 is %s: the narrowest range explains best", p.Detail)
	}
}

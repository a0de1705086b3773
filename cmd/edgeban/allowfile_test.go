package main

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseAllowed(t *testing.T) {
	tests := map[string]string{ // "" for what is refused
		"192.0.2.1":             "192.0.2.1/32",
		"192.0.2.77/24":         "192.0.2.0/24",
		"2001:DB8::1":           "2001:db8::1/128",
		"2001:db8::1/64":        "2001:db8::/64",
		"::ffff:192.0.2.1":      "192.0.2.1/32",
		"::ffff:192.0.2.1/120":  "192.0.2.0/24",
		"::ffff:0:0/96":         "0.0.0.0/0",
		"::/0":                  "::/0",
		"::ffff:192.0.2.1/90":   "::ffc0:0:0/90",
		"192.0.2.01":            "",
		"192.0.2.0/024":         "",
		"192.0.2.0/255.255.0.0": "",
		"192.0.2":               "",
		"fe80::1%eth0":          "",
		"fe80::1%eth0/64":       "",
		"192.0.2.1 192.0.2.2":   "",
		"192.0.2.1-192.0.2.9":   "",
		"":                      "",
		"example.com":           "",
		"2001:db8::/129":        "",
	}
	for text, want := range tests {
		got, err := parseAllowed(text)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is %v", text, got)
		case want != "" && (err != nil || got != mustPrefix(want)):
			t.Errorf("%q is %v, %v, want %s", text, got, err, want)
		}
	}
}

func TestAllowFile(t *testing.T) {
	h := newHost(t)
	h.write("allow", "# the office\n192.0.2.0/24   # and the lab\r\n\n\t2001:db8::1\n#192.0.2.1\n198.51.100.7")
	s, stderr, code := h.load(0, "--allow-file", "allow", "--allow", "203.0.113.5")
	if code != exitOK {
		t.Fatal(stderr)
	}
	want := []AllowEntry{
		{mustPrefix("203.0.113.5/32"), "flag --allow"},
		{mustPrefix("192.0.2.0/24"), "allow, line 2"},
		{mustPrefix("2001:db8::1/128"), "allow, line 4"},
		{mustPrefix("198.51.100.7/32"), "allow, line 6"},
	}
	if diff := cmp.Diff(want, s.Allow, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("allowlist (-want +got):\n%s", diff)
	}
}

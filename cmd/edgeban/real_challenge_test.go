//go:build realparts

package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Captchas of a real CrowdSec and bans of a real Fail2Ban go on a list each; for one address the block is enough.
func TestRealRemedies(t *testing.T) {
	t.Parallel()
	l := newLab(t, jail{name: "sshd", bantime: "1h"}, jail{name: "nginx", bantime: "1h"})
	c := l.withCrowdsec()
	l.env["EDGEBAN_CHALLENGE_LIST"], l.env["EDGEBAN_CHALLENGE_JAIL"] = "edgeban_challenge", "nginx"
	id := l.edge.AddList(testAccount, "edgeban_challenge", "ip")
	challenged := func(what string, want ...string) {
		t.Helper()
		got := []string{}
		for _, item := range l.edge.Items(id) {
			got = append(got, item.IP)
		}
		slices.Sort(got)
		if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
			t.Errorf("%s: the challenge list (-want +got):\n%s", what, diff)
		}
	}

	c.decide("192.0.2.2", "4h", "--type", "captcha")
	c.decide("192.0.2.3", "4h", "--type", "captcha")
	c.decide("198.51.100.9", "4h", "--type", "captcha")
	l.f2b.ban("sshd", "203.0.113.7")
	l.f2b.ban("nginx", "203.0.113.8")
	l.expect("two remedies of two sources", "203.0.113.7")
	challenged("two remedies of two sources", "192.0.2.2", "192.0.2.3", "198.51.100.9", "203.0.113.8")

	c.decide("192.0.2.2", "4h")
	c.decide("198.51.100.0/24", "4h")
	l.f2b.ban("sshd", "203.0.113.8")
	l.expect("blocked, too", "192.0.2.2", "198.51.100.0/24", "203.0.113.7", "203.0.113.8")
	challenged("blocked, too", "192.0.2.3")

	c.cscli("decisions", "delete", "--ip", "192.0.2.2", "--type", "ban")
	c.lift("198.51.100.0/24")
	l.f2b.client("set", "sshd", "unbanip", "203.0.113.8")
	l.f2b.client("set", "nginx", "unbanip", "203.0.113.8")
	l.synced() // whom the challenge list takes over leaves the block list with the run after
	l.expect("blocked no longer", "203.0.113.7")
	challenged("blocked no longer", "192.0.2.2", "192.0.2.3", "198.51.100.9")

	c.kill()
	l.f2b.client("set", "sshd", "unbanip", "203.0.113.7")
	l.f2b.ban("nginx", "203.0.113.9")
	l.expect("CrowdSec is down, and the other's bans and un-bans go on")
	challenged("CrowdSec is down, and the other's bans and un-bans go on", "192.0.2.2", "192.0.2.3", "198.51.100.9", "203.0.113.9")
}

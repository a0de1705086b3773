package reconcile

import "testing"

// TestCovered: a broader entry does the work of a narrower one when it lasts as long.
func TestCovered(t *testing.T) {
	const network, networkItem = "192.0.2.0/24 drop -1h ", "192.0.2.0/24 own 1d -1h fail2ban:drop"
	for _, c := range []struct {
		name  string
		bans  []string
		items []string
		want  []string
	}{
		{"both new", []string{network + "1h", "192.0.2.1 sshd 0s 10m"}, nil, []string{"add 192.0.2.0/24 new"}},
		{"the network ends sooner", []string{network + "1m", "192.0.2.1 sshd 0s 10m"}, []string{networkItem}, []string{"add 192.0.2.1 new"}},
		{
			"a permanent network drops what is listed", []string{network + "never", "192.0.2.1 sshd 0s 10m"},
			[]string{networkItem, "192.0.2.1 own 13m 0s fail2ban:sshd"}, []string{"remove 192.0.2.1 covered"},
		},
		{
			"permanent in permanent", []string{network + "never", "192.0.2.1 sshd 0s never"},
			[]string{networkItem, "192.0.2.1 own 30d 0s fail2ban:sshd"}, []string{"remove 192.0.2.1 covered"},
		},
		{"permanent in what ends", []string{network + "1h", "192.0.2.1 sshd 0s never"}, []string{networkItem}, []string{"add 192.0.2.1 new"}},
		{"a chain", []string{"192.0.0.0/16 drop 0s 1d", network + "2h", "192.0.2.1 sshd 0s 1h"}, nil, []string{"add 192.0.0.0/16 new"}},
		{
			"the broadest ends first", []string{"192.0.0.0/16 drop 0s 1m", network + "2h", "192.0.2.1 sshd 0s 1h"}, nil,
			[]string{"add 192.0.0.0/16 new", "add 192.0.2.0/24 new"},
		},
		{"an ended network", []string{network + "-1m", "192.0.2.1 sshd 0s 10m"}, nil, []string{"add 192.0.2.1 new"}},
		{
			"a lingering network", []string{"192.0.2.0/24 drop -2h -1m", "192.0.2.1 sshd -5m 5m"},
			[]string{"192.0.2.0/24 own 3h -5m fail2ban:drop"}, []string{"add 192.0.2.1 new"},
		},
		{"another's network", []string{network + "1h", "192.0.2.1 sshd 0s 10m"}, []string{"192.0.2.0/24 created=-1h by hand"}, nil},
		{"another's network, which we do not want", []string{"192.0.2.1 sshd 0s 10m"}, []string{"192.0.2.0/24 created=-1h by hand"}, []string{"add 192.0.2.1 new"}},
		{
			// Ours would linger; another's may go as soon as our ban of the network ends.
			"another's network that would have to linger", []string{"192.0.2.0/24 drop -8m 5m", "192.0.2.1 sshd -8m 6m"},
			[]string{"192.0.2.0/24 peer 1d 0s fail2ban:drop"}, []string{"add 192.0.2.1 new"},
		},
		{"ends that are told as what is left are the same within half a minute", []string{"192.0.2.0/24 crowdsec:x ? 1h", "192.0.2.1 crowdsec:x ? 1h30s"}, nil, []string{"add 192.0.2.0/24 new"}},
		{
			"… unless both are listed", []string{"192.0.2.0/24 crowdsec:x ? 1h", "192.0.2.1 crowdsec:x ? 1h1s"},
			[]string{"192.0.2.0/24 own 1h 0s crowdsec:x", "192.0.2.1 own 1h 0s crowdsec:x"}, nil,
		},
		{
			"… and different beyond", []string{"192.0.2.0/24 crowdsec:x ? 1h", "192.0.2.1 crowdsec:x ? 1h31s"}, nil,
			[]string{"add 192.0.2.0/24 new", "add 192.0.2.1 new"},
		},
		{
			"… and not for one whose end is known", []string{"192.0.2.0/24 crowdsec:x ? 1h", "192.0.2.1 sshd -5m 1h"}, nil,
			[]string{"add 192.0.2.0/24 new", "add 192.0.2.1 new"},
		},
		{"a neighbour", []string{"192.0.2.0/25 drop 0s 1h", "192.0.2.128 sshd 0s 10m"}, nil, []string{"add 192.0.2.0/25 new", "add 192.0.2.128 new"}},
		{"IPv6", []string{"2001:db8::/48 drop 0s 1h", "2001:db8::1 sshd 0s 10m"}, nil, []string{"add 2001:db8::/48 new"}},
		{
			"a peer's that runs out is not taken over", []string{network + "1h", "192.0.2.1 sshd 0s 10m"},
			[]string{networkItem, "192.0.2.1 peer 1m 0s fail2ban:sshd"}, nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := scene{bans: c.bans, items: c.items}.expect(t, c.want...)
			added := len(c.bans) - p.Covered - p.Satisfied
			if c.name == "both new" && (p.Covered != 1 || added != 1) {
				t.Errorf("%d covered", p.Covered)
			}
		})
	}
}

// TestCoverThatWouldSwing holds pairs of which one was added and removed in turn, run by run, or once too often.
func TestCoverThatWouldSwing(t *testing.T) {
	for _, c := range []struct {
		name string
		bans []string
		have []string
		room int
	}{
		{
			"beginnings unknown, ends less than a margin apart",
			[]string{"192.0.2.0/24 drop ? 11m", "192.0.2.1 sshd ? 10m"},
			[]string{"192.0.2.0/24 own 11m 0s fail2ban:drop", "192.0.2.1 own 10m 0s fail2ban:sshd"}, 0,
		},
		{
			"at the edge long before the ban began",
			[]string{"192.0.2.0/24 drop ? 11m", "192.0.2.1 sshd -1m 10m"},
			[]string{"192.0.2.0/24 own 11m 0s fail2ban:drop", "192.0.2.1 own 10m -1h fail2ban:sshd"}, 0,
		},
		{
			"a network put at the edge later than the address",
			[]string{"192.0.2.0/24 drop -1m 12m", "192.0.2.1 sshd -9m 4m"},
			[]string{"192.0.2.1 own 7m -9m fail2ban:sshd"}, 0,
		},
		{
			"a network that is cut and would come back for longer",
			[]string{"192.0.2.0/24 drop -1h 1s", "192.0.2.0/28 sshd 0s 1m"},
			[]string{"192.0.2.0/24 own 1h -1d fail2ban:drop"}, 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scene{bans: c.bans, items: c.have, room: c.room}
			s.settles(t, s.plan())
		})
	}
}

// TestCoveredBanIsNotUnblockedEarly: an address that only its network keeps away lingers as it would by itself.
func TestCoveredBanIsNotUnblockedEarly(t *testing.T) {
	// It could not be written until now, so Fail2Ban's memory of the address may go on until 12m, and a margin.
	address := "192.0.2.1 sshd -5m 7m"
	scene{bans: []string{address, "192.0.2.0/24 drop 0s 14m59s"}}.expect(t, "add 192.0.2.0/24 new", "add 192.0.2.1 new")
	scene{bans: []string{address, "192.0.2.0/24 drop 0s 15m"}}.expect(t, "add 192.0.2.0/24 new")
}

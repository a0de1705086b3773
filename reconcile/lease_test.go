package reconcile

import (
	"testing"
	"time"
)

const margin = 3 * time.Minute

// TestKeepUntil: how long an item must stay for one ban. The row's length is 10 minutes where none is given.
func TestKeepUntil(t *testing.T) {
	for _, c := range []struct{ name, term, seen, want string }{
		{"at the edge at once", "sshd 0s 10m", "0s", "13m"},
		{"at the edge late: Fail2Ban's memory may go on for a length", "sshd 0s 10m", "6m", "19m"},
		{"at the edge in its last second", "sshd 0s 10m", "9m59s", "22m59s"},
		{"at the edge in the second in which it had ended", "sshd 0s 10m", "10m", "10m"},
		{"at the edge after the row ended: another ban's doing", "sshd 0s 10m", "10m1s", "10m"},
		{"seen just before it began: the run was under way", "sshd 5m 15m", "1m", "18m"},
		{"seen long before it began: the edge never stopped that one", "sshd 5m 15m", "59s", "15m"},
		{"permanent", "sshd 0s never", "0s", "far"},
		{"permanent, beginning unknown", "sshd ? never", "0s", "far"},
		{"beginning unknown", "sshd ? 10m", "0s", "10m"},
		{"begins after its end", "sshd 20m 10m", "0s", "10m"},
		{"a REAL length", "sshd 0s 10m0.5s", "0s", "13m0.5s"},
		{"centuries", "sshd past 10m", "0s", "far"}, // not before seen + length, which is beyond what a Duration holds
		{"until the last second there is", "sshd 0s far", "0s", "far"},
		{"seen in a far future", "sshd 0s 10m", "far", "10m"},
		{"seen in a far past", "sshd 0s 10m", "past", "10m"},
	} {
		got := terms(c.term)[0].keepUntil(at(c.seen), margin)
		if c.name == "centuries" {
			if want := at("0s").Add(1<<63 - 1).Add(margin); !got.Equal(want) {
				t.Errorf("%s: %v, want %v", c.name, got, want)
			}
			continue
		}
		if !got.Equal(at(c.want)) {
			t.Errorf("%s: %v, want %v", c.name, got, at(c.want))
		}
	}
}

// TestLingering: an item whose bans' records ended stays while Fail2Ban may go on in its memory. now is the row's end + …
func TestLingering(t *testing.T) {
	row := "192.0.2.1 sshd -10m 0s" // 10 minutes long, ended now
	for _, c := range []struct{ name, ban, item, now, want string }{
		{"in force", row, "192.0.2.1 own 3m -10m fail2ban:sshd", "-1s", ""},
		{"ended", row, "192.0.2.1 own 3m -10m fail2ban:sshd", "0s", ""},
		{"last second", row, "192.0.2.1 own 3m -10m fail2ban:sshd", "2m59s", ""},
		{"over", row, "192.0.2.1 own 3m -10m fail2ban:sshd", "3m", "remove 192.0.2.1 ended"},
		{"seen late, last second", row, "192.0.2.1 own 12m -1m fail2ban:sshd", "11m59s", ""},
		{"seen late, over", row, "192.0.2.1 own 12m -1m fail2ban:sshd", "12m", "remove 192.0.2.1 ended"},
		{"un-banned: the row is gone", "198.51.100.1 sshd -9d -8d", "192.0.2.1 own 3m -10m fail2ban:sshd", "-5m", "remove 192.0.2.1 lifted"},
		{"no item: an ended row adds none", row, "198.51.100.1 created=-1h x", "0s", ""},
		{"no item: a ban in force adds one", row, "198.51.100.1 created=-1h x", "-1s", "add 192.0.2.1 new"},
		{"not seen in time: nothing to linger for", row, "192.0.2.1 own 1h -2h fail2ban:sshd", "0s", "remove 192.0.2.1 ended"},
		{"former, lingering: ours from now on", row, "192.0.2.1 former 3m -10m fail2ban:sshd", "1m", "add 192.0.2.1 take-over"},
		{"former, over", row, "192.0.2.1 former 3m -10m fail2ban:sshd", "3m", "remove 192.0.2.1 ended"},
		{"a peer's", row, "192.0.2.1 peer 3m -10m fail2ban:sshd", "1m", ""},
		{"lease too short for a lingering item", row, "192.0.2.1 own 1m -10m fail2ban:sshd", "30s", "add 192.0.2.1 renewal"},
		{"half a second is a second", "192.0.2.1 sshd -10m 0.5s", "192.0.2.1 own 3m1s -10m fail2ban:sshd", "3m", ""},
		{"half a second is over", "192.0.2.1 sshd -10m 0.5s", "192.0.2.1 own 3m1s -10m fail2ban:sshd", "3m1s", "remove 192.0.2.1 ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			p := scene{now: c.now, bans: []string{c.ban}, items: []string{c.item}}.expect(t, want...)
			if c.name == "ended" && (len(p.Lingering) != 1 || p.Keep != 1) || c.name == "in force" && (len(p.Lingering) != 0 || p.Keep != 1) {
				t.Errorf("%d of %d kept items linger", len(p.Lingering), p.Keep)
			}
		})
	}
}

// TestLingeringIsSettledByTheLongest of an entry's bans, those included that ended.
func TestLingeringIsSettledByTheLongest(t *testing.T) {
	rows := []string{"192.0.2.1 sshd -60m -5m", "192.0.2.1 recidive -6m -1m"}
	have := []string{"192.0.2.1 own 52m -6m fail2ban:recidive,sshd"} // sshd was seen late: until -6m + 55m + 3m
	scene{now: "51m59s", bans: rows, items: have}.expect(t)
	scene{now: "52m", bans: rows, items: have}.expect(t, "remove 192.0.2.1 ended")
}

// TestLease: what a post promises is how long the item will stay, at most 30 days.
func TestLease(t *testing.T) {
	for _, c := range []struct{ name, ban, item, want string }{
		{"a new ban", "192.0.2.1 sshd 0s 10m", "", "13m"},
		{"found late", "192.0.2.1 sshd -8m 2m", "", "13m"},
		{"half a second", "192.0.2.1 sshd 0s 10m0.5s", "", "13m1s"},
		{"permanent", "192.0.2.1 sshd 0s never", "", "30d"},
		{"year 9999", "192.0.2.1 sshd 0s far", "", "30d"},
		{"long", "192.0.2.1 sshd 0s 60d", "", "30d"},
		{"beginning unknown", "192.0.2.1 sshd ? 10m", "", "10m"},
		{"a rewrite keeps seen", "192.0.2.1 sshd -8m 2m", "192.0.2.1 former 1h -8m x:y", "5m"},
		{"a rewrite keeps an absurd one", "192.0.2.1 sshd -8m 2m", "192.0.2.1 former 1h far x:y", "2m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scene{bans: []string{c.ban}}
			if c.item != "" {
				s.items = []string{c.item}
			}
			p := s.plan()
			s.settles(t, p)
			tag, ok := ParseTag(p.Add[0].Post.Comment)
			if !ok || !tag.Until.Equal(at(c.want)) || tag.Owner != own {
				t.Errorf("%s: want %v", p.Add[0].Post.Comment, at(c.want))
			}
		})
	}
}

// TestRenewal: a lease is renewed in its last day, or in its last week with another write.
func TestRenewal(t *testing.T) {
	const permanent, other = "192.0.2.1 sshd 0s never", "192.0.2.2 sshd 0s 1h"
	for _, c := range []struct {
		name, ban, item string
		rides           bool
		want            []string
	}{
		{"long", permanent, "192.0.2.1 own 7d 0s fail2ban:sshd", true, []string{"add 192.0.2.2 new"}},
		{"last week, nothing else to write", permanent, "192.0.2.1 own 6d23h 0s fail2ban:sshd", false, nil},
		{"last week", permanent, "192.0.2.1 own 6d23h 0s fail2ban:sshd", true, []string{"add 192.0.2.1 renewal", "add 192.0.2.2 new"}},
		{"a day is left", permanent, "192.0.2.1 own 24h 0s fail2ban:sshd", false, nil},
		{"last day", permanent, "192.0.2.1 own 23h59m59s 0s fail2ban:sshd", false, []string{"add 192.0.2.1 renewal"}},
		{"last day, but long enough", "192.0.2.1 sshd 0s 10m", "192.0.2.1 own 13m 0s fail2ban:sshd", true, []string{"add 192.0.2.2 new"}},
		{"banned again for longer", "192.0.2.1 sshd 0s 20m", "192.0.2.1 own 13m 0s fail2ban:sshd", false, []string{"add 192.0.2.1 renewal"}},
		{"over", permanent, "192.0.2.1 own -40d 0s fail2ban:sshd", false, []string{"add 192.0.2.1 renewal"}},
		{"absurdly long", permanent, "192.0.2.1 own far past fail2ban:sshd", false, nil},
		{"absurdly long ago", permanent, "192.0.2.1 own past far fail2ban:sshd", false, []string{"add 192.0.2.1 renewal"}},
		{"seen ahead of now", "192.0.2.1 sshd 0s 12h", "192.0.2.1 own 1h 10h fail2ban:sshd", false, []string{"add 192.0.2.1 renewal"}},
		{"a source that the comment does not name", permanent, "192.0.2.1 own 30d 0s crowdsec:x", false, []string{"add 192.0.2.1 renewal"}},
		{"an end that is told as what is left, half a minute on", "192.0.2.1 crowdsec:x ? 4h", "192.0.2.1 own 3h59m30s 0s crowdsec:x", false, nil},
		{"… with another write", "192.0.2.1 crowdsec:x ? 4h", "192.0.2.1 own 3h59m30s 0s crowdsec:x", true, []string{"add 192.0.2.2 new"}},
		{"… and longer for sure", "192.0.2.1 crowdsec:x ? 4h", "192.0.2.1 own 3h59m29s 0s crowdsec:x", false, []string{"add 192.0.2.1 renewal"}},
		{"an end that is known needs no such slack", "192.0.2.1 sshd 0s 4h", "192.0.2.1 own 4h2m59s 0s fail2ban:sshd", false, []string{"add 192.0.2.1 renewal"}},
		{"a reason that it does not name", permanent, "192.0.2.1 own 30d 0s fail2ban:x", false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scene{bans: []string{c.ban}, items: []string{c.item}}
			if c.rides {
				s.bans = append(s.bans, other)
			}
			s.expect(t, c.want...)
		})
	}
}

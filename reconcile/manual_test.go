package reconcile

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestManualItems(t *testing.T) {
	tests := []struct {
		name  string
		scene scene
		want  []string
	}{
		{"stays until its lease ends", scene{items: []string{"192.0.2.1 manual 1s -1h manual:x"}}, nil},
		{"goes with its lease", scene{items: []string{"192.0.2.1 manual 0s -1h manual:x"}}, []string{"remove 192.0.2.1 ended"}},
		{"never ends", scene{now: "300d", items: []string{"192.0.2.1 manual far -1h manual:x"}}, nil},
		{"of a former owner", scene{items: []string{"192.0.2.1 former-manual 1h -1h manual:x"}}, nil},
		{"of a former owner, ended", scene{items: []string{"192.0.2.1 former-manual 0s -1h manual:x"}}, []string{"remove 192.0.2.1 ended"}},
		{"of a peer", scene{items: []string{"192.0.2.1 peer-manual 0s -1h manual:x"}}, nil},
		{"of a peer that is gone", scene{items: []string{"192.0.2.1 peer-manual -8d -9d manual:x"}}, []string{"remove 192.0.2.1 overdue"}},
		{"became protected", scene{items: []string{"192.0.2.1 manual 1h -1h manual:x"}, protected: []string{"192.0.2.0/24"}},
			[]string{"remove 192.0.2.1 protected"}},
		{"contains what became protected", scene{items: []string{"192.0.2.0/24 manual 1h -1h manual:x"}, protected: []string{"192.0.2.9/32"}},
			[]string{"remove 192.0.2.0/24 protected"}},

		{"satisfies an entry to the end of its lease", scene{bans: []string{"192.0.2.1 sshd -1m 1h"}, items: []string{"192.0.2.1 manual 1s -1h manual:x"}}, nil},
		{"is taken back by an entry that goes on", scene{bans: []string{"192.0.2.1 sshd -1m 1h"}, items: []string{"192.0.2.1 manual 0s -1h manual:x"}},
			[]string{"add 192.0.2.1 take-over"}},
		{"is taken back by a ban that lingers", scene{bans: []string{"192.0.2.1 sshd -60m -1s"}, items: []string{"192.0.2.1 manual 0s -10m manual:x"}},
			[]string{"add 192.0.2.1 take-over"}},
		{"outlives a ban", scene{bans: []string{"192.0.2.1 sshd -60m -40m"}, items: []string{"192.0.2.1 manual 1h -50m manual:x"}}, nil},
		{"outlives a ban, but not its lease", scene{bans: []string{"192.0.2.1 sshd -60m -40m"}, items: []string{"192.0.2.1 manual 0s -50m manual:x"}},
			[]string{"remove 192.0.2.1 ended"}},
		{"is no reason to leave a narrower ban out", scene{bans: []string{"192.0.2.1 sshd -1m 1h"}, items: []string{"192.0.2.0/24 manual 1h -1h manual:x"}},
			[]string{"add 192.0.2.1 new"}},
		{"may stand for a ban of a source that failed", scene{items: []string{"192.0.2.1 manual 0s -1h manual:x"}, failed: []string{"fail2ban"}}, nil},
		{"is not cut for want of room", scene{room: 1, bans: []string{"192.0.2.2 sshd -1m 1h"}, items: []string{"192.0.2.1 manual 1h -1h manual:x"}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.scene.expect(t, tt.want...) })
	}
}

// Many bans by hand that end at once are no surprise, and those that go on do not hide one.
func TestManualItemsAndTheGuard(t *testing.T) {
	var ended, lost []string
	for _, ip := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"} {
		ended = append(ended, "192.0.2."+ip+" manual 0s -1h manual:x")
		lost = append(lost, "192.0.2."+ip+" own 1h -1h fail2ban:sshd")
	}
	if p := (scene{items: ended}).plan(); len(p.Remove) != 12 || len(p.Withheld) != 0 {
		t.Errorf("%q", changes(p))
	}
	if p := (scene{items: append(lost, "198.51.100.1 manual 1h -1h manual:x")}).plan(); len(p.Withheld) != 12 || p.Own != 13 || p.Manual != 1 {
		t.Errorf("%d own, %d manual: %q", p.Own, p.Manual, changes(p))
	}
}

func TestManualTags(t *testing.T) {
	stamps := " until=2026-11-27T10:03:00Z seen=2026-11-20T10:00:02Z | manual:x"
	for _, owner := range []string{"web-1", "web-1+manual", strings.Repeat("a", 63) + "+manual"} {
		if tag, ok := ParseTag("edgeban:" + owner + stamps); !ok || tag.Owner != owner || tag.Comment() != "edgeban:"+owner+stamps {
			t.Errorf("%s: %v, %+v", owner, ok, tag)
		}
	}
	for _, owner := range []string{"+manual", "web-1+manual+manual", "web-1+hand", "web-1+", "web+1", "web-1+manual ", strings.Repeat("a", 64) + "+manual"} {
		if _, ok := ParseTag("edgeban:" + owner + stamps); ok {
			t.Errorf("%q passes for an owner", owner)
		}
	}
	if ValidOwner("web-1+manual") {
		t.Error("nobody may be called web-1+manual")
	}
	for owner, want := range map[string]Class{
		own + "+manual": Manual, "renamed-00000001+manual": Manual, former + "+manual": Manual, peer + "+manual": Peer, "renamed-00000001": Own,
	} {
		if h := (scene{}).view().Ownership.classify(&Item{Comment: "edgeban:" + owner + stamps}); h.class != want {
			t.Errorf("%s is of class %d, want %d", owner, h.class, want)
		}
	}
}

// A reason of the greatest length is never cut, whatever it is made of.
func TestManualReason(t *testing.T) {
	o := Ownership{Owner: strings.Repeat("o", 63)}
	p, _ := PlanBan(ManualBan{Prefix: prefix("192.0.2.1"), Reason: strings.Repeat("|", MaxReason)}, nil, o, at("0s"))
	if tag, ok := ParseTag(p.Add[0].Post.Comment); !ok || tag.cut || tag.Text != "manual:"+strings.Repeat("%7C", MaxReason) {
		t.Errorf("%v %+v", ok, tag)
	}
}

// TestManualItemsStay to the letter until their leases end, whatever else a run does, unless they became protected.
func TestManualItemsStay(t *testing.T) {
	stayed, wanted, went := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := someWorld().Draw(t, "world")
		p, target := w.apply(t)
		for _, it := range w.items {
			h := w.view.Ownership.classify(&it)
			if _, guarded := w.policy.Protected.Touching(it.Prefix); h.class != Manual || guarded {
				continue
			}
			if !h.tag.Until.After(w.view.Now) {
				went = count(went, target.items[it.Prefix] != it)
				continue
			}
			if target.items[it.Prefix] != it {
				t.Fatalf("%s %q became %v: %q", it.Prefix, it.Comment, target.items[it.Prefix], changes(p))
			}
			_, entry := w.desire().at(it.Prefix)
			stayed, wanted = stayed+1, count(wanted, entry)
		}
	})
	notVacuous(t, stayed, "items by hand that stayed")
	notVacuous(t, wanted, "of these at an entry's prefix")
	notVacuous(t, went, "items by hand that went, or were taken back")
}

// TestPlanBanOverPeers: what another host banned by hand stays, for no source could restore it; what its sources ban is taken over by
// a longer ban.
func TestPlanBanOverPeers(t *testing.T) {
	o := scene{}.view().Ownership
	ban := ManualBan{Prefix: prefix("192.0.2.1"), Reason: "y", Until: at("24h")}
	for line, want := range map[string]int{
		"192.0.2.1 peer-manual 12h -1h manual:x": 0, "192.0.2.1 peer-manual -1h -2h manual:x": 1, "192.0.2.1 peer 12h -1h fail2ban:sshd": 1,
	} {
		p, holder := PlanBan(ban, items(line), o, at("0s"))
		if len(p.Add) != want || (holder == nil) != (want == 1) {
			t.Errorf("%s: %q", line, changes(p))
		}
	}
}

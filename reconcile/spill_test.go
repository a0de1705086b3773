package reconcile

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// step lets something happen, and time pass.
func (w *spillWorld) step(t *rapid.T) {
	value := somePrefix().Draw(t, "prefix").String()
	source := rapid.SampledFrom([]string{"fail2ban", "fail2ban", "crowdsec"}).Draw(t, "source")
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0, 1, 2:
		w.ban(source, value, rapid.SampledFrom([]time.Duration{10 * time.Minute, time.Hour, span("1d"), span("7d"), 0}).Draw(t, "length"))
	case 3, 4:
		if len(w.bans) > 0 {
			w.unban(rapid.SampledFrom(slices.Sorted(maps.Keys(w.bans))).Draw(t, "whom"))
		}
	case 5:
		w.refuse, w.let = !w.refuse, 0
	case 6:
		w.let = rapid.IntRange(0, 2).Draw(t, "let through")
	case 7:
		w.away = !w.away
	}
	w.pass(rapid.SampledFrom([]time.Duration{2 * time.Minute, 2 * time.Minute, time.Hour, span("1d"), span("3d")}).Draw(t, "pause"))
}

// key is where the world keeps a ban.
func (w *spillWorld) key(b Ban) string { return b.Source + " " + w.place(b).String() }

// ban lets a source ban, since a minute ago and for so long; zero: for ever.
func (w *spillWorld) ban(source, value string, length time.Duration) {
	b := Ban{Value: value, Source: source, Reason: "sshd", Since: w.now.Add(-time.Minute)}
	if b.Until = b.Since.Add(length); length == 0 {
		b.Until = time.Time{}
	}
	if source == "crowdsec" {
		b.Since = time.Time{}
	}
	if old, ok := w.bans[w.key(b)]; ok && w.active(old) { // which no run may see
		w.lift(w.place(old))
	}
	w.bans[w.key(b)] = b
	delete(w.seen, w.key(b))
}

// unban lets a person lift a ban.
func (w *spillWorld) unban(key string) {
	if b := w.bans[key]; w.active(b) {
		w.lift(w.place(b))
	}
	delete(w.bans, key)
}

// pass lets time pass.
func (w *spillWorld) pass(pause time.Duration) {
	w.now = w.now.Add(pause)
	for key, b := range w.bans { // CrowdSec drops what ended, Fail2Ban a day later
		if !w.active(b) && (b.Source == "crowdsec" || b.Until.Add(span("1d")).Before(w.now)) {
			delete(w.bans, key)
		}
	}
}

// lift notes that a person un-banned a prefix, and of it what rules may stand for.
func (w *spillWorld) lift(p netip.Prefix) {
	for piece := range ruleWidths().Pieces(p) {
		w.lifted[piece] = true
	}
}

// TestSpill: through all histories of bans, un-bans and refusals every ban is enforced by the list or by a rule, whom nobody un-banned is
// not let through, nobody else's is touched, and a week without a refusal leaves all on the list and no rule behind.
func TestSpill(t *testing.T) {
	spilled, allowed, drained := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newSpillWorld(t)
		if rapid.IntRange(0, 4).Draw(t, "small budget") == 0 {
			w.budget = 3
		}
		for range rapid.IntRange(3, 25).Draw(t, "steps") {
			w.step(t)
			w.session()
			for _, r := range w.rules.rules {
				spilled = count(spilled, r.mode == "block" && r.Comment != "by hand")
				allowed = count(allowed, r.mode == "allow" && r.Comment != "by hand" && r.Comment[:12] != "edgeban:mail")
			}
		}
		drained = count(drained, len(w.rules.rules) > 3)
		w.refuse, w.away, w.budget = false, false, 1000
		w.session()
		for range 9 {
			w.now = w.now.Add(span("1d"))
			w.session()
		}
		w.now = w.now.Add(2 * time.Minute)
		if busy := w.session(); busy {
			t.Fatal("no fixed point")
		}
		for p, r := range w.rules.rules {
			if tag, ok := ParseTag(r.Comment); ok && tag.Owner == own {
				t.Fatalf("a rule for %s is left: %s", p, r.Comment)
			}
		}
	})
	notVacuous(t, spilled, "rules that block")
	notVacuous(t, allowed, "rules that let through")
	notVacuous(t, drained, "drained")
}

// play lets happen what a line says, "ban fail2ban 192.0.2.3 10m", "unban fail2ban 192.0.2.3/32", "refuse", "take" (what the list does from
// now on), "away", "back" (CrowdSec), "budget 3", or nothing, and lets the time pass that stands before it.
func (w *spillWorld) play(line string) {
	f := strings.Fields(line)
	switch pause, what := f[0], f[1:]; {
	case len(what) == 0:
		w.pass(span(pause))
	default:
		defer w.pass(span(pause))
		switch what[0] {
		case "ban":
			w.ban(what[1], what[2], span(what[3]))
		case "unban":
			w.unban(what[1] + " " + what[2])
		case "refuse", "take":
			w.refuse, w.let = what[0] == "refuse", 0
		case "away", "back":
			w.away = what[0] == "away"
		default:
			w.t.Fatal("unknown: " + line)
		}
	}
}

// TestSpillHistories plays histories in which the program or the test once was wrong. let is what Allow rules let through after the last
// run; what must hold after each run is looked at besides.
func TestSpillHistories(t *testing.T) {
	lacking := []string{"2m ban fail2ban 192.0.2.3 1d", "2m ban crowdsec 192.0.2.3 1d", "2m away", "2m unban fail2ban 192.0.2.3/32", "2m take", "1h"}
	for _, test := range []struct {
		name    string
		history []string
		let     []string
	}{
		{name: "an un-ban", history: []string{"2m ban fail2ban 192.0.2.3 1d", "2m", "2m unban fail2ban 192.0.2.3/32"}, let: []string{"192.0.2.3/32"}},
		{name: "an end, and a source away", history: []string{
			"2m ban crowdsec 192.0.2.3 1d", "2m ban crowdsec 192.0.2.3 10m", "10m", "2m", "2m away", "2m back"}},
		{name: "an end inside, and an un-ban around it", history: []string{
			"2m ban fail2ban 192.0.2.0/30 1d", "2m ban fail2ban 192.0.2.3 10m", "2m unban fail2ban 192.0.2.0/30", "10m", "10m"}},
		{name: "an end of one of two sources", history: []string{
			"2m ban fail2ban 192.0.2.3 1d", "2m ban crowdsec 192.0.2.3 10m", "2m unban fail2ban 192.0.2.3/32", "2m", "10m"}},
		{name: "a comment that lacks a source, which is away", history: lacking},
		{name: "… and comes back with it", history: append(lacking, "2m refuse", "2m back")},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newSpillWorld(t)
			for _, line := range test.history {
				w.play(line)
				w.session()
			}
			var let []string
			for prefix := range w.rules.rules {
				if w.letsThrough(prefix) {
					let = append(let, prefix.String())
				}
			}
			slices.Sort(let)
			same(t, let, test.let)
		})
	}
}

// TestUnnamedSourceOutlivesARewrite: a comment that never named a source which may hold a ban names it when it is written while that is away.
func TestUnnamedSourceOutlivesARewrite(t *testing.T) {
	s := scene{bans: []string{"192.0.2.3 sshd -1h 10d"}, items: []string{"192.0.2.3 own 1h -1h fail2ban:sshd"}, failed: []string{"crowdsec"}}
	for text, unnamed := range map[string][]netip.Prefix{"fail2ban:sshd": nil, "fail2ban:sshd crowdsec:unread": {prefix("192.0.2.3")}} {
		v := s.view()
		v.Unnamed = unnamed
		plan := Diff(Desire(bans(s.bans...), s.policy(), v.Now), items(s.items...), v)
		same(t, changes(plan), []string{"add 192.0.2.3 renewal"})
		tag, _ := ParseTag(plan.Add[0].Post.Comment)
		same(t, tag.Text, text)
	}
}

// TestStuckOfUnban: of an item that goes because a person took off something for a while, just that is let through, and all of it.
func TestStuckOfUnban(t *testing.T) {
	for _, test := range []struct {
		name  string
		off   []string // what a person took off for a while
		allow []string // what is allowed for good
		want  []string
	}{
		{name: "two addresses", off: []string{"192.0.2.3/32", "192.0.2.1/32"}, want: []string{"192.0.2.1/32", "192.0.2.3/32"}},
		{name: "one inside the other", off: []string{"192.0.2.2/31", "192.0.2.3/32"}, want: []string{"192.0.2.2/31"}},
		{name: "all of it", off: []string{"192.0.2.0/24"}, want: []string{"192.0.2.0/30"}},
		{name: "after what is allowed for good", off: []string{"192.0.2.3/32"}, allow: []string{"192.0.2.1/32"}, want: []string{"192.0.2.3/32"}},
		{name: "allowed for good", allow: []string{"192.0.2.1/32"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var protected []Protected
			for _, p := range test.off {
				protected = append(protected, Protected{Prefix: netip.MustParsePrefix(p), Reason: LeftOutAllowed, Unbanned: true})
			}
			for _, p := range test.allow {
				protected = append(protected, Protected{Prefix: netip.MustParsePrefix(p), Reason: LeftOutAllowed})
			}
			v := scene{}.view()
			v.Spills = true
			want := Desired{protected: NewProtection(protected)}
			plan := Diff(want, items("192.0.2.0/30 own 1d -1h fail2ban:sshd"), v)
			stuck, _ := Report{Plan: &plan}.Stuck()
			var got []string
			for _, s := range stuck {
				got = append(got, s.Prefix.String())
			}
			same(t, got, test.want)
		})
	}
}

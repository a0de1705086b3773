package reconcile

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// somePrefix is one of few, so that they meet, contain each other and stand beside each other.
func somePrefix() *rapid.Generator[netip.Prefix] {
	return rapid.Custom(func(t *rapid.T) netip.Prefix {
		if rapid.Bool().Draw(t, "v4") {
			a := netip.AddrFrom4([4]byte{192, 0, 2, byte(rapid.IntRange(0, 31).Draw(t, "host"))})
			return netip.PrefixFrom(a, rapid.SampledFrom([]int{24, 28, 30, 32, 32, 32}).Draw(t, "bits")).Masked()
		}
		b := [16]byte{0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8}
		b[7] = byte(rapid.IntRange(0, 3).Draw(t, "net"))
		b[15] = byte(rapid.IntRange(0, 3).Draw(t, "host"))
		return netip.PrefixFrom(netip.AddrFrom16(b), rapid.SampledFrom([]int{56, 64, 64, 96, 127, 128, 128, 128}).Draw(t, "bits")).Masked()
	})
}

// someTime is around the test's beginning, where rules change: seconds, the margin, an interval, a day, a week, a month.
func someTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.IntRange(0, 19).Draw(t, "absurd") == 0 {
			return at(rapid.SampledFrom([]string{"past", "far"}).Draw(t, "time"))
		}
		near := at(rapid.SampledFrom([]string{"0s", "-10m", "10m", "-1h", "1h", "-1d", "1d", "-7d", "7d", "30d", "-40d"}).Draw(t, "near"))
		return near.Add(time.Duration(rapid.IntRange(-300, 300).Draw(t, "seconds")) * time.Second)
	})
}

func someBan() *rapid.Generator[Ban] {
	return rapid.Custom(func(t *rapid.T) Ban {
		b := Ban{
			Value:  somePrefix().Draw(t, "prefix").String(),
			Source: rapid.SampledFrom([]string{"fail2ban", "crowdsec"}).Draw(t, "source"),
			Reason: rapid.SampledFrom([]string{"sshd", "recidive", "http"}).Draw(t, "reason"),
			Since:  someTime().Draw(t, "since"),
		}
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0: // permanent
		case 1:
			b.Since, b.Until = time.Time{}, someTime().Draw(t, "until")
			b.Community = b.Source == "crowdsec" && rapid.Bool().Draw(t, "community")
		case 2: // as it comes, perhaps ending before it begins
			b.Until = someTime().Draw(t, "until")
		case 3:
			b.Until = b.Since.Add(time.Duration(rapid.IntRange(1, 9999).Draw(t, "REAL")) * 123456789)
		default:
			b.Until = b.Since.Add(rapid.SampledFrom([]time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour, span("60d")}).Draw(t, "length"))
		}
		switch rapid.IntRange(0, 19).Draw(t, "oddity") {
		case 0:
			b.Remedy = Challenge
		case 1:
			b.Void = LeftOutJailRemoved
		case 2:
			b.Value = rapid.SampledFrom([]string{"root", "0.0.0.0", "192.0.0.0/8"}).Draw(t, "value")
		}
		return b
	})
}

func someItem() *rapid.Generator[Item] {
	return rapid.Custom(func(t *rapid.T) Item {
		it := Item{Prefix: somePrefix().Draw(t, "prefix"), Created: someTime().Draw(t, "created").Add(123 * time.Millisecond)}
		it.ID = "id of " + it.Prefix.String()
		owner := rapid.SampledFrom([]string{own, own, own, own, own + manualSuffix, own + manualSuffix, former, peer, peer, peer + manualSuffix, ""}).Draw(t, "owner")
		if owner == "" {
			it.Comment = rapid.SampledFrom([]string{"", "by hand"}).Draw(t, "comment")
			return it
		}
		text := rapid.SampledFrom([]string{"fail2ban:sshd", "crowdsec:http", "crowdsec:http fail2ban:sshd", "fail2ban:sshd crowdsec:unread"})
		it.Comment = Tag{
			Owner: owner, Until: someTime().Draw(t, "lease"), Seen: someTime().Draw(t, "seen"), Text: text.Draw(t, "text"),
		}.Comment()
		return it
	})
}

// world is what one plan is made from.
type world struct {
	bans   []Ban
	items  []Item
	policy Policy
	view   View
}

func someWorld() *rapid.Generator[world] {
	return rapid.Custom(func(t *rapid.T) world {
		w := world{
			bans:   rapid.SliceOfN(someBan(), 0, 25).Draw(t, "bans"),
			items:  rapid.SliceOfNDistinct(someItem(), 0, 15, func(i Item) netip.Prefix { return i.Prefix }).Draw(t, "items"),
			policy: scene{}.policy(),
			view:   scene{}.view(),
		}
		w.policy.IPv6Prefix = rapid.SampledFrom([]int{56, 64, 64, 64, 128}).Draw(t, "IPv6 prefix")
		w.policy.Margin = rapid.SampledFrom([]time.Duration{0, time.Minute, 3 * time.Minute, time.Hour}).Draw(t, "margin")
		w.policy.Protected = NewProtection(each(rapid.SliceOfN(somePrefix(), 0, 2).Draw(t, "protected"), func(p netip.Prefix) Protected {
			return Protected{Prefix: p, Reason: LeftOutAllowed}
		}))
		w.view.Room = rapid.SampledFrom([]int{1000, 1000, 20, 10, 5, 1, 0}).Draw(t, "room")
		w.view.Failed = rapid.SampledFrom([][]string{nil, nil, nil, {"fail2ban"}, {"crowdsec"}}).Draw(t, "failed")
		w.view.Ownership.Exclusive = rapid.IntRange(0, 3).Draw(t, "exclusive") == 0
		w.view.Limits.AllowRemovals = rapid.Bool().Draw(t, "allow removals")
		w.view.Refused, w.view.Probe = rapid.IntRange(0, 3).Draw(t, "refused") == 0, rapid.IntRange(0, 3).Draw(t, "probe") == 0
		w.view.Sources = []string{"crowdsec", "fail2ban"}
		for _, name := range w.view.Sources {
			if slices.Contains(w.view.Failed, name) {
				continue
			}
			switch rapid.IntRange(0, 2).Draw(t, "store") {
			case 0:
				w.view.Steady = append(w.view.Steady, name)
			case 1:
				w.view.Replaced = append(w.view.Replaced, name)
			}
		}
		for _, it := range w.items {
			if rapid.IntRange(0, 9).Draw(t, "orphan") == 0 {
				w.view.Orphans = append(w.view.Orphans, it.Prefix)
			}
		}
		w.bans = slices.DeleteFunc(w.bans, func(b Ban) bool { return slices.Contains(w.view.Failed, b.Source) })
		return w
	})
}

func (w world) desire() Desired { return Desire(w.bans, w.policy, w.view.Now) }

func (w world) plan(have []Item) Plan {
	return Diff(w.desire(), have, w.view)
}

// apply carries out the world's plan on a fresh target.
func (w world) apply(t *rapid.T) (Plan, *memTarget) {
	t.Helper()
	p, target := w.plan(w.items), newMemTarget(w.items...)
	target.quota = max(w.view.Room, len(w.items))
	if _, err := Apply(t.Context(), target, p); err != nil {
		t.Fatal(err)
	}
	return p, target
}

func count(n int, yes bool) int {
	if yes {
		n++
	}
	return n
}

// notVacuous fails when a property was never put to the test.
func notVacuous(t *testing.T, n int, what string) {
	t.Helper()
	t.Logf("%d %s", n, what)
	if n == 0 {
		t.Errorf("no %s: the generator proves nothing", what)
	}
}

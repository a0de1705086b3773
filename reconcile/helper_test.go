package reconcile

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// at is a time relative to the one all tests begin at: "-5m", "30d", "0s", "1m0.5s". "never" and "?" are the zero time.
func at(s string) time.Time {
	begin := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	switch {
	case s == "never" || s == "?":
		return time.Time{}
	case s == "far":
		return never()
	case s == "past":
		return time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return begin.Add(span(s))
}

// span is a duration, days included: "30d", "-2d12h".
func span(s string) time.Duration {
	sign, s := time.Duration(1), s
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = -1, rest
	}
	var days int
	if n, rest, ok := strings.Cut(s, "d"); ok {
		if _, err := fmt.Sscan(n, &days); err != nil {
			panic(err)
		}
		s = rest
	}
	d := time.Duration(days) * 24 * time.Hour
	if s != "" {
		more, err := time.ParseDuration(s)
		if err != nil {
			panic(err)
		}
		d += more
	}
	return sign * d
}

func prefix(s string) netip.Prefix {
	p, reason := ParsePrefix(s)
	if reason != "" {
		panic(s + ": " + string(reason))
	}
	return p
}

// ban is "value reason since until", where the reason may begin with "source:"; "community:" is one of CrowdSec's lists, "captcha:" its challenge.
func ban(s string) Ban {
	f := strings.Fields(s)
	b := Ban{Value: f[0], Source: "fail2ban", Reason: f[1], Since: at(f[2]), Until: at(f[3])}
	if source, reason, ok := strings.Cut(f[1], ":"); ok {
		b.Source, b.Reason = source, reason
	}
	switch b.Source {
	case "community":
		b.Source, b.Community = "crowdsec", true
	case "captcha":
		b.Source, b.Remedy = "crowdsec", Challenge
	}
	return b
}

// The owners in tests.
const (
	own    = "web-00000001"
	peer   = "mail-00000002"
	former = "old-0000000f"
)

// item is "prefix owner lease seen text", or "prefix created=<time> comment" for an untagged one.
func item(s string) Item {
	f := strings.Fields(s)
	it := Item{ID: "id of " + f[0], Prefix: prefix(f[0])}
	if created, ok := strings.CutPrefix(f[1], "created="); ok {
		it.Created, it.Comment = at(created), strings.Join(f[2:], " ")
		return it
	}
	owner := map[string]string{"own": own, "peer": peer, "former": former,
		"manual": own + manualSuffix, "peer-manual": peer + manualSuffix, "former-manual": former + manualSuffix}[f[1]]
	it.Comment = Tag{Owner: owner, Until: at(f[2]), Seen: at(f[3]), Text: strings.Join(f[4:], " ")}.Comment()
	return it
}

func bans(lines ...string) []Ban   { return each(lines, ban) }
func items(lines ...string) []Item { return each(lines, item) }

func each[A, B any](all []A, f func(A) B) []B {
	var out []B
	for _, a := range all {
		out = append(out, f(a))
	}
	return out
}

func terms(lines ...string) []Term {
	return each(lines, func(s string) Term {
		b := ban("192.0.2.1 " + s)
		return Term{Source: b.Source, Reason: b.Reason, Since: b.Since, Until: b.Until}
	})
}

// scene is a small world in which one plan is made.
type scene struct {
	now       string // empty: "0s"
	bans      []string
	items     []string
	room      int // 0: plenty
	ipv6      int // 0: 64
	failed    []string
	protected []string
	exclusive bool
	allow     bool // Limits.AllowRemovals
}

func (s scene) time() time.Time {
	if s.now == "" {
		return at("0s")
	}
	return at(s.now)
}

func (s scene) policy() Policy {
	p := Policy{IPv6Prefix: 64, MinPrefix4: 16, MinPrefix6: 32, Margin: 3 * time.Minute}
	if s.ipv6 != 0 {
		p.IPv6Prefix = s.ipv6
	}
	p.Protected = NewProtection(each(s.protected, func(s string) Protected {
		return Protected{Prefix: netip.MustParsePrefix(s), Reason: LeftOutAllowed, Detail: "allowlist"}
	}))
	return p
}

func (s scene) view() View {
	v := View{
		Now: s.time(), Room: s.room, Failed: s.failed, Limits: Limits{AllowRemovals: s.allow},
		Ownership: Ownership{Owner: own, Derived: true, Former: []string{former}, Exclusive: s.exclusive},
	}
	if s.room == 0 {
		v.Room = 10_000
	}
	return v
}

func (s scene) planFor(have []Item) Plan {
	v := s.view()
	return Diff(Desire(bans(s.bans...), s.policy(), v.Now), have, v)
}

func (s scene) plan() Plan { return s.planFor(items(s.items...)) }

// changes is a plan in lines: "add 192.0.2.1 new", "remove 192.0.2.2 ended", "withhold …", sorted as the plan is.
func changes(p Plan) []string {
	var lines []string
	for _, a := range p.Add {
		lines = append(lines, "add "+PrefixText(a.Post.Prefix)+" "+string(a.Why))
	}
	for _, r := range p.Remove {
		lines = append(lines, "remove "+PrefixText(r.Item.Prefix)+" "+string(r.Why))
	}
	for _, r := range p.Withheld {
		lines = append(lines, "withhold "+PrefixText(r.Item.Prefix)+" "+string(r.Why))
	}
	return lines
}

// expect plans the scene, compares the changes, and proves that the plan once applied leaves nothing to do.
func (s scene) expect(t *testing.T, want ...string) Plan {
	t.Helper()
	p := s.plan()
	same(t, changes(p), want)
	s.settles(t, p)
	return p
}

func (s scene) settles(t *testing.T, p Plan) {
	t.Helper()
	target := newMemTarget(items(s.items...)...)
	if _, err := Apply(t.Context(), target, p); err != nil {
		t.Fatal(err)
	}
	if next := s.planFor(target.all()); !next.Empty() {
		t.Errorf("no fixed point: %q, then %q", changes(p), changes(next))
	}
}

// same compares deeply; nil and empty are alike.
func same(t *testing.T, got, want any) {
	t.Helper()
	if d := difference(got, want); d != "" {
		t.Errorf("got (-), want (+):\n%s", d)
	}
}

func difference(got, want any) string {
	return cmp.Diff(got, want, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{}),
		cmpopts.IgnoreUnexported(Desired{}, Tag{}), cmpopts.EquateErrors())
}

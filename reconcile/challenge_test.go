package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// onBoth are what the two lists should hold, what each leaves out, and what the second one need not hold.
func onBoth(p Policy, now time.Time, all []Ban) (block, challenge Desired) {
	p.Split = true
	block = Desire(all, p, now)
	p.Remedy, p.Blocked = Challenge, block.Blocking(now)
	return block, Desire(all, p, now)
}

// texts are the entries' prefixes.
func (d Desired) texts() []string {
	return each(d.Entries, func(e Entry) string { return PrefixText(e.Prefix) })
}

func (d Desired) leftOutTexts() []string {
	return each(d.LeftOut, func(l LeftOut) string { return l.Ban.Value + " " + string(l.Reason) })
}

func TestRemedies(t *testing.T) {
	all := bans("192.0.2.1 sshd 0s 1h", "192.0.2.2 nginx-x 0s 1h", "192.0.2.3 captcha:http-x 0s 1h", "10.0.0.1 captcha:http-x 0s 1h", "10.0.0.2 sshd 0s 1h")
	challenged := map[string][]string{"fail2ban": {"nginx-*"}}
	for _, c := range []struct {
		name            string
		policy          func(*Policy)
		entries, left   []string
		challenges, too []string // on the second list
	}{
		{"nothing is set: a captcha has no list", func(*Policy) {}, []string{"192.0.2.1", "192.0.2.2"},
			[]string{"10.0.0.1 no_such_list", "192.0.2.3 no_such_list", "10.0.0.2 reserved"}, nil, nil},
		{"nor has a jail that challenges", func(p *Policy) { p.Challenged = challenged }, []string{"192.0.2.1"},
			[]string{"10.0.0.1 no_such_list", "192.0.2.2 no_such_list", "192.0.2.3 no_such_list", "10.0.0.2 reserved"}, nil, nil},
		{"all are blocked", func(p *Policy) { p.Challenged, p.ChallengeAsBlock = challenged, true }, []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"},
			[]string{"10.0.0.1 reserved", "10.0.0.2 reserved"}, nil, nil},
		{"two lists", func(p *Policy) { p.Split = true }, []string{"192.0.2.1", "192.0.2.2"}, []string{"10.0.0.2 reserved"},
			[]string{"192.0.2.3"}, []string{"10.0.0.1 reserved"}},
		{"two lists, a jail on each", func(p *Policy) { p.Split, p.Challenged = true, challenged }, []string{"192.0.2.1"}, []string{"10.0.0.2 reserved"},
			[]string{"192.0.2.2", "192.0.2.3"}, []string{"10.0.0.1 reserved"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := scene{}.policy()
			p.Protected = NewProtection([]Protected{{Prefix: prefix("10.0.0.0/8"), Reason: LeftOutReserved}})
			c.policy(&p)
			d := Desire(all, p, at("0s"))
			same(t, d.texts(), c.entries)
			same(t, d.leftOutTexts(), c.left)
			if !p.Split {
				return
			}
			_, second := onBoth(p, at("0s"), all)
			same(t, second.texts(), c.challenges)
			same(t, second.leftOutTexts(), c.too)
			same(t, len(second.Beaten), 0)
		})
	}
}

// TestBlockBeatsChallenge for the same or a covering prefix, as long as the block is in force.
func TestBlockBeatsChallenge(t *testing.T) {
	for _, c := range []struct {
		name, block, challenge string
		beaten                 bool
	}{
		{"the same address", "192.0.2.1 sshd 0s 1h", "192.0.2.1 captcha:x 0s 9h", true},
		{"a network around it", "192.0.2.0/24 sshd 0s 1h", "192.0.2.1 captcha:x 0s 9h", true},
		{"both are widened to the same", "2001:db8::1 sshd 0s 1h", "2001:db8::2 captcha:x 0s 9h", true},
		{"an address inside it", "192.0.2.1 sshd 0s 1h", "192.0.2.0/24 captcha:x 0s 9h", false},
		{"the one beside it", "192.0.2.2 sshd 0s 1h", "192.0.2.1 captcha:x 0s 9h", false},
		{"a block that ended", "192.0.2.1 sshd -1h -1s", "192.0.2.1 captcha:x 0s 9h", false},
		{"a block that is left out", "192.0.0.0/8 sshd 0s 1h", "192.0.2.1 captcha:x 0s 9h", false},
	} {
		_, second := onBoth(scene{}.policy(), at("0s"), bans(c.block, c.challenge))
		if got := len(second.Beaten) == 1; got != c.beaten || len(second.Entries)+len(second.Beaten) != 1 {
			t.Errorf("%s: %+v", c.name, second)
		}
	}
}

// TestChallengesDoNotLinger: a visitor who may go on knocking proves nothing about Fail2Ban's memory. The twin is a block.
func TestChallengesDoNotLinger(t *testing.T) {
	for remedy, want := range map[Remedy]string{Challenge: "15m", Block: "23m"} {
		e := Entry{Prefix: prefix("192.0.2.1"), Terms: terms("sshd 5m 15m")}
		e.Terms[0].Remedy = remedy
		same(t, e.keepUntil(at("10m"), 3*time.Minute), at(want))
	}
	for glob, want := range map[string][]string{"sshd": {"remove 192.0.2.1 ended"}, "none": nil} {
		s := scene{now: "16m"}
		p := s.policy()
		p.Challenged = map[string][]string{"fail2ban": {glob}}
		if glob == "sshd" {
			p.Remedy = Challenge
		}
		d := Desire(bans("192.0.2.1 sshd 5m 15m"), p, s.time())
		same(t, changes(Diff(d, items("192.0.2.1 own 23m 10m fail2ban:sshd"), s.view())), want)
	}
}

// twoLists does both runs of a pair of targets.
func twoLists(t *testing.T, first, second Target, change func(first, second *Run), sources ...Source) (a, b Report) {
	t.Helper()
	one, two := run(first, sources...), run(second, sources...)
	one.Policy.Split = true
	if change != nil {
		change(&one, &two)
	}
	said := one.Read(t.Context())
	a = one.DoWith(t.Context(), said)
	return a, two.After(a).DoWith(t.Context(), said)
}

func TestTwoLists(t *testing.T) {
	block, challenge := newMemTarget(), newMemTarget(items("192.0.2.1 own 9h -1h crowdsec:x", "192.0.2.3 own 9h -1h crowdsec:x")...)
	sources := []Source{f2b("192.0.2.1 sshd 0s 1h"), crowdsec("192.0.2.1 captcha:x 0s 1h", "192.0.2.2 captcha:x 0s 1h", "192.0.2.3 crowdsec:y 0s 1h")}
	a, b := twoLists(t, block, challenge, nil, sources...)
	same(t, changes(*a.Plan), []string{"add 192.0.2.1 new", "add 192.0.2.3 new"})
	same(t, changes(*b.Plan), []string{"add 192.0.2.2 new", "remove 192.0.2.1 blocked", "remove 192.0.2.3 left out"})
	same(t, b.Plan.Remove[0].Detail, "192.0.2.1")
	same(t, b.Plan.Remove[1].LeftOut, LeftOutOtherList)
	same(t, b.Plan.Covered, 1)
	a, b = twoLists(t, block, challenge, nil, sources...)
	same(t, []Outcome{a.Outcome, b.Outcome}, []Outcome{OutcomeInStep, OutcomeInStep})
}

// TestBeatenIsNoSurprise: that challenges give way to blocks explains as many removals as there are. The twin are challenges that
// nobody knows any more.
func TestBeatenIsNoSurprise(t *testing.T) {
	for _, blocks := range []bool{true, false} {
		f, c, challenge := f2b("192.0.2.99 sshd 0s 1h"), crowdsec("192.0.2.98 captcha:x 0s 1h"), newMemTarget()
		for i := range 12 {
			address := fmt.Sprintf("192.0.2.%d", i)
			challenge.items[prefix(address)] = item(address + " own 1h -1h crowdsec:x")
			if blocks {
				f.reading.Bans = bans("192.0.2.0/24 sshd 0s 1h")
				c.reading.Bans = append(c.reading.Bans, ban(address+" captcha:x 0s 1h"))
			}
		}
		_, b := twoLists(t, newMemTarget(), challenge, nil, f, c)
		if withheld := len(b.Plan.Withheld) > 0; withheld == blocks || len(b.Plan.Remove)+len(b.Plan.Withheld) != 12 {
			t.Errorf("%v: %q", blocks, changes(*b.Plan))
		}
	}
}

// TestEndedChallengesAreNotCovered: only a challenge that is in force needs a block in its stead.
func TestEndedChallengesAreNotCovered(t *testing.T) {
	for end, want := range map[string]int{"-10m": 0, "10m": 1} {
		_, b := twoLists(t, newMemTarget(), newMemTarget(), nil, f2b("192.0.2.1 sshd 0s 1h"), crowdsec("192.0.2.1 captcha:x -30m "+end))
		if len(b.Desired.Beaten) != 1 || b.Plan.Covered != want {
			t.Errorf("a challenge until %s: %d of %d covered, want %d", end, b.Plan.Covered, len(b.Desired.Beaten), want)
		}
	}
}

// TestBlocking is what is at the edge: not what found no room, nor what was not written.
func TestBlocking(t *testing.T) {
	d := Desire(bans("192.0.2.1 sshd 0s 1h", "192.0.2.2 sshd 0s 1h", "192.0.2.3 sshd 0s 1h", "192.0.2.4 sshd 0s 1h"), scene{}.policy(), at("0s"))
	add := func(i int, why AdditionReason) Addition { return Addition{Entry: &d.Entries[i], Why: why} }
	r := Report{Now: at("0s"), Desired: &d, Applied: Applied{Added: 1}, Plan: &Plan{
		NoRoom: []*Entry{&d.Entries[0]}, Add: []Addition{add(1, AddNew), add(2, AddNew), add(3, AddRenewal)}}}
	var got []string
	for _, p := range r.blocking().sorted {
		got = append(got, PrefixText(p.Prefix))
	}
	same(t, got, []string{"192.0.2.2", "192.0.2.4"})
}

// TestAfter: what the first list's run learned of the account binds the second one's.
func TestAfter(t *testing.T) {
	sources := []Source{f2b("192.0.2.1 sshd 0s 1h"), crowdsec("192.0.2.1 captcha:x 0s 1h", "192.0.2.2 captcha:x 0s 1h")}
	for _, c := range []struct {
		name    string
		err     error // of the block list's write
		throt   Throttle
		dry     bool
		outcome Outcome // of the challenge list's run
		posts   int
		adds    []string
	}{
		{"it went well", nil, Throttle{}, false, OutcomeChanged, 1, []string{"add 192.0.2.2 new"}},
		{"it was a dry run", nil, Throttle{}, true, OutcomePlanned, 0, []string{"add 192.0.2.2 new"}},
		{"it failed: the block beats nothing", errors.New("boom"), Throttle{}, false, OutcomeChanged, 2, []string{"add 192.0.2.1 new", "add 192.0.2.2 new"}},
		{"it was refused", fault{refused: true}, Throttle{}, false, OutcomeHeld, 0, []string{"add 192.0.2.1 new", "add 192.0.2.2 new"}},
		{"nobody knows what became of it", fault{uncertain: true}, Throttle{}, false, OutcomeHeld, 0, []string{"add 192.0.2.1 new", "add 192.0.2.2 new"}},
		{"its operation goes on", fault{uncertain: true, pending: "op"}, Throttle{}, false, OutcomeHeld, 0, []string{"add 192.0.2.1 new", "add 192.0.2.2 new"}},
		{"writes were on hold", nil, Throttle{InARow: 2, Last: at("-1m"), Hold: at("1m")}, false, OutcomeHeld, 0, []string{"add 192.0.2.1 new", "add 192.0.2.2 new"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			block, challenge := newMemTarget(), newMemTarget()
			block.fail = func(call string) (int, error) {
				if call == "add" {
					return 0, c.err
				}
				return 0, nil
			}
			_, b := twoLists(t, block, challenge, func(one, two *Run) {
				one.Throttle, one.DryRun, two.DryRun = c.throt, c.dry, c.dry
			}, sources...)
			same(t, b.Outcome, c.outcome)
			same(t, challenge.posts, c.posts)
			same(t, changes(*b.Plan), c.adds)
			var hold *HoldError
			if errors.As(b.Err, &hold) != (c.outcome == OutcomeHeld) {
				t.Error(b.Err)
			}
		})
	}
}

// TestBlockListUnread: what is most likely blocked is not challenged for want of an answer, and no challenge is given up for it. The
// twins are a list that was read, and one that is not there.
func TestBlockListUnread(t *testing.T) {
	sources := []Source{f2b("192.0.2.1 sshd 0s 1h", "198.51.100.0/24 sshd 0s 1h", "192.0.2.4 sshd 0s 1h"),
		crowdsec("192.0.2.1 captcha:x 0s 1h", "192.0.2.2 captcha:x 0s 1h", "198.51.100.3 captcha:x 0s 1h", "198.51.100.5 captcha:x -2h -1h")}
	for fails, want := range map[string][]string{
		"items":  {"add 192.0.2.2 new", "remove 198.51.100.5 blocked"},
		"":       {"add 192.0.2.2 new", "remove 192.0.2.4 left out", "remove 198.51.100.3 blocked", "remove 198.51.100.5 blocked"},
		"survey": {"add 192.0.2.1 new", "add 192.0.2.2 new", "remove 198.51.100.5 ended"},
	} {
		block := newMemTarget()
		challenge := newMemTarget(items("192.0.2.4 own 1h -1h crowdsec:x", "198.51.100.3 own 1h -1h crowdsec:x", "198.51.100.5 own -1h -2h crowdsec:x")...)
		block.fail = func(call string) (int, error) {
			if call == fails {
				return 0, errors.New("boom")
			}
			return 0, nil
		}
		_, b := twoLists(t, block, challenge, nil, sources...)
		if got := changes(*b.Plan); !slices.Equal(got, want) {
			t.Errorf("%q fails: %q, want %q", fails, got, want)
		}
		block.fail = nil
		for range 2 {
			_, b = twoLists(t, block, challenge, nil, sources...)
		}
		same(t, b.Outcome, OutcomeInStep)
		same(t, len(challenge.items), 1)
	}
}

// TestRoomIsShared: the block list comes first, also when the challenges were there before.
func TestRoomIsShared(t *testing.T) {
	block, challenge := newMemTarget(), newMemTarget()
	sources := []Source{f2b("192.0.2.1 sshd -1m 1h", "192.0.2.2 sshd -2m 1h"), crowdsec("192.0.2.7 captcha:x 0s 1h", "192.0.2.8 captcha:x -3m 1h")}
	pass := func(sources ...Source) (a, b Report) {
		return twoLists(t, shared{block, challenge}, shared{challenge, block}, func(one, two *Run) { one.MaxItems, two.MaxItems = 3, 3 }, sources...)
	}
	pass(sources[1])
	same(t, len(challenge.items), 2)
	for range 2 {
		pass(sources...)
		if len(block.items)+len(challenge.items) > 3 {
			t.Fatalf("%d and %d items", len(block.items), len(challenge.items))
		}
	}
	a, b := pass(sources...)
	same(t, []Outcome{a.Outcome, b.Outcome}, []Outcome{OutcomeInStep, OutcomeInStep})
	same(t, []int{len(block.items), len(challenge.items)}, []int{2, 1})
	same(t, PrefixText(challenge.all()[0].Prefix), "192.0.2.7") // the most recent one
}

// shared is a list that shares its account's room with another.
type shared struct {
	*memTarget
	other *memTarget
}

func (s shared) Survey(ctx context.Context) (Survey, error) {
	survey, err := s.memTarget.Survey(ctx)
	survey.Elsewhere = len(s.other.items)
	return survey, err
}

// TestListsRememberForThemselves: a source that does not answer leaves each list what that list knew.
func TestListsRememberForThemselves(t *testing.T) {
	away := failing(crowdsec())
	key := MemoryKey(away)
	_, b := twoLists(t, newMemTarget(), newMemTarget(), func(one, two *Run) {
		one.Memory, one.Known = map[string]json.RawMessage{key: json.RawMessage("1")}, map[string]string{key: "one"}
		two.Memory, two.Known = map[string]json.RawMessage{key: json.RawMessage("2")}, map[string]string{key: "two"}
	}, f2b(), away)
	same(t, string(b.Next.Memory[key]), "2")
	same(t, b.Next.Known[key], "two")
}

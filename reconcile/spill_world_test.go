package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// spillTest is a test of one history, drawn or written down.
type spillTest interface {
	rapid.TB
	Context() context.Context
}

// spillWorld is a host whose bans spill, with all that stands at the edge.
type spillWorld struct {
	t      spillTest
	now    time.Time
	list   *memTarget
	rules  *memRules
	bans   map[string]Ban        // by source and value
	seen   map[string]Ban        // … as their source told them last, where no broader ban made an item or rule for them needless since
	lifted map[netip.Prefix]bool // what a person un-banned since a run saw it banned last
	past   [3]Past               // of the runs on the list, on the Allow rules and on the others
	away   bool                  // CrowdSec does not answer
	budget int
	broad  []netip.Prefix // what is missing on the list after the last run
	refuse bool
	let    int // writes of the list that are let through although it refuses
}

func newSpillWorld(t spillTest) *spillWorld {
	w := &spillWorld{t: t, now: at("0s"), list: newMemTarget(items("192.0.2.9 created=-1h by hand", "192.0.2.30 peer 300d -1h fail2ban:postfix")...),
		rules: &memRules{rules: map[netip.Prefix]memRule{}}, bans: map[string]Ban{}, seen: map[string]Ban{}, lifted: map[netip.Prefix]bool{}, budget: 1000, refuse: true, let: 1}
	for text, mode := range map[string]string{"192.0.2.5": "allow", "192.0.2.6": "block", "192.0.2.7": "allow"} {
		it := item(text + " created=-1h by hand")
		if text == "192.0.2.7" {
			it = item(text + " peer 300d -1h fail2ban:un-banned")
		}
		w.rules.rules[it.Prefix] = memRule{mode, it}
	}
	w.list.fail = func(call string) (int, error) {
		if !w.refuse || call != "add" && call != "remove" {
			return 0, nil
		}
		if w.let--; w.let >= 0 {
			return 0, nil
		}
		return 0, fault{refused: true}
	}
	return w
}

func (w *spillWorld) policy() Policy { return scene{}.policy() }

func (w *spillWorld) sources() []Source {
	of := func(name string) memSource {
		s := memSource{name: name, label: name, reading: Reading{Identity: "the one"}}
		for _, b := range w.bans {
			if b.Source == name {
				s.reading.Bans = append(s.reading.Bans, b)
			}
		}
		return s
	}
	crowd := of("crowdsec")
	if w.away {
		crowd = failing(crowd)
	}
	return []Source{of("fail2ban"), crowd}
}

// session is a run on the list and then, as the program does, those on the rules. It reports whether something was written or is left.
func (w *spillWorld) session() (busy bool) {
	w.t.Helper()
	w.rules.left = w.budget
	run := func(i int, target Target, change func(*Run)) Report {
		r := Run{Sources: w.sources(), Target: target, Policy: w.policy(), Ownership: Ownership{Owner: own}, MaxItems: 1000, Now: w.now,
			Limits: Limits{AllowRemovals: true}, Past: w.past[i]}
		change(&r)
		rep := r.Do(w.t.Context())
		var past Past
		data, err := json.Marshal(rep.Next)
		if err := errors.Join(err, json.Unmarshal(data, &past)); err != nil {
			w.t.Fatal(err)
		}
		w.past[i] = past
		busy = busy || rep.Plan == nil || !rep.Plan.Empty()
		return rep
	}
	list := run(0, w.list, func(r *Run) { r.Spills, r.SpillWidths = true, ruleWidths() })
	stuck, known := list.Stuck()
	missing, _ := list.Missing()
	w.broad = missing
	if !known {
		w.t.Fatal(list.Err)
	}
	for i, mode := range []string{"allow", "block"} {
		run(1+i, w.rules.mode(mode), func(r *Run) {
			r.Policy.Split, r.Policy.Widths = true, ruleWidths()
			r.Overflow = &Overflow{Spilled: missing, Stuck: stuck, Allow: mode == "allow"}
		})
	}
	w.look()
	return busy
}

// place is where a ban goes on the list.
func (w *spillWorld) place(b Ban) netip.Prefix {
	p, _ := ParsePrefix(b.Value)
	policy := w.policy()
	return policy.widest(p)
}

func (w *spillWorld) active(b Ban) bool { return b.Permanent() || b.Until.After(w.now) }

// look compares the edge with what must hold after every run.
func (w *spillWorld) look() {
	w.t.Helper()
	for _, text := range []string{"192.0.2.5/32", "192.0.2.6/32", "192.0.2.7/32"} {
		if r, ok := w.rules.rules[netip.MustParsePrefix(text)]; !ok || r.mode == "block" != (text == "192.0.2.6/32") || r.Comment != "by hand" && r.Comment[:12] != "edgeban:mail" {
			w.t.Fatalf("another's rule for %s is %+v", text, r)
		}
	}
	for _, text := range []string{"192.0.2.9/32", "192.0.2.30/32"} {
		if it, ok := w.list.items[netip.MustParsePrefix(text)]; !ok || it.Comment != "by hand" && it.Comment[:12] != "edgeban:mail" {
			w.t.Fatalf("another's item for %s is %+v", text, it)
		}
	}
	for key, b := range w.bans {
		answers := !w.away || b.Source != "crowdsec"
		if w.within(b) {
			delete(w.seen, key)
		} else if answers {
			w.seen[key] = b
		}
		if w.active(b) && (answers || w.seen[key] == b) {
			w.enforced(b)
		}
		if w.active(b) && answers {
			for p := range w.lifted {
				if p.Overlaps(w.place(b)) && !(w.budget < 1000 && w.letsThrough(p)) { // whose rule may have outlived the ban
					delete(w.lifted, p)
				}
			}
		}
	}
	for prefix, r := range w.rules.rules {
		if tag, ok := ParseTag(r.Comment); !ok || tag.Owner != own {
			continue
		}
		if r.mode == "block" {
			part := slices.ContainsFunc(w.broad, func(p netip.Prefix) bool { return contains(p, prefix) })
			banned := false // else it lingers
			for _, b := range w.bans {
				banned = banned || w.active(b) && w.place(b) == prefix
			}
			if _, ok := w.list.items[prefix]; ok && banned && !part && !w.away && w.budget >= 1000 {
				w.t.Fatalf("%s is on the list and among the rules", prefix)
			}
			continue
		}
		if (!w.lifted[prefix] || !w.list.covers(prefix)) && w.budget >= 1000 {
			w.t.Fatalf("%s is let through: un-banned %v, on the list %v", prefix, w.lifted[prefix], w.list.covers(prefix))
		}
	}
}

// letsThrough reports whether a rule of ours lets a prefix through.
func (w *spillWorld) letsThrough(p netip.Prefix) bool {
	r := w.rules.rules[p]
	tag, ok := ParseTag(r.Comment)
	return r.mode == "allow" && ok && tag.Owner == own
}

// within reports whether a broader ban contains one. Its item, which another source may lift, need not name the source of the other.
func (w *spillWorld) within(b Ban) bool {
	for _, o := range w.bans {
		if outer, inner := w.place(o), w.place(b); outer != inner && contains(outer, inner) {
			return true
		}
	}
	return false
}

// enforced fails when a ban is not: whoever it is for meets an item of the list or a rule, and none that lets through.
func (w *spillWorld) enforced(b Ban) {
	w.t.Helper()
	p := w.place(b)
	if w.budget < 1000 { // it may take some runs
		return
	}
	for q := range w.rules.rules {
		if q.Overlaps(p) && w.letsThrough(q) {
			w.t.Fatalf("%s is banned, and %s is let through", p, q)
		}
	}
	if w.list.covers(p) {
		return
	}
	for piece := range ruleWidths().Pieces(p) {
		covered := slices.ContainsFunc([]int{0, 8, 16, 24, 28, 32, 48, 56, 64, 127, 128}, func(bits int) bool {
			q, err := piece.Addr().Prefix(bits)
			return err == nil && bits <= piece.Bits() && (w.rules.rules[q].ID != "")
		})
		if !covered {
			w.t.Fatalf("%s is banned, and not blocked: no rule for %s", p, piece)
		}
	}
}

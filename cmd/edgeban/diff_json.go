package main

import (
	"cmp"
	"slices"
	"time"

	"edgeban/reconcile"
)

// diffJSON is what `edgeban diff --json` prints. Its names are an interface: they are added to, never changed.
type diffJSON struct {
	List      string         `json:"list"`
	Account   string         `json:"account"`
	Now       time.Time      `json:"now"`
	Outcome   string         `json:"outcome"`
	Items     int            `json:"items"`
	Own       int            `json:"own"`
	Foreign   int            `json:"foreign"`
	Peers     map[string]int `json:"peers"`
	Keep      int            `json:"keep"`
	Lingering int            `json:"lingering"`
	Covered   int            `json:"covered"`
	Satisfied int            `json:"satisfied"`
	Room      int            `json:"room"`
	Drift     int            `json:"drift"`

	MissingSince *time.Time `json:"missing_since"` // since when the oldest addition waits; null: none does
	StaleSince   *time.Time `json:"stale_since"`   // … the oldest removal
	HeldUntil    *time.Time `json:"held_until"`    // no write before; null: nothing is known that speaks against one

	Add      []additionJSON `json:"add"`
	Remove   []removalJSON  `json:"remove"`
	Withheld []removalJSON  `json:"withheld"`
	LeftOut  []leftOutJSON  `json:"left_out"`
	Stays    []stayingJSON  `json:"stays"`   // own items without an active ban that stay
	Blocked  []blockedJSON  `json:"blocked"` // items by hand or of other hosts that block what is protected

	Challenge *diffJSON  `json:"challenge,omitempty"` // the same for challenges; absent: there is no target for them
	Also      []diffJSON `json:"also,omitempty"`      // the same of other zones' rules
	Spilled   int        `json:"spilled,omitempty"`   // bans that are not for the list now, but for access rules
	Spill     []diffJSON `json:"spill,omitempty"`     // the same of the access rules that stand in for lists
}

type additionJSON struct {
	Prefix  string     `json:"prefix"`
	Why     string     `json:"why"`
	Reasons []termJSON `json:"reasons"`
	Until   *time.Time `json:"until"` // null: permanent
	From    []string   `json:"from,omitempty"`
	Comment string     `json:"comment"`
}

type termJSON struct {
	Source string     `json:"source"`
	Reason string     `json:"reason"`
	Since  *time.Time `json:"since"` // null: unknown
	Until  *time.Time `json:"until"` // null: permanent
}

type removalJSON struct {
	Prefix  string `json:"prefix"`
	Why     string `json:"why"`
	Detail  string `json:"detail,omitempty"`
	Comment string `json:"comment"`
}

type stayingJSON struct {
	Prefix string    `json:"prefix"`
	Why    string    `json:"why"` // "lingering", "database replaced" or "moving" to the other list
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"` // jails and scenarios, as the item's comment has them
}

type blockedJSON struct {
	Prefix    string `json:"prefix"`
	Owner     string `json:"owner"` // empty: put there by hand
	Protected string `json:"protected"`
	Why       string `json:"why"`
	Detail    string `json:"detail,omitempty"`
}

type leftOutJSON struct {
	Value  string `json:"value"`
	Source string `json:"source"`
	Reason string `json:"reason"`
	Why    string `json:"why"`
	Detail string `json:"detail,omitempty"`
}

// diffsView is the view of the first target, with those of the others.
func diffsView(done []ended) diffJSON {
	var views []diffJSON
	var spill []diffJSON
	for _, e := range done {
		if e.report.Plan == nil {
			continue
		}
		view := diffView(e.settings, e.label(), e.report)
		if e.spill {
			spill = append(spill, view)
		} else if last := len(views) - 1; last >= 0 && e.remedy == reconcile.Challenge && views[last].Challenge == nil {
			views[last].Challenge = &view
		} else {
			views = append(views, view)
		}
	}
	views[0].Also, views[0].Spill = views[1:], spill
	return views[0]
}

func diffView(s Settings, list string, r reconcile.Report) diffJSON {
	p := r.Plan
	missing, stale, _ := r.Drift()
	v := diffJSON{
		List: list, Account: s.Account, Now: r.Now.UTC(), Outcome: string(r.Outcome),
		Items: p.Items, Own: p.Own, Foreign: p.Foreign, Peers: p.Peers,
		Keep: p.Keep, Lingering: len(p.Lingering), Covered: p.Covered, Satisfied: p.Satisfied, Room: p.Room, Drift: missing + stale, Spilled: len(p.Spilled),
		Add: []additionJSON{}, Remove: removalsView(p.Remove), Withheld: removalsView(p.Withheld), LeftOut: leftOutView(r.LeftOut()),
		Stays: slices.Concat(staysView(p.Lingering, "lingering"), staysView(p.Orphaned, "database replaced"), staysView(p.Moving, "moving")), Blocked: blockedView(p.Blocked),
	}
	missingSince, staleSince := r.Next.Waiting.Oldest()
	v.MissingSince, v.StaleSince = instant(missingSince), instant(staleSince)
	if hold := holdOf(r); hold != nil {
		v.HeldUntil = instant(hold.Until)
	}
	for _, a := range p.Add {
		v.Add = append(v.Add, additionJSON{
			Prefix: reconcile.PrefixText(a.Entry.Prefix), Why: string(a.Why), Reasons: termsView(a.Entry.Terms),
			Until: instant(a.Entry.Until()), From: a.Entry.From, Comment: a.Post.Comment,
		})
	}
	return v
}

func termsView(terms []reconcile.Term) []termJSON {
	view := []termJSON{}
	for _, t := range terms {
		view = append(view, termJSON{Source: t.Source, Reason: t.Reason, Since: instant(t.Since), Until: instant(t.Until)})
	}
	return view
}

func removalsView(removals []reconcile.Removal) []removalJSON {
	view := []removalJSON{}
	for _, m := range removals {
		view = append(view, removalJSON{Prefix: reconcile.PrefixText(m.Item.Prefix), Why: string(m.Why),
			Detail: cmp.Or(m.Detail, string(m.LeftOut)), Comment: m.Item.Comment})
	}
	return view
}

func leftOutView(left []reconcile.LeftOut) []leftOutJSON {
	view := []leftOutJSON{}
	for _, l := range left {
		view = append(view, leftOutJSON{Value: l.Ban.Value, Source: l.Ban.Source, Reason: l.Ban.Reason, Why: string(l.Reason), Detail: l.Detail})
	}
	return view
}

func staysView(stays []reconcile.Staying, why string) []stayingJSON {
	view := []stayingJSON{}
	for _, s := range stays {
		view = append(view, stayingJSON{Prefix: reconcile.PrefixText(s.Prefix), Why: why, Until: s.Until.UTC(), Reason: s.Tag.Reasons()})
	}
	return view
}

func blockedView(blocked []reconcile.Blocked) []blockedJSON {
	view := []blockedJSON{}
	for _, b := range blocked {
		view = append(view, blockedJSON{Prefix: reconcile.PrefixText(b.Prefix), Owner: b.Owner,
			Protected: reconcile.PrefixText(b.Protected.Prefix), Why: string(b.Protected.Reason), Detail: b.Protected.Detail})
	}
	return view
}

// instant is a time in UTC, nil when there is none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

package main

import (
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

type leftOutJSON struct {
	Value  string `json:"value"`
	Source string `json:"source"`
	Reason string `json:"reason"`
	Why    string `json:"why"`
	Detail string `json:"detail,omitempty"`
}

func diffView(s Settings, r reconcile.Report) diffJSON {
	p := r.Plan
	missing, stale, _ := r.Drift()
	v := diffJSON{
		List: s.List, Account: s.Account, Now: r.Now.UTC(), Outcome: string(r.Outcome),
		Items: p.Items, Own: p.Own, Foreign: p.Foreign, Peers: p.Peers,
		Keep: p.Keep, Lingering: p.Lingering, Covered: p.Covered, Satisfied: p.Satisfied, Room: p.Room, Drift: missing + stale,
		Add: []additionJSON{}, Remove: removalsView(p.Remove), Withheld: removalsView(p.Withheld), LeftOut: leftOutView(r.LeftOut()),
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
		view = append(view, removalJSON{Prefix: reconcile.PrefixText(m.Item.Prefix), Why: string(m.Why), Detail: m.Detail, Comment: m.Item.Comment})
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

// instant is a time in UTC, nil when there is none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"edgeban/cloudflare"
)

// abandonedAfter is how long ago a run must last have kept a list for it to count as abandoned: five runs. Until then somebody may be
// running edgeban on two lists from one state directory, or trying another list with --list.
const abandonedAfter = 10 * time.Minute

// abandoned is a list that runs no longer keep in step, because the settings now name others. What they put there stays.
type abandoned struct {
	name string
	own  int       // items of this host, when a run last saw it
	last time.Time // when a run last kept it
}

// abandoned are those of the account's lists, sorted by name. Without the lists there are none: one that was removed holds nothing, and
// one that the settings call otherwise than before, by its id, is the same.
func (x *session) abandoned(lists []cloudflare.List) []abandoned {
	current := map[string]bool{} // by key in the state, and by id
	for _, w := range x.works() {
		current[w.key()] = true
		for _, l := range lists {
			if l.Name == w.list || l.ID == strings.ToLower(w.list) {
				current[l.ID] = true
			}
		}
	}
	found := map[string]abandoned{}
	for key, state := range x.state.Lists {
		i := slices.IndexFunc(lists, func(l cloudflare.List) bool { return l.ID == state.ID })
		account, _, _ := strings.Cut(key, "/")
		if i < 0 || account != x.settings.Account || current[key] || current[state.ID] || lists[i].Items == 0 || state.Measured == nil || state.Measured.Own == 0 {
			continue
		}
		a := abandoned{name: lists[i].Name, own: state.Measured.Own, last: state.lastKept()}
		if x.now.Sub(a.last) >= abandonedAfter && !a.last.Before(found[state.ID].last) {
			found[state.ID] = a
		}
	}
	var all []abandoned
	for _, a := range found {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b abandoned) int { return strings.Compare(a.name, b.name) })
	return all
}

// lastKept is when a run last had the list in its settings; zero: unknown.
func (l listState) lastKept() time.Time {
	switch {
	case l.LastRun != nil:
		return l.LastRun.At
	case l.Measured != nil:
		return l.Measured.At
	}
	return time.Time{}
}

// text is what is wrong with it.
func (a abandoned) text(now time.Time) string {
	its := "its item stays"
	if a.own > 1 {
		its = fmt.Sprintf("its %d items stay", a.own)
	}
	return fmt.Sprintf("list %s is no longer in the settings, and no run has kept it in step since %s: %s there", a.name, clock(now, a.last), its)
}

// remedy is what to type. flush empties all lists of the settings, so a second one is taken out of them.
func (a abandoned) remedy(s Settings) string {
	command := "edgeban flush --list " + shellWord(a.name)
	if s.ChallengeList != "" {
		command += " --challenge-list ''"
	}
	return s.typed(command)
}

// warnOfAbandoned tells of those lists, a line each.
func (x *session) warnOfAbandoned() {
	for _, a := range x.abandoned(x.seen) {
		x.out.warn(a.text(x.now) + "; to empty it: " + a.remedy(x.settings))
	}
	for _, o := range x.otherTargets() {
		x.out.warn(o.text(x.now) + "; to remove them: " + o.remedy(x.settings))
	}
}

// abandonedLists warns of them.
func (c *checkup) abandonedLists() {
	for _, a := range c.abandoned(c.lists) {
		c.warn("list", a.text(c.now), "To empty it: "+a.remedy(c.settings))
	}
}

// forgetItems notes in the state that nothing of ours is on the list, under every name that runs knew it by.
func (w work) forgetItems() error {
	id := w.listState().ID
	lists := w.state.Lists
	for key, list := range lists {
		if account, _, _ := strings.Cut(key, "/"); account == w.settings.Account && (key == w.key() || id != "" && list.ID == id) {
			list.Measured = nil
			lists = with(lists, key, list)
		}
	}
	w.state.Lists = lists
	return w.dir.lists().save(w.state)
}

package main

import (
	"testing"
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// A list counts as left alone only where it is sure that there is one with items of this host, and that it is none of the settings'.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	const blockID, oldID = "0123456789abcdef0123456789abcdee", "0123456789abcdef0123456789abcdef"
	type scene struct {
		settings Settings
		key      string
		state    listState
		lists    []cloudflare.List
	}
	tests := []struct {
		name   string
		change func(*scene)
		want   string // its name and what to type; "": there is none
	}{
		{"left alone", func(*scene) {}, "old: edgeban flush --list old"},
		{"beside a challenge list", func(s *scene) { s.settings.ChallengeList = "other" }, "old: edgeban flush --list old --challenge-list ''"},
		{"it has another name now", func(s *scene) { s.lists[1].Name = "older" }, "older: edgeban flush --list older"},
		{"no run is remembered, only what was seen", func(s *scene) { s.state.LastRun = nil }, "old: edgeban flush --list old"},
		{"another run kept it a moment ago", func(s *scene) { s.state.LastRun.At = dawn().Add(-abandonedAfter + time.Second) }, ""},
		{"it is the challenge list", func(s *scene) { s.settings.ChallengeList = "old" }, ""},
		{"it is the block list by its id", func(s *scene) { s.settings.List = oldID }, ""},
		{"it is the block list, called by its id before", func(s *scene) { s.settings.List, s.key = "old", oldID }, ""},
		{"nothing of this host is on it", func(s *scene) { s.state.Measured.Own = 0 }, ""},
		{"nothing is on it", func(s *scene) { s.lists[1].Items = 0 }, ""},
		{"no run saw it", func(s *scene) { s.state.Measured = nil }, ""},
		{"no run found it", func(s *scene) { s.state.ID = "" }, ""},
		{"it was removed", func(s *scene) { s.lists = s.lists[:1] }, ""},
		{"the account's lists are not known", func(s *scene) { s.lists = nil }, ""},
		{"it is another account's", func(s *scene) { s.settings.Account = "f" + testAccount[1:] }, ""},
	}
	for _, tt := range tests {
		long := dawn().Add(-abandonedAfter)
		s := scene{
			settings: Settings{Account: testAccount, List: "edgeban"}, key: "old",
			state: listState{ID: oldID, LastRun: &lastRun{At: long, Outcome: reconcile.OutcomeInStep}, Measured: &measured{At: long, Items: 3, Own: 2}},
			lists: []cloudflare.List{{ID: blockID, Name: "edgeban", Items: 1}, {ID: oldID, Name: "old", Items: 3}},
		}
		tt.change(&s)
		x := &session{settings: s.settings, now: dawn(), state: state{Lists: map[string]listState{
			testAccount + "/" + s.key: s.state, testAccount + "/edgeban": {ID: blockID, LastRun: &lastRun{At: dawn()}, Measured: &measured{Own: 1}},
		}}}
		got := ""
		for _, a := range x.abandoned(s.lists) {
			got += a.name + ": " + a.remedy(s.settings)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

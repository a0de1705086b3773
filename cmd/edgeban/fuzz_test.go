package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"edgeban/reconcile"
)

// needSeeds fails when the committed seeds are gone: the fuzz test would pass and try nothing.
func needSeeds(f *testing.F) {
	f.Helper()
	if seeds, err := os.ReadDir(filepath.Join("testdata", "fuzz", f.Name())); err != nil || len(seeds) < 3 {
		f.Fatalf("%d seeds: %v", len(seeds), err)
	}
}

// FuzzState feeds files to the reader of the state. Each is empty with an error that says why, or a state that comes back as it was
// saved; and whatever it says, runs that believe it come to their end, and write what is wanted as soon as they may.
func FuzzState(f *testing.F) {
	needSeeds(f)
	f.Fuzz(func(t *testing.T, content string) {
		d := &stateDir{t.TempDir()}
		if err := os.WriteFile(d.lists().path(), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := d.lists().load()
		if err != nil {
			if !reflect.DeepEqual(s, state{Version: stateVersion}) {
				t.Errorf("%v, and %+v", err, s)
			}
			return
		}
		for _, list := range s.Lists {
			past := list.Past
			runPast(t, past)
		}
		if err := d.lists().save(s); err != nil {
			t.Fatal(err)
		}
		if again, err := d.lists().load(); err != nil || !sameState(again, s) {
			t.Errorf("%+v came back as %+v, %v", s, again, err)
		}
	})
}

// sameState compares what is saved: memories may be indented, times may be in another zone.
func sameState(a, b state) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	var m, n any
	return err1 == nil && err2 == nil && json.Unmarshal(x, &m) == nil && json.Unmarshal(y, &n) == nil && reflect.DeepEqual(m, n)
}

// runPast does runs after a past that a file claims. The first is refused; an hour and a half later nothing holds any more.
func runPast(t *testing.T, past reconcile.Past) {
	t.Helper()
	past.Waiting.Oldest() // as it stands, for a run that comes to no plan
	list := &stubList{}
	run := reconcile.Run{Sources: []reconcile.Source{stubSource{}}, Target: list, MaxItems: 10, Past: past,
		Policy: reconcile.Policy{Margin: 3 * time.Minute}, Ownership: reconcile.Ownership{Owner: "web-1"}}
	for i := range 3 {
		run.Now = dawn().Add(time.Duration(i) * 90 * time.Minute)
		list.refuse = i == 0
		report := run.Do(t.Context())
		if report.Outcome == reconcile.OutcomeSkipped || i > 0 && report.Err != nil {
			t.Errorf("run %d: %s, %v", i, report.Outcome, report.Err)
		}
		run.Past = report.Next
	}
	if len(list.items) != 1 {
		t.Errorf("the list holds %v", list.items)
	}
}

// stubSource bans one address for good.
type stubSource struct{}

func (stubSource) Name() string  { return "stub" }
func (stubSource) Label() string { return "here" }
func (stubSource) Bans(context.Context, time.Time, json.RawMessage) (reconcile.Reading, error) {
	return reconcile.Reading{Identity: "inode 7", Bans: []reconcile.Ban{{Value: "203.0.113.7", Source: "stub", Reason: "sshd", Since: dawn()}}}, nil
}

// stubList is a list without a clock of its own.
type stubList struct {
	items  []reconcile.Item
	refuse bool
}

func (l *stubList) Name() string { return "list stub" }

func (l *stubList) Survey(context.Context) (reconcile.Survey, error) {
	return reconcile.Survey{Items: len(l.items), References: 1}, nil
}

func (l *stubList) Items(context.Context) ([]reconcile.Item, []string, error) {
	return append([]reconcile.Item(nil), l.items...), nil, nil
}

func (l *stubList) Add(_ context.Context, posts []reconcile.Post) (int, error) {
	if l.refuse {
		return 0, errStubRefusal
	}
	for _, p := range posts {
		if p.Prefix != netip.MustParsePrefix("203.0.113.7/32") {
			return 0, errors.New("a stranger")
		}
		l.items = []reconcile.Item{{ID: "1", Prefix: p.Prefix, Comment: p.Comment}}
	}
	return len(posts), nil
}

func (l *stubList) Remove(context.Context, []reconcile.Item) (int, error) {
	return 0, errors.New("nothing is to be removed")
}

// stubRefusal is what a throttled account answers.
type stubRefusal struct{}

var errStubRefusal error = stubRefusal{}

func (stubRefusal) Error() string { return "not now" }
func (stubRefusal) Refused() bool { return true }

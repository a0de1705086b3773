package fail2ban

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeban/reconcile"
)

func TestJailsOverSeveralReads(t *testing.T) {
	type read struct {
		minute  int
		enabled string // name=flag, space between
		gone    string
	}
	tests := []struct {
		name  string
		reads []read
	}{
		{"off once", []read{{0, "a=1 b=0", ""}}},
		{"off for just under ten minutes", []read{{0, "a=1 b=0", ""}, {9, "a=1 b=0", ""}}},
		{"off for ten minutes", []read{{0, "a=1 b=0", ""}, {10, "a=1 b=0", "b"}}},
		{"off at every timer run", []read{{0, "a=1 b=0", ""}, {2, "a=1 b=0", ""}, {4, "a=1 b=0", ""}, {6, "a=1 b=0", ""}, {8, "a=1 b=0", ""}, {10, "a=1 b=0", "b"}}},
		{"gone stays gone", []read{{0, "a=1 b=0", ""}, {10, "a=1 b=0", "b"}, {12, "a=1 b=0", "b"}, {1000, "a=1 b=0", "b"}}},
		{"back in the configuration", []read{{0, "a=1 b=0", ""}, {10, "a=1 b=0", "b"}, {12, "a=1 b=1", ""}, {14, "a=1 b=0", ""}, {24, "a=1 b=0", "b"}}},
		{"on in between", []read{{0, "a=1 b=0", ""}, {8, "a=1 b=1", ""}, {12, "a=1 b=0", ""}, {21, "a=1 b=0", ""}, {22, "a=1 b=0", "b"}}},
		{"Fail2Ban stopped", []read{{0, "a=0 b=0", ""}, {10, "a=0 b=0", ""}, {1000, "a=0 b=0", ""}}},
		{"all off is no evidence", []read{{0, "a=1 b=0", ""}, {5, "a=0 b=0", ""}, {11, "a=1 b=0", ""}, {21, "a=1 b=0", "b"}}},
		{"gone before, and still when all are off", []read{{0, "a=1 b=0", ""}, {10, "a=1 b=0", "b"}, {12, "a=0 b=0", "b"}, {13, "a=1 b=0", "b"}}},
		{"gone before, back after a restart", []read{{0, "a=1 b=0", ""}, {10, "a=1 b=0", "b"}, {12, "a=0 b=0", "b"}, {13, "a=1 b=1", ""}, {14, "a=1 b=0", ""}}},
		{"other jail on each time", []read{{0, "a=1 b=0 c=0", ""}, {10, "a=0 b=0 c=1", "b"}}},
		{"several gone, at different times", []read{{0, "a=1 b=0 c=1", ""}, {5, "a=1 b=0 c=0", ""}, {10, "a=1 b=0 c=0", "b"}, {15, "a=1 b=0 c=0", "b c"}}},
		{"purged from the table", []read{{0, "a=1 b=0", ""}, {10, "a=1 b=0", "b"}, {12, "a=1", ""}, {14, "a=1 b=0", ""}}},
		{"no jails at all", []read{{0, "", ""}, {10, "", ""}}},
		{"all on", []read{{0, "a=1 b=1", ""}, {10, "a=1 b=1", ""}}},
		{"clock set back", []read{{60, "a=1 b=0", ""}, {0, "a=1 b=0", ""}, {9, "a=1 b=0", ""}, {10, "a=1 b=0", "b"}}},
	}
	everGone := false
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var memory json.RawMessage
			for i, r := range tt.reads {
				enabled := make(map[string]bool)
				for _, f := range strings.Fields(r.enabled) {
					jail, flag, _ := strings.Cut(f, "=")
					enabled[jail] = flag == "1"
				}
				gone, next := parseJailMemory(memory).next(enabled, fixtureNow().Add(time.Duration(r.minute)*time.Minute))
				memory = next.json()
				if got := strings.Join(slices.Sorted(maps.Keys(gone)), " "); got != r.gone {
					t.Errorf("read %d, minute %d: gone %q, want %q", i+1, r.minute, got, r.gone)
				}
				everGone = everGone || len(gone) > 0
			}
		})
	}
	if !everGone {
		t.Error("no jail was ever gone: this test proves nothing")
	}
}

func TestMemoryThatMakesNoSense(t *testing.T) {
	enabled := map[string]bool{"a": true, "b": false}
	for _, raw := range []string{"", "null", "{}", "[]", "7", `"x"`, "{", "\x00", `{"disabled_since":7}`, `{"disabled_since":{"b":"yesterday"}}`,
		`{"disabled_since":{"b":null}}{`, `{"disabled_since":{"c":"2020-01-01T00:00:00Z"}}`, `{"other":{"b":"2020-01-01T00:00:00Z"}}`} {
		if gone, _ := parseJailMemory(json.RawMessage(raw)).next(enabled, fixtureNow()); len(gone) != 0 {
			t.Errorf("memory %q made %v gone", raw, gone)
		}
	}
	good := json.RawMessage(`{"disabled_since":{"b":"2020-01-01T00:00:00Z"}}`)
	if gone, _ := parseJailMemory(good).next(enabled, fixtureNow()); !gone["b"] {
		t.Error("good memory had no effect: this test proves nothing")
	}
}

func TestVoid(t *testing.T) {
	now := fixtureNow()
	bans := []reconcile.Ban{
		{Value: "1", Reason: "kept", Until: now.Add(time.Hour)},
		{Value: "2", Reason: "gone", Until: now.Add(time.Hour)},
		{Value: "3", Reason: "gone"},
		{Value: "4", Reason: "gone", Until: now},
		{Value: "5", Reason: "gone", Void: reconcile.LeftOutUnreadable},
		{Value: "6", Reason: "alsogone"},
		{Value: "7", Reason: "over", Until: now},
	}
	running := void(bans, map[string]bool{"gone": true, "alsogone": true, "over": true}, now)
	var voids []reconcile.LeftOutReason
	for _, b := range bans {
		voids = append(voids, b.Void)
	}
	const removed, unreadable = reconcile.LeftOutJailRemoved, reconcile.LeftOutUnreadable
	if diff := cmp.Diff([]reconcile.LeftOutReason{"", removed, removed, removed, unreadable, removed, removed}, voids); diff != "" {
		t.Errorf("void (-want +got):\n%s", diff)
	}
	want := []string{
		"jail alsogone is no longer in Fail2Ban's configuration: its 1 ban is not mirrored",
		"jail gone is no longer in Fail2Ban's configuration: its 2 bans are not mirrored",
	}
	if diff := cmp.Diff(want, goneNotes(running)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

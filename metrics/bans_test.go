package metrics

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"edgeban/reconcile"
)

func seriesOf(t *testing.T, name string, sources ...reconcile.SourceReport) map[string]float64 {
	t.Helper()
	run := Run{Report: reconcile.Report{Sources: sources, Desired: &reconcile.Desired{}}}
	return parse(t, render(t, run))[name].series
}

// The jails of two databases are added up; when one of the two does not answer, the sum is unknown, and only that.
func TestBansOfTwoDatabases(t *testing.T) {
	one := reconcile.SourceReport{Name: "fail2ban", Label: "/a", Active: map[string]int{"sshd": 2}}
	two := reconcile.SourceReport{Name: "fail2ban", Label: "/b", Active: map[string]int{"sshd": 3}}
	api := reconcile.SourceReport{Name: "crowdsec", Label: "/c", Active: map[string]int{}}
	down := reconcile.SourceReport{Name: "fail2ban", Label: "/b", Err: errors.New("locked")}

	tests := []struct {
		name    string
		sources []reconcile.SourceReport
		want    map[string]map[string]float64
		leftOut map[string]int // how many reasons are published, by source; without a plan, no_room is not
	}{
		{"both answer", []reconcile.SourceReport{one, two, api}, map[string]map[string]float64{
			"edgeban_active_bans":        {"sshd|fail2ban": 5},
			"edgeban_source_active_bans": {"/a|fail2ban": 2, "/b|fail2ban": 3, "/c|crowdsec": 0},
			"edgeban_source_up":          {"/a|fail2ban": 1, "/b|fail2ban": 1, "/c|crowdsec": 1},
		}, map[string]int{"fail2ban": 14, "crowdsec": 14}},
		{"one does not, first", []reconcile.SourceReport{down, one, api}, map[string]map[string]float64{
			"edgeban_active_bans":        nil,
			"edgeban_source_active_bans": {"/a|fail2ban": 2, "/c|crowdsec": 0},
			"edgeban_source_up":          {"/a|fail2ban": 1, "/b|fail2ban": 0, "/c|crowdsec": 1},
		}, map[string]int{"crowdsec": 14}},
		{"one does not, last", []reconcile.SourceReport{api, one, down}, map[string]map[string]float64{
			"edgeban_active_bans":        nil,
			"edgeban_source_active_bans": {"/a|fail2ban": 2, "/c|crowdsec": 0},
			"edgeban_source_up":          {"/a|fail2ban": 1, "/b|fail2ban": 0, "/c|crowdsec": 1},
		}, map[string]int{"crowdsec": 14}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, want := range tt.want {
				if diff := cmp.Diff(want, seriesOf(t, name, tt.sources...)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			leftOut := map[string]int{}
			for series := range seriesOf(t, "edgeban_left_out_bans", tt.sources...) {
				leftOut[series[strings.LastIndex(series, "|")+1:]]++
			}
			if diff := cmp.Diff(tt.leftOut, leftOut); diff != "" {
				t.Errorf("series of left out bans by source (-want +got):\n%s", diff)
			}
		})
	}
}

// A jail's name is anybody's text. It must neither break the file nor forge a line of it.
func TestHostileJail(t *testing.T) {
	long := strings.Repeat("ö", 500)
	got := seriesOf(t, "edgeban_active_bans", reconcile.SourceReport{Name: "fail2ban", Active: map[string]int{
		"\"} 1\nedgeban_last_run_outcome{outcome=\"changed\"} 1\n": 1,
		"bad\xff\xc3":       2,
		"bell\a\x1b[31m":    3,
		"left\u202eright":   4,
		`back\slash "quote`: 5,
		long + "a":          6,
		long + "b":          7, // the same, once it is cut
		"":                  8,
		"überwacht …":       9,
		"bad%FF\xc3":        10, // the same, once it is cleaned
		"\ufffd":            11, // valid: it stands for itself
	}})
	want := map[string]float64{
		`"} 1%0Aedgeban_last_run_outcome{outcome="changed"} 1%0A|fail2ban`: 1,
		"bad%FF%C3|fail2ban":                         12,
		"bell%07%1B[31m|fail2ban":                    3,
		"left%E2%80%AEright|fail2ban":                4,
		`back\slash "quote|fail2ban`:                 5,
		strings.Repeat("ö", 127) + "…" + "|fail2ban": 13,
		"|fail2ban":            8,
		"überwacht …|fail2ban": 9,
		"\ufffd|fail2ban":      11,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("active bans (-want +got):\n%s", diff)
	}
}

// The other labels hold foreign text as well: a path may have any bytes.
func TestHostileLabels(t *testing.T) {
	run := Run{
		List:     "l\xff",
		Requests: []Request{{Method: "m\xff", Count: 1}},
		Version:  "v\xff",
		Report: reconcile.Report{
			Sources: []reconcile.SourceReport{{Name: "n\xff", Label: "/p\xff\n", Active: map[string]int{}}},
			Survey:  &reconcile.Survey{},
		},
	}
	got := parse(t, render(t, run))
	for name, series := range map[string]string{
		"edgeban_build_info":            "|v%FF",
		"edgeban_list_references":       "l%FF",
		"edgeban_last_run_api_requests": "m%FF|none",
		"edgeban_source_up":             "/p%FF%0A|n%FF",
	} {
		if _, ok := got[name].series[series]; !ok {
			t.Errorf("%s has the series %v, not %q", name, got[name].series, series)
		}
	}
}

// However many jails there are, the number of series is bounded, no ban is lost, and the largest keep their names.
func TestManyJails(t *testing.T) {
	active := map[string]int{}
	for i := range 150 {
		active[fmt.Sprintf("jail-%03d", i)] = 1
	}
	active["jail-149"] = 40
	got := seriesOf(t, "edgeban_active_bans", reconcile.SourceReport{Name: "crowdsec", Active: active})
	if len(got) != maxJails+1 {
		t.Errorf("%d series, want %d", len(got), maxJails+1)
	}
	sum := 0.0
	for n := range maps.Values(got) {
		sum += n
	}
	if sum != 189 || got["(other)|crowdsec"] != 50 || got["jail-149|crowdsec"] != 40 || got["jail-098|crowdsec"] != 1 {
		t.Errorf("sum %v of %v", sum, got)
	}
}

func FuzzCleanLabel(f *testing.F) {
	if seeds, _ := filepath.Glob("testdata/fuzz/FuzzCleanLabel/*"); len(seeds) < 3 {
		f.Fatalf("%d committed seeds", len(seeds))
	}
	for _, s := range []string{"", "sshd", "a\x00b", "\xff", "\u2028", strings.Repeat("x", maxLabel), strings.Repeat("x", maxLabel+1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean := cleanLabel(s)
		if !utf8.ValidString(clean) || utf8.RuneCountInString(clean) > maxLabel || cleanLabel(clean) != clean {
			t.Errorf("%q becomes %q", s, clean)
		}
	})
}

// TestReasons: all reasons of the core are published, so that a new one is not forgotten here.
func TestReasons(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../reconcile/ban.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "LeftOutReason" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, value)
		}
		return true
	})
	var got []string
	for _, r := range reconcile.LeftOutReasons() {
		got = append(got, string(r))
	}
	if len(want) == 0 || !slices.Equal(want, got) {
		t.Errorf("the core has the reasons %q, published are %q", want, got)
	}
}

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeban/sources/crowdsec/crowdsectest"
)

// withCrowdSec are the variables of a host with both sources.
func withCrowdSec(more ...string) []string {
	return append([]string{"EDGEBAN_CROWDSEC_URL=http://127.0.0.1:8080", "EDGEBAN_CROWDSEC_KEY=" + testKey}, more...)
}

// CrowdSec tells how much longer a decision lasts, rounded, so that its end is another one at every read. That is no reason for a write:
// not for an address, not for one in a network that ends in the same second, whenever the runs come.
func TestEndsThatDiffer(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		for i := range 40 {
			length := 4*time.Hour + time.Duration(i)*1_731*time.Millisecond
			s.lapi.Add(crowdsectest.Decision{Value: fmt.Sprintf("203.0.%d.0/24", i), Scope: "Range", Length: length})
			s.lapi.Add(crowdsectest.Decision{Value: fmt.Sprintf("203.0.%d.7", i), Length: length + 300*time.Millisecond})
			s.lapi.Add(crowdsectest.Decision{Value: fmt.Sprintf("198.51.100.%d", i), Length: length})
		}
		for run := range 200 {
			s.edge.ResetRequests()
			if _, stderr, status := s.run(t.Context(), withCrowdSec(), "sync"); status != exitOK || stderr != "" {
				t.Fatalf("run %d: exit status %d: %s", run, status, stderr)
			}
			if writes := s.writes(); (writes > 0) != (run == 0) {
				t.Fatalf("run %d: %d writes", run, writes)
			}
			if n := len(s.edge.Items(s.list)); n != 80 {
				t.Fatalf("run %d: %d items", run, n)
			}
			time.Sleep(59*time.Second + time.Duration(run)*77*time.Millisecond)
		}
		// The twin: a decision that is made longer is written, once.
		s.lapi.Add(crowdsectest.Decision{Value: "198.51.100.1", Length: 8 * time.Hour})
		for run := range 2 {
			s.edge.ResetRequests()
			s.run(t.Context(), withCrowdSec(), "sync")
			if writes := s.writes(); (writes > 0) != (run == 0) {
				t.Errorf("%d writes", writes)
			}
		}
	})
}

// Nothing that lasts is surprised by the end of many decisions at once: their leases end with them.
func TestManyEndAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		for _, late := range []time.Duration{0, time.Millisecond, 300 * time.Millisecond, time.Second, 1700 * time.Millisecond, time.Minute} {
			s := mustSite(t)
			time.Sleep(600 * time.Millisecond) // the end is within a second, the run that lists it at the beginning of one
			for i := range 200 {
				s.lapi.Add(crowdsectest.Decision{Value: fmt.Sprintf("203.0.113.%d", i), Length: time.Hour})
			}
			ends := time.Now().Add(time.Hour)
			time.Sleep(450 * time.Millisecond)
			s.run(t.Context(), withCrowdSec(), "sync")
			if n := len(s.edge.Items(s.list)); n != 200 {
				t.Fatalf("%d items", n)
			}
			time.Sleep(time.Until(ends.Add(late)))
			if _, stderr, status := s.run(t.Context(), withCrowdSec(), "sync"); status != exitOK || len(s.edge.Items(s.list)) != 0 {
				t.Errorf("%v after the end: exit status %d, %d items: %s", late, status, len(s.edge.Items(s.list)), stderr)
			}
		}
	})
}

// The key of CrowdSec is nowhere but in the header of requests, whoever repeats it and wherever somebody put it.
func TestNoKeyGetsOut(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		env   []string
		spoil func(*testing.T, *site)
	}{
		{name: "well"},
		{name: "denied", spoil: func(_ *testing.T, s *site) { s.lapi.Fail(crowdsectest.Message(403, "who is "+testKey+"?")) }},
		{name: "broken", spoil: func(_ *testing.T, s *site) { s.lapi.Fail(crowdsectest.Message(500, testKey)) }},
		{name: "no list", spoil: func(_ *testing.T, s *site) { s.lapi.Fail(crowdsectest.Body(200, testKey)) }},
		{name: "a decision", spoil: func(_ *testing.T, s *site) { s.lapi.Fail(crowdsectest.Body(200, `[{"id":"`+testKey+`"}]`)) }},
		{name: "a redirect", spoil: func(_ *testing.T, s *site) { s.lapi.Fail(crowdsectest.Body(302, testKey)) }},
		{name: "key for a file", env: []string{"EDGEBAN_CROWDSEC_KEY_FILE=" + testKey, "EDGEBAN_CROWDSEC_KEY="}},
		{name: "key for a URL", env: []string{"EDGEBAN_CROWDSEC_URL=" + testKey}},
		{name: "key in a URL", env: []string{"EDGEBAN_CROWDSEC_URL=http://" + testKey + "@127.0.0.1"}},
		{name: "key for an origin", env: []string{"EDGEBAN_CROWDSEC_ORIGIN=" + testKey}},
		{name: "key for a scenario", env: []string{"EDGEBAN_CROWDSEC_SCENARIO=[" + testKey}},
		{name: "key for a certificate", env: []string{"EDGEBAN_CROWDSEC_CERT=" + testKey, "EDGEBAN_CROWDSEC_URL=https://127.0.0.1"}},
		{name: "key in two lines", env: []string{"EDGEBAN_CROWDSEC_KEY=" + testKey + "\nmore"}},
		{name: "key in a wrong place of the file", spoil: func(t *testing.T, s *site) {
			dir := filepath.Join(s.dir, "etc", "edgeban")
			err := os.MkdirAll(dir, 0o700)
			if err = errors.Join(err, os.WriteFile(filepath.Join(dir, "edgeban.toml"), []byte("crowdsec-key-file = "+testKey+"\n"), 0o600)); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				for _, args := range append(leakyCommands(), []string{"sync", "--crowdsec-key-file", testKey}, []string{"sync", "--crowdsec-key", testKey}, []string{"sync", testKey}) {
					s := mustSite(t)
					s.lapi.Add(crowdsectest.Decision{Value: "203.0.113.1", Length: time.Hour})
					if tt.spoil != nil {
						tt.spoil(t, s)
					}
					stdout, stderr, _ := s.run(t.Context(), withCrowdSec(tt.env...), args...)
					all := s.everything(t, stdout+stderr)
					all = strings.ReplaceAll(all, "crowdsec-key-file = "+testKey, "") // what the test itself wrote
					if strings.Contains(all, testKey) {
						t.Errorf("edgeban %s lets the key out:\n%s", args, all)
					}
				}
			})
		})
	}
}

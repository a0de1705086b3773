//go:build realparts

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

// TestWatchMetrics: promtool has nothing to say about the file of a real run, whatever its outcome.
func TestWatchMetrics(t *testing.T) {
	for outcome, text := range outcomeFiles(t) {
		t.Run(outcome, func(t *testing.T) {
			if want := fmt.Sprintf("edgeban_last_run_outcome{outcome=%q} 1\n", outcome); !strings.Contains(text, want) {
				t.Errorf("the run had another outcome: %s", text)
			}
			if said, err := promtool(t.Context(), text); err != nil || said != "" {
				t.Errorf("promtool check metrics: %v: %s", err, said)
			}
		})
	}
	const bad = "# TYPE edgeban_runs counter\nedgeban_runs 1\n"
	if said, err := promtool(t.Context(), bad); err == nil || !strings.Contains(said, "edgeban_runs") {
		t.Errorf("promtool says nothing of a bad file: %v: %s", err, said)
	}
}

func promtool(ctx context.Context, text string) (said string, err error) {
	cmd := exec.CommandContext(ctx, "promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

// outcomeFiles are the metrics files of runs by the outcome that each should have.
func outcomeFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		sync := func(outcome string, status int) {
			t.Helper()
			if _, stderr, got := s.run(t.Context(), nil, "sync"); got != status {
				t.Fatalf("%s: exit status %d: %s", outcome, got, stderr)
			}
			text, err := os.ReadFile(s.metrics())
			if err != nil {
				t.Fatal(err)
			}
			files[outcome] = string(text)
			time.Sleep(2 * time.Minute)
		}
		ban := func(jail, ip string) {
			t.Helper()
			if err := s.ban(s.database(), jail, ip, time.Now(), 24*time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 60 { // enough for a guard
			ban("sshd", fmt.Sprintf("192.0.2.%d", i+1))
		}
		ban("a \"jail\"\nof\\hostile name", "203.0.113.7")
		sync("changed", exitOK)
		sync("in_step", exitOK)

		ban("sshd", "203.0.113.8")
		s.edge.AddFault(cloudflaretest.Fault{Method: "POST", Path: "/items", Effect: cloudflaretest.TooManyRequests(10040, "5")})
		sync("failed", exitFailure)
		sync("failed", exitFailure)
		s.run(t.Context(), nil, "sync")
		sync("held", exitOK)

		s.edge.ClearFaults()
		time.Sleep(2 * time.Hour)
		sync("changed", exitOK)
		if err := os.Rename(s.database(), s.database()+".old"); err != nil {
			t.Fatal(err)
		}
		sync("skipped", exitOK)
		if err := os.Rename(s.database()+".old", s.database()); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(s.stateDir()); err != nil { // nothing explains removals any more
			t.Fatal(err)
		}
		if err := inDatabase(s.database(), `DELETE FROM bips WHERE ip <> '203.0.113.8'`); err != nil {
			t.Fatal(err)
		}
		sync("withheld", exitWithheld)
	})
	return files
}

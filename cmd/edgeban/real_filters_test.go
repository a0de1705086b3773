//go:build realparts

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each filter of our own finds the failures in lines as the programs write them, by the right address, and nothing in lines that only
// look like it.
func TestRealFilters(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs(filepath.Join(packaging, "fail2ban"))
	if err != nil {
		t.Fatal(err)
	}
	filters, err := filepath.Glob(filepath.Join(dir, "filter.d", "*.conf"))
	if err != nil || len(filters) < 4 {
		t.Fatalf("%d filters: %v", len(filters), err)
	}
	found := func(filter, log string) string {
		file := filepath.Join(dir, "testdata", log)
		if text, err := os.ReadFile(file); err != nil || len(text) == 0 {
			t.Fatalf("%s has no lines: %v", log, err)
		}
		out, err := exec.CommandContext(t.Context(), "fail2ban-regex", "--config", dir, "--out", "ip", file, filter).CombinedOutput()
		if err != nil && len(out) > 0 { // 255 also when nothing was found
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.Join(strings.Fields(string(out)), " ")
	}
	for _, filter := range filters {
		name := strings.TrimSuffix(filepath.Base(filter), ".conf")
		if got, want := found(filter, name+".log"), "203.0.113.7 2001:db8::7 203.0.113.8"; got != want {
			t.Errorf("%s finds %q, want %q", name, got, want)
		}
		if got := found(filter, name+".innocent.log"); got != "" {
			t.Errorf("%s finds %q in lines of the innocent", name, got)
		}
	}
}

// The example jails name filters that there are, Fail2Ban's or ours, and are off.
func TestRealExampleJails(t *testing.T) {
	t.Parallel()
	jails := packaged(t, "fail2ban/jail.d/edgeban-examples.conf")
	for _, name := range []string{"sshd", "nginx-http-auth", "nginx-botsearch", "nginx-limit-req", "wordpress", "joomla", "mattermost", "nextcloud", "recidive"} {
		_, section, found := strings.Cut(jails, "\n["+name+"]\n")
		section, _, _ = strings.Cut(section, "\n[")
		if !found || !strings.Contains(section, "edgeban") || !strings.HasPrefix(section, "enabled") {
			t.Errorf("no example of a jail %s with the action edgeban", name)
			continue
		}
		if enabled := strings.TrimSpace(strings.TrimLeft(unitValue(strings.ReplaceAll(section, " ", ""), "enabled"), "=")); enabled != "false" {
			t.Errorf("the example jail %s is enabled: %q", name, enabled)
		}
		file := fmt.Sprintf("%s/%s.conf", debianFilters, name)
		if own := unitValue(strings.ReplaceAll(section, " ", ""), "filter"); own != "" {
			file = filepath.Join(packaging, "fail2ban/filter.d", own+".conf")
		}
		if _, err := os.Stat(file); err != nil {
			t.Errorf("the example jail %s: %v", name, err)
		}
	}
}

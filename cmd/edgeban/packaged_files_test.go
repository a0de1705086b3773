package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is there to be installed is in the packages, where their systems look for it, and what they take is there.
func TestPackagedFiles(t *testing.T) {
	sources, places := map[string]bool{}, map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^  - \{src: "([^"]+)", dst: ([^,]+), (.*)\}$`).FindAllStringSubmatch(packaged(t, "nfpm.yaml"), -1) {
		sources[m[1]], places[m[2]] = true, m[3]
		made := slices.Contains([]string{"edgeban", "man/edgeban.1.gz", "LICENSE", "README.md", "CHANGELOG.md"}, m[1]) // by packaging/build
		if found, err := filepath.Glob(filepath.Join(packaging, m[1])); !made && (err != nil || len(found) == 0) {
			t.Errorf("the packages take %s, which is not there: %v", m[1], err)
		}
	}
	for _, dir := range []string{"systemd", "sysusers.d", "tmpfiles.d", "fail2ban", "cron", "prometheus", "grafana", "man", "completions"} {
		err := filepath.WalkDir(filepath.Join(packaging, dir), func(path string, entry fs.DirEntry, err error) error {
			name, _ := filepath.Rel(packaging, path)
			switch {
			case err != nil || entry.Name() == "alerts_test.yml":
			case entry.IsDir() && entry.Name() == "testdata":
				return fs.SkipDir
			case !entry.IsDir() && !sources[name] && !sources[name+".gz"] && !sources[filepath.Join(filepath.Dir(name), "*.conf")]:
				t.Errorf("packaging/%s is in no package", name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, place := range []string{
		"/usr/bin/edgeban", "/usr/lib/systemd/system/edgeban.service", "/etc/fail2ban/action.d/edgeban.conf", "/usr/share/doc/edgeban/copyright",
		"/usr/share/man/man1/edgeban.1.gz", "/usr/share/bash-completion/completions/edgeban", "/usr/share/zsh/vendor-completions/_edgeban",
		"/usr/share/zsh/site-functions/_edgeban", "/usr/share/fish/vendor_completions.d/edgeban.fish",
	} {
		if places[place] == "" {
			t.Errorf("nothing is packaged as %s", place)
		}
	}
	if how := places["/etc/edgeban/edgeban.toml"]; how != "type: config|noreplace, file_info: {mode: 0640}" {
		t.Errorf("/etc/edgeban/edgeban.toml is packaged with %s", how)
	}
}

// The action raises a flag and does nothing else, so that it returns at once. What empties the list stands there, and is off.
func TestPackagedAction(t *testing.T) {
	action := packaged(t, "fail2ban/action.d/edgeban.conf")
	want := []string{"[Definition]", "actionban = touch <flag>", "actionunban = touch <flag>", "actionflush = touch <flag>", "norestored = 1",
		"[Init]", "flag = /run/fail2ban/edgeban"}
	if diff := cmp.Diff(want, directives(action)); diff != "" {
		t.Errorf("the action (-want +got):\n%s", diff)
	}
	off, found := strings.CutPrefix(regexp.MustCompile(`(?m)^#actionstop = .*$`).FindString(action), "#actionstop = ")
	if !found {
		t.Fatal("the action does not show how to empty the list when Fail2Ban stops")
	}
	wantValid(t, strings.Fields(off))
	path := packaged(t, "systemd/edgeban.path")
	if flag := unitValue(path, "PathExists"); "flag = "+flag != want[len(want)-1] {
		t.Errorf("the path unit waits for %s", flag)
	}
	if readme, err := os.ReadFile(readmeFile); err != nil || !strings.Contains(string(readme), "`actionstop`") {
		t.Errorf("the README says nothing of it: %v", err)
	}
}

// An upgrade goes through where somebody deleted the configuration file, because instances have theirs.
func TestPackagedWithoutConfiguration(t *testing.T) {
	line := regexp.MustCompile(`(?m)^.*chgrp edgeban .*$`).FindString(packaged(t, "scripts/postinstall"))
	file := filepath.Join(t.TempDir(), "edgeban.toml")
	script := "set -e\nchgrp() { echo \"$@\"; command -p chgrp \"$(id -g)\" \"$2\"; }\n" + strings.ReplaceAll(line, "/etc/edgeban/edgeban.toml", file)
	for _, want := range []string{"", "edgeban " + file + "\n"} {
		out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", script).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The service takes the flag away and leaves a mark in its place, and root follows no link there that the service's user made.
func TestPackagedTrigger(t *testing.T) {
	for _, name := range []string{"edgeban", "edgeban@"} {
		script := regexp.MustCompile(`(?m)^ExecStartPre=\+/bin/sh -c '(.*triggered.*)'$`).FindStringSubmatch(packaged(t, "systemd/"+name+".service"))
		if script == nil {
			t.Fatalf("%s.service leaves no mark", name)
		}
		dir := t.TempDir()
		flag, mark, elsewhere := filepath.Join(dir, "flag"), filepath.Join(dir, triggerMark), filepath.Join(dir, "elsewhere")
		text := strings.NewReplacer("/run/fail2ban/edgeban-%i", flag, "/run/fail2ban/edgeban", flag,
			"/var/lib/edgeban/%i/triggered", mark, "/var/lib/edgeban/triggered", mark).Replace(script[1])
		begin := func() (marked bool) {
			t.Helper()
			if out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", text).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", text, err, out)
			}
			if exists(flag) {
				t.Errorf("%s leaves the flag", text)
			}
			return os.Remove(mark) == nil // as a run does
		}
		raise := func() {
			t.Helper()
			if err := os.WriteFile(flag, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if begin() {
			t.Errorf("%s: a mark without a flag", text)
		}
		raise()
		if !begin() {
			t.Errorf("%s: no mark for a flag", text)
		}
		if err := os.Symlink(elsewhere, mark); err != nil {
			t.Fatal(err)
		}
		raise()
		begin()
		if exists(elsewhere) {
			t.Errorf("%s follows a link", text)
		}
		text = strings.ReplaceAll(text, mark, filepath.Join(dir, "no-state", triggerMark))
		raise()
		begin() // or the path unit would start run after run
	}
}

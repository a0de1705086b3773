package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// packaging is the directory of what is installed besides the program.
const packaging = "../../packaging"

// TestPackagedConfiguration holds packaging/edgeban.toml against the settings. UPDATE=1 rewrites it.
func TestPackagedConfiguration(t *testing.T) {
	file := filepath.Join(packaging, "edgeban.toml")
	want := configurationFile()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, packaged(t, "edgeban.toml")); diff != "" {
		t.Errorf("packaging/edgeban.toml is not what the settings say; UPDATE=1 go test -run TestPackagedConfiguration ./cmd/edgeban writes it\n"+
			"(-want +got):\n%s", diff)
	}
	p := &problems{}
	if as := parseConfig("edgeban.toml", want, p); len(as.values) > 0 || p.err() != nil {
		t.Errorf("as it is installed the file sets %v: %v", as.values, p.err())
	}

	// Every line is one that may be uncommented and then says the default.
	bare := regexp.MustCompile(`(?m)^#([a-z0-9-]+ = )`).ReplaceAllString(want, "$1")
	uncommented := parseConfig("edgeban.toml", bare, p)
	if err := p.err(); err != nil {
		t.Fatal(err)
	}
	for _, s := range settings() {
		got, found := uncommented.values[s.name]
		if s.name == "config" || s.notInFile {
			continue
		}
		if texts := tidy(split(s, s.fallback)); !found || !slices.Equal(tidy(got.texts), texts) {
			t.Errorf("uncommented, %s is %q, and its default %q", s.name, got.texts, texts)
		}
	}
}

// With every line uncommented the settings in effect are the defaults. What a line names that it says must exist, does.
func TestPackagedConfigurationUncommented(t *testing.T) {
	h := newHost(t)
	h.write("etc/edgeban/token", testToken)
	h.write("etc/edgeban/crowdsec-key", testKey)
	effective := func() Settings {
		t.Helper()
		s, stderr, code := h.load(0)
		if code != exitOK {
			t.Fatalf("exit status %d: %s", code, stderr)
		}
		s.values, s.tokenOrigin, s.crowdsecKeyOrigin, s.Warnings = nil, "", "", nil // they tell where a value stands
		return s
	}
	byDefault := effective()
	line := regexp.MustCompile(`(?m)^#([a-z0-9-]+ = )`)
	uncommented := line.ReplaceAllString(configurationFile(), "$1")
	h.write("etc/edgeban/edgeban.toml", strings.ReplaceAll(uncommented, `"/`, `"`)) // the host's root is the working directory
	if got := effective(); !reflect.DeepEqual(got, byDefault) {
		t.Errorf("uncommented:\n%+v\nby default:\n%+v", got, byDefault)
	}
	// The twin: that it could tell.
	h.write("etc/edgeban/edgeban.toml", `crowdsec-origin = ["crowdsec"]`)
	if reflect.DeepEqual(effective(), byDefault) {
		t.Error("another crowdsec-origin gives the same settings")
	}
}

// configurationFile is the configuration file that is installed: every setting, commented out, with its default.
func configurationFile() string {
	var b strings.Builder
	b.WriteString("# The settings of edgeban. Each line shows a default: take the # off to set something else.\n" +
		"# \"edgeban config\" shows what is in effect and where it came from, \"edgeban sync --help\" all of this in short.\n" +
		"# The API token has no place here: put it, alone, into /etc/edgeban/token (mode 0600).\n")
	for _, category := range []string{categoryCloudflare, categorySources, categoryBlocked, categoryOperation} {
		fmt.Fprintf(&b, "\n\n## %s\n", category)
		for _, s := range settings() {
			if s.category != category || s.name == "config" || s.notInFile {
				continue
			}
			otherwise := ""
			switch {
			case s.otherwise != "":
				otherwise = " (default: " + s.otherwise + ")"
			case s.ifExists:
				otherwise = " (default: this one when it exists; uncommented it has to)"
			}
			fmt.Fprintf(&b, "\n# %s%s\n#%s = %s\n", s.usage, otherwise, s.name, tomlDefault(s))
		}
	}
	return b.String()
}

// tomlDefault is a setting's default as the configuration file writes it.
func tomlDefault(s setting) string {
	switch {
	case s.kind == number:
		return s.fallback
	case s.kind == list:
		var elements []string
		for _, text := range split(s, s.fallback) {
			elements = append(elements, strconv.Quote(text))
		}
		return "[" + strings.Join(elements, ", ") + "]"
	default:
		return fmt.Sprintf("%q", s.fallback)
	}
}

// A run has its own deadline, then systemd's, and then the next one is due.
func TestPackagedTimes(t *testing.T) {
	own, _ := settingNamed("timeout")
	deadline, err := time.ParseDuration(own.fallback)
	if err != nil {
		t.Fatal(err)
	}
	const interval = 2 * time.Minute
	for _, name := range []string{"edgeban", "edgeban@"} {
		service, timer := packaged(t, "systemd/"+name+".service"), packaged(t, "systemd/"+name+".timer")
		kill, err := time.ParseDuration(unitValue(service, "TimeoutStartSec") + "s")
		if err != nil {
			t.Fatal(err)
		}
		if deadline >= kill || kill >= interval {
			t.Errorf("%s: a run ends itself after %v, systemd ends it after %v, and the next one is due after %v", name, deadline, kill, interval)
		}
		if got := unitValue(timer, "OnCalendar"); got != "*:0/2" {
			t.Errorf("%s.timer: OnCalendar=%s is not every %v", name, got, interval)
		}
	}
}

// The unit for several configurations is the plain one but for its names.
func TestPackagedInstances(t *testing.T) {
	for _, kind := range []string{"service", "timer", "path"} {
		one, many := directives(packaged(t, "systemd/edgeban."+kind)), directives(packaged(t, "systemd/edgeban@."+kind))
		for i, line := range many {
			line = strings.ReplaceAll(line, " (%i)", "")
			line = strings.ReplaceAll(line, "/run/fail2ban/edgeban-%i", "/run/fail2ban/edgeban")
			line = strings.ReplaceAll(line, "/var/lib/edgeban/%i/triggered", "/var/lib/edgeban/triggered")
			line = strings.ReplaceAll(line, "/etc/edgeban/%i.token", "/etc/edgeban/token")
			line = strings.ReplaceAll(line, "/etc/edgeban/%i.crowdsec-key", "/etc/edgeban/crowdsec-key")
			many[i] = strings.ReplaceAll(line, "StateDirectory=edgeban/%i edgeban", "StateDirectory=edgeban")
		}
		many = slices.DeleteFunc(many, func(line string) bool {
			return line == "Environment=EDGEBAN_INSTANCE=%i"
		})
		if diff := cmp.Diff(one, many); diff != "" {
			t.Errorf("edgeban.%s and edgeban@.%s (-one +many):\n%s", kind, kind, diff)
		}
	}
}

// packaged is the text of a file that is installed.
func packaged(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(packaging, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// directives are a unit's lines without comments and blank ones.
func directives(unit string) []string {
	return slices.DeleteFunc(strings.Split(unit, "\n"), func(line string) bool { return line == "" || strings.HasPrefix(line, "#") })
}

// unitValue is what a unit says for a key; "": nothing.
func unitValue(unit, key string) string {
	for _, line := range directives(unit) {
		if value, found := strings.CutPrefix(line, key+"="); found {
			return value
		}
	}
	return ""
}

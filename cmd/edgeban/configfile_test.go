package main

import (
	"strings"
	"testing"
)

// FuzzConfigFile feeds files to the reader of the configuration file: each is a problem, or a set of values of
// declared settings that know their line. A file cannot be both unreadable and believed.
func FuzzConfigFile(f *testing.F) {
	needSeeds(f)
	f.Add("")
	f.Add("list = 'edgeban'\nmax-items = 5\njail = ['a', 'b']\n")
	f.Add("token = \"" + testToken + "\"\n[a.b]\nc = 1\n")
	f.Fuzz(func(t *testing.T, content string) {
		p := &problems{}
		file := parseConfig("edgeban.toml", content, p)
		for name, v := range file.values {
			s, known := settingNamed(name)
			if !known || s.notInFile {
				t.Errorf("a value for %q", name)
			}
			if s.kind != list && len(v.texts) != 1 {
				t.Errorf("%s has %d values", name, len(v.texts))
			}
			if !strings.HasPrefix(v.origin, "edgeban.toml, line ") || strings.HasSuffix(v.origin, " 0") {
				t.Errorf("%s comes from %q", name, v.origin)
			}
		}
		if p.configUnknown && (len(file.values) > 0 || len(p.found) != 1) {
			t.Errorf("an unreadable file, and %d values, %d problems", len(file.values), len(p.found))
		}
		for _, problem := range p.found {
			if !strings.Contains(problem.text, "edgeban.toml") {
				t.Errorf("%q does not name the file", problem.text)
			}
		}
	})
}

func TestDidYouMean(t *testing.T) {
	tests := map[string]string{
		"ipv6_prefix": "ipv6-prefix",
		"IPv6-Prefix": "ipv6-prefix",
		"acount":      "account",
		"jails":       "jail",
		"fail2ban":    "fail2ban-db",
		"token":       "token-file",
		"timout":      "timeout",
		"lsit":        "list",
		"x":           "",
		"zone":        "",
		"colour":      "",
	}
	for word, want := range tests {
		if want != "" {
			want = `; did you mean "` + want + `"?`
		}
		if got := didYouMean(word, keyNames()); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

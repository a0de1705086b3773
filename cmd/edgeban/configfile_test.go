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
		"zones":       "zone",
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

// What is yes or no may be written as TOML's own true and false, what is a number as a number; nothing else may.
func TestTypesOfTheFile(t *testing.T) {
	const where = " (etc/edgeban/edgeban.toml, line 1)\n"
	tests := []struct {
		conf string
		want Settings // what differs from the defaults
		bad  string   // on standard error
	}{
		{conf: "challenge-as-block = true", want: Settings{ChallengeAsBlock: true}},
		{conf: "challenge-as-block = false"},
		{conf: `challenge-as-block = "yes"`, want: Settings{ChallengeAsBlock: true}},
		{conf: `challenge-as-block = "no"`},
		{conf: "max-items = 5", want: Settings{MaxItems: 5}},

		{conf: "challenge-as-block = 1", bad: `challenge-as-block: a whole number, where true or false is expected`},
		{conf: `challenge-as-block = ["yes"]`, bad: `challenge-as-block: an array, where true or false is expected`},
		{conf: `challenge-as-block = "true"`, want: Settings{ChallengeAsBlock: true}},
		{conf: `challenge-as-block = "maybe"`, bad: `challenge-as-block: "maybe" is neither yes nor no`},
		{conf: "max-items = true", bad: "max-items: true or false, where a whole number is expected"},
		{conf: "jail = true", bad: "jail: true or false, where an array of strings is expected"},
		{conf: "list = true", bad: "list: true or false, where a string is expected"},
		{conf: "ownership = false", bad: "ownership: true or false, where a string is expected"},
	}
	for _, tt := range tests {
		t.Run(tt.conf, func(t *testing.T) {
			h := newHost(t)
			h.write("etc/edgeban/edgeban.toml", tt.conf+"\n")
			s, stderr, code := h.load(0)
			if tt.bad != "" {
				if want := "edgeban: " + tt.bad + where; code != exitUsage || stderr != want {
					t.Errorf("exit status %d, %q, want %q", code, stderr, want)
				}
				return
			}
			items := tt.want.MaxItems
			if items == 0 {
				items = 10000
			}
			if code != exitOK || s.ChallengeAsBlock != tt.want.ChallengeAsBlock || s.MaxItems != items {
				t.Errorf("exit status %d, %v, %d, %s", code, s.ChallengeAsBlock, s.MaxItems, stderr)
			}
		})
	}
}

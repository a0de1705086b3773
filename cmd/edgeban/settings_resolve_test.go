package main

import (
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"edgeban/cloudflare"
	"edgeban/sources/crowdsec"
)

func mustPrefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

// diffSettings compares what a command sees of its settings.
func diffSettings(want, got Settings) string {
	return cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.IgnoreUnexported(Settings{}),
		cmpopts.IgnoreTypes(cloudflare.Secret{}, crowdsec.Key{}),
		cmpopts.EquateEmpty())
}

// Each place beats those below it. The table is walked from the lowest to the highest, each step adding one place.
func TestPrecedence(t *testing.T) {
	type step struct {
		add    func(h *host) (args []string)
		texts  []string
		origin string
	}
	variable := func(name, text string) func(h *host) []string {
		return func(h *host) []string { h.env[name] = text; return nil }
	}
	file := func(name, content string) func(h *host) []string {
		return func(h *host) []string { h.write(name, content); return nil }
	}
	flags := func(args ...string) func(h *host) []string {
		return func(*host) []string { return args }
	}
	nothing := flags()

	tests := map[string][]step{
		"margin": {
			{nothing, []string{"3m"}, "default"},
			{file("etc/edgeban/edgeban.toml", "\nmargin = '4m'"), []string{"4m"}, "etc/edgeban/edgeban.toml, line 2"},
			{variable("EDGEBAN_MARGIN", ""), []string{"4m"}, "etc/edgeban/edgeban.toml, line 2"},
			{variable("EDGEBAN_MARGIN", "5m"), []string{"5m"}, "environment EDGEBAN_MARGIN"},
			{flags("--margin", "6m"), []string{"6m"}, "flag --margin"},
		},
		"jail": {
			{nothing, nil, "default"},
			{file("etc/edgeban/edgeban.toml", "jail = ['a', 'b,c']"), []string{"a", "b,c"}, "etc/edgeban/edgeban.toml, line 1"},
			{variable("EDGEBAN_JAIL", "d, e,"), []string{"d", "e"}, "environment EDGEBAN_JAIL"},
			{flags("--jail", "f", "--jail", "g,h"), []string{"f", "g", "h"}, "flag --jail"},
		},
		"fail2ban-db": {
			{nothing, []string{"var/lib/fail2ban/fail2ban.sqlite3"}, "default"},
			{file("etc/edgeban/edgeban.toml", "fail2ban-db = '/a, /b'"), []string{"/a", "/b"}, "etc/edgeban/edgeban.toml, line 1"},
			{variable("EDGEBAN_FAIL2BAN_DB", ""), nil, "environment EDGEBAN_FAIL2BAN_DB"},
			{flags("--fail2ban-db", "/c"), []string{"/c"}, "flag --fail2ban-db"},
		},
		"config": {
			{nothing, nil, "default"},
			{file("etc/edgeban/edgeban.toml", ""), []string{"etc/edgeban/edgeban.toml"}, "default"},
			{func(h *host) []string { h.write("b.toml", ""); h.env["EDGEBAN_CONFIG"] = "b.toml"; return nil },
				[]string{"b.toml"}, "environment EDGEBAN_CONFIG"},
			{func(h *host) []string { h.write("c.toml", ""); return []string{"--config", "c.toml"} },
				[]string{"c.toml"}, "flag --config"},
		},
		"state-dir": {
			{nothing, []string{"var/lib/edgeban"}, "default"},
			{variable("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"), []string{"/var/lib/a"}, "environment STATE_DIRECTORY"},
			{file("etc/edgeban/edgeban.toml", "state-dir = '/c'"), []string{"/c"}, "etc/edgeban/edgeban.toml, line 1"},
			{variable("EDGEBAN_STATE_DIR", "/d"), []string{"/d"}, "environment EDGEBAN_STATE_DIR"},
		},
		"allow-file": {
			{nothing, nil, "default"},
			{func(h *host) []string { h.write("a", ""); h.env["EDGEBAN_ALLOW_FILE"] = "a"; return nil },
				[]string{"a"}, "environment EDGEBAN_ALLOW_FILE"},
			{flags("--allow-file="), []string{""}, "flag --allow-file"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			var args []string
			for _, step := range steps {
				args = append(args, step.add(h)...)
				s, stderr, code := h.load(0, args...)
				if code != exitOK {
					t.Fatalf("exit status %d: %s", code, stderr)
				}
				if v := s.values[name]; v.origin != step.origin || !slices.Equal(v.texts, step.texts) {
					t.Errorf("%s is %q from %s, want %q from %s", name, v.texts, v.origin, step.texts, step.origin)
				}
			}
		})
	}
}

// Who may not read the token is told whose it is.
func TestDeniedHint(t *testing.T) {
	h := newHost(t)
	h.write("token", testToken)
	whose := "It belongs to another user: try sudo."
	if os.Geteuid() == 0 {
		whose = "It belongs to root: try sudo."
	}
	denied := &fs.PathError{Op: "open", Path: "token", Err: syscall.EACCES}
	for _, tt := range []struct {
		name string
		err  error
		user int
		want string
	}{
		{"token", denied, os.Geteuid() + 1, whose},
		{"token", denied, os.Geteuid(), ""},
		{"token", syscall.EIO, os.Geteuid() + 1, ""},
		{"none", denied, os.Geteuid() + 1, ""},
	} {
		if got := deniedHint(tt.name, tt.err, tt.user); got != tt.want {
			t.Errorf("%s, %v, user %d: %q, want %q", tt.name, tt.err, tt.user, got, tt.want)
		}
	}
}

// tokenOf is the token that settings hide, found again.
func tokenOf(h *host, s Settings) string {
	sys := h.system(nil, nil)
	token, _ := s.findSecret(tokenSecret(), &sys, &problems{})
	return token
}

func TestTokenPrecedence(t *testing.T) {
	token := func(place string) string { return place + "-0123456789012345678901234567890123456789" }
	steps := []struct {
		place  string
		add    func(h *host) (args []string)
		origin string // of the token
		file   string // origin of token-file
	}{
		{"default", func(h *host) []string {
			h.write("etc/edgeban/token", token("default"))
			return nil
		}, "token file etc/edgeban/token", "default"},
		{"toml", func(h *host) []string {
			h.write("etc/edgeban/edgeban.toml", "token-file = 'toml'")
			h.write("toml", token("toml")+"\n")
			return nil
		}, "token file toml", "etc/edgeban/edgeban.toml, line 1"},
		{"credential", func(h *host) []string {
			h.env["CREDENTIALS_DIRECTORY"] = "run/credentials"
			h.write("run/credentials/cloudflare-api-token", token("credential"))
			return nil
		}, "token file run/credentials/cloudflare-api-token", "credential cloudflare-api-token"},
		{"file", func(h *host) []string {
			h.env["EDGEBAN_TOKEN_FILE"] = "file"
			h.write("file", token("file"))
			return nil
		}, "token file file", "environment EDGEBAN_TOKEN_FILE"},
		{"variable", func(h *host) []string {
			h.env["CLOUDFLARE_API_TOKEN"] = token("variable")
			return nil
		}, "environment CLOUDFLARE_API_TOKEN", "environment CLOUDFLARE_API_TOKEN instead"},
		{"flag", func(h *host) []string {
			h.write("flag", token("flag"))
			return []string{"--token-file", "flag"}
		}, "token file flag", "flag --token-file"},
	}
	h := newHost(t)
	if s, _, _ := h.load(0); !s.Token.IsZero() || s.tokenOrigin != "default" {
		t.Errorf("a token out of nowhere, from %q", s.tokenOrigin)
	}
	var args []string
	for _, step := range steps {
		args = append(args, step.add(h)...)
		s, stderr, code := h.load(0, args...)
		if code != exitOK {
			t.Fatalf("%s: exit status %d: %s", step.place, code, stderr)
		}
		found := tokenOf(h, s)
		if found != token(step.place) || s.tokenOrigin != step.origin || s.values["token-file"].origin != step.file {
			t.Errorf("%s: token %s from %q, file from %q", step.place, found, s.tokenOrigin, s.values["token-file"].origin)
		}
	}
	// A blank credential stands in for a token that is missing, and a credentials directory of other credentials changes nothing.
	delete(h.env, "CLOUDFLARE_API_TOKEN")
	delete(h.env, "EDGEBAN_TOKEN_FILE")
	h.write("run/credentials/cloudflare-api-token", "\n")
	if s, _, _ := h.load(0); tokenOf(h, s) != token("toml") {
		t.Errorf("with a blank credential: token from %s", s.tokenOrigin)
	}
	h.env["CREDENTIALS_DIRECTORY"] = "run/elsewhere"
	if s, _, _ := h.load(0); tokenOf(h, s) != token("toml") {
		t.Errorf("without the credential: token from %s", s.tokenOrigin)
	}
}

// An instance has a configuration file, a token, a state directory and an owner of its own.
func TestInstance(t *testing.T) {
	h := newHost(t)
	h.write("etc/edgeban/edgeban.toml", "list = 'common'\n")
	h.write("etc/edgeban/mail.toml", "list = 'mail'\n")
	h.write("etc/edgeban/token", testToken+"\n")
	load := func(args ...string) Settings {
		t.Helper()
		s, stderr, code := h.load(needSources, args...)
		if code != exitOK {
			t.Fatal(stderr)
		}
		return s
	}
	want := func(s Settings, list, stateDir, token string) {
		t.Helper()
		if s.List != list || s.StateDir != stateDir || s.tokenOrigin != "token file "+token {
			t.Errorf("list %s, state directory %s, %s", s.List, s.StateDir, s.tokenOrigin)
		}
	}
	plain := load()
	want(plain, "common", "var/lib/edgeban", "etc/edgeban/token")
	mail := load("--instance", "mail")
	want(mail, "mail", "var/lib/edgeban/mail", "etc/edgeban/token")
	if !plain.OwnerDerived || !mail.OwnerDerived || plain.Owner == mail.Owner {
		t.Errorf("owners %q and %q", plain.Owner, mail.Owner)
	}
	h.write("etc/edgeban/mail.token", testToken+"\n")
	h.env["EDGEBAN_INSTANCE"] = "mail"
	want(load(), "mail", "var/lib/edgeban/mail", "etc/edgeban/mail.token")

	// systemd names both the instance's directory and the one that instances share, in the order of its version.
	for _, dirs := range []string{"/a/edgeban/mail:/a/edgeban", "/a/edgeban:/a/edgeban/mail"} {
		h.env["STATE_DIRECTORY"] = dirs
		want(load(), "mail", "/a/edgeban/mail", "etc/edgeban/mail.token")
	}
}

// A mistyped instance must not run with the settings of another.
func TestInstanceThatCannotBe(t *testing.T) {
	h := newHost(t)
	h.write("etc/edgeban/edgeban.toml", "instance = 'mail'\n")
	for args, want := range map[string]string{
		"--instance=mial":    "etc/edgeban/mial.toml: no such file or directory (default of the instance)",
		"--instance=../mail": `instance: "../mail" is not 1 to 40 letters, digits, dots, underscores and hyphens, a letter or digit first (flag --instance)`,
		"--margin=3m":        `unknown key "instance" in etc/edgeban/edgeban.toml, line 1`,
	} {
		if _, stderr, code := h.load(0, args); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d, %s", args, code, stderr)
		}
	}
}

package main

import (
	"strings"
	"testing"
)

func TestHelp(t *testing.T) {
	dir := workingDir(t)
	h := newHost(t)
	stdout, stderr, code := h.run("--help")
	if code != exitOK || stderr != "" {
		t.Errorf("exit status %d: %s", code, stderr)
	}
	golden(t, dir, "help.txt", stdout)

	stdout, stderr, code = h.run("config", "--help")
	if code != exitOK || stderr != "" {
		t.Errorf("config: exit status %d: %s", code, stderr)
	}
	golden(t, dir, "help-config.txt", stdout)
	for _, s := range settings() {
		for _, part := range []string{"--" + s.name + " " + s.placeholder, "[$" + s.env + "]", s.defaultText()} {
			if !strings.Contains(stdout, part) {
				t.Errorf("--help does not say %q", part)
			}
		}
	}
	if same, _, _ := h.run("help", "config"); same != stdout {
		t.Error("`help config` and `config --help` differ")
	}
}

func TestCommandLineErrors(t *testing.T) {
	const list = "\n  \"edgeban --help\" lists all."
	tests := []struct{ args, want string }{
		{"confg", `unknown command "confg"; did you mean "config"?` + list},
		{"snyc", `unknown command "snyc"; did you mean "sync"?` + list},
		{"frobnicate", `unknown command "frobnicate"` + list},
		{"help confg", `unknown command "confg"; did you mean "config"?` + list},
		{"--help confg", "No help topic for 'confg'"},
		{"config sshd", `config: unexpected argument "sshd"`},
		{"config --json false", `config: unexpected argument "false"`},
		{"config --jason", `config: unknown flag --jason; did you mean "--json"?`},
		{"config --token=" + testToken, `config: unknown flag --token; did you mean "--token-file"?`},
		{"config -x", "config: unknown flag -x"},
		{"config --ipv6_prefix 64", `config: unknown flag --ipv6_prefix; did you mean "--ipv6-prefix"?`},
		{"config --margin", "config: flag needs an argument: --margin"},
		{"config --json=maybe", `config: invalid value "maybe" for flag -json: parse error`},
		{"--config a.toml config", "--config stands before the command\n  Flags follow the command: edgeban sync --config …"},
		{"--nonsense", "unknown flag --nonsense"},
		{"version now", `version: unexpected argument "now"`},
	}
	for _, tt := range tests {
		h := newHost(t)
		stdout, stderr, code := h.run(strings.Fields(tt.args)...)
		if want := "edgeban: " + tt.want + "\n"; stderr != want || stdout != "" || code != exitUsage {
			t.Errorf("edgeban %s: exit status %d, %q, want %q; standard output %q", tt.args, code, stderr, want, stdout)
		}
	}
}

func TestNoCommand(t *testing.T) {
	h := newHost(t)
	stdout, stderr, code := h.run()
	if code != exitUsage || stdout != "" || !strings.Contains(stderr, "COMMANDS:") ||
		!strings.HasSuffix(stderr, "edgeban: no command was given\n") {
		t.Errorf("exit status %d, standard output %q, standard error:\n%s", code, stdout, stderr)
	}
}

// No state is left between runs: the tree of commands keeps what it parsed.
func TestRunsDoNotMix(t *testing.T) {
	h := newHost(t)
	before, _, _ := h.run("config")
	if changed, _, _ := h.run("config", "--jail", "sshd"); changed == before {
		t.Error("--jail changes nothing")
	}
	if after, _, _ := h.run("config"); after != before {
		t.Error("a flag of the run before is still there")
	}
}

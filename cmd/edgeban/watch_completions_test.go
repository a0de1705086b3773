//go:build realparts

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWatchCompletions completes in real shells. There is an "edgeban" to be found that says when it is run: none of them may run it.
func TestWatchCompletions(t *testing.T) {
	tests := []struct {
		line   string // up to the cursor
		offers []string
		not    []string
	}{
		{"edgeban ", []string{"sync", "diff", "bans", "help"}, []string{"--list"}},
		{"edgeban s", []string{"sync"}, []string{"diff"}},
		{"edgeban --v", []string{"--version"}, []string{"--list"}},
		{"edgeban sync --l", []string{"--list", "--log-level"}, []string{"--json", "--owner"}},
		{"edgeban diff --", []string{"--list", "--json", "--exit-code", "--help"}, []string{"--db", "--dry-run"}},
		{"edgeban sync --jail sshd --jail recidive --j", []string{"--jail"}, nil},
		{"edgeban version --", []string{"--help"}, []string{"--list"}},
		{"edgeban help b", []string{"bans"}, []string{"sync"}},
		{"edgeban sync --ownership ", []string{"tagged", "exclusive"}, []string{"sync", "token"}},
		{"edgeban sync --log-level=w", []string{"warn"}, []string{"info"}},
		{"edgeban sync --token-file tok", []string{"token"}, []string{"edgeban"}},
		{"edgeban sync --state-dir tok", []string{"tokens.d"}, []string{"token"}},
		{"edgeban sync --list ", nil, []string{"token", "sync"}},
		{"edgeban nosuch --", nil, []string{"--list"}},
		{"edgeban $(touch ran) `touch ran` s", nil, []string{"sync"}},
	}
	for shell, complete := range map[string]func(t *testing.T, line string) []string{"bash": bashOffers, "zsh": zshOffers, "fish": fishOffers} {
		if _, err := exec.LookPath(shell); err != nil {
			t.Fatal(err)
		}
		for _, tt := range tests {
			t.Run(shell+" "+tt.line, func(t *testing.T) {
				atPrompt(t, completionsDir(t))
				got := complete(t, tt.line)
				for _, word := range tt.offers {
					if !slices.Contains(got, word) {
						t.Errorf("%s is not offered: %q", word, got)
					}
				}
				for _, word := range tt.not {
					if slices.Contains(got, word) {
						t.Errorf("%s is offered: %q", word, got)
					}
				}
				if _, err := os.Stat("ran"); err == nil {
					t.Error("something was run")
				}
			})
		}
	}
}

// The test would see it: a script that runs the program, and one that hands the line to eval, as urfave/cli's does.
func TestWatchCompletionsTwin(t *testing.T) {
	for _, body := range []string{`edgeban sync`, `eval "${COMP_WORDS[*]}"`} {
		t.Run(body, func(t *testing.T) {
			scripts := t.TempDir()
			mustWrite(t, filepath.Join(scripts, "edgeban.bash"), "_edgeban() {\n"+body+"\n}\ncomplete -F _edgeban edgeban\n", 0o644)
			atPrompt(t, scripts)
			bashOffers(t, "edgeban $(touch ran) s")
			if _, err := os.Stat("ran"); err != nil {
				t.Error("nothing was run")
			}
		})
	}
}

// atPrompt puts the test where a person types: into a directory with some files, one of them an edgeban that leaves a trace.
func atPrompt(t *testing.T, completions string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("COMPLETIONS", completions)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("HOME", dir)
	t.Chdir(dir)
	mustWrite(t, "edgeban", "#!/bin/sh\ntouch '"+dir+"/ran'\n", 0o755)
	mustWrite(t, "token", "", 0o600)
	if err := os.MkdirAll("tokens.d", 0o755); err != nil {
		t.Fatal(err)
	}
}

func completionsDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../packaging/completions")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func mustWrite(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// offersOf runs a shell whose standard output is what it offers, a line each.
func offersOf(t *testing.T, name string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	var offers []string
	for line := range strings.Lines(string(out)) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t") // fish adds what the word means
		if _, value, found := strings.Cut(word, "="); found {
			word = value
		}
		offers = append(offers, strings.TrimSuffix(word, "/"))
	}
	return offers
}

// bashOffers calls the function that bash has registered with the words that bash would make of the line.
func bashOffers(t *testing.T, line string) []string {
	t.Helper()
	words := strings.Split(strings.ReplaceAll(line, "=", " = "), " ")
	return offersOf(t, "bash", append([]string{"--norc", "-uc", `
		source "$COMPLETIONS/edgeban.bash"
		[[ $(complete -p edgeban) == 'complete -F _edgeban edgeban' ]] || exit 1
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		_edgeban
		((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
	`, "bash"}, words...)...)
}

func fishOffers(t *testing.T, line string) []string {
	t.Helper()
	return offersOf(t, "fish", "--no-config", "-c", `
		source $COMPLETIONS/edgeban.fish
		complete -C $argv[1]
	`, line)
}

// zshOffers types the line and the tabulator into an interactive zsh, which writes down what its completion adds.
func zshOffers(t *testing.T, line string) []string {
	t.Helper()
	mustWrite(t, "inner.zsh", `
		PS1=
		fpath=("$COMPLETIONS" $fpath)
		autoload -Uz compinit && compinit -u -D
		compadd() {
			if [[ " ${@[1,(i)(-|--)]} " == *\ -[A-Za-z]#[OAD]\ * ]]; then
				builtin compadd "$@"
				return
			fi
			local -a hits
			builtin compadd -O hits "$@"
			((${#hits} == 0)) || print -rl -- $hits >>offers
			builtin compadd "$@"
		}
		finished() { touch finished }
		comppostfuncs=(finished)
		touch ready
	`, 0o644)
	return offersOf(t, "zsh", "-fc", `
		zmodload zsh/zpty
		: >offers
		await() {
			repeat 200; do
				[[ -e $1 ]] && return
				sleep 0.05
			done
			print -ru2 "no $1"
			exit 1
		}
		zpty inner zsh -f -i
		zpty -w inner 'setopt extendedglob; source ./inner.zsh'
		await ready
		zpty -w -n inner "$1"$'\t'
		await finished
		zpty -d inner
		cat offers
	`, "zsh", line)
}

package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestCompletions holds packaging/completions against the declarations. UPDATE=1 rewrites them.
//
// They are made here and not by urfave/cli: its scripts run the program at every press of the key, its one for bash hands the whole
// line to eval, so that a $(…) in it is executed, and its one for PowerShell asks a command named like the word to complete. These hold
// all they need. They run nothing, read no settings and ask nobody.
func TestCompletions(t *testing.T) {
	c := completion{commands: describedCommands(t), settings: describedSettings(), root: rootFlags(), kinds: flagsByValue(t)}
	for file, text := range map[string]string{"edgeban.bash": c.bash(), "_edgeban": c.zsh(), "edgeban.fish": c.fish(), "edgeban.ps1": c.powershell()} {
		goldenFile(t, "../../packaging/completions/"+file, text)
		for _, never := range []string{"eval", "Invoke-Expression", "--generate-shell-completion"} {
			if strings.Contains(text, never) {
				t.Errorf("%s has %s", file, never)
			}
		}
	}
}

// completion is what a shell has to know.
type completion struct {
	commands []described
	settings []describedFlag
	root     []describedFlag
	kinds    map[string][]string
}

const completionOrigin = "Made from the program's declarations: UPDATE=1 go test -run TestCompletions ./cmd/edgeban"

// flagsByValue sorts the flags that take a value by what completes it: FILE, DIR, anything ("TEXT"), or words, with blanks between them.
func flagsByValue(t *testing.T) map[string][]string {
	t.Helper()
	kind := map[string]string{}
	for _, d := range describedCommands(t) {
		for _, f := range d.allFlags() {
			k := f.value()
			if before, known := kind[f.name]; known && before != k {
				t.Fatalf("%s is completed by %q here and by %q there", f.name, before, k)
			}
			kind[f.name] = k
		}
	}
	kinds := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(kind)) {
		if k := kind[name]; k != "" {
			kinds[k] = append(kinds[k], name)
		}
	}
	return kinds
}

// value is what completes the flag's value; empty: it takes none.
func (f describedFlag) value() string {
	switch {
	case len(f.words) > 0:
		return strings.Join(f.words, " ")
	case f.takesFile(), f.takesDir(), f.placeholder == "":
		return f.placeholder
	}
	return "TEXT"
}

// words are the lists of words of all flags that have one, in a fixed order.
func (c completion) words() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(c.kinds)), func(k string) bool { return k == "FILE" || k == "DIR" || k == "TEXT" })
}

func (c completion) commandNames() []string {
	var names []string
	for _, d := range c.commands {
		names = append(names, d.name)
	}
	return append(names, "help")
}

func flagNames(flags []describedFlag) string {
	var names []string
	for _, f := range flags {
		names = append(names, f.name)
	}
	return strings.Join(names, " ")
}

// takesAll reports whether the command takes every setting; then a script names them together.
func (c completion) takesAll(d described) bool { return len(d.settings) == len(c.settings) }

// own are the command's flags that a script has to name beside the settings.
func (c completion) own(d described) []describedFlag {
	if c.takesAll(d) {
		return append(slices.Clone(d.flags), helpFlag())
	}
	return d.allFlags()
}

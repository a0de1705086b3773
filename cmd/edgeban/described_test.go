package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// described is a command as the manual page and the completions tell of it. They are made from the same declarations as
// --help, so that they cannot say anything else.
type described struct {
	name, usage, args string
	paragraphs        []string        // of its description
	flags             []describedFlag // its own, without those of the settings
	settings          []string        // the names of those that it takes
}

// describedFlag is a flag with its dashes.
type describedFlag struct {
	name, usage string
	placeholder string   // empty: it takes no value
	words       []string // all that the value may be; none: anything
	repeatable  bool
}

func (f describedFlag) takesFile() bool { return f.placeholder == "FILE" }
func (f describedFlag) takesDir() bool  { return f.placeholder == "DIR" }

// describedCommands are all commands that are not hidden.
func describedCommands(t *testing.T) []described {
	t.Helper()
	var all []described
	for _, cmd := range rootCommand(&system{}).Commands {
		if cmd.Hidden {
			continue
		}
		if len(cmd.Commands) > 0 {
			t.Fatalf("%s has commands of its own: teach this test, the manual page and the completions about them", cmd.Name)
		}
		d := described{name: cmd.Name, usage: cmd.Usage, args: cmd.ArgsUsage}
		for paragraph := range strings.SplitSeq(cmd.Description, "\n\n") {
			if paragraph != "" && paragraph != exitStatuses {
				d.paragraphs = append(d.paragraphs, paragraph)
			}
		}
		for _, flag := range cmd.Flags {
			name := flag.Names()[0]
			if visible, ok := flag.(cli.VisibleFlag); ok && !visible.IsVisible() {
				continue
			}
			if _, isSetting := settingNamed(name); isSetting {
				d.settings = append(d.settings, name)
			} else {
				d.flags = append(d.flags, describeFlag(flag))
			}
		}
		all = append(all, d)
	}
	return all
}

// describeFlag reads a flag as urfave/cli's own help does: a word in backquotes is what stands for the value.
func describeFlag(flag cli.Flag) describedFlag {
	f := describedFlag{name: dashed(flag.Names()[0])}
	documented, ok := flag.(cli.DocGenerationFlag)
	if !ok {
		return f
	}
	f.usage = strings.ReplaceAll(documented.GetUsage(), "`", "")
	if documented.TakesValue() {
		f.placeholder = strings.ToUpper(documented.TypeName())
		if m := regexp.MustCompile("`([^`]+)`").FindStringSubmatch(documented.GetUsage()); m != nil {
			f.placeholder = m[1]
		}
		if f.placeholder == "STRING" || f.placeholder == "" {
			f.placeholder = "TEXT"
		}
	}
	return f
}

// describedSettings are the settings' flags, in the order of their declaration.
func describedSettings() []describedFlag {
	var all []describedFlag
	for _, s := range settings() {
		all = append(all, describedFlag{name: dashed(s.name), usage: s.usage, placeholder: s.placeholder, words: s.words, repeatable: s.kind == list})
	}
	return all
}

// rootFlags are those of edgeban without a command.
func rootFlags() []describedFlag {
	all := []describedFlag{helpFlag()}
	for _, flag := range rootCommand(&system{}).Flags {
		all = append(all, describeFlag(flag))
	}
	return all
}

// helpFlag is the one that urfave/cli adds to each command.
func helpFlag() describedFlag { return describedFlag{name: "--help", usage: "show help"} }

// allFlags are the flags that the command takes, --help included.
func (d described) allFlags() []describedFlag {
	all := slices.Clone(d.flags)
	for _, f := range describedSettings() {
		if slices.Contains(d.settings, strings.TrimPrefix(f.name, "--")) {
			all = append(all, f)
		}
	}
	return append(all, helpFlag())
}

// A setting that has words of its own takes no other, so that what is completed is all there is.
func TestWordsOfSettings(t *testing.T) {
	for _, s := range settings() {
		if (s.placeholder == "WORD") != (len(s.words) > 0) {
			t.Errorf("%s is a %s with the words %q", s.name, s.placeholder, s.words)
		}
		if len(s.words) > 0 && !slices.Contains(s.words, s.fallback) {
			t.Errorf("the default of %s is %q, none of %q", s.name, s.fallback, s.words)
		}
	}
}

// What is described is what the program takes: the same commands and flags as in its help.
func TestDescribed(t *testing.T) {
	h := newHost(t)
	overview, _, _ := h.run("--help")
	for _, d := range describedCommands(t) {
		if !strings.Contains(overview, "   "+d.name+" ") || !strings.Contains(overview, d.usage) {
			t.Errorf("edgeban --help does not say %s: %s", d.name, d.usage)
		}
		help, _, _ := h.run(d.name, "--help")
		said := regexp.MustCompile(`(?m)^   (--[a-z0-9-]+)`).FindAllStringSubmatch(help, -1)
		var shown, want []string
		for _, m := range said {
			shown = append(shown, m[1])
		}
		for _, f := range d.allFlags() {
			if f.usage == "" {
				t.Errorf("edgeban %s does not say what %s is for", d.name, f.name)
			}
			want = append(want, f.name)
		}
		slices.Sort(shown)
		slices.Sort(want)
		if !slices.Equal(shown, want) {
			t.Errorf("edgeban %s --help shows the flags %q, described are %q", d.name, shown, want)
		}
	}
}

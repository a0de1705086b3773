package main

import (
	"fmt"
	"strings"
)

func (c completion) bash() string {
	var b strings.Builder
	b.WriteString("# bash completion for edgeban. " + completionOrigin + `
_edgeban() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then # --flag=, which bash takes for two words
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    COMPREPLY=()
    local words=
    if ((COMP_CWORD == 1)); then
`)
	fmt.Fprintf(&b, "        words='%s %s'\n    fi\n", strings.Join(c.commandNames(), " "), flagNames(c.root))
	fmt.Fprintf(&b, "    local settings='%s'\n", flagNames(c.settings))
	b.WriteString("    ((COMP_CWORD > 1)) && case ${COMP_WORDS[1]} in\n")
	for _, d := range c.commands {
		all := ""
		if c.takesAll(d) {
			all = `" $settings"`
		}
		fmt.Fprintf(&b, "        %s) words='%s'%s ;;\n", d.name, flagNames(c.own(d)), all)
	}
	fmt.Fprintf(&b, "        help) words='%s' ;;\n        *) return ;;\n    esac\n    case $prev in\n", strings.Join(c.commandNames(), " "))
	for _, words := range c.words() {
		fmt.Fprintf(&b, "        %s) words='%s' ;;\n", strings.Join(c.kinds[words], " | "), words)
	}
	for _, kind := range [][2]string{{"FILE", "-f"}, {"DIR", "-d"}} {
		if flags := c.kinds[kind[0]]; len(flags) > 0 {
			fmt.Fprintf(&b, "        %s)\n            compopt -o filenames 2>/dev/null\n", strings.Join(flags, " | "))
			fmt.Fprintf(&b, "            mapfile -t COMPREPLY < <(compgen %s -- \"$cur\")\n            return ;;\n", kind[1])
		}
	}
	fmt.Fprintf(&b, "        %s) return ;;\n    esac\n", strings.Join(c.kinds["TEXT"], " | "))
	b.WriteString("    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\ncomplete -F _edgeban edgeban\n")
	return b.String()
}

func (c completion) zsh() string {
	var b strings.Builder
	b.WriteString("#compdef edgeban\n# " + completionOrigin + "\n_edgeban() {\n    local -a commands settings\n    commands=(\n")
	for _, d := range c.commands {
		fmt.Fprintf(&b, "        %s\n", singleQuoted(d.name+":"+strings.ReplaceAll(d.usage, ":", `\:`)))
	}
	b.WriteString("        'help:show help on a command'\n    )\n    settings=(\n" + zshFlags(c.settings) + "    )\n")
	b.WriteString("    if ((CURRENT == 2)); then\n        if [[ $words[2] == -* ]]; then\n            _arguments \\\n")
	b.WriteString(zshContinued(c.root) + "        else\n            _describe -t commands command commands\n        fi\n        return\n    fi\n")
	b.WriteString("    local command=$words[2]\n    shift words\n    ((CURRENT--))\n    case $command in\n")
	for _, d := range c.commands {
		all := ""
		if c.takesAll(d) {
			all = " $settings"
		}
		fmt.Fprintf(&b, "        %s)\n            _arguments%s \\\n%s            ;;\n", d.name, all, zshContinued(c.own(d)))
	}
	b.WriteString("        help) _describe -t commands command commands ;;\n    esac\n}\n")
	b.WriteString("if [[ $funcstack[1] == _edgeban ]]; then\n    _edgeban \"$@\"\nelse # sourced\n    compdef _edgeban edgeban\nfi\n")
	return b.String()
}

// zshFlags are specifications of _arguments, one a line.
func zshFlags(flags []describedFlag) string {
	var b strings.Builder
	for _, f := range flags {
		spec := f.name
		if f.repeatable {
			spec = "*" + spec
		}
		usage := strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(f.usage)
		if f.placeholder == "" {
			spec += "[" + usage + "]"
		} else {
			spec += "=[" + usage + "]:" + f.placeholder + ":" + zshAction(f)
		}
		b.WriteString("        " + singleQuoted(spec) + "\n")
	}
	return b.String()
}

func zshAction(f describedFlag) string {
	switch {
	case len(f.words) > 0:
		return "(" + strings.Join(f.words, " ") + ")"
	case f.takesFile():
		return "_files"
	case f.takesDir():
		return "_files -/"
	}
	return " "
}

// zshContinued are the specifications as the rest of a command.
func zshContinued(flags []describedFlag) string {
	text := strings.TrimSuffix(zshFlags(flags), "\n")
	return strings.ReplaceAll("        "+strings.ReplaceAll(text, "\n", "\n        "), "\n", " \\\n") + "\n"
}

func singleQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

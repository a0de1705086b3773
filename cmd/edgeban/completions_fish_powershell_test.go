package main

import (
	"fmt"
	"slices"
	"strings"
)

func (c completion) fish() string {
	var b strings.Builder
	b.WriteString("# fish completion for edgeban. " + completionOrigin + `
function __edgeban_command_is
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end
complete -c edgeban -f
`)
	none := "-n 'test (count (commandline -opc)) -eq 1'"
	for _, d := range c.commands {
		fmt.Fprintf(&b, "complete -c edgeban %s -a %s -d %s\n", none, d.name, fishQuoted(d.usage))
	}
	fmt.Fprintf(&b, "complete -c edgeban %s -a help -d 'show help on a command'\n", none)
	for _, f := range c.root {
		b.WriteString(fishFlag(none, f))
	}
	fmt.Fprintf(&b, "complete -c edgeban -n '__edgeban_command_is help' -a '%s'\n", strings.Join(c.commandNames(), " "))
	var takers []string
	for _, d := range c.commands {
		if c.takesAll(d) {
			takers = append(takers, d.name)
		}
		for _, f := range c.own(d) {
			b.WriteString(fishFlag("-n '__edgeban_command_is "+d.name+"'", f))
		}
	}
	for _, f := range c.settings {
		b.WriteString(fishFlag("-n '__edgeban_command_is "+strings.Join(takers, " ")+"'", f))
	}
	return b.String()
}

func fishFlag(condition string, f describedFlag) string {
	value := ""
	switch {
	case len(f.words) > 0:
		value = " -x -a '" + strings.Join(f.words, " ") + "'"
	case f.takesFile():
		value = " -r -F"
	case f.takesDir():
		value = " -x -a '(__fish_complete_directories)'"
	case f.placeholder != "":
		value = " -x"
	}
	return fmt.Sprintf("complete -c edgeban %s -l %s%s -d %s\n", condition, strings.TrimPrefix(f.name, "--"), value, fishQuoted(f.usage))
}

func fishQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

func (c completion) powershell() string {
	var b strings.Builder
	b.WriteString("# PowerShell completion for edgeban. " + completionOrigin + `
Register-ArgumentCompleter -Native -CommandName edgeban -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
    if ($before.Count -eq 0) { return }
    $command = if ($before.Count -gt 1) { $before[1] } else { '' }
` + c.powershellData() + `    $found = [ordered]@{}
    if ($takesValue -contains $before[-1]) {
        return # PowerShell itself completes paths
    } elseif ($words.ContainsKey($before[-1])) {
        $words[$before[-1]] | ForEach-Object { $found[$_] = $_ }
    } else {
        if ($before.Count -eq 1 -or $command -eq 'help') { $commands.GetEnumerator() | ForEach-Object { $found[$_.Key] = $_.Value } }
        if ($flags.ContainsKey($command)) { $flags[$command].GetEnumerator() | ForEach-Object { $found[$_.Key] = $_.Value } }
        if ($takesSettings -contains $command) { $settings.GetEnumerator() | ForEach-Object { $found[$_.Key] = $_.Value } }
    }
    $found.GetEnumerator() | Where-Object { $_.Key.StartsWith($wordToComplete) } | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_.Key, $_.Key, 'ParameterValue', $_.Value)
    }
}
`)
	return b.String()
}

// powershellData are the variables that hold what is to be known.
func (c completion) powershellData() string {
	var b strings.Builder
	var takers []string
	b.WriteString("    $commands = [ordered]@{\n")
	for _, d := range c.commands {
		fmt.Fprintf(&b, "        %s = %s\n", powershellQuoted(d.name), powershellQuoted(d.usage))
		if c.takesAll(d) {
			takers = append(takers, powershellQuoted(d.name))
		}
	}
	b.WriteString("        'help' = 'show help on a command'\n    }\n")
	fmt.Fprintf(&b, "    $takesSettings = @(%s)\n", strings.Join(takers, ", "))
	fmt.Fprintf(&b, "    $settings = [ordered]@{\n%s    }\n", powershellFlags(c.settings))
	fmt.Fprintf(&b, "    $flags = @{\n        '' = [ordered]@{\n%s        }\n", indented(powershellFlags(c.root)))
	for _, d := range c.commands {
		fmt.Fprintf(&b, "        %s = [ordered]@{\n%s        }\n", powershellQuoted(d.name), indented(powershellFlags(c.own(d))))
	}
	b.WriteString("    }\n    $words = @{\n")
	for _, words := range c.words() {
		for _, name := range c.kinds[words] {
			fmt.Fprintf(&b, "        %s = '%s'\n", powershellQuoted(name), strings.ReplaceAll(words, " ", "', '"))
		}
	}
	valued := slices.Sorted(slices.Values(slices.Concat(c.kinds["FILE"], c.kinds["DIR"], c.kinds["TEXT"])))
	fmt.Fprintf(&b, "    }\n    $takesValue = '%s'\n", strings.Join(valued, "', '"))
	return b.String()
}

func powershellFlags(flags []describedFlag) string {
	var b strings.Builder
	for _, f := range flags {
		fmt.Fprintf(&b, "        %s = %s\n", powershellQuoted(f.name), powershellQuoted(f.usage))
	}
	return b.String()
}

func indented(lines string) string {
	return strings.TrimSuffix("    "+strings.ReplaceAll(lines, "\n", "\n    "), "    ")
}

func powershellQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

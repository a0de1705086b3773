package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v3"
)

// commands returns the subcommands in the order in which --help lists them.
func commands(sys *system) []*cli.Command {
	return []*cli.Command{
		syncCommand(sys),
		diffCommand(sys),
		bansCommand(sys),
		setupCommand(sys),
		checkCommand(sys),
		statusCommand(sys),
		banCommand(sys),
		unbanCommand(sys),
		flushCommand(sys),
		adoptCommand(sys),
		demoCommand(sys),
		configCommand(sys),
		versionCommand(sys),
	}
}

// settingFlags are the flags of all settings, and a command's own. All commands can share the former, because only one command is parsed.
func (sys *system) settingFlags(more ...cli.Flag) []cli.Flag {
	if sys.flags == nil {
		sys.flags = settingFlags()
	}
	return slices.Concat(sys.flags, more)
}

// rootCommand builds the tree of commands, anew for every run: urfave/cli keeps in it what it parsed.
func rootCommand(sys *system) *cli.Command {
	sys.flags = nil
	root := &cli.Command{
		Name:      "edgeban",
		Usage:     "keep a Cloudflare IP list in step with your bans",
		UsageText: "edgeban command [options]",
		Description: "Settings come from flags, environment variables, files, /etc/edgeban/edgeban.toml and defaults,\n" +
			"in this order. \"edgeban COMMAND --help\" lists them, \"edgeban config\" shows where each came from.",
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "version", Local: true, HideDefault: true, Usage: "print the version"}},
		Commands:     commands(sys),
		Reader:       sys.stdin,
		Writer:       sys.stdout,
		ErrWriter:    sys.stderr,
		Action:       func(_ context.Context, cmd *cli.Command) error { return withoutCommand(cmd, sys) },
		OnUsageError: usageErrorOf,
		ArgValidator: noArguments,
		// Without a handler of its own urfave/cli would call os.Exit.
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
	}
	for _, cmd := range root.Commands {
		cmd.OnUsageError = usageErrorOf
		cmd.HideHelpCommand = true
		cmd.UsageText = strings.TrimSpace("edgeban " + cmd.Name + " [options] " + cmd.ArgsUsage)
	}
	return root
}

// withoutCommand is what the program does when no subcommand was named.
func withoutCommand(cmd *cli.Command, sys *system) error {
	if cmd.Bool("version") {
		return printVersion(sys.stdout)
	}
	cmd.Writer = sys.stderr
	if err := cli.ShowRootCommandHelp(cmd); err != nil {
		return err
	}
	return usagef("no command was given")
}

// noArguments refuses arguments that no command would look at: "--json false" must not run with --json.
func noArguments(_ context.Context, cmd *cli.Command) error {
	arg := cmd.Args().First()
	root := cmd.Root()
	switch {
	case !cmd.Args().Present():
		return nil
	case cmd != root && cmd.Name != "help":
		return usagef("%s: unexpected argument %s", cmd.Name, quotedArgument(arg))
	case root.Command(arg) != nil:
		return nil // help on a command
	}
	var names []string
	for _, known := range root.Commands {
		names = append(names, known.Name)
	}
	return &usageError{[]problem{{
		text: fmt.Sprintf("unknown command %s%s", quotedArgument(arg), didYouMean(arg, names)),
		hint: "\"edgeban --help\" lists all.",
	}}}
}

// quotedArgument is what somebody typed, unless that looks like a token: messages do not go to terminals only.
func quotedArgument(arg string) string {
	if looksLikeToken(arg) || looksLikeKey(arg) {
		return mask
	}
	return strconv.Quote(arg)
}

// usageErrorOf turns urfave/cli's complaint about the command line into ours.
func usageErrorOf(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	where := ""
	if cmd != cmd.Root() {
		where = cmd.Name + ": "
	}
	if value, name, found := badDuration(cmd, err); found {
		return usagef("%s--%s: %s is not a duration, such as 90m, 2h or 24h", where, name, quotedArgument(value))
	}
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if word := strings.TrimLeft(name, "-"); unknown && (looksLikeToken(word) || looksLikeKey(word)) {
		return usagef("%sunknown flag %s", where, mask)
	}
	if !unknown {
		return usagef("%s%v", where, err)
	}
	if _, found := settingNamed(name); found && where == "" {
		return &usageError{[]problem{{
			text: fmt.Sprintf("--%s stands before the command", name),
			hint: fmt.Sprintf("Flags follow the command: edgeban sync --%s …", name),
		}}}
	}
	var flags []string
	for _, flag := range cmd.Flags {
		flags = append(flags, dashed(flag.Names()[0]))
	}
	return usagef("%sunknown flag %s%s", where, dashed(name), didYouMean(dashed(name), flags))
}

// badDuration takes apart urfave/cli's complaint about the value of a flag that is a duration.
func badDuration(cmd *cli.Command, err error) (value, name string, found bool) {
	parts := regexp.MustCompile(`(?s)^invalid value "(.*)" for flag -([a-z0-9-]+): `).FindStringSubmatch(err.Error())
	if parts == nil {
		return "", "", false
	}
	for _, flag := range cmd.Flags {
		if _, duration := flag.(*cli.DurationFlag); duration && flag.Names()[0] == parts[2] {
			return parts[1], parts[2], true
		}
	}
	return "", "", false
}

// dashed is a flag as it is typed.
func dashed(name string) string {
	if utf8.RuneCountInString(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

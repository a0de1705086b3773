package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"edgeban/reconcile"
)

// stillBannedError says that an un-ban will not last.
type stillBannedError struct {
	network netip.Prefix
	off     string
	bans    []reconcile.Ban
}

func (e stillBannedError) Error() string {
	var jails []string
	for _, b := range e.bans {
		jails = append(jails, printable(b.Reason))
	}
	slices.Sort(jails)
	return fmt.Sprintf("%s is still banned by %s, so the next run puts it back",
		reconcile.PrefixText(e.network), strings.Join(slices.Compact(jails), ", "))
}

func (e stillBannedError) Hint() string {
	return "Un-ban it there, too:\n" + unbanCommands(e.bans) +
		"\nOr keep it " + e.off + " for a while: edgeban unban " + reconcile.PrefixText(e.network) + " --for 1h"
}

// whoBans names the sources of bans.
func whoBans(bans []reconcile.Ban) string {
	var names []string
	for _, b := range bans {
		names = append(names, sourceTextOf(b.Source).title)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " and ")
}

// unbanCommands are what to type to un-ban at each source, a line each.
func unbanCommands(bans []reconcile.Ban) string {
	var lines []string
	for _, b := range bans {
		lines = append(lines, "  "+sourceTextOf(b.Source).unban(b))
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

// shellWord is a word as a shell reads it back.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/:@+", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(printable(s), "'", `'\''`) + "'"
}

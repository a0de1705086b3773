package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// writeDiff prints a plan for people.
func writeDiff(w work, r reconcile.Report) error {
	o := w.out
	var b strings.Builder
	account := ""
	if id := w.settings.Account; id != "" && w.scope == cloudflare.AccountScope() {
		account = " (account " + id[:4] + "…" + id[len(id)-4:] + ")"
	}
	fmt.Fprintf(&b, "%s%s, %s\n", w.title(), account, plural(r.Plan.Items, w.noun()))
	writeChanges(&b, o.now, r.Plan)
	writeWithheld(&b, o.now, r.Plan.Withheld)
	writeStaying(&b, o.now, "lingering: the record of the ban ended, but Fail2Ban may go on banning in its memory", r.Plan.Lingering)
	writeStaying(&b, o.now, "staying until the lease ends: the database does not know the ban", r.Plan.Orphaned)
	writeStaying(&b, o.now, w.movingTitle(), r.Plan.Moving)
	writeBlocked(&b, r.Plan.Blocked)
	writeLeftOut(&b, r.LeftOut())
	fmt.Fprintf(&b, "\n%s Nothing was changed.\n", diffCount(r))
	if hold := holdOf(r); hold != nil {
		b.WriteString(holdNote(o.now, hold))
	}
	if last := r.Next.Throttle.Last; len(r.Plan.Spilled) > 0 && !last.IsZero() {
		b.WriteString(drainNote(o.now, last))
	}
	if r.Sparing() {
		b.WriteString("Cloudflare refused a write less than a day ago: each run makes one write, so it may take two to change all this.\n")
	}
	_, err := io.WriteString(o.stdout, b.String())
	return err
}

// writeChanges prints what a plan adds and removes, a line each.
func writeChanges(b *strings.Builder, now time.Time, p *reconcile.Plan) {
	table(b, func(w io.Writer) {
		for _, a := range p.Add {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", additionMark(a), reconcile.PrefixText(a.Entry.Prefix),
				reasonsOf(a.Entry.Terms), strings.Join(additionNotes(now, a), "   "))
		}
		for _, m := range p.Remove {
			fmt.Fprintf(w, "−\t%s\t%s\t%s\n", reconcile.PrefixText(m.Item.Prefix), removalReasons(m), removalNote(now, m))
		}
	})
}

// table aligns the rows that fill writes, after an empty line; no rows: nothing.
func table(b *strings.Builder, fill func(io.Writer)) {
	var rows strings.Builder
	w := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	fill(w)
	if w.Flush() != nil || rows.Len() == 0 {
		return
	}
	b.WriteString("\n")
	for line := range strings.Lines(rows.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

// additionMark is + for a new item and ~ for one whose comment alone changes.
func additionMark(a reconcile.Addition) string {
	if a.Why == reconcile.AddNew {
		return "+"
	}
	return "~"
}

func additionNotes(now time.Time, a reconcile.Addition) []string {
	notes := []string{end(now, a.Entry.Until())}
	switch {
	case a.Why == reconcile.AddRenewal:
		notes = append(notes, "lease renewed")
	case a.Why == reconcile.AddTakeOver && a.From == reconcile.Peer:
		notes = append(notes, "taken over from a host whose lease ends")
	case a.Why == reconcile.AddTakeOver:
		notes = append(notes, "taken over")
	}
	if n := len(a.Entry.From); n == 1 {
		notes = append(notes, "widened from "+a.Entry.From[0])
	} else if n > 1 {
		notes = append(notes, fmt.Sprintf("widened from %s and %d more", a.Entry.From[0], n-1))
	}
	return notes
}

// reasonsOf names the jails and scenarios of the terms, each once.
func reasonsOf(terms []reconcile.Term) string {
	var names []string
	for i, t := range terms {
		if i == 0 || t.Reason != terms[i-1].Reason {
			names = append(names, printable(t.Reason))
		}
	}
	return strings.Join(names, ",")
}

func removalReasons(m reconcile.Removal) string {
	if m.Untagged {
		return "(no tag)"
	}
	return printable(m.Tag.Reasons())
}

func removalNote(now time.Time, m reconcile.Removal) string {
	switch m.Why {
	case reconcile.RemoveEnded:
		return "ended " + ago(now, m.Ended)
	case reconcile.RemoveLifted:
		return "no longer banned"
	case reconcile.RemoveProtected:
		return "now protected: " + printable(m.Detail)
	case reconcile.RemoveLeftOut:
		source, _, _ := strings.Cut(m.Tag.Text, ":")
		return leftOutText(reconcile.LeftOut{Reason: m.LeftOut, Ban: reconcile.Ban{Source: source}})
	case reconcile.RemoveCovered:
		return "covered by " + m.Detail
	case reconcile.RemoveBlocked:
		return "blocked instead, as " + m.Detail
	case reconcile.RemoveNoRoom:
		return "no room: more recent bans need its place"
	default:
		return printable(m.Detail)
	}
}

func writeWithheld(b *strings.Builder, now time.Time, withheld []reconcile.Removal) {
	section(b, "withheld", func(w io.Writer) {
		for _, m := range withheld {
			fmt.Fprintf(w, "  −\t%s\t%s\t%s\n", reconcile.PrefixText(m.Item.Prefix), removalReasons(m), removalNote(now, m))
		}
	})
}

func writeStaying(b *strings.Builder, now time.Time, title string, stays []reconcile.Staying) {
	section(b, title, func(w io.Writer) {
		for _, s := range stays {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", reconcile.PrefixText(s.Prefix), printable(s.Tag.Reasons()), end(now, s.Until))
		}
	})
}

// writeBlocked lists what edgeban cannot mend: the items are not its own.
func writeBlocked(b *strings.Builder, blocked []reconcile.Blocked) {
	section(b, "blocked although protected", func(w io.Writer) {
		for _, i := range blocked {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", reconcile.PrefixText(i.Prefix), blockedOwner(i), protectedNote(i))
		}
	})
}

func blockedOwner(i reconcile.Blocked) string {
	if i.Owner == "" {
		return "by hand"
	}
	return "of " + i.Owner
}

// protectedNote says what an item blocks: itself, when it is protected, or something inside it or around it.
func protectedNote(i reconcile.Blocked) string {
	why := leftOutText(reconcile.LeftOut{Reason: i.Protected.Reason, Detail: i.Protected.Detail})
	if i.Protected.Prefix == i.Prefix {
		return why
	}
	return reconcile.PrefixText(i.Protected.Prefix) + ": " + why
}

// blockedNote tells in one sentence of what writeBlocked lists.
func (w work) blockedNote(blocked []reconcile.Blocked) string {
	first := blocked[0]
	where := "on the list"
	if w.onRules() {
		where = w.on()
	}
	note := fmt.Sprintf("%s (%s) %s blocks what is protected (%s) and is not ours to remove: remove it in the dashboard",
		reconcile.PrefixText(first.Prefix), blockedOwner(first), where, protectedNote(first))
	if first.Owner != "" {
		note = strings.TrimSuffix(note, "remove it in the dashboard") + "protect it on that host, too"
	}
	if n := len(blocked) - 1; n > 0 {
		note += fmt.Sprintf("; %d more: %s", n, w.settings.typed("edgeban diff"))
	}
	return note
}

// section is a table under a title; no rows: nothing.
func section(b *strings.Builder, title string, fill func(io.Writer)) {
	var rows strings.Builder
	table(&rows, fill)
	if rows.Len() > 0 {
		b.WriteString("\n" + title + "\n" + strings.TrimPrefix(rows.String(), "\n"))
	}
}

func writeLeftOut(b *strings.Builder, left []reconcile.LeftOut) {
	section(b, "left out", func(w io.Writer) {
		for _, l := range left {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", shortened(printable(l.Ban.Value)), printable(l.Ban.Reason), leftOutText(l))
		}
	})
}

// shortened keeps a value that somebody else chose to the width of a table.
func shortened(s string) string {
	const most = 60 // characters
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// leftOutText says why a ban is not mirrored.
func leftOutText(l reconcile.LeftOut) string {
	if l.Detail != "" {
		return printable(l.Detail)
	}
	switch l.Reason {
	case reconcile.LeftOutNotAddress:
		return "not an address"
	case reconcile.LeftOutUnreadable:
		return "its record makes no sense"
	case reconcile.LeftOutUnspecified:
		return "stands for every address"
	case reconcile.LeftOutFiltered:
		return "its " + sourceTextOf(l.Ban.Source).reason + " is not mirrored"
	case reconcile.LeftOutJailRemoved:
		return "its jail was removed from Fail2Ban"
	case reconcile.LeftOutRemedy:
		return "a challenge, and no list for it"
	case reconcile.LeftOutOtherList:
		return "its ban asks for the other remedy"
	case reconcile.LeftOutUnknownRemedy:
		return "neither to be blocked nor challenged"
	case reconcile.LeftOutOnList:
		return "the list holds it now"
	case reconcile.LeftOutWidth:
		return "no access rule has its width"
	case reconcile.LeftOutOccupied:
		return "another's rule stands there"
	case reconcile.LeftOutNoRoom:
		return "no room for it"
	case reconcile.LeftOutReserved:
		return "no visitor has this address"
	case reconcile.LeftOutAllowed:
		return "on the allowlist"
	case reconcile.LeftOutOwnAddress:
		return "this host's own address"
	case reconcile.LeftOutCloudflare:
		return "Cloudflare's own address"
	case reconcile.LeftOutTooBroad:
		return "too broad"
	default:
		return string(l.Reason)
	}
}

// diffCount is the last line: "3 to add, 1 to remove, 35 to keep, 2 foreign."
func diffCount(r reconcile.Report) string {
	p := r.Plan
	fresh := p.Missing()
	parts := []string{fmt.Sprintf("%d to add", fresh), fmt.Sprintf("%d to remove", len(p.Remove))}
	if n := len(p.Add) - fresh; n > 0 {
		parts = append(parts, fmt.Sprintf("%d to rewrite", n))
	}
	if n := len(p.Withheld); n > 0 {
		parts = append(parts, fmt.Sprintf("%d withheld", n))
	}
	keep := fmt.Sprintf("%d to keep", p.Keep)
	if n := len(p.Lingering); n > 0 {
		keep += fmt.Sprintf(" (%d lingering)", n)
	}
	parts = append(parts, keep)
	if p.Foreign > 0 {
		parts = append(parts, fmt.Sprintf("%d foreign", p.Foreign))
	}
	others := 0
	for _, n := range p.Peers {
		others += n
	}
	if others > 0 {
		parts = append(parts, fmt.Sprintf("%d of other hosts", others))
	}
	return strings.Join(parts, ", ") + "."
}

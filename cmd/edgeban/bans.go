package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"edgeban/reconcile"
)

func bansCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:  "bans",
		Usage: "show the active bans, and why some are left out",
		Description: "Reads the sources and asks Cloudflare nothing. The last column says how a ban will be listed, or why\n" +
			"it is left out. With --ip it answers for one address, and looks at the list, too, when the account\n" +
			"and the token are set.\n\n" +
			"Exit status: 0 shown; 1 a source could not be read, or with --ip the list; 2 usage or settings.",
		Flags: sys.settingFlags(
			&cli.BoolFlag{Name: "json", HideDefault: true, Local: true, Usage: "print JSON"},
			&cli.BoolFlag{Name: "count", HideDefault: true, Local: true, Usage: "print how many active bans there are, those left out included"},
			&cli.StringFlag{Name: "ip", Local: true, Usage: "answer for this address or network alone"},
		),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			network, err := bansQuestion(cmd)
			if err != nil {
				return err
			}
			s, err := loadSettings(cmd, sys, needSources)
			if err != nil {
				return err
			}
			x, err := openSession(sys, s, person)
			if err != nil {
				return err
			}
			if network.IsValid() {
				return x.out.fail(x.bansOf(ctx, network, cmd.Bool("json")))
			}
			write := writeBans
			switch {
			case cmd.Bool("json"):
				write = writeBansJSON
			case cmd.Bool("count"):
				write = writeBansCount
			}
			return x.bans(ctx, write)
		},
	}
}

// bansQuestion is the network of --ip, the zero prefix when all bans are asked for.
func bansQuestion(cmd *cli.Command) (network netip.Prefix, err error) {
	if cmd.Bool("count") && (cmd.Bool("json") || cmd.IsSet("ip")) {
		return network, usagef("bans: --count goes neither with --json nor with --ip")
	}
	if !cmd.IsSet("ip") {
		return network, nil
	}
	network, reason := reconcile.ParsePrefix(cmd.String("ip"))
	if reason != "" {
		return network, usagef("bans: --ip %s is neither an address nor a network", quotedArgument(cmd.String("ip")))
	}
	return network, nil
}

func (x *session) bans(ctx context.Context, write func(output, []banRow) error) error {
	ctx, cancel := context.WithTimeout(ctx, x.settings.Timeout)
	defer cancel()
	x.recall()
	said := x.blocking().run(nil).Read(ctx)
	if said.Err != nil {
		return x.out.fail(x.interrupted(ctx, said.Err))
	}
	for _, note := range said.Notes {
		x.out.warn(note)
	}
	rows, first := []banRow{}, reconcile.Desired{}
	var left []reconcile.LeftOut
	for _, w := range x.remedies() {
		desired := w.desired(said, first)
		if w.remedy == reconcile.Block {
			first = desired
		}
		rows = append(rows, w.banRows(desired)...)
		left = append(left, desired.LeftOut...)
	}
	if err := write(x.out, append(rows, leftOutRows(left)...)); err != nil {
		return err
	}
	return x.out.fail(errors.Join(unanswered(said)...))
}

// banRow is one active ban as `edgeban bans` prints it. Its JSON names are an interface.
type banRow struct {
	Value  string     `json:"value"` // as it will be listed, or as the source has it when it is left out
	Source string     `json:"source"`
	Reason string     `json:"reason"`
	Since  *time.Time `json:"since"` // null: unknown
	Until  *time.Time `json:"until"` // null: permanent
	From   []string   `json:"from,omitempty"`
	Why    string     `json:"left_out,omitempty"` // empty: it will be listed, or is blocked
	Detail string     `json:"detail,omitempty"`

	Challenge bool   `json:"challenge,omitempty"`  // it goes on the challenge list
	BlockedBy string `json:"blocked_by,omitempty"` // … but for this entry of the block list, which makes that needless

	note string // Why for people
}

// banRows are the bans that will be listed.
func (w work) banRows(d reconcile.Desired) (rows []banRow) {
	add := func(e reconcile.Entry, by string) {
		for _, t := range e.Terms {
			if t.Until.IsZero() || t.Until.After(w.now) {
				rows = append(rows, banRow{Value: reconcile.PrefixText(e.Prefix), Source: t.Source, Reason: t.Reason, Since: instant(t.Since),
					Until: instant(t.Until), From: e.From, Challenge: w.remedy == reconcile.Challenge, BlockedBy: by})
			}
		}
	}
	for _, e := range d.Entries {
		add(e, "")
	}
	for _, b := range d.Beaten {
		add(b.Entry, reconcile.PrefixText(b.By))
	}
	return rows
}

// leftOutRows are the bans that will not.
func leftOutRows(left []reconcile.LeftOut) (rows []banRow) {
	for _, l := range left {
		rows = append(rows, banRow{Value: l.Ban.Value, Source: l.Ban.Source, Reason: l.Ban.Reason,
			Since: instant(l.Ban.Since), Until: instant(l.Ban.Until), Why: string(l.Reason), Detail: l.Detail, note: leftOutText(l)})
	}
	return rows
}

func writeBans(o output, rows []banRow) error {
	var b strings.Builder
	left := 0
	table(&b, func(w io.Writer) {
		for _, r := range rows {
			since, until, note := "", end(o.now, time.Time{}), ""
			if r.Since != nil {
				since = "since " + moment(o.now, *r.Since)
			}
			if r.Until != nil {
				until = end(o.now, *r.Until)
			}
			switch {
			case r.Why != "":
				left++
				note = "left out: " + r.note
			case len(r.From) == 1:
				note = "widened from " + r.From[0]
			case len(r.From) > 1:
				note = fmt.Sprintf("widened from %s and %d more", r.From[0], len(r.From)-1)
			}
			if r.Challenge {
				note = strings.TrimPrefix(note+", "+challengeNote(r), ", ")
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", shortened(printable(r.Value)), printable(r.Reason), since, until, note)
		}
	})
	text := strings.TrimPrefix(b.String(), "\n")
	if text != "" {
		text += "\n"
	}
	_, err := fmt.Fprintf(o.stdout, "%s%s, %d left out\n", text, plural(len(rows), "active ban"), left)
	return err
}

// challengeNote is what becomes of a challenge.
func challengeNote(r banRow) string {
	if r.BlockedBy != "" {
		return "a challenge, but blocked as " + r.BlockedBy
	}
	return "a challenge"
}

func writeBansCount(o output, rows []banRow) error {
	_, err := fmt.Fprintln(o.stdout, len(rows))
	return err
}

func writeBansJSON(o output, rows []banRow) error { return writeJSON(o.stdout, rows) }

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"edgeban/reconcile"
)

func statusCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "show how the last run ended, and what waits",
		Description: "Reads what the last run left in the state directory, and asks Cloudflare nothing. It needs no token.\n\n" +
			"Exit status: 0 also when the last run failed or none ever ran; 1 the state is unreadable; 2 usage or settings.",
		Flags: sys.settingFlags(&cli.BoolFlag{Name: "json", HideDefault: true, Local: true, Usage: "print JSON"}),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			s, err := loadSettingsAlone(cmd, sys)
			if err != nil {
				return err
			}
			now := sys.now()
			x := &session{sys: sys, settings: s, now: now, out: newOutput(sys, s, person, now)}
			return x.out.fail(x.status(ctx, cmd.Bool("json")))
		},
	}
}

func (x *session) status(ctx context.Context, asJSON bool) error {
	dir := &stateDir{x.settings.StateDir}
	lists, err := dir.lists().load()
	accounts, failed := x.accounts(dir).load()
	if err := errors.Join(err, failed); err != nil {
		return &notDoneError{err, "Who reads it needs the rights of who runs sync: try sudo. A damaged one is set aside by the next run."}
	}
	x.state, x.account = lists, accounts.Accounts[x.settings.holder()]
	var views []statusView
	for _, w := range x.works() {
		views = append(views, w.statusView(x.sys.nextRun(ctx, x.unit("timer"))))
	}
	views[0].Spilled = x.spilledNow()
	if asJSON {
		first := views[0]
		for i, w := range x.works()[1:] {
			switch view := &views[i+1]; {
			case w.remedy != reconcile.Challenge:
				first.Also = append(first.Also, *view)
			case first.Also == nil:
				first.Challenge = view
			default:
				first.Also[len(first.Also)-1].Challenge = view
			}
		}
		return writeJSON(x.out.stdout, first)
	}
	var b strings.Builder
	for i, v := range views {
		if i > 0 {
			b.WriteString("\n")
		}
		x.writeStatus(&b, v)
	}
	_, err = io.WriteString(x.out.stdout, b.String())
	return err
}

// statusView is what `edgeban status --json` prints. Its JSON names are an interface. What is null is not known.
type statusView struct {
	List         string       `json:"list"`
	LastRun      *lastRun     `json:"last_run"` // null: none is remembered
	LastSuccess  *time.Time   `json:"last_success"`
	SkippedSince *time.Time   `json:"skipped_since"` // null: the last run was not skipped
	HeldUntil    *time.Time   `json:"held_until"`    // null: writes are not on hold
	RefusedSince *time.Time   `json:"refused_since"` // null: the last write was let through
	Refused      string       `json:"refused,omitempty"`
	RefusedRuns  int          `json:"refused_runs"`
	MissingSince *time.Time   `json:"missing_since"` // since when the oldest ban waits; null: none does
	StaleSince   *time.Time   `json:"stale_since"`   // … the oldest removal
	Measured     *measured    `json:"measured"`      // null: no run has seen the list
	Allowed      []allowedRow `json:"allowed"`
	Operation    *time.Time   `json:"open_operation_since"` // null: every operation was seen to end
	NextRun      *time.Time   `json:"next_run"`             // null: no timer, or not known

	title string
	rules bool // they are access rules

	Challenge *statusView  `json:"challenge,omitempty"` // the same for challenges; absent: there is no target for them
	Also      []statusView `json:"also,omitempty"`      // the same of other zones' rules
	Spilled   *spilled     `json:"spilled,omitempty"`   // what access rules hold in place of the lists; absent: bans do not spill, or nobody looked
}

type allowedRow struct {
	Prefix string    `json:"prefix"`
	Until  time.Time `json:"until"`
}

func (w work) statusView(next time.Time) statusView {
	list, past := w.listState(), w.past()
	throttle := past.Throttle
	v := statusView{
		List: w.label(), title: w.title(), rules: w.onRules(), LastRun: list.LastRun, LastSuccess: instant(list.LastSuccess), SkippedSince: instant(list.SkippedSince),
		RefusedSince: instant(throttle.Since), Refused: throttle.Why, RefusedRuns: throttle.InARow, Measured: list.Measured,
		Operation: instant(past.Open.Since), NextRun: instant(next), Allowed: []allowedRow{},
	}
	if throttle.Held(w.now) {
		v.HeldUntil = instant(throttle.Hold)
	}
	missing, stale := past.Waiting.Oldest()
	v.MissingSince, v.StaleSince = instant(missing), instant(stale)
	for _, l := range inForce(w.allowed(), w.now) {
		if w.remedy == reconcile.Block { // they hold for both lists, and are told once
			v.Allowed = append(v.Allowed, allowedRow{reconcile.PrefixText(l.Prefix), l.Until})
		}
	}
	return v
}

// writeStatus prints it for people.
func (x *session) writeStatus(b *strings.Builder, v statusView) {
	fmt.Fprintf(b, "%s\n", v.title)
	table(b, func(w io.Writer) {
		for _, row := range x.statusRows(v) {
			fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
	})
	if v.LastRun == nil && v.Measured == nil {
		fmt.Fprintf(b, "\nNo run has left word in %s. Try one: %s. Then start the timer: systemctl enable --now %s\n",
			x.settings.StateDir, x.settings.typed("edgeban sync"), x.unit("timer"))
	}
}

// statusRows are what there is to say, each with its name.
func (x *session) statusRows(v statusView) [][2]string {
	var rows [][2]string
	row := func(name, format string, args ...any) {
		rows = append(rows, [2]string{name, fmt.Sprintf(format, args...)})
	}
	when := func(t time.Time) string { return clock(x.now, t) + ", " + ago(x.now, t) }
	if r := v.LastRun; r != nil {
		row("last run", "%s: %s", when(r.At), outcomeText(*r, holding(v.rules)))
	}
	switch {
	case v.LastSuccess != nil:
		row("last success", "%s", when(*v.LastSuccess))
	case v.LastRun != nil:
		row("last success", "none is remembered")
	}
	if m := v.Measured; m != nil {
		row(holding(v.rules), "%s", m.text(v)+x.asOf(v, m.At))
		row("drift", "%s", x.driftText(v)+x.asOf(v, m.At))
		if m.Rules == 0 && !v.rules {
			row("rule", "none uses the list: nothing is blocked")
		}
	}
	if text := v.Spilled.text(); text != "" {
		row("spilled", "%s in access rules%s", text, x.asOf(v, v.Spilled.At))
	}
	if v.RefusedSince != nil && v.RefusedRuns > 0 {
		row("refused", "%s", x.refusedText(v))
	}
	if v.Operation != nil {
		row("operation", "one of %s was not seen to end; nothing is written before", clock(x.now, *v.Operation))
	}
	for _, l := range v.Allowed {
		row("allowed", "%s until %s, by edgeban unban", l.Prefix, clock(x.now, l.Until))
	}
	if v.NextRun != nil {
		row("next run", "%s, in %s", clock(x.now, *v.NextRun), span(max(v.NextRun.Sub(x.now), 0)))
	}
	return rows
}

// asOf says how old a number is, when it is not the last run's.
func (x *session) asOf(v statusView, at time.Time) string {
	if v.LastRun != nil && v.LastRun.At.Equal(at) {
		return ""
	}
	return " (as of " + clock(x.now, at) + ")"
}

// text is "41 items (38 ours, 2 by hand, 1 of other hosts), 41 of 10000 that the account may have".
func (m measured) text(v statusView) string {
	whose := fmt.Sprintf("%d ours", m.Own)
	if m.Manual > 0 {
		whose += fmt.Sprintf(" (%d by edgeban ban)", m.Manual)
	}
	if m.Foreign > 0 {
		whose += fmt.Sprintf(", %d foreign", m.Foreign)
	}
	if m.Peers > 0 {
		whose += fmt.Sprintf(", %d of other hosts", m.Peers)
	}
	if v.rules {
		return fmt.Sprintf("%s: %s; %d in all, and an account may have %d", plural(m.Items, "rule"), whose, m.Items+m.Elsewhere, m.Quota)
	}
	return fmt.Sprintf("%s: %s; the account holds %d of %d", plural(m.Items, "item"), whose, m.Items+m.Elsewhere, m.Quota)
}

func (x *session) driftText(v statusView) string {
	m := v.Measured
	if m.Missing+m.Stale == 0 {
		return "none"
	}
	text := fmt.Sprintf("%d to add, %d to remove", m.Missing, m.Stale)
	oldest := v.MissingSince
	if oldest == nil || v.StaleSince != nil && v.StaleSince.Before(*oldest) {
		oldest = v.StaleSince
	}
	if oldest != nil {
		text += ", the oldest for " + span(x.now.Sub(*oldest))
	}
	return text
}

func (x *session) refusedText(v statusView) string {
	text := "Cloudflare refuses writes"
	if v.Refused != "" {
		text += " (" + printable(v.Refused) + ")"
	}
	text += fmt.Sprintf(" since %s, %s in a row", clock(x.now, *v.RefusedSince), plural(v.RefusedRuns, "run"))
	if v.HeldUntil != nil {
		text += "; on hold until " + clock(x.now, *v.HeldUntil)
	}
	return text
}

// outcomeText is how a run ended, in words.
func outcomeText(r lastRun, holding string) string {
	text := map[reconcile.Outcome]string{
		reconcile.OutcomeInStep:   "in step",
		reconcile.OutcomeChanged:  "changed the " + holding,
		reconcile.OutcomeSkipped:  "skipped",
		reconcile.OutcomeHeld:     "writes on hold",
		reconcile.OutcomeWithheld: "removals withheld",
		reconcile.OutcomeFailed:   "failed",
	}[r.Outcome]
	if text == "" {
		text = printable(string(r.Outcome))
	}
	if r.Error != "" {
		text += ": " + printable(r.Error)
	}
	return text
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"
	"unicode"
)

// output is where a command tells what happened: to a person at a terminal in words, to a journal or a file as log lines.
type output struct {
	stdout io.Writer
	stderr io.Writer
	log    *slog.Logger
	words  bool // a person reads: words on stdout and stderr, no log lines
	now    time.Time

	instance string // to be named in hints; empty: the only one on this host
}

// audience is who reads a command's words.
type audience uint8

const (
	person  audience = iota // somebody who asked a question, also through a pipe
	journal                 // a timer's log, unless a terminal shows that somebody looks on
)

func newOutput(sys *system, s Settings, reader audience, now time.Time) output {
	words := (reader == person || sys.terminal) && s.LogFormat == "text"
	o := output{stdout: sys.stdout, stderr: sys.stderr, now: now, words: words, instance: s.Instance}
	options := &slog.HandlerOptions{Level: s.LogLevel}
	if sys.journal { // it keeps its own time
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	handler := func(w io.Writer) slog.Handler {
		if s.LogFormat == "json" {
			return slog.NewJSONHandler(w, options)
		}
		return slog.NewTextHandler(w, options)
	}
	if sys.journal {
		o.log = slog.New(newJournalHandler(sys.stderr, handler))
	} else {
		o.log = slog.New(handler(sys.stderr))
	}
	return o
}

// debugLog is the log for every request, nil unless somebody wants to read it.
func (o output) debugLog() *slog.Logger {
	if !o.log.Enabled(context.Background(), slog.LevelDebug) {
		return nil
	}
	return o.log
}

// warn says what a person ought to know and what did not stop the run.
func (o output) warn(text string) {
	if o.words {
		fmt.Fprintf(o.stderr, "edgeban: warning: %s\n", printable(text))
		return
	}
	o.log.Warn(text)
}

// warnOf is warn for an error that did not stop the run, with the hint that it may have. so says what follows from it.
func (o output) warnOf(err error, so string) {
	err = o.named(err)
	if o.words {
		complain(o.stderr, "warning: "+printable(err.Error()+so), hintOf(err))
		return
	}
	o.log.Warn(err.Error()+so, hintAttr(err)...)
}

// fail tells of an error that ends the command, and returns it as one that was told already.
func (o output) fail(err error) error {
	err = o.named(err)
	if err == nil || o.words {
		return err
	}
	for _, e := range unjoined(err) {
		o.log.Error(e.Error(), hintAttr(e)...)
	}
	return told{err}
}

func hintAttr(err error) []any {
	if hint := hintOf(err); hint != "" {
		return []any{"hint", hint}
	}
	return nil
}

// told is an error that the log has already: only its exit status is left to be reported.
type told struct{ error }

func (t told) Unwrap() error { return t.error }

// printable keeps text that came from a database, an API or a file from moving the cursor or forging a line.
func printable(s string) string {
	clean := true
	for _, r := range s {
		clean = clean && (unicode.IsPrint(r) && r != unicode.ReplacementChar)
	}
	if clean {
		return s
	}
	quoted := fmt.Sprintf("%+q", s)
	return quoted[1 : len(quoted)-1]
}

// plural is "1 item", "2 items".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// ago is how long t lies back, in one unit.
func ago(now, t time.Time) string { return span(now.Sub(t)) + " ago" }

// span is a length of time in one unit that a person can picture.
func span(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 90*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 36*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	default:
		return plural(int(d.Hours()/24), "day")
	}
}

// moment is a time to the minute, in the zone of now.
func moment(now, t time.Time) string { return t.In(now.Location()).Format("2006-01-02 15:04") }

// clock is a time of day in the zone of now, with the date when that is another day.
func clock(now, t time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return moment(now, t)
}

// end is when a ban ends.
func end(now, until time.Time) string {
	switch {
	case until.IsZero():
		return "permanent"
	case until.Year() > 9000:
		return "until the year 9999"
	default:
		return "until " + moment(now, until)
	}
}

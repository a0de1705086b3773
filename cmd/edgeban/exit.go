package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"

	"edgeban/reconcile"
)

// The exit statuses. They are documented: scripts and the systemd units rely on them.
const (
	exitOK       = 0 // in step, or the run was skipped for a reason that the next run may not meet
	exitFailure  = 1 // a source, Cloudflare or anything else failed
	exitUsage    = 2 // the command line or a setting is wrong; nothing was asked of anyone
	exitWithheld = 3 // surprising removals were withheld
	exitPending  = 4 // diff --exit-code: changes are pending
)

// exitStatuses is the part of --help that says what a run's exit status means. The commands that only look have their own: 4 is diff's.
const exitStatuses = `Exit status: 0 in step, changed, writes on hold, or skipped (no source could be read, another run holds the lock, or the
clock is wrong); 1 Cloudflare failed or refused, interrupted, or skipped for too long (skip-alarm); 2 usage or settings;
3 removals were withheld.`

// problem is one thing that is wrong with the settings or the command line, and what to do about it.
type problem struct {
	text string
	hint string // may be empty
}

// usageError holds everything that is wrong with the settings or the command line, never only the first thing.
type usageError struct{ problems []problem }

func (e *usageError) Error() string {
	var texts []string
	for _, p := range e.problems {
		texts = append(texts, p.text)
	}
	return strings.Join(texts, "\n")
}

// usagef returns a usageError of one problem without a hint.
func usagef(format string, args ...any) *usageError {
	return &usageError{[]problem{{text: fmt.Sprintf(format, args...)}}}
}

// pendingError is the answer of `diff --exit-code` when there is something to do. It says nothing: diff has
// printed the changes.
type pendingError struct{}

func (pendingError) Error() string { return "changes are pending" }

// report tells w what went wrong, if anything did, and returns the exit status.
func report(w io.Writer, err error) int {
	var logged told
	if errors.As(err, &logged) {
		w = io.Discard
	}
	var (
		usage   *usageError
		help    cli.ExitCoder // urfave/cli's own, for help on a command that does not exist
		pending pendingError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		for _, p := range usage.problems {
			complain(w, p.text, p.hint)
		}
		return exitUsage
	case errors.As(err, &help):
		complain(w, help.Error(), "")
		return exitUsage
	case onlyWithheld(err):
		complainEach(w, err)
		return exitWithheld
	case errors.As(err, &pending):
		return exitPending
	default:
		complainEach(w, err)
		return exitFailure
	}
}

// onlyWithheld reports whether removals were withheld, and all the rest was done: on no list did anything fail.
func onlyWithheld(err error) bool {
	var logged told
	if errors.As(err, &logged) {
		err = logged.error
	}
	for _, e := range unjoined(err) {
		var withheld *reconcile.WithheldError
		if !errors.As(e, &withheld) {
			return false
		}
	}
	return true
}

func complainEach(w io.Writer, err error) {
	for _, e := range unjoined(err) {
		complain(w, e.Error(), hintOf(e))
	}
}

// unjoined takes errors apart that were joined, so that each keeps its own hint. One that says more than the joined ones stays whole.
func unjoined(err error) []error {
	if joined, ok := any(err).(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// hintOf is what the error wants a person to do next, empty when it does not say.
func hintOf(err error) string {
	var hinter interface{ Hint() string }
	if errors.As(err, &hinter) {
		return hinter.Hint()
	}
	return ""
}

// complain prints a message and, indented under it, its hint. An error of writing to standard error has nowhere
// to go.
func complain(w io.Writer, message, hint string) {
	fmt.Fprintf(w, "edgeban: %s\n", message)
	if hint == "" {
		return
	}
	for line := range strings.Lines(hint) {
		fmt.Fprintf(w, "  %s\n", strings.TrimRight(line, "\n"))
	}
}

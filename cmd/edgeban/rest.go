package main

import (
	"os"
	"path/filepath"
	"time"

	"edgeban/reconcile"
)

// restInterval is how long a look at the list serves while writes are on hold. It is shorter than the timer's interval, so that each
// of its runs looks.
const restInterval = 100 * time.Second

// restTriggered is the same for a run that a ban triggered: looking is left to the timer's runs, but not for ever, because a ban may trigger
// each of them, too.
const restTriggered = 10 * time.Minute

// triggerMark is the directory in the state directory by which the packaged service says that a ban triggered the run. systemd itself tells
// (TRIGGER_UNIT), but version 252 goes on telling the same for every later start of the service, the timer's too.
const triggerMark = "triggered"

// triggered reports whether a ban triggered this run, and takes the mark away.
func (x *session) triggered() bool {
	return x.dir != nil && os.Remove(filepath.Join(x.dir.path, triggerMark)) == nil
}

// rests reports whether the run ends here, without having asked Cloudflare anything: writes are on hold, and a run looked at the list a
// moment ago. So bans that trigger runs cost no request, however many there are. For a person at a terminal every run looks.
func (x *session) rests(triggered bool) bool {
	interval := restInterval
	if triggered {
		interval = restTriggered
	}
	w := x.blocking()
	throttle, last := w.past().Throttle, w.listState().Measured
	if x.out.words || len(x.spillWorks()) > 0 || !throttle.Held(x.now) || last == nil || last.At.After(x.now) || x.now.Sub(last.At) >= interval {
		return false
	}
	why := whyHeld(x.now, &reconcile.HoldError{Since: throttle.Since, Until: throttle.Hold, Why: throttle.Why})
	x.out.log.Info("writes are on hold", "list", w.label(), "outcome", string(reconcile.OutcomeHeld), "why", why,
		"requests", 0, "looked", last.At, "since", throttle.Since, "until", throttle.Hold)
	return true
}

package main

import (
	"fmt"
	"strings"

	"edgeban/reconcile"
)

// triggered reports whether a ban started this run and not the timer: systemd names the unit that activated a service, a path
// unit in our case. https://www.freedesktop.org/software/systemd/man/252/systemd.exec.html (TRIGGER_UNIT; older ones do not tell)
func (sys *system) triggered() bool { return strings.HasSuffix(sys.getenv("TRIGGER_UNIT"), ".path") }

// rest reports whether this run has nothing to do: a ban triggered it, and Cloudflare is not to be written to yet. The timer's runs
// measure meanwhile what is waiting, so a storm of bans costs no request.
func (x *session) rest() bool {
	throttle := x.past().Throttle
	if !x.sys.triggered() || !throttle.Held(x.now) {
		return false
	}
	why := whyHeld(x.now, &reconcile.HoldError{Since: throttle.Since, Until: throttle.Hold, Why: throttle.Why})
	if x.out.words {
		complain(x.out.stderr, fmt.Sprintf("list %s: %s", x.settings.List, why),
			"A ban triggered this run, and Cloudflare was asked nothing. Next attempt at "+clock(x.now, throttle.Hold)+".")
		return true
	}
	x.out.log.Info("writes are on hold, nothing was asked", "list", x.settings.List, "outcome", string(reconcile.OutcomeHeld),
		"why", why, "since", throttle.Since, "until", throttle.Hold)
	return true
}

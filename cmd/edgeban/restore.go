package main

import (
	"net/netip"
	"time"

	"edgeban/reconcile"
)

// sayRestore prints how the bans by hand come back that an un-ban for a while takes off the list although it did not name them: of these
// no source knows, so no run puts them back.
func (w work) sayRestore(network netip.Prefix, removals []reconcile.Removal, until time.Time) {
	for _, r := range removals {
		_, manual := r.Tag.Host()
		left := r.Tag.Until.Sub(until)
		if !manual || w.standsFor(r.Item.Prefix, network) || left < time.Minute {
			continue
		}
		w.say("%s is a ban by hand, which no run puts back. To have it back from %s on:\n  %s",
			reconcile.PrefixText(r.Item.Prefix), clock(w.now, until), w.banCommand(r, left))
	}
}

// standsFor reports whether an item is that of the network itself: an IPv6 address's is wherever it was widened to.
func (w work) standsFor(item, network netip.Prefix) bool {
	return item == network || item.Addr().Is6() && item.Bits() >= w.settings.IPv6Prefix && item.Overlaps(network) && item.Bits() < network.Bits()
}

// banCommand is what to type for a ban by hand like that of a removed item.
func (w work) banCommand(r reconcile.Removal, length time.Duration) string {
	command := "edgeban ban " + reconcile.PrefixText(r.Item.Prefix)
	if length > tenYears {
		command += " --permanent"
	} else {
		command += " --for " + brief(length)
	}
	if w.remedy == reconcile.Challenge {
		command += " --remedy challenge"
	}
	if reason := r.Tag.ManualReason(); reason != "" && reason != defaultReason {
		command += " --reason=" + shellWord(reason)
	}
	return w.settings.typed(command)
}

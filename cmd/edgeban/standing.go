package main

import (
	"context"
	"net/netip"
	"time"

	"edgeban/reconcile"
)

// standingSince is since when networks stand in access rules that the lists may now take over, because no write was refused for long. Where
// that cannot be read, what the lists take over lingers as if it were new.
func (x *session) standingSince(ctx context.Context, throttle reconcile.Throttle) (since map[netip.Prefix]time.Time) {
	if x.settings.AccessRules {
		return nil
	}
	own := 0
	for _, w := range x.spillWorks() {
		if m := w.listState().Measured; m != nil {
			own += m.Own
		}
	}
	if own == 0 || throttle.Draining(x.now) {
		return nil
	}
	w := x.spillWorks()[0]
	run := w.run(reconcile.ReadOnly(w.target()))
	run.DryRun = true
	run.Carry(ctx, func(items []reconcile.Item, now time.Time) reconcile.Plan {
		since = run.Ownership.StandingSince(items)
		return reconcile.Plan{Now: now, Items: len(items)}
	})
	return since
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// lockPoll is how often a command looks whether the lock is free.
const lockPoll = 200 * time.Millisecond

// alone opens the state directory, keeps other runs out until unlock, and recalls what the run before left, which is final only once the
// lock is held. It waits up to patience for a run that is at work; then the error is errLocked.
func (x *session) alone(ctx context.Context, patience time.Duration) (unlock func(), err error) {
	x.openState()
	for began, told := time.Now(), false; ; {
		unlock, err = x.dir.lock()
		if !errors.Is(err, errLocked) {
			break
		}
		if patience == 0 {
			return nil, err
		}
		if time.Since(began) >= patience {
			return nil, &notDoneError{err, "Nothing was changed. Try again when it has ended."}
		}
		if x.sys.terminal && !told {
			told = true
			fmt.Fprintln(x.out.stderr, "edgeban: another edgeban is running; waiting for it to end")
		}
		if err := sleep(ctx, lockPoll); err != nil {
			return nil, x.interrupted(ctx, err)
		}
	}
	if err != nil { // as good as no state directory
		x.out.warnOf(err, "; going on without it: nothing is remembered and no other run is kept out")
		x.dir, unlock = nil, func() {}
	}
	x.recall()
	x.forgetRules()
	x.now = x.sys.now()
	x.out.now = x.now
	return unlock, nil
}

// sleep returns after d, or with the reason why ctx ended before.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

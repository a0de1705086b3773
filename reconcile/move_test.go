package reconcile

import (
	"errors"
	"testing"
)

// TestMoveToTheChallengeList: an item leaves the block list only after the run in which the challenge list took its prefix over.
func TestMoveToTheChallengeList(t *testing.T) {
	const address = "192.0.2.1"
	block := newMemTarget(items(address + " own 1h -1h crowdsec:x")...)
	challenge := newMemTarget()
	answering(challenge, map[string][]error{"survey": {errors.New("no such list"), errors.New("no such list"), nil}, "add": {errors.New("refused"), nil}})
	var past Past
	for i, want := range []struct{ block, challenge int }{
		{1, 0}, {1, 0}, // there is no such list
		{1, 0}, // it takes nothing
		{1, 1}, // it does
		{0, 1},
		{0, 1},
	} {
		a, b := twoLists(t, block, challenge, func(first, _ *Run) { first.Past = past }, crowdsec(address+" captcha:x 0s 1h"))
		past = a.Next
		past.Moved = Moved(a, b)
		if len(block.items) != want.block || len(challenge.items) != want.challenge {
			t.Errorf("run %d: %d blocked, %d challenged; want %v; %q", i, len(block.items), len(challenge.items), want, changes(*a.Plan))
		}
	}
}

// TestMoveToTheBlockList: where the block list has no room, whom it cannot take stays challenged. With room they change places in one run.
func TestMoveToTheBlockList(t *testing.T) {
	for quota, want := range map[int]struct{ block, challenge int }{3: {0, 3}, 6: {3, 0}} {
		block, challenge := newMemTarget(), newMemTarget()
		pass := func(s Source) {
			twoLists(t, shared{block, challenge}, shared{challenge, block}, func(one, two *Run) { one.MaxItems, two.MaxItems = quota, quota }, s)
		}
		pass(crowdsec("192.0.2.1 captcha:x 0s 1h", "192.0.2.2 captcha:x 0s 1h", "192.0.2.3 captcha:x 0s 1h"))
		for range 3 {
			pass(crowdsec("192.0.2.1 crowdsec:x 0s 1h", "192.0.2.2 crowdsec:x 0s 1h", "192.0.2.3 crowdsec:x 0s 1h"))
			if len(block.items) != want.block || len(challenge.items) != want.challenge {
				t.Errorf("quota %d: %d blocked, %d challenged", quota, len(block.items), len(challenge.items))
			}
		}
	}
}

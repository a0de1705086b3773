package main

import (
	"fmt"
	"testing"
	"time"
)

// However many the zones are and however often it is run, no more requests are made in five minutes than Cloudflare allows.
func TestSharesOfManyZones(t *testing.T) {
	t.Parallel()
	s := Settings{AccessRules: true, RequestBudget: 1200}
	for i := range 120 {
		s.Zones = append(s.Zones, fmt.Sprintf("%032x", i))
	}
	x := &session{settings: s}
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	sum := 0
	for run := range 3 {
		x.now, x.budgets, x.used, x.looked = start.Add(time.Duration(run)*2*time.Minute), nil, nil, 0
		for range s.Zones {
			n := x.share().Left()
			x.looked += n // as if all were made
			sum += n
			x.account = x.learned(x.account)
		}
		if run == 0 && sum < 1000 {
			t.Errorf("the first run may make %d requests", sum)
		}
	}
	if sum > requestMost {
		t.Errorf("%d requests in five minutes", sum)
	}
}

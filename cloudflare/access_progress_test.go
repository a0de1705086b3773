package cloudflare

import (
	"slices"
	"testing"

	fake "edgeban/cloudflare/cloudflaretest"
)

// TestProgressOfReading tells how many of all rules are read.
func TestProgressOfReading(t *testing.T) {
	var told []Progress
	inGrounds(t, fake.Options{}, RulesOptions{Progress: func(p Progress) { told = append(told, p) }}, func(t *testing.T, g *grounds) {
		g.crowd(t, 250)
		g.items(t, g.block)
		if !slices.Equal(told, []Progress{{Reading, 100, 250}, {Reading, 200, 250}, {Reading, 250, 250}}) {
			t.Error(told)
		}
	})
}

// TestProgressOfWriting tells how many are done.
func TestProgressOfWriting(t *testing.T) {
	var told []Progress
	options := RulesOptions{Progress: func(p Progress) {
		if p.Work != Reading {
			told = append(told, p)
		}
	}}
	inGrounds(t, fake.Options{}, options, func(t *testing.T, g *grounds) {
		for _, method := range []string{"POST", "DELETE"} {
			if done, err := g.writing(t, method)(t.Context()); done != 3 || err != nil {
				t.Fatal(done, err)
			}
		}
		if !slices.Equal(told, []Progress{{Adding, 0, 3}, {Adding, 1, 3}, {Adding, 2, 3}, {Removing, 0, 3}, {Removing, 1, 3}, {Removing, 2, 3}}) {
			t.Error(told)
		}
	})
}

package main

import (
	"strings"
	"testing"

	"edgeban/reconcile"
)

// TestLeftOutInWords: people read why a ban is left out or an item goes, and not the metric's label value.
func TestLeftOutInWords(t *testing.T) {
	for _, reason := range append(reconcile.LeftOutReasons(), reconcile.LeftOutOtherList, reconcile.LeftOutOnList) {
		if text := leftOutText(reconcile.LeftOut{Reason: reason}); text == string(reason) {
			t.Errorf("%s has no words for people", reason)
		}
	}
}

// A value is cut between characters: half of one would be a broken line on a terminal.
func TestShortened(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{"203.0.113.7", "203.0.113.7"},
		{strings.Repeat("x", 60), strings.Repeat("x", 60)},
		{strings.Repeat("x", 61), strings.Repeat("x", 60) + "…"},
		{strings.Repeat("€", 60), strings.Repeat("€", 60)},
		{"a" + strings.Repeat("€", 60), "a" + strings.Repeat("€", 59) + "…"},
	} {
		if got := shortened(tt.value); got != tt.want {
			t.Errorf("shortened(%q) = %q, want %q", tt.value, got, tt.want)
		}
	}
}

package main

import (
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

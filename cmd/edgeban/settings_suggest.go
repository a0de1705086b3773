package main

import (
	"fmt"
	"strings"
)

// didYouMean is the end of a message about a word that nobody knows: the known word nearest to it, if one is near.
func didYouMean(word string, known []string) string {
	best := nearest(word, known)
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// asKey is a word as keys and flags are spelled.
func asKey(word string) string { return strings.ReplaceAll(strings.ToLower(word), "_", "-") }

// nearest is the known word nearest to the word; "" when none is near.
func nearest(word string, known []string) string {
	word = asKey(word)
	best, least := "", len(word)/3+1
	for _, candidate := range known {
		d := distance(word, candidate)
		if len(word) >= 3 && strings.HasPrefix(candidate, word) {
			d = min(d, 1)
		}
		if d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the letters to be inserted, removed or replaced, and the neighbours to be swapped, to turn a into b (optimal string
// alignment).
func distance(a, b string) int {
	var before []int // the row of two letters ago
	last, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			replaced := last[j]
			if a[i] != b[j] {
				replaced++
			}
			row[j+1] = min(replaced, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return last[len(b)]
}

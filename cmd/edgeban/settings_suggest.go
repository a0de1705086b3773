package main

import (
	"fmt"
	"strings"
)

// didYouMean is the end of a message about a word that nobody knows: the known word nearest to it, if one is near.
func didYouMean(word string, known []string) string {
	word = strings.ReplaceAll(strings.ToLower(word), "_", "-")
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
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the letters to be inserted, removed or replaced to turn a into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

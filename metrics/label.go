package metrics

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLabel is how many characters a label value may have; a longer one is cut and ends in "…".
const maxLabel = 128

// cleanLabel makes any text fit to be a label value: valid UTF-8, which Prometheus demands, without characters that could
// disturb a terminal or a page, and of bounded length. Each byte of what cannot be printed becomes %XX. Text that is clean stays as it
// is, so cleaning twice is cleaning once.
func cleanLabel(s string) string {
	var b strings.Builder
	for rest := s; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		if unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			b.WriteString(rest[:size])
		} else {
			for i := range size {
				fmt.Fprintf(&b, "%%%02X", rest[i])
			}
		}
		rest = rest[size:]
	}
	return cut(b.String())
}

// cut shortens s to maxLabel characters.
func cut(s string) string {
	count := 0
	last := 0 // where the last character that is kept begins
	for i := range s {
		if count++; count == maxLabel {
			last = i
		}
		if count > maxLabel {
			return s[:last] + "…"
		}
	}
	return s
}

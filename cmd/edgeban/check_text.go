package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// printFinding prints one part's line, and what to do under it.
func printFinding(w io.Writer, f finding) {
	fmt.Fprintf(w, "%-8s %-11s %s\n", f.Verdict, f.Part, printable(f.Text))
	for line := range strings.Lines(f.Do) {
		fmt.Fprintf(w, "%-8s %-11s %s\n", "", "", printable(strings.TrimRight(line, "\n")))
	}
}

// count is "1 failed, 2 warnings".
func (c *checkup) count() string {
	failures, warnings := c.number(failed), c.number(warning)
	switch {
	case failures > 0 && warnings > 0:
		return fmt.Sprintf("%d failed, %s", failures, plural(warnings, "warning"))
	case failures > 0:
		return fmt.Sprintf("%d failed", failures)
	case warnings > 0:
		return plural(warnings, "warning")
	}
	return "All is well."
}

func (c *checkup) writeJSON(w io.Writer) error {
	return writeJSON(w, struct {
		Failed   int       `json:"failed"`
		Warnings int       `json:"warnings"`
		Parts    []finding `json:"parts"`
	}{c.number(failed), c.number(warning), c.found})
}

// thousands is a number with a blank between groups of three digits.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}

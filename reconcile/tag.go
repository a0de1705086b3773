package reconcile

import (
	"fmt"
	"strings"
	"time"
)

// MaxComment is how many characters Cloudflare allows in an item's comment:
// https://developers.cloudflare.com/waf/tools/lists/lists-api/json-object/
const MaxComment = 500

// Tag is what an edgeban writes into the comment of each of its items.
//
//	edgeban:web-1-3f2a9c1d until=2026-11-27T10:03:00Z seen=2026-11-20T10:00:02Z | fail2ban:sshd,recidive
//
// The machine's part comes first, so that a comment that is too long loses only reasons.
type Tag struct {
	Owner string
	Until time.Time // the lease: until then the owner answers for the item
	Seen  time.Time // when this item was put at the edge; a rewrite keeps it
	Text  string    // the sources and their reasons, as tagText writes them

	cut bool // the comment has the greatest length allowed, so Text may have lost its end
}

// ParseTag reads a comment. It returns false for a comment that is not, to the letter, one that Tag.Comment writes: such
// an item is foreign and never touched, so that editing the tag away hands an item over for good.
func ParseTag(comment string) (Tag, bool) {
	rest, ok1 := strings.CutPrefix(comment, "edgeban:")
	owner, rest, ok2 := strings.Cut(rest, " until=")
	until, rest, ok3 := strings.Cut(rest, " seen=")
	seen, text, ok4 := strings.Cut(rest, " | ")
	if !ok1 || !ok2 || !ok3 || !ok4 || !validTagOwner(owner) {
		return Tag{}, false
	}
	t := Tag{Owner: owner, Text: text, cut: len(comment) >= MaxComment}
	t.Until, ok1 = parseStamp(until)
	t.Seen, ok2 = parseStamp(seen)
	if !ok1 || !ok2 {
		return Tag{}, false
	}
	return t, true
}

// stamp is written in UTC, to the second. Package time reads and writes this very layout faster than others.
const stamp = time.RFC3339

// parseStamp reads by UnmarshalText, which is strict, unlike time.Parse.
func parseStamp(s string) (t time.Time, ok bool) {
	ok = len(s) == len("2006-01-02T15:04:05Z") && strings.HasSuffix(s, "Z") && t.UnmarshalText([]byte(s)) == nil
	return t, ok
}

// Comment is the tag as it is written, cut to MaxComment characters.
func (t Tag) Comment() string {
	c := "edgeban:" + t.Owner + " until=" + t.Until.UTC().Format(stamp) + " seen=" + t.Seen.UTC().Format(stamp) + " | " + t.Text
	if len(c) > MaxComment { // all of it is ASCII
		c = c[:MaxComment]
	}
	return c
}

// Reasons are the jails and scenarios that the tag names, as "sshd, recidive".
func (t Tag) Reasons() string {
	var all []string
	for word := range strings.FieldsSeq(t.Text) {
		_, reasons, _ := strings.Cut(word, ":")
		for r := range strings.SplitSeq(reasons, ",") {
			all = append(all, unescapeReason(r))
		}
	}
	return strings.Join(all, ", ")
}

// names reports whether the tag names a source. A comment that was cut may have named any.
func (t Tag) names(source string) bool {
	if t.cut {
		return true
	}
	for word := range strings.FieldsSeq(t.Text) {
		if name, _, _ := strings.Cut(word, ":"); name == source {
			return true
		}
	}
	return false
}

// tagText is the part of a comment that is for people and for names: "fail2ban:sshd,recidive crowdsec:http-probing".
// Terms are sorted by source and reason.
func tagText(terms []Term) string {
	var b strings.Builder
	for i, t := range terms {
		switch {
		case i == 0:
			b.WriteString(t.Source + ":" + escapeReason(t.Reason))
		case t.Source != terms[i-1].Source:
			b.WriteString(" " + t.Source + ":" + escapeReason(t.Reason))
		case t.Reason != terms[i-1].Reason:
			b.WriteString("," + escapeReason(t.Reason))
		}
	}
	return b.String()
}

// escapeReason keeps a jail's or scenario's name to characters that can neither end a word of the tag nor disturb a
// terminal; every other byte becomes %XX.
func escapeReason(s string) string {
	clean := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-/@+", c) >= 0
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; clean(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// unescapeReason undoes %20 alone, the one escape that people meet; others stay visible as they are.
func unescapeReason(s string) string { return strings.ReplaceAll(s, "%20", " ") }

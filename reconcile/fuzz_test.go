package reconcile

import (
	"os"
	"testing"
	"time"
)

// FuzzParsePrefix: what is read is canonical, and reads back as itself.
func FuzzParsePrefix(f *testing.F) {
	needSeeds(f)
	f.Fuzz(func(t *testing.T, value string) {
		p, reason := ParsePrefix(value)
		if reason != "" {
			if p.IsValid() {
				t.Fatalf("%q is %v and %s", value, p, reason)
			}
			return
		}
		if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() || p.Addr().Zone() != "" || p.Addr().IsUnspecified() {
			t.Fatalf("%q is %v", value, p)
		}
		for _, text := range []string{PrefixText(p), p.String()} {
			if again, reason := ParsePrefix(text); again != p || reason != "" {
				t.Fatalf("%q is %v, but %q is %v (%s)", value, p, text, again, reason)
			}
		}
	})
}

// FuzzParseTag: what is read as a tag is, to the letter, what Comment writes.
func FuzzParseTag(f *testing.F) {
	needSeeds(f)
	f.Fuzz(func(t *testing.T, comment string) {
		tag, ok := ParseTag(comment)
		if !ok {
			if tag != (Tag{}) {
				t.Fatalf("%q is none, but %+v", comment, tag)
			}
			return
		}
		want := comment[:min(len(comment), MaxComment)]
		if got := tag.Comment(); got != want {
			t.Fatalf("%q was written again as %q", comment, got)
		}
		if again, ok := ParseTag(want); !ok || again.Comment() != want || len(comment) <= MaxComment && again != tag {
			t.Fatalf("%q was read again as %+v", want, again)
		}
		if tag.cut != (len(comment) >= MaxComment) || tag.cut && !tag.names("any") {
			t.Fatalf("%q: cut is %v", comment, tag.cut)
		}
	})
}

// FuzzTag: a tag survives its comment, whatever the reasons.
func FuzzTag(f *testing.F) {
	needSeeds(f)
	f.Fuzz(func(t *testing.T, owner, reason string, until, seen int64) {
		tag := Tag{Owner: owner, Until: time.Unix(until, 0).UTC(), Seen: time.Unix(seen, 0).UTC(), Text: tagText([]Term{{Source: "fail2ban", Reason: reason}})}
		writable := func(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }
		if !ValidOwner(owner) || !writable(tag.Until) || !writable(tag.Seen) {
			return
		}
		got, ok := ParseTag(tag.Comment())
		if !ok || got.Owner != tag.Owner || !got.Until.Equal(tag.Until) || !got.Seen.Equal(tag.Seen) || !got.names("fail2ban") {
			t.Fatalf("%q was read as %+v", tag.Comment(), got)
		}
		if !got.cut && got.Text != tag.Text {
			t.Fatalf("%q lost its text", tag.Comment())
		}
	})
}

// needSeeds fails when the committed seeds are gone: the fuzz test would pass and try nothing.
func needSeeds(f *testing.F) {
	f.Helper()
	if seeds, err := os.ReadDir("testdata/fuzz/" + f.Name()); err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
}

package reconcile

import (
	"strings"
	"testing"
)

const goodComment = "edgeban:web-1-3f2a9c1d until=2026-11-27T10:03:00Z seen=2026-11-20T10:00:02Z | fail2ban:sshd,recidive"

func TestParseTag(t *testing.T) {
	tag, ok := ParseTag(goodComment)
	if !ok {
		t.Fatal("not read")
	}
	same(t, tag, Tag{Owner: "web-1-3f2a9c1d", Until: at("7d3m"), Seen: at("2s"), Text: "fail2ban:sshd,recidive"})
	if got := tag.Comment(); got != goodComment {
		t.Errorf("written again: %q", got)
	}
}

// TestParseTagIsStrict: one letter changed hands an item over.
func TestParseTagIsStrict(t *testing.T) {
	for _, edit := range [][2]string{
		{"edgeban:", ""},
		{"edgeban:", "Edgeban:"},
		{"edgeban:", " edgeban:"},
		{"edgeban:", "not edgeban:"},
		{"web-1-3f2a9c1d", ""},
		{"web-1-3f2a9c1d", "WEB"},
		{"web-1-3f2a9c1d", "web 1"},
		{"web-1-3f2a9c1d", strings.Repeat("x", 64)},
		{" until=", "  until="},
		{" seen=", " Seen="},
		{" | ", " |"},
		{" | ", ""},
		{"10:03:00Z", "10:03:00+00:00"},
		{"10:03:00Z", "10:03:00+01:00"},
		{"10:03:00Z", "10:03:00z"},
		{"10:03:00Z", "10:03:00.0Z"},
		{"10:03:00Z", "10:03:60Z"},
		{"2026-11-27T", "2026-11-31T"},
		{"2026-11-27T", "26-11-27T"},
		{"10:00:02Z", "10:00:02"},
	} {
		comment := strings.Replace(goodComment, edit[0], edit[1], 1)
		if comment == goodComment {
			t.Errorf("%q changes nothing", edit)
		}
		if tag, ok := ParseTag(comment); ok || tag != (Tag{}) {
			t.Errorf("%q was read as %+v", comment, tag)
		}
	}
}

func TestCommentIsCut(t *testing.T) {
	tag := Tag{Owner: own, Until: at("7d"), Seen: at("0s")}
	room := MaxComment - len(tag.Comment())
	for _, c := range []struct {
		length int
		cut    bool
	}{{room - 1, false}, {room, true}, {room + 1, true}, {room + 999, true}} {
		tag.Text = "fail2ban:" + strings.Repeat("j", c.length-len("fail2ban:"))
		comment := tag.Comment()
		if len(comment) > MaxComment {
			t.Errorf("%d characters", len(comment))
		}
		got, ok := ParseTag(comment)
		if !ok || got.Owner != tag.Owner || got.Until != tag.Until || got.Seen != tag.Seen {
			t.Errorf("the machine's part is lost: %+v", got)
		}
		if got.names("crowdsec") != c.cut || !got.names("fail2ban") {
			t.Errorf("%d characters of text: a cut comment may name any source, another only its own", c.length)
		}
	}
}

func TestTagText(t *testing.T) {
	for _, c := range []struct {
		terms []Term
		want  string
	}{
		{terms("sshd 0s 1h"), "fail2ban:sshd"},
		{terms("recidive 0s 1h", "sshd 0s 1h", "sshd 0s 2h"), "fail2ban:recidive,sshd"},
		{terms("crowdsec:crowdsecurity/ssh-bf 0s 1h", "sshd 0s 1h"), "crowdsec:crowdsecurity/ssh-bf fail2ban:sshd"},
		{[]Term{{Source: "fail2ban", Reason: "a b,c:d|é\n%"}}, "fail2ban:a%20b%2Cc%3Ad%7C%C3%A9%0A%25"},
		{[]Term{{Source: "fail2ban"}}, "fail2ban:"},
	} {
		if got := tagText(c.terms); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestTagNamesSources(t *testing.T) {
	tag := Tag{Text: "crowdsec:fail2ban,ssh fail2ban2:x"}
	for source, want := range map[string]bool{"crowdsec": true, "fail2ban2": true, "fail2ban": false, "crowd": false, "": false} {
		if tag.names(source) != want {
			t.Errorf("names(%q) = %v", source, !want)
		}
	}
}

func TestTagReasons(t *testing.T) {
	tag := Tag{Text: "crowdsec:crowdsecurity/ssh-bf fail2ban:my%20jail,sshd%2C"}
	if got, want := tag.Reasons(), "crowdsecurity/ssh-bf, my jail, sshd%2C"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

package reconcile

import (
	"strings"
	"testing"
)

func TestValidOwner(t *testing.T) {
	for owner, want := range map[string]bool{
		"a": true, "web-1_x.example-3f2a9c1d": true, strings.Repeat("a", 63): true,
		"": false, strings.Repeat("a", 64): false, "Web": false, "a b": false, "a|b": false, "é": false, "a:b": false,
	} {
		if ValidOwner(owner) != want {
			t.Errorf("ValidOwner(%q) = %v", owner, !want)
		}
	}
}

func TestIsOwn(t *testing.T) {
	for _, c := range []struct {
		owner, tag string
		derived    bool // from the machine
		want       bool
	}{
		{"web", "web", false, true},
		{"web", "mail", false, false},
		{"web-3f2a9c1d", "mail-3f2a9c1d", true, true}, // renamed
		{"mail-3f2a9c1d", "web-3f2a9c1d", true, true},
		{"web-20260101", "mail-20260101", false, false}, // chosen by a person, who may like dates
		{"web-3f2a9c1d", "web-00000000", true, false},   // two hosts of one name
		{"web-3f2a9c1d", "web", true, false},
		{"web-3f2a9c1", "mail-3f2a9c1", true, false}, // seven digits are a name
		{"web-3f2a9c1d", "mail-3F2A9C1D", true, false},
		{"a-b-3f2a9c1d", "c-3f2a9c1d", true, true},
		{"web-3f2a9c1d", "3f2a9c1d", true, false},
	} {
		if got := (Ownership{Owner: c.owner, Derived: c.derived}).isOwn(c.tag); got != c.want {
			t.Errorf("%s, derived %v: %s is ours: %v", c.owner, c.derived, c.tag, got)
		}
	}
}

func TestClassify(t *testing.T) {
	renamed := item("192.0.2.1 own 1h 0s x:y")
	renamed.Comment = strings.Replace(renamed.Comment, own, "other-00000001", 1)
	for _, c := range []struct {
		name            string
		item            Item
		want, exclusive Class
	}{
		{"our tag", item("192.0.2.1 own 1h 0s x:y"), Own, Own},
		{"our tag, host renamed", renamed, Own, Own},
		{"a tag to take over", item("192.0.2.1 former 1h 0s x:y"), Former, Former},
		{"another's tag", item("192.0.2.1 peer 1h 0s x:y"), Peer, Peer},
		{"another's tag, lease over", item("192.0.2.1 peer -30d -31d x:y"), Peer, Peer},
		{"no tag", item("192.0.2.1 created=-1h by hand"), Foreign, Former},
		{"no comment", item("192.0.2.1 created=-1h"), Foreign, Former},
		{"an edited tag", item("192.0.2.1 created=-1h edgeban:" + own), Foreign, Former},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Ownership{Owner: own, Derived: true, Former: []string{former}}
			if h := o.classify(&c.item); h.class != c.want || h.ours() != (c.want == Own || c.want == Former) {
				t.Errorf("class %d, want %d", h.class, c.want)
			}
			o.Exclusive = true
			if h := o.classify(&c.item); h.class != c.exclusive {
				t.Errorf("exclusive: class %d, want %d", h.class, c.exclusive)
			}
		})
	}
}

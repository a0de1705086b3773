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

func TestSameOwner(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"web", "web", true},
		{"web", "mail", false},
		{"web-3f2a9c1d", "mail-3f2a9c1d", true}, // renamed
		{"web-3f2a9c1d", "web-00000000", false}, // two hosts of one name
		{"web-3f2a9c1d", "web", false},
		{"web-3f2a9c1", "mail-3f2a9c1", false}, // seven digits are a name
		{"web-3F2A9C1D", "mail-3F2A9C1D", false},
		{"a-b-3f2a9c1d", "c-3f2a9c1d", true},
		{"3f2a9c1d", "web-3f2a9c1d", false},
	} {
		if SameOwner(c.a, c.b) != c.want || SameOwner(c.b, c.a) != c.want {
			t.Errorf("SameOwner(%q, %q) is not %v both ways", c.a, c.b, c.want)
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
			o := Ownership{Owner: own, Former: []string{former}}
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

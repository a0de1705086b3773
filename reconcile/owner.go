package reconcile

import (
	"slices"
	"strings"
	"time"
)

// Ownership says which items are ours.
type Ownership struct {
	Owner  string   // our tag: [a-z0-9._-], 1 to 63 characters
	Former []string // tags that we take over

	// Derived says that Owner was computed from the machine: then only its last part counts, see SameMachine. An owner that a
	// person chose is compared whole.
	Derived bool

	// Exclusive treats items without any edgeban tag as ours too: a list that an older script filled.
	Exclusive bool
}

// ValidOwner reports whether s can be an owner: 1 to 63 of the characters a-z, 0-9, ".", "_" and "-".
func ValidOwner(s string) bool {
	return len(s) >= 1 && len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// SameMachine reports whether two tags mean the same host. A derived owner ends in "-" and eight hexadecimal digits that are computed
// from the machine; only these count, so that a renamed host stays itself.
func SameMachine(a, b string) bool {
	id := machinePart(a)
	return id != "" && id == machinePart(b)
}

// isOwn reports whether a tag is ours.
func (o Ownership) isOwn(owner string) bool {
	return owner == o.Owner || o.Derived && SameMachine(owner, o.Owner)
}

// machinePart is the eight hexadecimal digits at the end of a default owner, or "".
func machinePart(owner string) string {
	i := strings.LastIndexByte(owner, '-')
	if i < 0 || len(owner)-i-1 != 8 {
		return ""
	}
	id := owner[i+1:]
	if strings.Trim(id, "0123456789abcdef") != "" {
		return ""
	}
	return id
}

// Class says whose an item is.
type Class uint8

const (
	Own     Class = iota // with our tag
	Former               // with a tag that we take over, or without any when ownership is exclusive
	Manual               // banned by hand, with our tag or one that we take over
	Peer                 // with another edgeban's tag
	Foreign              // without an edgeban tag
)

// holding is an item of the list and what its comment says.
type holding struct {
	*Item
	tag  Tag
	wish int // index of the wish for its prefix; -1: none

	class      Class
	tagged     bool // Tag was read from the comment
	protected  bool // ours, and it touches what is never to be blocked
	orphan     bool // ours, and its source was replaced since: it stays until its lease ends
	withheld   bool // ours, and not to be removed before a person has looked
	surprising bool // … because nothing explains why it should go
	lifted     bool // banned by hand, and since un-banned by a person
}

// classify decides whose an item is. An item without a tag counts as put at the edge when it was created.
func (o Ownership) classify(item *Item) holding {
	h := holding{Item: item, class: Foreign, wish: -1}
	tag, tagged := ParseTag(item.Comment)
	host, manual := tag.Host()
	switch {
	case !tagged && item.Effect != OfTarget: // whatever the ownership: it is not what a script made for this target
	case tagged && manual && (o.isOwn(host) || o.isFormer(host)):
		h.class = Manual
	case tagged && !manual && o.isOwn(host):
		h.class = Own
	case tagged && !manual && o.isFormer(host):
		h.class = Former
	case tagged:
		h.class = Peer
	case o.Exclusive:
		h.class = Former
	}
	if !tagged {
		tag.Seen = item.Created.Truncate(time.Second) // as a comment would hold it
	}
	h.tag, h.tagged = tag, tagged
	return h
}

func (o Ownership) isFormer(owner string) bool { return slices.Contains(o.Former, owner) }

// elsewhere reports whether the item is ours for another target: the rules of another mode.
func (h holding) elsewhere() bool { return h.ours() && h.Effect != OfTarget }

// ours reports whether the item is one that we answer for.
func (h holding) ours() bool { return h.class == Own || h.class == Former || h.class == Manual }

// lasts reports whether the item is banned by hand and its lease runs: it stays, whatever the sources say.
func (h holding) lasts(now time.Time) bool {
	return h.class == Manual && !h.lifted && h.tag.Until.After(now)
}

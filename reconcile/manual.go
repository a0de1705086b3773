package reconcile

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// manualSuffix marks the owner of an item that a person banned by hand: nothing in the sources speaks for it, and it stays
// until its lease ends.
const manualSuffix = "+manual"

// Host is the owner without the mark of a ban by hand, and whether it was there.
func (t Tag) Host() (owner string, manual bool) { return strings.CutSuffix(t.Owner, manualSuffix) }

func validTagOwner(s string) bool { return ValidOwner(strings.TrimSuffix(s, manualSuffix)) }

// MaxReason is how many bytes the reason of a ban by hand may have: however it is escaped, the comment holds all of it.
const MaxReason = 100

// ManualBan is a ban by hand.
type ManualBan struct {
	Prefix netip.Prefix // as it goes on the list
	Reason string       // in the person's words; at most MaxReason bytes
	Until  time.Time    // zero: no end
	Remedy Remedy
}

// lease is the time until which its item stays.
func (b ManualBan) lease() time.Time {
	return Term{Until: b.Until}.end().Add(time.Second - time.Nanosecond).Truncate(time.Second)
}

// ManualReason is the reason of a ban by hand in the person's words.
func (t Tag) ManualReason() string {
	escaped := strings.TrimPrefix(t.Text, "manual:")
	reason, err := url.PathUnescape(escaped) // escapeReason writes bytes as a URL does
	if err != nil {                          // nobody's who used `edgeban ban`
		return escaped
	}
	return reason
}

// Holder is an item that a plan by hand leaves as it is.
type Holder struct {
	Prefix netip.Prefix
	Class  Class
	Tag    Tag       // zero for an untagged item
	Since  time.Time // when it was put at the edge; zero: unknown
	Effect Effect
}

// Around are the items that contain a network, sorted by prefix.
func (o Ownership) Around(network netip.Prefix, items []Item) (all []Holder) {
	for i := range items {
		if h := o.classify(&items[i]); contains(h.Prefix, network) && !h.elsewhere() {
			all = append(all, holderOf(&h))
		}
	}
	slices.SortFunc(all, func(a, b Holder) int { return comparePrefixes(a.Prefix, b.Prefix) })
	return all
}

func holderOf(h *holding) Holder {
	holder := Holder{Prefix: h.Prefix, Class: h.class, Since: h.tag.Seen, Effect: h.Effect}
	if h.tagged {
		holder.Tag = h.tag
	}
	return holder
}

// PlanBan puts a prefix on the list by hand. Somebody else's item that stands there and lasts at least as long does the work, and is
// then returned; so is an own one that was banned by hand for longer. An item of a source's ban is written over: once the lease by
// hand has ended, Diff takes it back.
func PlanBan(b ManualBan, items []Item, o Ownership, now time.Time) (Plan, *Holder) {
	p := Plan{Now: now, Items: len(items)}
	entry := Entry{Prefix: b.Prefix, Terms: []Term{{Source: "manual", Reason: b.Reason, Since: now, Until: b.Until, Remedy: b.Remedy}}}
	a := Addition{Entry: &entry, Why: AddNew}
	tag := Tag{Owner: o.Owner + manualSuffix, Until: b.lease(), Seen: now, Text: tagText(entry.Terms)}
	for i := range items {
		if items[i].Prefix != b.Prefix {
			continue
		}
		h := o.classify(&items[i])
		if h.elsewhere() {
			continue // written over
		}
		_, byHand := h.tag.Host()
		enough := h.class == Foreign || h.Effect == Allows || h.class == Peer && byHand && h.tag.Until.After(now) || // no source of theirs could restore it
			(h.class == Peer || h.class == Manual) && !h.tag.Until.Before(tag.Until)
		if enough {
			holder := holderOf(&h)
			return p, &holder
		}
		a.Why, a.From = AddTakeOver, h.class
		if h.tagged || !h.tag.Seen.IsZero() {
			tag.Seen = h.tag.Seen
		}
	}
	a.Post = Post{Prefix: b.Prefix, Comment: tag.Comment()}
	p.Add = []Addition{a}
	return p, nil
}

// Unban is what a person wants off the list.
type Unban struct {
	Network netip.Prefix

	// Touching takes off every own item that contains the network or lies inside it, because it will be protected; otherwise
	// only those that stand for it: at its prefix, or an IPv6 address's wherever it was widened to, or the pieces into which the
	// network was split.
	Touching bool
}

// Remains is what is on the list still after an un-ban.
type Remains struct {
	Around []Holder // items that contain the network, sorted by prefix
	Inside int      // how many own ones lie inside it
}

// PlanUnban takes our items off the list, those of the sources' bans and those by hand; never anybody else's.
func (p Policy) PlanUnban(u Unban, items []Item, o Ownership, now time.Time) (Plan, Remains) {
	plan := Plan{Now: now, Items: len(items)}
	var left Remains
	narrowest := p.widest(u.Network).Bits()
	split := map[netip.Prefix]bool{} // what stands for the network where the target cannot hold its width
	if !p.Widths.holds(u.Network) {
		for piece := range p.Widths.Pieces(u.Network) {
			split[piece] = true
		}
	}
	for i := range items {
		h := o.classify(&items[i])
		if h.elsewhere() || h.Effect == Allows {
			continue
		}
		around, inside := contains(h.Prefix, u.Network), contains(u.Network, h.Prefix)
		switch {
		case h.ours() && (around && h.Prefix.Bits() >= narrowest || split[h.Prefix] || u.Touching && (around || inside)):
			plan.Remove = append(plan.Remove, h.removal(RemoveByHand))
		case around:
			left.Around = append(left.Around, holderOf(&h))
		case inside && h.ours():
			left.Inside++
		}
	}
	plan.sort()
	slices.SortFunc(left.Around, func(a, b Holder) int { return comparePrefixes(a.Prefix, b.Prefix) })
	return plan, left
}

// PlanFlush takes all our items off the list, those by hand and of former owners included; with everybody also those of all other
// edgebans. What has no tag stays, also where ownership is exclusive.
func PlanFlush(items []Item, o Ownership, everybody bool, now time.Time) Plan {
	p := Plan{Now: now, Items: len(items), Peers: map[string]int{}}
	for i := range items {
		h := o.classify(&items[i])
		switch {
		case h.Effect != OfTarget:
			p.Items--
			continue
		case !h.tagged:
			p.Foreign++
			continue
		case h.class == Peer:
			host, _ := h.tag.Host()
			p.Peers[host]++
		default:
			p.Own++
		}
		if h.class == Manual {
			p.Manual++
		}
		if h.ours() || everybody {
			p.Remove = append(p.Remove, h.removal(RemoveByHand))
		}
	}
	p.sort()
	return p
}

// removal is h's, which is to go.
func (h holding) removal(why RemovalReason) Removal {
	r := Removal{Item: *h.Item, Untagged: !h.tagged, Why: why}
	if h.tagged {
		r.Tag = h.tag
	}
	return r
}

// sort puts a plan by hand in order.
func (p *Plan) sort() {
	slices.SortFunc(p.Add, func(a, b Addition) int { return comparePrefixes(a.Post.Prefix, b.Post.Prefix) })
	byPrefix := func(a, b Removal) int { return comparePrefixes(a.Item.Prefix, b.Item.Prefix) }
	slices.SortFunc(p.Remove, byPrefix)
	slices.SortFunc(p.Withheld, byPrefix)
}

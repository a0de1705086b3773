package reconcile

import (
	"fmt"
	"time"
)

// Remedy is what the edge is asked to do with a visitor.
type Remedy uint8

const (
	Block     Remedy = iota // turn the visitor away
	Challenge               // let the visitor prove to be human
)

func (r Remedy) String() string {
	switch r {
	case Block:
		return "block"
	case Challenge:
		return "challenge"
	default:
		return fmt.Sprintf("remedy %d", uint8(r))
	}
}

// Ban is one source's statement that a network is to be blocked (or challenged) until a time.
//
// A source hands over what it holds as it stands there: Value may be untidy or no address at all, and the
// ban may have ended. Desire decides what becomes of it.
type Ban struct {
	Value  string // the banned network in the source's own words: an address, a prefix, a name
	Remedy Remedy
	Source string    // the source's name, such as "fail2ban"
	Reason string    // the jail or scenario
	Since  time.Time // when the ban began; zero: unknown
	Until  time.Time // when the source's record says it ends; zero: never; may lie in the past

	// Community: the ban is of a list that others made. When room is short it comes after those that were made here.
	Community bool

	// Void is set when the source itself knows that the ban is not in force (LeftOutJailRemoved) or that its
	// record makes no sense (LeftOutUnreadable). A void ban is counted and shown, never listed.
	Void LeftOutReason
}

// Permanent reports whether the ban has no end.
func (b Ban) Permanent() bool { return b.Until.IsZero() }

// Length is how long the source bans for: zero when the ban is permanent or its beginning is unknown.
func (b Ban) Length() time.Duration {
	if b.Until.IsZero() || b.Since.IsZero() {
		return 0
	}
	return b.Until.Sub(b.Since)
}

// LeftOutReason says why a ban is not on the list. The values are fixed: they are label values of a metric.
type LeftOutReason string

const (
	LeftOutNotAddress    LeftOutReason = "not_address"    // a host name, a user name, a zone id
	LeftOutUnreadable    LeftOutReason = "unreadable"     // the source's record makes no sense
	LeftOutUnspecified   LeftOutReason = "unspecified"    // 0.0.0.0, ::, and what begins there
	LeftOutTooBroad      LeftOutReason = "too_broad"      // broader than the least prefix length allowed
	LeftOutReserved      LeftOutReason = "reserved"       // loopback, private, multicast …: no visitor has it
	LeftOutAllowed       LeftOutReason = "allowed"        // on the allowlist
	LeftOutOwnAddress    LeftOutReason = "own_address"    // an address of this host
	LeftOutCloudflare    LeftOutReason = "cloudflare"     // one of Cloudflare's own
	LeftOutFiltered      LeftOutReason = "filtered"       // the jail or scenario is not to be mirrored
	LeftOutJailRemoved   LeftOutReason = "jail_removed"   // the jail is gone from Fail2Ban
	LeftOutRemedy        LeftOutReason = "no_such_list"   // a challenge, and no list to put it on
	LeftOutUnknownRemedy LeftOutReason = "unknown_remedy" // neither to be blocked nor challenged, such as CrowdSec's "throttle"
	LeftOutWidth         LeftOutReason = "width"          // of no width that an access rule can have, and too many of those would be needed
	LeftOutOccupied      LeftOutReason = "occupied"       // another's rule stands there that lets the visitor through, or only challenges
	LeftOutNoRoom        LeftOutReason = "no_room"        // the list is full
)

// LeftOutReasons are all of them, in a fixed order.
func LeftOutReasons() []LeftOutReason {
	return []LeftOutReason{
		LeftOutNotAddress, LeftOutUnreadable, LeftOutUnspecified, LeftOutTooBroad, LeftOutReserved, LeftOutAllowed,
		LeftOutOwnAddress, LeftOutCloudflare, LeftOutFiltered, LeftOutJailRemoved, LeftOutRemedy, LeftOutUnknownRemedy,
		LeftOutWidth, LeftOutOccupied, LeftOutNoRoom,
	}
}

// LeftOut is a ban that is not on the list, and why.
type LeftOut struct {
	Ban    Ban
	Reason LeftOutReason
	Detail string // for a person: what it ran into, such as "allowlist: 203.0.113.0/24"
}

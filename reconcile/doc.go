// Package reconcile decides what has to change on a list at Cloudflare's edge so that it equals the active bans.
//
// It is the core: values in, values out, and no imports but the standard library. Start at Run.Do, which is one run, and follow
// the data, which flows one way:
//
//	Source.Bans → Desire → Diff → Apply → Report
//
// Where there are two lists, one to block and one to challenge, the sources are asked once (Run.Read), and Run.DoWith keeps one
// list after the other in step, the second one as Run.After says.
//
// What a person asks for goes the same way, through Run.Carry: PlanBan, PlanUnban, PlanFlush or PlanAdopt take the place of Desire
// and Diff.
//
// Sources and targets are interfaces, defined here and implemented by adapters that do not know each other. Imports
// point inwards: cmd → {sources/*, cloudflare, metrics} → reconcile → standard library.
//
// # Words
//
// A source is where bans come from. A ban is one source's statement that a network is to be blocked, or challenged, until a time;
// which of the two is its remedy. An entry is what we want on a list: a prefix and its terms, which are the bans behind it. A target
// holds items: an opaque id, a prefix and a comment. The owner is the edgeban that put an item there; an item without an edgeban tag
// is foreign, one of another owner is a peer's. The lease is the time until which the owner answers for an item. Drift is how many
// changes lie between the bans and the list. A hold is a time before which no write is tried, because Cloudflare refused some.
//
// # What always holds
//
// Each of these has a test that fails when it is broken.
//
//  1. A read is complete or it is an error; "no bans" and "could not read" are different values, and there is no way from a
//     read that failed to a write (TestRunThatDoesNotWrite).
//  2. No removal rests on a source that did not answer; if none answered the run is skipped (TestFailedSourcesKeepTheirItems).
//  3. Foreign items are never removed or rewritten, and one that stands at an entry's prefix satisfies it; a peer's is touched
//     only when its lease is about to end or ended long ago (TestOthersItems).
//  4. After a run that ended well, the next plan is empty (TestFixedPoint).
//  5. What is protected is never blocked, nor any prefix that contains it, and IPv6 is widened less instead; all other bans are
//     blocked when there is room (TestEveryBanIsBlocked).
//  6. There is never a thundering un-ban: many removals that nothing explains are withheld until a person has looked
//     (TestSurprisingRemovals, TestExplainedRemovals), and a store that was replaced proves nothing about bans that it lacks
//     (TestReplacedStore).
//  7. Writes go out one after the other, additions first, so that nothing is unblocked on the way (TestApply); the list is
//     written whole only when all of it is ours and nothing is in doubt (TestReplaceIsSafe, TestSparing).
//  8. A refused write buys quiet, not another attempt: while writes are held, runs go on reading and measuring (TestHeldRun,
//     TestHold), and a write of which nobody knows the end is never replayed blindly (TestReplan, TestOpenOperation).
//  9. A number that was not measured is absent from the report (TestReportAfterAPartialWrite).
//  10. When the clocks are more than five minutes apart, nothing is done (TestRunThatDoesNotWrite); a memory that a wrong clock
//     wrote holds nothing up (TestThrottleByTime).
//
// # Ownership and leases
//
// An item's comment says whose it is (Tag). We remove only what is ours. A peer's item satisfies our entry until two
// intervals before its lease ends; whoever wants the prefix longer then posts it under its own tag, which overwrites the
// comment without a gap. A peer's item whose lease ended a week ago belongs to a host that is gone, and anyone may remove it.
// A lease is at most 30 days long, also a permanent ban's, and is renewed in its last week together with other additions, or
// on its last day alone. So an ordinary ban is written once, and a dead host leaves nothing behind.
//
// An item that a person banned by hand has the owner with "+manual" behind it. No source speaks for it, so runs keep it until its
// lease ends and remove it then; where an entry still wants its prefix at that time, its comment is written over instead. To other
// hosts it is a peer's item. What a person takes off the list by hand comes back with the next run while a source bans it, unless a
// temporary allow line, which is no part of this package, protects it (TestManualItems, TestPlanBan, TestPlanUnban).
//
// # Lingering
//
// The end of a Fail2Ban row is not the end of the ban, see Term.keepUntil. A row that ended therefore may keep an item at the
// edge, but it never adds one. A row that is gone was deleted by an un-ban, and its item goes at once. A ban whose beginning is
// unknown does not linger: CrowdSec has no row that outlives a decision, and no memory behind its database's back.
//
// # Two remedies
//
// Each remedy has a list of its own, and each ban goes on one list. Block beats challenge: a challenge for what the block list holds is
// not posted (TestBlockBeatsChallenge). Both lists share one account: what the block list's run learned of refusals and of room binds
// the challenge list's, which gets the room that the block list leaves, and writes nothing while a write of the other may be under way
// or was refused (TestAfter, TestRoomIsShared, TestTwoListsSettle). A challenge does not linger (TestChallengesDoNotLinger).
//
// # Access rules
//
// A target may be Metered: each change is a request of its own, and a run has only so many. Its plan is sorted by urgency and carried out
// as far as they go. Its items may do different things (Effect), and it may hold only some prefix lengths (Widths).
//
// Access rules may also stand in for a list that Cloudflare refuses to write. Bans that the list cannot take spill (Plan.Spilled), and a
// second run, with an Overflow, keeps them in access rules. A third one lets through whom a person un-banned and the list still holds
// (Stuck). See spill.go and overflow.go.
//
// # Time
//
// One now is used throughout a run. Comments hold whole seconds; leases are rounded up and now is rounded down, so that rounding
// never unblocks early and never makes a second run differ from the first. A source may tell how much longer a ban lasts and not
// when it ends or began, as CrowdSec does; such an end differs from read to read, and no difference of up to half a minute
// makes a write (TestEndsThatWaver).
package reconcile

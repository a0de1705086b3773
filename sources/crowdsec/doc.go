// Package crowdsec reads the decisions that a CrowdSec Local API (LAPI) holds.
//
// # What it asks
//
//	GET /v1/decisions?scopes=ip,range&origins=…
//
// once, with an API key or a client certificate (https://docs.crowdsec.net/docs/local_api/bouncers/). Start at [New] and
// [Source.Bans].
//
// # Why never /v1/decisions/stream
//
// The stream, which CrowdSec's own bouncers use, is made for programs that keep what they heard before. For one that compares
// everything at every run it is worse in three ways:
//
//   - It cannot be told from a broken one. LAPI 1.7.8 sends the status 200 and the first bytes before it asks its database; when
//     that fails, it closes the JSON properly. A database that cannot be read looks like one without decisions. /v1/decisions
//     answers 500.
//   - It loses bans. With a filter on origins it leaves out an address that also has a longer decision of another origin
//     (https://github.com/crowdsecurity/crowdsec/issues/3373). /v1/decisions sends both.
//   - LAPI remembers per key what it has sent. A run that dies after the answer would have missed it for good.
//
// Reading /v1/decisions moves that memory, too, so a key must not be shared with a bouncer that reads the stream.
//
// # What an answer can and cannot tell
//
// "No decisions" is the four bytes null. Anything but the status 200 with a JSON array or null is an error: never a smaller set.
// There are no pages; LAPI 1.4 ignores limit and offset, and later ones sort by nothing. LAPI ignores parameters that it does not
// know and matches origins to the letter, so everything is looked at again on this side.
//
// When a decision was made is not sent, nor when it ends: only how much longer it lasts, to the nanosecond in 1.4 and to the
// second in 1.7. An end therefore differs by about a second from read to read. A decision that is over or was deleted is simply
// absent, so nothing lingers: CrowdSec, unlike Fail2Ban, forgets nothing and goes on banning nobody behind its database's back.
//
// Which database answered is not sent either. Decisions that are still there with the number that they had in the last read
// prove that it is the same one; see [Source.Bans].
//
// All facts were observed on CrowdSec 1.4.6 and 1.7.8; recorded answers of both are in testdata.
package crowdsec

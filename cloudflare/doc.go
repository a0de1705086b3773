// Package cloudflare talks to the Cloudflare API about the IP lists of an account and the rules that use them, and about IP Access Rules.
//
// Start with New, which makes a Client, and NewList, which makes one of the account's IP lists a reconcile.Target, or NewRules, whose
// targets are the access rules of an account, a zone or a user. A Client may be used by several goroutines; a ListTarget, and the
// targets of one Rules, serve one run and one goroutine.
//
// # Reads and writes
//
// A read is complete or it is an error. Reads are asked again after a refusal (429), a server's error (5xx) and a
// broken connection, never longer than the context's deadline allows; what the caller then gets is the last answer,
// an *APIError, and not a deadline that hides it.
//
// A write is sent once. After a broken connection nobody knows whether it took effect (*UncertainError), and an
// account whose writes are throttled stays throttled when it is asked again and again. A refused write gets one more
// attempt per run, after a pause; then the target is silent (IsRefused). A write starts an operation at Cloudflare,
// which is polled to its end before the next write, because an account may have one pending operation only
// (https://developers.cloudflare.com/waf/tools/lists/lists-api/). An operation whose end was not seen is a
// *PendingError, one that ended badly an *OperationError.
//
// Access rules (https://developers.cloudflare.com/waf/tools/ip-access-rules/) are written one by one, each by a request that takes effect at
// once; there is no operation to wait for. A Budget bounds the requests of a run. Rules are read by pages that count them, and a reading
// during which the count changes is made again. Where reading all of them takes too much of the budget, only those that an edgeban made are
// read, by a search in their notes, and KnownRule remembers others that turned out to be in the way.
//
// Errors that a person can do something about have a method Hint() string. No error, log line or printed value holds
// the token or key: it lives in a Secret. Texts from the API are data: they are stripped of control characters and cut.
//
// What a set-up creates, a list and a rule, is sent once too, and takes effect at once. CreateList and AddRule never replace what is there.
//
// # Why not cloudflare-go
//
// The official SDK brings hundreds of packages for the four endpoints used here, and replays writes blindly after
// network errors and refusals, which is what keeps a throttled account throttled.
//
// Where this package and the API disagree, the API is right.
package cloudflare

// Package cloudflaretest is an in-memory Cloudflare: the part of its API that keeps lists of addresses and IP Access
// Rules, and the accounts, zones and custom rules that make them count, with the quotas, asynchronous operations,
// paging and refusals of the real one, and with faults on demand.
//
// Start with [New], [Cloudflare.AddAccount], [Cloudflare.AddToken], [Cloudflare.AddList] and
// [Cloudflare.AddZone]. Reach it through
// [Cloudflare.Transport], which opens no socket and so fits testing/synctest, or through [Cloudflare.Start]
// and [Cloudflare.URL]. A test looks behind the API with [Cloudflare.Items], [Cloudflare.AccessRules] and
// [Cloudflare.Requests], asks with [Cloudflare.Visit] whom the edge lets in, acts as a person in the dashboard would
// with [Cloudflare.SetItem], [Cloudflare.SetAccessRule] and [Cloudflare.DeleteItem], and breaks things with
// [Cloudflare.AddFault]. [Cloudflare.LimitWrites] and [Cloudflare.LimitRequests] switch limits on.
//
// It is an independent reading of the public documents and shares no code with any client:
//
//   - https://developers.cloudflare.com/api/resources/rules/subresources/lists/
//   - https://developers.cloudflare.com/waf/tools/lists/custom-lists/
//   - https://developers.cloudflare.com/waf/tools/lists/lists-api/endpoints/
//   - https://developers.cloudflare.com/api/resources/firewall/subresources/access_rules/
//   - https://developers.cloudflare.com/waf/tools/ip-access-rules/
//   - https://github.com/cloudflare/api-schemas
//
// Where they leave a question open it takes the harsher answer, so that code that works here does not rest on
// luck: a PUT gives every item a new id, an unclear refusal takes the whole request with it, and an access rule is
// found by an IPv6 address in its stored form only. What it does not do: it holds items of IP lists only, and has
// one user, to whom all tokens but those of accounts and the one global key belong.
package cloudflaretest

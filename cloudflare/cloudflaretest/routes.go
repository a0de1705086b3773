package cloudflaretest

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// The paths of the API below Prefix, * standing for one segment. They serve as Fault.Path.
const (
	PathIPs           = "/ips"
	PathAccounts      = "/accounts"
	PathZones         = "/zones"
	PathEntrypoint    = "/zones/*/rulesets/phases/*/entrypoint"
	PathRulesets      = "/zones/*/rulesets"
	PathRules         = "/zones/*/rulesets/*/rules"
	PathVerifyUser    = "/user/tokens/verify"
	PathVerifyAccount = "/accounts/*/tokens/verify"
	PathLists         = "/accounts/*/rules/lists"
	PathList          = "/accounts/*/rules/lists/*"
	PathItems         = "/accounts/*/rules/lists/*/items"
	PathItem          = "/accounts/*/rules/lists/*/items/*"
	PathOperation     = "/accounts/*/rules/lists/bulk_operations/*"

	PathAccountAccessRules = "/accounts/*/firewall/access_rules/rules"
	PathAccountAccessRule  = "/accounts/*/firewall/access_rules/rules/*"
	PathZoneAccessRules    = "/zones/*/firewall/access_rules/rules"
	PathZoneAccessRule     = "/zones/*/firewall/access_rules/rules/*"
	PathUserAccessRules    = "/user/firewall/access_rules/rules"
	PathUserAccessRule     = "/user/firewall/access_rules/rules/*"
	PathAnyAccessRule      = "/firewall/access_rules/rules" // all of them: any part of the path
)

// call is one request on its way to its handler.
type call struct {
	account  *account // of guarded endpoints: known and permitted
	ids      []string // what the path's asterisks stood for
	bearer   string   // the Authorization header
	legacy   legacy   // the headers of old
	mutating bool
	query    url.Values
	body     []byte
	plan     operationPlan
}

type handler func(call) reply

type route struct {
	path    string
	guard   guard // of an account's endpoint; zero: the handler looks for itself
	methods map[string]handler
}

// guard is the permissions to read and to change something.
type guard struct{ read, write Permission }

func (g guard) permission(mutating bool) Permission {
	if mutating {
		return g.write
	}
	return g.read
}

func (c *Cloudflare) table() []route {
	open, lists := guard{}, guard{ListsRead, ListsEdit}
	return append([]route{
		{PathIPs, open, map[string]handler{"GET": networks}},
		{PathAccounts, open, map[string]handler{"GET": c.getAccounts}},
		{PathZones, open, map[string]handler{"GET": c.getZones}},
		{PathEntrypoint, open, map[string]handler{"GET": c.getEntrypoint}},
		{PathRulesets, open, map[string]handler{"POST": c.postRuleset}},
		{PathRules, open, map[string]handler{"POST": c.postRule}},
		{PathVerifyUser, open, map[string]handler{"GET": c.verifyUserToken}},
		{PathVerifyAccount, open, map[string]handler{"GET": c.verifyAccountToken}},
		{PathLists, lists, map[string]handler{"GET": c.getLists, "POST": c.postList}},
		{PathList, lists, map[string]handler{"GET": c.getList, "PUT": c.putList, "DELETE": c.deleteList}},
		{PathOperation, lists, map[string]handler{"GET": c.getOperation}},
		{PathItems, lists, map[string]handler{
			"GET": c.getItems, "POST": c.postItems, "PUT": c.putItems, "DELETE": c.deleteItems,
		}},
		{PathItem, lists, map[string]handler{"GET": c.getItem}},
	}, c.accessRoutes()...)
}

// api handles a request as Cloudflare does when nothing is wrong.
func (c *Cloudflare) api(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		refuse(http.StatusBadRequest, codeInvalidJSON, "filters.api.invalid_json").write(w)
		return
	}
	c.answer(r, body).write(w)
}

func (c *Cloudflare) answer(r *http.Request, body []byte) reply {
	at := apiPath(r.URL)
	route, found := c.find(at)
	if !found {
		return refuse(http.StatusNotFound, codeNoRoute,
			"Could not route to %s%s, perhaps your object identifier is invalid?", Prefix, at)
	}
	handle, found := route.methods[r.Method]
	if !found {
		return refuse(http.StatusMethodNotAllowed, codeMethod, "Method %s not available for that URI.", r.Method)
	}
	defer c.lock()()
	in := call{
		ids:      segments(route.path, at),
		bearer:   r.Header.Get("Authorization"),
		legacy:   legacy{r.Header.Get("X-Auth-Email"), r.Header.Get("X-Auth-Key")},
		mutating: mutating(r.Method),
		query:    r.URL.Query(),
		body:     body,
		plan:     planFrom(r.Context()),
	}
	if route.guard != (guard{}) {
		if no, refused := c.refuseCaller(in, route.guard.permission(in.mutating), at); refused {
			return no
		}
		in.account = c.accounts[in.ids[0]]
	}
	return handle(in)
}

func (c *Cloudflare) find(at string) (route, bool) {
	for _, route := range c.routes {
		if matches(route.path, at) {
			return route, true
		}
	}
	return route{}, false
}

// apiPath returns the path below Prefix.
func apiPath(u *url.URL) string {
	if rest, found := strings.CutPrefix(u.Path, Prefix); found && strings.HasPrefix(rest, "/") {
		return rest
	}
	return u.Path
}

func matches(pattern, at string) bool {
	matched, err := path.Match(pattern, at)
	return err == nil && matched
}

func segments(pattern, at string) []string {
	var ids []string
	given := strings.Split(at, "/")
	for i, part := range strings.Split(pattern, "/") {
		if part == "*" {
			ids = append(ids, given[i])
		}
	}
	return ids
}

func mutating(method string) bool { return method != http.MethodGet && method != http.MethodHead }

type planKey struct{}

func planFrom(ctx context.Context) operationPlan {
	plan, _ := ctx.Value(planKey{}).(operationPlan)
	return plan
}

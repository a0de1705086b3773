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
)

// call is one request on its way to its handler.
type call struct {
	account *account // of list endpoints: known and permitted
	ids     []string // what the path's asterisks stood for
	bearer  string   // the Authorization header
	query   url.Values
	body    []byte
	plan    operationPlan
}

type handler func(call) reply

type route struct {
	path    string
	lists   bool // guarded by the permission to read or edit lists
	methods map[string]handler
}

func (c *Cloudflare) table() []route {
	return []route{
		{PathIPs, false, map[string]handler{"GET": networks}},
		{PathAccounts, false, map[string]handler{"GET": c.getAccounts}},
		{PathZones, false, map[string]handler{"GET": c.getZones}},
		{PathEntrypoint, false, map[string]handler{"GET": c.getEntrypoint}},
		{PathRulesets, false, map[string]handler{"POST": c.postRuleset}},
		{PathRules, false, map[string]handler{"POST": c.postRule}},
		{PathVerifyUser, false, map[string]handler{"GET": c.verifyUserToken}},
		{PathVerifyAccount, false, map[string]handler{"GET": c.verifyAccountToken}},
		{PathLists, true, map[string]handler{"GET": c.getLists, "POST": c.postList}},
		{PathList, true, map[string]handler{"GET": c.getList, "PUT": c.putList, "DELETE": c.deleteList}},
		{PathOperation, true, map[string]handler{"GET": c.getOperation}},
		{PathItems, true, map[string]handler{
			"GET": c.getItems, "POST": c.postItems, "PUT": c.putItems, "DELETE": c.deleteItems,
		}},
		{PathItem, true, map[string]handler{"GET": c.getItem}},
	}
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
		ids:    segments(route.path, at),
		bearer: r.Header.Get("Authorization"),
		query:  r.URL.Query(),
		body:   body,
		plan:   planFrom(r.Context()),
	}
	if route.lists {
		need := ListsEdit
		if !mutating(r.Method) {
			need = ListsRead
		}
		if no, refused := c.refuseCaller(in, need, at); refused {
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

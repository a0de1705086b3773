package cloudflaretest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Permission is something that an API token may do, named as Cloudflare names it.
// https://developers.cloudflare.com/fundamentals/api/reference/permissions/
type Permission string

// The permissions that the endpoints here ask for.
const (
	ListsRead           Permission = "Account Filter Lists Read"
	ListsEdit           Permission = "Account Filter Lists Edit" // reading included
	AccountSettingsRead Permission = "Account Settings Read"
	ZoneRead            Permission = "Zone Read"
	WAFRead             Permission = "Zone WAF Read"
	WAFEdit             Permission = "Zone WAF Edit" // reading included
	AccessRulesRead     Permission = "Account Firewall Access Rules Read"
	AccessRulesWrite    Permission = "Account Firewall Access Rules Write" // reading included
	FirewallRead        Permission = "Firewall Services Read"              // a zone's access rules
	FirewallWrite       Permission = "Firewall Services Write"             // reading included
)

// The states of a token.
const (
	TokenActive   = "active"
	TokenDisabled = "disabled"
	TokenExpired  = "expired"
)

type token struct {
	id          string
	account     string // the account that owns it; empty: a user's token, good for every account
	permissions []Permission
	all         bool // the global API key: everything
	status      string
}

func (t *token) may(need Permission) bool {
	including := map[Permission]Permission{
		ListsRead: ListsEdit, WAFRead: WAFEdit, AccessRulesRead: AccessRulesWrite, FirewallRead: FirewallWrite,
	}
	more, some := including[need]
	return t.all || slices.Contains(t.permissions, need) || some && slices.Contains(t.permissions, more)
}

// AddToken makes a user's API token known. It is good for every account; without permissions it verifies, and
// can do nothing else. Adding a token again replaces it.
func (c *Cloudflare) AddToken(secret string, permissions ...Permission) {
	c.addToken(secret, "", permissions)
}

// AddAccountToken makes a token known that the account owns. It is good for that account only.
func (c *Cloudflare) AddAccountToken(account, secret string, permissions ...Permission) {
	c.addToken(secret, account, permissions)
}

func (c *Cloudflare) addToken(secret, account string, permissions []Permission) {
	defer c.lock()()
	c.tokens[secret] = &token{
		id:          c.newID("token"),
		account:     account,
		permissions: slices.Clone(permissions),
		status:      TokenActive,
	}
}

// SetTokenStatus disables, expires or reactivates a token; the status is TokenActive, TokenDisabled or
// TokenExpired. An unknown token stays unknown.
func (c *Cloudflare) SetTokenStatus(secret, status string) {
	defer c.lock()()
	if t := c.tokens[secret]; t != nil {
		t.status = status
	}
}

// RemoveToken forgets a token, as when it is deleted or rolled.
func (c *Cloudflare) RemoveToken(secret string) {
	defer c.lock()()
	delete(c.tokens, secret)
}

// tokenForm tells an unknown token from a text that cannot be one.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{40,}$`)

var identifier = regexp.MustCompile(`^[0-9a-f]{32}$`)

// bearer returns the token that an Authorization header names, nil for an unknown one, and whether the header
// could have named one at all.
func (c *Cloudflare) bearer(header string) (t *token, wellFormed bool) {
	secret, found := strings.CutPrefix(header, "Bearer ")
	if !found {
		return nil, false
	}
	if t := c.tokens[secret]; t != nil {
		return t, true
	}
	return nil, tokenForm.MatchString(secret)
}

// refuseCaller answers callers of an account's endpoints who may not go on. The shapes differ from those of other
// endpoints, and a malformed token is a 400 here.
func (c *Cloudflare) refuseCaller(in call, need Permission, at string) (reply, bool) {
	if in.bearer == "" && !in.legacy.given() {
		return refuse(http.StatusBadRequest, codeMalformed,
			"Missing X-Auth-Key, X-Auth-Email or Authorization headers"), true
	}
	t, wellFormed := c.identify(in)
	if !wellFormed {
		return refuse(http.StatusBadRequest, codeMalformed, "Authentication failed (status: 400)"), true
	}
	if t == nil || t.status != TokenActive {
		return refuse(http.StatusUnauthorized, codeAuth, "Authentication error"), true
	}
	id := in.ids[0]
	known := c.accounts[id] != nil
	if !known && !identifier.MatchString(id) {
		return refuse(http.StatusNotFound, codeNoRoute,
			"Could not route to %s%s, perhaps your object identifier is invalid?", Prefix, at), true
	}
	// An account that does not exist looks like one that the token has no business with.
	if !known || t.account != "" && t.account != id || !t.may(need) {
		return refuse(http.StatusForbidden, codeAuth, "Authentication error"), true
	}
	return reply{}, false
}

func (c *Cloudflare) verifyUserToken(in call) reply { return c.verify(in, "") }

func (c *Cloudflare) verifyAccountToken(in call) reply { return c.verify(in, in.ids[0]) }

// verify answers for tokens of one owner only: an account's token does not verify as a user's, nor the reverse.
func (c *Cloudflare) verify(in call, owner string) reply {
	t, wellFormed := c.bearer(in.bearer)
	if !wellFormed {
		return badHeaders(call{bearer: in.bearer})
	}
	if t == nil || t.account != owner {
		return refuse(http.StatusUnauthorized, codeInvalidToken, "Invalid API Token")
	}
	yes := ok(map[string]string{"id": t.id, "status": t.status})
	yes.body.Messages = []apiError{{Code: 10000, Message: "This API Token is valid and active"}}
	if t.status != TokenActive {
		yes.body.Messages = []apiError{}
	}
	return yes
}

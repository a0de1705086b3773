package cloudflare

import (
	"net/http"
	"strings"
)

// Forbidden reports whether the token is unknown, expired or malformed, or lacks the permission. Cloudflare has one answer for all of
// these, and of the statuses 400, 401 and 403 each has been seen for it.
func (e *APIError) Forbidden() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden ||
		e.Has(codeUnknownToken, codeMalformedHeaders, codeMalformedToken, codeInvalidToken, codeAuthentication, codeUnknownKey)
}

// permission is what the token needs for the request.
func (e *APIError) permission() string {
	switch {
	case strings.Contains(e.Path, "/rulesets") && e.Method == http.MethodGet:
		return "Zone → Zone WAF → Read for this zone"
	case strings.Contains(e.Path, "/rulesets"):
		return "Zone → Zone WAF → Edit for this zone"
	case e.ofAccessRules() && strings.Contains(e.Path, "/zones/"):
		return "Zone → Firewall Services → Edit for this zone"
	case e.ofAccessRules() && strings.Contains(e.Path, "/accounts/"):
		return "Account → Account Firewall Access Rules → Edit for this account"
	case e.ofAccessRules():
		return "Account → Account Firewall Access Rules → Edit, or belongs to an account rather than to a user"
	case strings.HasSuffix(e.Path, "/zones"):
		return "Zone → Zone → Read"
	}
	return "Account → Account Filter Lists → Edit for this account"
}

// keyHint tells a person what to do about an e-mail address and a global API key that are not let in. The token's permissions have
// nothing to do with it: the key may do what its user may.
func (e *APIError) keyHint() string {
	if e.Has(codeMalformedToken, codeMalformedHeaders) {
		return "The e-mail address or the global API key is malformed. Was the key copied whole, and is it the Global API Key rather than a token?"
	}
	return "The e-mail address or the global API key is wrong, or this user may not do it" + e.orAccount("the user's") +
		". The key: https://dash.cloudflare.com/profile/api-tokens"
}

// orAccount is the one more reason there is where the request names an account: Cloudflare says no more of it than of the others.
func (e *APIError) orAccount(whose string) string {
	if strings.Contains(e.Path, "/accounts/") {
		return ", or `account` is not " + whose + " account"
	}
	return ""
}

// ListsFull reports whether this is a list that was not created because the plan allows no more. Cloudflare documents no code for it, so
// the words have to tell.
func (e *APIError) ListsFull() bool {
	return e.quotaUsed() && !e.RulesFull()
}

// RulesFull reports whether this is a rule that was not added because the plan allows no more of them
// ("exceeded the maximum number of rules in the phase http_request_firewall_custom: 6 out of 5").
func (e *APIError) RulesFull() bool {
	return e.quotaUsed() && strings.Contains(strings.ToLower(e.Error()), "number of rules")
}

func (e *APIError) quotaUsed() bool {
	if e.Method != http.MethodPost || e.Status < 400 || e.Status >= 500 || e.RateLimited() || e.Forbidden() {
		return false
	}
	for _, info := range e.Errors {
		for _, word := range []string{"maximum", "quota", "limit", "exceed"} {
			if strings.Contains(strings.ToLower(info.Message), word) {
				return true
			}
		}
	}
	return false
}

package cloudflare

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// TakenError is rules that were not made, because others for the same addresses are there that were not read before. They are known now.
type TakenError struct {
	First netip.Prefix
	Count int
}

func (e *TakenError) add(prefix netip.Prefix) {
	if e.Count++; e.Count == 1 {
		e.First = prefix
	}
}

func (e *TakenError) Error() string {
	if e.Count == 1 {
		return fmt.Sprintf("%s has a rule already, which was not known", text(e.First))
	}
	return fmt.Sprintf("%d addresses have a rule already, which was not known, the first is %s", e.Count, text(e.First))
}

// Stale implements reconcile.Stale.
func (e *TakenError) Stale() bool { return true }

// Hint tells a person what to do.
func (e *TakenError) Hint() string { return "Nothing: the next run leaves these rules as they are." }

// LateError is a write that was not begun, because there was too little time left for it to end.
type LateError struct{}

func (e *LateError) Error() string { return "time is up" }

// Later implements reconcile.Later.
func (e *LateError) Later() bool { return true }

// Hint tells a person what to do.
func (e *LateError) Hint() string {
	return "Nothing: the next run goes on. If it happens in every run, lower --request-budget, or raise --timeout and the interval."
}

// ofAccessRules reports whether the request was about access rules.
func (e *APIError) ofAccessRules() bool { return ofAccessRules(e.Path) }

func ofAccessRules(path string) bool { return strings.Contains(path, "/firewall/access_rules/") }

// gone reports whether err says that the rule to be changed or removed is not there.
func gone(err error) bool {
	var e *APIError
	return errors.As(err, &e) && e.gone()
}

func (e *APIError) gone() bool {
	if !e.ofAccessRules() || e.Method != http.MethodPatch && e.Method != http.MethodDelete || e.Err != nil {
		return false
	}
	return e.Status == http.StatusNotFound && !e.Has(codeNoRoute) || e.says("firewallaccessrules.api.not_found")
}

// duplicate reports whether a rule was not made because one for the same addresses is there.
func (e *APIError) duplicate() bool {
	return e.ofAccessRules() && e.Method == http.MethodPost &&
		(e.Has(codeDuplicateRule) || e.says("firewallaccessrules.api.duplicate_of_existing"))
}

// Full implements reconcile.Full: an access rule was not made because the account may have no more of them. Cloudflare documents no code
// for it, so the words have to tell.
func (e *APIError) Full() bool { return e.ofAccessRules() && e.quotaUsed() }

func (e *APIError) says(words string) bool {
	return slices.ContainsFunc(e.Errors, func(info ErrorInfo) bool { return strings.Contains(info.Message, words) })
}

package cloudflare

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Codes that decisions or hints hang on. Cloudflare publishes no full list; these were seen in the wild.
const (
	codeMalformedHeaders = 6003  // malformed token, on zone endpoints
	codeUnknownToken     = 1000  // when a token is verified
	codeAccountOwned     = 1001  // the token is not a user's
	codeNoRoute          = 7003  // also: no such account
	codeMalformedToken   = 9106  // malformed token, on account endpoints
	codeInvalidToken     = 9109  // well-formed token that does not exist, or lacks a permission
	codeAuthentication   = 10000 // wrong token or missing permission
	codeTooFast          = 971   // the API's limit for everybody
	codeTooMany          = 10100 // 1200 requests in five minutes
	codeListsThrottled   = 10040 // writes to lists are throttled
	codeDuplicateRule    = 10009 // an access rule for the same is there
	codeUnknownKey       = 9103  // unknown e-mail address or global API key
)

// ErrorInfo is one member of the errors that an answer of the API holds.
type ErrorInfo struct {
	Code    int    // 0: none was given
	Message string // made fit for a line of text
}

// APIError is an answer that does not say success, or that cannot be understood.
type APIError struct {
	Method, Path string
	Status       int // as in HTTP; may be 200
	Errors       []ErrorInfo
	Ray          string        // Cloudflare's id of the request, which its support asks for; may be empty
	RetryAfter   time.Duration // how long Cloudflare wants to be left alone; 0: it did not say; at most 24 h
	Key          bool          // who asked did it with a global API key rather than a token
	Err          error         // what is wrong with the form of the answer; nil: nothing
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Cloudflare answered %d", e.Status)
	if e.Err == nil && len(e.Errors) == 0 {
		if text := http.StatusText(e.Status); text != "" && e.Status != http.StatusOK {
			fmt.Fprintf(&b, " %s", text)
		} else {
			b.WriteString(" without success or reason")
		}
	}
	for i, info := range e.Errors {
		if i > 0 {
			b.WriteString(" and")
		} else if info.Code != 0 {
			b.WriteString(",")
		}
		if info.Code != 0 {
			fmt.Fprintf(&b, " code %d", info.Code)
		}
		if info.Message != "" {
			fmt.Fprintf(&b, ": %s", info.Message)
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Ray != "" {
		fmt.Fprintf(&b, " (ray %s)", e.Ray)
	}
	return b.String()
}

func (e *APIError) Unwrap() error { return e.Err }

// Has reports whether one of the codes is in the answer.
func (e *APIError) Has(codes ...int) bool {
	return slices.ContainsFunc(e.Errors, func(info ErrorInfo) bool { return slices.Contains(codes, info.Code) })
}

// RateLimited reports whether Cloudflare says that it is asked too often, or that another operation is pending: it
// has one answer for both.
func (e *APIError) RateLimited() bool {
	return e.Status == http.StatusTooManyRequests || e.Has(codeTooFast, codeTooMany, codeListsThrottled)
}

// Refused reports whether this is a write that Cloudflare did not let through; see IsRefused.
func (e *APIError) Refused() bool { return e.Method != http.MethodGet && e.RateLimited() }

// Brief implements reconcile.Brief: "429, code 10040".
func (e *APIError) Brief() string {
	text := strconv.Itoa(e.Status)
	if len(e.Errors) > 0 && e.Errors[0].Code != 0 {
		text += fmt.Sprintf(", code %d", e.Errors[0].Code)
	}
	return text
}

// TooLarge reports whether this is a write with more items than Cloudflare takes at once. No limit is documented, so only
// the status says it.
func (e *APIError) TooLarge() bool {
	return e.Method != http.MethodGet && e.Status == http.StatusRequestEntityTooLarge
}

// Stale implements reconcile.Stale: a removal that was turned down may name an item that somebody removed since it was read.
func (e *APIError) Stale() bool {
	if e.ofAccessRules() {
		return e.gone()
	}
	return e.Method == http.MethodDelete && (e.Status == http.StatusNotFound || e.Status == http.StatusBadRequest) &&
		!e.Has(codeMalformedToken, codeMalformedHeaders, codeInvalidToken, codeAuthentication)
}

// Hint tells a person what to do.
func (e *APIError) Hint() string {
	switch {
	case e.RateLimited() && e.Method == http.MethodGet:
		return "Cloudflare allows 1200 requests in five minutes per user, over all programs and the dashboard. Wait five minutes."
	case e.RateLimited() && e.ofAccessRules():
		return "Cloudflare allows 1200 requests in five minutes per user, over all programs and the dashboard. " +
			"Waiting helps, trying more often does harm. If it happens often, lower --request-budget."
	case e.Full():
		return "An account has 50 000 access rules (https://developers.cloudflare.com/waf/tools/ip-access-rules/#availability). " +
			"Remove those that nobody needs: edgeban adopt --target access-rules finds what Fail2Ban's own actions left."
	case e.RateLimited():
		return "Cloudflare throttles changes of lists, or another operation of this account is pending (dashboard, Terraform, another host). " +
			"Waiting helps, trying more often does harm."
	case e.Key && e.Forbidden():
		return e.keyHint()
	case e.Has(codeMalformedToken, codeMalformedHeaders):
		return "The token is malformed. Was it copied whole, and is it an API token rather than a global API key?"
	case e.Has(codeInvalidToken, codeAuthentication), e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return "The token is wrong, expired or restricted to other addresses, or it lacks the permission " +
			e.permission() + e.orAccount("the token's") + ". Tokens: https://dash.cloudflare.com/profile/api-tokens"
	case e.gone():
		return "Nothing: somebody removed the rule. The next run reads again what is there."
	case (e.Status == http.StatusNotFound || e.Has(codeNoRoute)) && strings.Contains(e.Path, "/zones/"):
		return "Is the zone id right? It stands on the zone's overview page in the dashboard: https://dash.cloudflare.com"
	case e.Status == http.StatusNotFound, e.Has(codeNoRoute):
		return "Is the account id right? It stands in the dashboard's address: https://dash.cloudflare.com/<account id>"
	case e.Status >= 500:
		return "Cloudflare has a problem of its own: https://www.cloudflarestatus.com. The next run tries again."
	case e.Status >= 300 && e.Status < 400:
		return "The API does not redirect. Is the API's URL right, and is there a proxy or captive portal in between?"
	case e.Err != nil:
		return "Something other than the API may have answered: a proxy, a captive portal, a wrong URL."
	}
	return ""
}

// NoAnswerError is a request to which no whole answer came.
type NoAnswerError struct {
	Method, Path string
	Host         string // without the port
	Origin       string // scheme, host and port: "https://api.cloudflare.com"
	Partial      bool   // an answer began
	Err          error
}

func (e *NoAnswerError) Error() string {
	if e.Partial {
		return fmt.Sprintf("answer of %s breaks off: %v", e.Host, e.Err)
	}
	return fmt.Sprintf("no answer from %s: %v", e.Host, e.Err)
}

func (e *NoAnswerError) Unwrap() error { return e.Err }

// Hint tells a person what to do.
func (e *NoAnswerError) Hint() string {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(e.Err, &dns):
		return "The name did not resolve. Try: getent hosts " + e.Host
	case errors.As(e.Err, &cert):
		return "The certificate was not accepted. Are the CA certificates installed (package ca-certificates), is the clock right, " +
			"and does a proxy open the connection?"
	}
	return "Try: curl -sS " + e.Origin + " from this host; a firewall or proxy may be in between. The next run tries again."
}

// UncertainError is a write of which nobody knows whether it took effect: no answer came, or one that says nothing.
// It is not sent again; reading the list tells.
type UncertainError struct{ Err error }

func (e *UncertainError) Error() string {
	return fmt.Sprintf("whether it took effect is unknown: %v", e.Err)
}

func (e *UncertainError) Unwrap() error { return e.Err }

// Uncertain implements reconcile.Uncertain.
func (e *UncertainError) Uncertain() bool { return true }

// Stale implements reconcile.Stale.
func (e *UncertainError) Stale() bool { return true }

// Hint tells a person what to do.
func (e *UncertainError) Hint() string {
	what := "the list again"
	var answer *APIError
	var none *NoAnswerError
	if errors.As(e.Err, &answer) && ofAccessRules(answer.Path) || errors.As(e.Err, &none) && ofAccessRules(none.Path) {
		what = "again what is there"
	}
	return "Nothing: the next run reads " + what + " and repairs what is missing."
}

// IsRefused reports whether Cloudflare did not let a write through because it throttles the account or has another
// operation pending: status 429, code 10040 with any status, or an operation that failed for this reason. Refused
// reads do not count.
func IsRefused(err error) bool {
	var refused interface{ Refused() bool }
	return errors.As(err, &refused) && refused.Refused()
}

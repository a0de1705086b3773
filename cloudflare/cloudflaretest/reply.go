package cloudflaretest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Error codes. The first group has been seen in answers of the real API; nobody has published the codes of the
// second group, so nothing should depend on them.
const (
	codeNoRoute       = 7003
	codeMethod        = 7001
	codeBadHeaders    = 6003
	codeBadFormat     = 6111
	codeBadEmail      = 6102
	codeBadKey        = 6103
	codeUnknownKey    = 9103
	codeInvalidToken  = 1000
	codeAccountOwned  = 1001
	codeNoAccess      = 9109
	codeNoEntrypoint  = 10003
	codeRuleQuota     = 20217
	codeMalformed     = 9106
	codeAuth          = 10000
	codeInvalidJSON   = 10026
	codeInvalidCursor = 10027 // also what per_page above 500 gets
	codeListInUse     = 10031
	codeRateLimited   = 10040
	codeNotFound      = 10001 // seen for access rules only
	codeDuplicateRule = 10009
	codeTooMany       = 10100

	codeInvalid         = 10021
	codeAccessRuleQuota = 10022
)

// reply is an answer before it is written. Handlers return it so that nothing is written while the lock is held.
type reply struct {
	status int
	header http.Header // may be nil
	body   envelope
}

type envelope struct {
	Success    bool       `json:"success"`
	Errors     []apiError `json:"errors"`
	Messages   []apiError `json:"messages"`
	Result     any        `json:"result"`
	ResultInfo any        `json:"result_info,omitempty"`
}

type apiError struct {
	Code       int        `json:"code"`
	Message    string     `json:"message"`
	ErrorChain []apiError `json:"error_chain,omitempty"`
}

func ok(result any) reply {
	return reply{
		status: http.StatusOK,
		body:   envelope{Success: true, Errors: []apiError{}, Messages: []apiError{}, Result: result},
	}
}

func refuse(status, code int, format string, args ...any) reply {
	return reply{
		status: status,
		body: envelope{
			Errors:   []apiError{{Code: code, Message: fmt.Sprintf(format, args...)}},
			Messages: []apiError{},
		},
	}
}

// rateLimited is the answer to a list write that comes too early. The real API does not say whether another
// operation is pending or a limit is exceeded, and neither does this one.
func rateLimited(wait time.Duration) reply {
	r := refuse(http.StatusTooManyRequests, codeRateLimited, "you have been ratelimited please wait and try again")
	r.header = http.Header{"Retry-After": {wholeSeconds(wait)}}
	return r
}

func wholeSeconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

func (r reply) write(w http.ResponseWriter) {
	body, err := json.Marshal(r.body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	for name, values := range r.header {
		header[name] = values
	}
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(r.status)
	_, _ = w.Write(body) // a client that went away is no concern of Cloudflare's
}

package cloudflaretest

import (
	"net/http"
	"regexp"
	"strings"
)

// user is the one person that tokens and the global API key belong to.
type user struct {
	id, email string
	key       string // the global API key; empty: not known here
}

// SetGlobalKey makes the user's e-mail address and global API key known, which a client sends as X-Auth-Email and
// X-Auth-Key. The key may do everything, in every account. Setting another replaces it, as when it is changed in
// the dashboard; an empty key ends the old way of authentication.
func (c *Cloudflare) SetGlobalKey(email, key string) {
	defer c.lock()()
	c.user.email, c.user.key = email, key
}

// legacy is what a client sends instead of an Authorization header.
type legacy struct{ email, key string }

func (l legacy) given() bool { return l != legacy{} }

// keyForm is that of global keys, which are 37 hexadecimal digits, and a little more. An API token given as a key
// is no unknown key but a malformed one.
var keyForm = regexp.MustCompile(`^[0-9a-f]{37}$`)

func (l legacy) wellFormed() bool {
	return strings.Contains(l.email, "@") && keyForm.MatchString(l.key)
}

// identify returns whose request it is, nil for nobody known, and whether the headers could have told.
// An Authorization header goes first.
func (c *Cloudflare) identify(in call) (t *token, wellFormed bool) {
	if in.bearer != "" || !in.legacy.given() {
		return c.bearer(in.bearer)
	}
	if in.legacy == (legacy{c.user.email, c.user.key}) && c.user.key != "" {
		return &token{id: c.user.id, all: true, status: TokenActive}, true
	}
	return nil, in.legacy.wellFormed()
}

// badHeaders is the answer of endpoints outside accounts to credentials that can be none.
// https://github.com/rmbolger/Posh-ACME/issues/126 shows that for a key and an e-mail address.
func badHeaders(in call) reply {
	no := refuse(http.StatusBadRequest, codeBadHeaders, "Invalid request headers")
	chain := &no.body.Errors[0].ErrorChain
	if in.bearer != "" || !in.legacy.given() {
		*chain = []apiError{{Code: codeBadFormat, Message: "Invalid format for Authorization header"}}
		return no
	}
	if !strings.Contains(in.legacy.email, "@") {
		*chain = append(*chain, apiError{Code: codeBadEmail, Message: "Invalid format for X-Auth-Email header"})
	}
	if !keyForm.MatchString(in.legacy.key) {
		*chain = append(*chain, apiError{Code: codeBadKey, Message: "Invalid format for X-Auth-Key header"})
	}
	return no
}

// unknownCaller is their answer to credentials that look right and are nobody's.
func unknownCaller(in call) reply {
	if in.bearer == "" {
		return refuse(http.StatusForbidden, codeUnknownKey, "Unknown X-Auth-Key or X-Auth-Email")
	}
	return refuse(http.StatusForbidden, codeNoAccess, "Invalid access token")
}

package cloudflare

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// credentials say who asks: a token, or a global API key and the e-mail address of its user
// (https://developers.cloudflare.com/fundamentals/api/get-started/keys/).
type credentials struct {
	token Secret
	email string
	key   Secret
}

// check says what cannot be. It never repeats a secret.
func (c credentials) check() error {
	if c.key.IsZero() {
		return checkSecret("token", c.token)
	}
	switch {
	case !c.token.IsZero():
		return errors.New("token and global API key: one of them is due, not both")
	case !strings.Contains(c.email, "@") || strings.ContainsFunc(c.email, unfit):
		return fmt.Errorf("e-mail address %q of the global API key: is none", clean(c.email, c.key))
	}
	return checkSecret("global API key", c.key)
}

// checkSecret refuses what cannot stand in a header.
func checkSecret(name string, secret Secret) error {
	switch {
	case secret.IsZero():
		return fmt.Errorf("%s: is empty", name)
	case strings.ContainsFunc(secret.reveal(), unfit):
		return fmt.Errorf("%s: holds a space, a line break or another character that no %s has", name, name)
	}
	return nil
}

func unfit(r rune) bool { return r <= ' ' || r > '~' }

func (c credentials) secrets() []Secret {
	var all []Secret
	for _, secret := range []Secret{c.token, c.key} {
		if !secret.IsZero() {
			all = append(all, secret)
		}
	}
	return all
}

// sign adds them to a request.
func (c credentials) sign(header http.Header) {
	if c.key.IsZero() {
		header.Set("Authorization", "Bearer "+c.token.reveal())
		return
	}
	header.Set("X-Auth-Email", c.email)
	header.Set("X-Auth-Key", c.key.reveal())
}

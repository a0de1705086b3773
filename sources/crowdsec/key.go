package crowdsec

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const mask = "[secret]"

// Key holds an API key and shows it to nobody: printing, logging and marshalling yield "[secret]", or "" when there is none.
type Key struct{ text *string } // behind a pointer, so that not even %+v of a struct around it prints it

// NewKey wraps text. An empty text is no key.
func NewKey(text string) Key {
	if text == "" {
		return Key{}
	}
	return Key{&text}
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.text == nil }

// In reports whether the key stands somewhere in text. None stands nowhere.
func (k Key) In(text string) bool { return !k.IsZero() && strings.Contains(text, k.reveal()) }

func (k Key) reveal() string {
	if k.text == nil {
		return ""
	}
	return *k.text
}

// check refuses what cannot stand in a header, without repeating any of it.
func (k Key) check() error {
	for _, r := range k.reveal() {
		if r <= ' ' || r > '~' {
			return errors.New("a blank, a line break or another character that no key has")
		}
	}
	return nil
}

func (k Key) String() string {
	if k.text == nil {
		return ""
	}
	return mask
}

// GoString masks %#v.
func (k Key) GoString() string { return k.String() }

// LogValue masks the key in logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText masks the key in JSON, TOML and the like.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Format masks every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

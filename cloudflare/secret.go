package cloudflare

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const mask = "[secret]"

// Secret holds a token and shows it to nobody: printing, logging and marshalling yield "[secret]", or "" when there
// is none. The text is behind a pointer, so that not even reflection over a struct's unexported fields, as %+v does
// it, prints it.
type Secret struct{ text *string }

// NewSecret wraps text. An empty text is no secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == nil }

// In reports whether the secret stands somewhere in text. None stands nowhere.
func (s Secret) In(text string) bool { return !s.IsZero() && strings.Contains(text, s.reveal()) }

func (s Secret) reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return mask
}

// GoString masks %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the secret in JSON, TOML and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Format masks every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

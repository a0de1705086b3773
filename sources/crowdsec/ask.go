package crowdsec

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// try asks once and reads the whole answer.
func (s *Source) try(ctx context.Context, now time.Time) (*decoder, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address.String(), nil)
	if err != nil {
		return nil, s.problem(Unreachable, err)
	}
	request.Header.Set("User-Agent", s.userAgent)
	request.Header.Set("Accept", "application/json")
	if !s.key.IsZero() {
		request.Header.Set("X-Api-Key", s.key.reveal())
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, s.noAnswer(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, s.refusal(response)
	}
	body := &limited{reader: response.Body, left: s.limit, most: mostBegin + len(s.key.reveal())}
	found := newDecoder(s.origins, now)
	if err := found.read(body); err != nil {
		return nil, s.badAnswer(ctx, body, err)
	}
	return found, nil
}

// mostBegin, in bytes, is how much of an answer is looked at for what it begins with, besides the length of a key.
const mostBegin = 200

// tooLargeError ends the reading of an answer that is larger than the limit.
type tooLargeError struct{}

func (tooLargeError) Error() string { return "too large" }

// limited yields an error, and not the end, when there is more than the limit: a list that was cut is no list.
type limited struct {
	reader io.Reader
	left   int64
	most   int    // bytes of begin
	begin  []byte // the first bytes, for a person who wonders who answered
	err    error  // what ended the reading, other than the end
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.reader.Read(p)
	if l.left -= int64(n); l.left < 0 {
		l.err = tooLargeError{}
		return 0, l.err
	}
	if room := l.most - len(l.begin); room > 0 {
		l.begin = append(l.begin, p[:min(n, room)]...)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}

func (s *Source) problem(p Problem, err error) *Error {
	return &Error{URL: s.label, Problem: p, Err: err}
}

// noAnswer says why there was none.
func (s *Source) noAnswer(ctx context.Context, err error) *Error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) { // it repeats the whole request
		err = wrapped.Err
	}
	var (
		timeout     net.Error
		certificate *tls.CertificateVerificationError
		alert       tls.AlertError
		record      tls.RecordHeaderError
		unknown     x509.UnknownAuthorityError
	)
	switch {
	case ctx.Err() != nil:
		return s.problem(Stopped, context.Cause(ctx))
	case errors.As(err, &certificate), errors.As(err, &alert), errors.As(err, &record), errors.As(err, &unknown),
		strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return s.problem(Certificate, err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return s.problem(Slow, err)
	}
	return s.problem(Unreachable, err)
}

// badAnswer says what is wrong with the body of an answer that began well.
func (s *Source) badAnswer(ctx context.Context, body *limited, err error) *Error {
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		return s.problem(Stopped, context.Cause(ctx))
	case errors.Is(body.err, tooLargeError{}):
		return &Error{URL: s.label, Problem: TooLarge, Err: err, cause: fmt.Sprintf("the answer is larger than %d MiB", s.limit>>20)}
	case errors.As(body.err, &timeout) && timeout.Timeout():
		return s.problem(Slow, err)
	case body.err != nil:
		return s.problem(CutShort, body.err)
	case errors.Is(err, io.ErrUnexpectedEOF) && len(bytes.TrimSpace(body.begin)) > 0:
		return s.problem(CutShort, err)
	}
	text := "it is empty"
	if len(bytes.TrimSpace(body.begin)) > 0 {
		text = "it begins " + strconv.Quote(s.clean(s.withoutPart(body.begin), 60))
	}
	return &Error{URL: s.label, Problem: NotDecisions, Err: err, cause: fmt.Sprintf("%v: %s", NotDecisions, text)}
}

// refusal says what a status other than 200 means.
func (s *Source) refusal(response *http.Response) *Error {
	e := &Error{URL: s.label, Problem: UnknownStatus, Status: response.StatusCode}
	switch response.StatusCode {
	case http.StatusForbidden, http.StatusUnauthorized:
		e.Problem = Denied
	case http.StatusInternalServerError:
		e.Problem = Broken
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusMovedPermanently, http.StatusFound,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		e.Problem = NoSuchPath
	}
	e.cause = fmt.Sprintf("%v (%d", e.Problem, response.StatusCode)
	if said := s.message(response.Body); said != "" {
		e.cause += ", " + said
	}
	e.cause += ")"
	return e
}

// message is what LAPI says about a status: {"message": …}.
func (s *Source) message(body io.Reader) string {
	text, err := io.ReadAll(io.LimitReader(body, 4096))
	if err != nil {
		return ""
	}
	var wire struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(bytes.TrimSpace(text), &wire) != nil {
		return ""
	}
	return s.clean(wire.Message, 160)
}

// withoutPart is text that was cut off, without the part of the key at its end: that part would not be found and masked.
func (s *Source) withoutPart(begin []byte) string {
	key, text := s.key.reveal(), string(begin)
	if key == "" {
		return text
	}
	text = strings.ReplaceAll(text, key, mask)
	for n := min(len(key)-1, len(text)); n > 0; n-- {
		if before, found := strings.CutSuffix(text, key[:n]); found {
			return before
		}
	}
	return text
}

// clean makes a server's words fit for a message: printable, without the key, not too long.
func (s *Source) clean(text string, most int) string {
	if key := s.key.reveal(); key != "" {
		text = strings.ReplaceAll(text, key, mask)
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return strings.TrimSpace(text)
}

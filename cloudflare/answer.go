package cloudflare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// answer is what came back for one request, with its body read.
type answer struct {
	method, path string
	status       int
	header       http.Header
	body         []byte
	tooLarge     bool // body was cut: no use in it
}

// envelope is what every answer of the API is wrapped in
// (https://developers.cloudflare.com/api/). Members that are not named here are ignored.
type envelope struct {
	Success    bool            `json:"success"`
	Errors     json.RawMessage `json:"errors"`
	Result     json.RawMessage `json:"result"`
	ResultInfo struct {
		Cursors struct {
			After string `json:"after"`
		} `json:"cursors"`
		TotalPages int         `json:"total_pages"`
		TotalCount json.Number `json:"total_count"`
		Page       float64     `json:"page"`
		PerPage    float64     `json:"per_page"`
	} `json:"result_info"`
}

// receive reads and closes the body. An answer with a good status must arrive whole, or the error is a
// *NoAnswerError; of a bad one, what arrived will do, because its status counts. The body overwrites what room holds, as far
// as that reaches; nil will do.
func (c *Client) receive(resp *http.Response, room []byte) (answer, error) {
	defer resp.Body.Close()
	req := resp.Request
	a := answer{method: req.Method, path: req.URL.Path, status: resp.StatusCode, header: resp.Header}
	body := bytes.NewBuffer(room[:0])
	_, err := body.ReadFrom(io.LimitReader(resp.Body, c.bodyLimit+1))
	if err != nil && a.good() {
		return a, &NoAnswerError{Method: a.method, Path: a.path, Host: req.URL.Hostname(), Origin: origin(req.URL), Partial: true, Err: c.cleaned(err)}
	}
	if int64(body.Len()) > c.bodyLimit {
		a.tooLarge = true
		return a, nil
	}
	a.body = body.Bytes()
	return a, nil
}

func (a answer) good() bool { return a.status >= 200 && a.status < 300 }

// clock is the server's time, zero when it did not say.
func (a answer) clock() time.Time {
	at, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return at
}

// open checks an answer and returns its envelope. The error is an *APIError unless the status is good, the body is
// JSON and says success.
func (c *Client) open(a answer) (envelope, error) {
	var e envelope
	flaw := c.flaw(a, &e)
	if a.good() && flaw == nil && e.Success {
		return e, nil
	}
	failure := &APIError{
		Status: a.status, Method: a.method, Path: a.path,
		Ray:        c.clean(a.header.Get("Cf-Ray")),
		RetryAfter: retryAfter(a.header, time.Now()),
		Key:        c.legacy,
		Err:        flaw,
	}
	if flaw == nil {
		failure.Errors = c.errorInfos(e.Errors)
	}
	return envelope{}, failure
}

// flaw decodes the body into e and says what is wrong with its form, nil if nothing is.
func (c *Client) flaw(a answer, e *envelope) error {
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	isJSON := kind == "application/json" || strings.HasSuffix(kind, "+json")
	switch text := bytes.TrimSpace(a.body); {
	case a.status >= 300 && a.status < 400:
		return fmt.Errorf("redirect to %s, not followed", c.clean(a.header.Get("Location")))
	case a.tooLarge:
		return fmt.Errorf("answer is larger than %d MiB", c.bodyLimit>>20)
	case len(text) == 0:
		return errors.New("answer is empty")
	case !isJSON:
		return fmt.Errorf("answer is not JSON (content type %q): %s", c.clean(kind), c.excerpt(text))
	}
	if err := json.Unmarshal(a.body, e); err != nil {
		return fmt.Errorf("answer is not what it should be: %w", c.cleaned(err))
	}
	return nil
}

// excerpt is the beginning of a body, for a person who wonders who answered there.
func (c *Client) excerpt(body []byte) string {
	text := []rune(c.clean(string(body[:min(len(body), 4096)])))
	if len(text) > 80 {
		text = append(text[:79], '…')
	}
	return string(text)
}

// decode decodes the result of a good answer.
func (c *Client) decode(e envelope, result any) error {
	if err := json.Unmarshal(e.Result, result); err != nil {
		return fmt.Errorf("result is not what it should be: %w", c.cleaned(err))
	}
	return nil
}

// empty reports whether there is no result.
func (e envelope) empty() bool { return len(e.Result) == 0 || string(e.Result) == "null" }

// errorInfos reads the errors of an answer as far as they can be read: codes may be missing, or text; gateways add a
// chain of causes.
func (c *Client) errorInfos(raw json.RawMessage) []ErrorInfo {
	var members []json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return nil
	}
	var infos []ErrorInfo
	for _, member := range members[:min(len(members), 10)] {
		var wire struct {
			Code    json.RawMessage `json:"code"`
			Message json.RawMessage `json:"message"`
			Chain   json.RawMessage `json:"error_chain"`
		}
		if json.Unmarshal(member, &wire) != nil {
			wire.Message = member // a bare text
		}
		var message string
		_ = json.Unmarshal(wire.Message, &message)
		code, _ := strconv.Atoi(strings.Trim(string(wire.Code), `"`))
		if code != 0 || message != "" {
			infos = append(infos, ErrorInfo{Code: code, Message: c.clean(message)})
		}
		if len(wire.Chain) > 0 {
			infos = append(infos, c.errorInfos(wire.Chain)...)
		}
	}
	return infos[:min(len(infos), 10)]
}

// retryAfter reads the header of that name, seconds or a date (RFC 9110, section 10.2.3): 0 to 24 hours. A date is
// compared with the answer's own Date, if there is one, and otherwise with now.
func retryAfter(header http.Header, now time.Time) time.Duration {
	const most = 24 * time.Hour
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, most.Seconds()) * float64(time.Second))
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), most)
}

// cleaned makes the text of err fit for a line, where it may quote what the other side sent.
func (c *Client) cleaned(err error) error {
	if text := c.clean(err.Error()); text != err.Error() {
		return &cleanedError{text, err}
	}
	return err
}

type cleanedError struct {
	text string
	err  error
}

func (e *cleanedError) Error() string { return e.text }

func (e *cleanedError) Unwrap() error { return e.err }

func (c *Client) clean(text string) string { return clean(text, c.secrets...) }

// clean makes a text of the outside fit for a line that a person reads: secrets masked, everything that does not
// print turned into a space, at most 300 characters.
func clean(text string, secrets ...Secret) string {
	for _, secret := range secrets {
		if !secret.IsZero() {
			text = strings.ReplaceAll(text, secret.reveal(), mask)
		}
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 300 {
		text = string(runes[:299]) + "…"
	}
	return text
}

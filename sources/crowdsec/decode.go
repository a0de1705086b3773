package crowdsec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"edgeban/reconcile"
)

// decision is what LAPI sends of one. until, simulated and created_at are in its description of the API but never sent; what
// others may send as simulated is not in force.
type decision struct {
	ID        int64  `json:"id"`
	Origin    string `json:"origin"`
	Scenario  string `json:"scenario"`
	Scope     string `json:"scope"`
	Type      string `json:"type"`
	Value     string `json:"value"`
	Duration  string `json:"duration"` // how much longer, in Go's syntax
	Simulated bool   `json:"simulated"`
}

// decoder turns an answer into bans, decision by decision: at no time are there more of them in memory than the bans themselves.
type decoder struct {
	origins []string
	now     time.Time

	full   [][]reconcile.Ban // chunks: a slice that grows is copied again and again
	bans   []reconcile.Ban   // the chunk that is being filled
	names  map[string]string // each reason once
	sample sample
}

// chunk is how many bans lie together while their number is unknown.
const chunk = 4096

func newDecoder(origins []string, now time.Time) *decoder {
	return &decoder{origins: origins, now: now, names: map[string]string{}}
}

// read reads a whole answer: an array of decisions or null, and nothing after it.
func (d *decoder) read(body io.Reader) error {
	in := json.NewDecoder(body)
	first, err := in.Token()
	switch {
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case first == nil: // null: no decisions
		return ended(in)
	case first != json.Delim('['):
		return fmt.Errorf("%v in place of an array", first)
	}
	var one decision
	for in.More() {
		one = decision{}
		if err := in.Decode(&one); err != nil {
			return unfinished(err)
		}
		d.add(&one)
	}
	if _, err := in.Token(); err != nil {
		return unfinished(err)
	}
	return ended(in)
}

// unfinished makes an end in the middle an error that is not io.EOF.
func unfinished(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// ended wants nothing but blanks to follow.
func ended(in *json.Decoder) error {
	switch _, err := in.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	default:
		return errors.New("more than one value")
	}
}

// add turns one decision into a ban, unless LAPI was not asked for it.
func (d *decoder) add(one *decision) {
	if one.Simulated || !d.wanted(one.Origin) {
		return
	}
	if d.bans == nil {
		d.bans = make([]reconcile.Ban, 0, chunk)
	}
	d.bans = append(d.bans, d.ban(one))
	if len(d.bans) == cap(d.bans) {
		d.full, d.bans = append(d.full, d.bans), nil
	}
	d.sample.add(one)
}

// all are the bans in the order of the answer.
func (d *decoder) all() []reconcile.Ban { return slices.Concat(append(d.full, d.bans)...) }

func (d *decoder) wanted(origin string) bool {
	return slices.ContainsFunc(d.origins, func(o string) bool { return strings.EqualFold(o, origin) })
}

func (d *decoder) ban(one *decision) reconcile.Ban {
	ban := reconcile.Ban{Source: Name, Reason: d.reason(one), Community: community(one.Origin)}
	var ok bool
	ban.Value, ok = text(strings.TrimSpace(one.Value))
	left, err := time.ParseDuration(one.Duration)
	if err == nil {
		ban.Until = d.now.Add(left)
	} else { // when it ends is unknown, so it counts as going on
		ok = false
	}
	switch {
	case strings.EqualFold(one.Type, "ban"):
		ban.Remedy = reconcile.Block
	case strings.EqualFold(one.Type, "captcha"):
		ban.Remedy = reconcile.Challenge
	default: // "throttle", "enforce_mfa": blocking would be more than was asked for
		ban.Void = reconcile.LeftOutUnknownRemedy
	}
	switch {
	case !ok:
		ban.Void = reconcile.LeftOutUnreadable
	case !strings.EqualFold(one.Scope, "ip") && !strings.EqualFold(one.Scope, "range"):
		ban.Void = reconcile.LeftOutNotAddress // a country, a user: LAPI was not asked for them
	}
	return ban
}

// reason is the scenario: of the origin lists it is the list's name, of cscli what somebody wrote.
func (d *decoder) reason(one *decision) string {
	given := one.Scenario
	if given == "" {
		given = one.Origin
	}
	if known, ok := d.names[given]; ok {
		return known
	}
	shown, _ := text(given)
	d.names[given] = shown
	return shown
}

// maxText, in bytes, is beyond every address and every sensible name.
const maxText = 1024

// text returns a text as it is when it can be printed, else something printable and false.
func text(s string) (string, bool) {
	const most = 64
	switch {
	case s == "":
		return `""`, false
	case len(s) <= maxText && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl):
		return s, true
	case len(s) > most:
		return strconv.QuoteToASCII(s[:most]) + "...", false
	default:
		return strconv.QuoteToASCII(s), false
	}
}

package fail2ban

import (
	"database/sql/driver"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"edgeban/reconcile"
)

// Values of bantime that are no length (server/database.py, server/ticket.py).
const (
	bantimePermanent = -1
	bantimeUnknown   = -2
)

// Seconds since 1970 that reconcile.Ban can hold and JSON can write: 0001-01-01T00:00:01Z, one second after the zero
// time, which would mean "no end", to 9999-12-31T23:59:59Z.
const (
	firstSecond = -62135596799
	lastSecond  = 253402300799
)

// maxText is how long a name may be, in bytes. An address needs 49.
const maxText = 1024

// decoder turns rows into bans. SQLite stores any type in any column, so nothing about a value is taken for granted.
type decoder struct {
	bantime time.Duration     // for rows that have none
	names   map[string]string // jail names: one string each, however many rows
	bans    []reconcile.Ban
	guessed int
	latest  map[jailValue]int // index into bans; nil: every row is a ban of its own
}

type jailValue struct{ jail, value string }

func newDecoder(bantime time.Duration) *decoder {
	return &decoder{bantime: bantime, names: make(map[string]string)}
}

// latestOnly makes the decoder keep one row per jail and address, the one that began last.
func (d *decoder) latestOnly() { d.latest = make(map[jailValue]int) }

// add takes a row of ip, jail, timeofban, bantime.
func (d *decoder) add(row []driver.Value) {
	ban, guessed := d.decode(row[0], row[1], row[2], row[3])
	if d.latest != nil && ban.Void == "" {
		key := jailValue{ban.Reason, ban.Value}
		if i, ok := d.latest[key]; ok {
			if ban.Since.After(d.bans[i].Since) {
				d.bans[i] = ban
			}
			return
		}
		d.latest[key] = len(d.bans)
	}
	if guessed {
		d.guessed++
	}
	if len(d.bans) == cap(d.bans) { // append alone grows by a quarter, which costs a large read a sixth of its time
		d.bans = slices.Grow(d.bans, len(d.bans)+64)
	}
	d.bans = append(d.bans, ban)
}

// decode makes one ban. guessed reports that the default length stands in.
func (d *decoder) decode(ip, jail, timeofban, bantime driver.Value) (_ reconcile.Ban, guessed bool) {
	value, ok := text(ip)
	since, sinceOK := seconds(timeofban)
	since = clamp(since) // so that adding an infinite length to it makes no NaN
	length, lengthOK := seconds(bantime)
	ban := reconcile.Ban{Value: value, Remedy: reconcile.Block, Source: Name, Reason: d.jail(jail)}
	if sinceOK {
		ban.Since = instant(since)
	}
	if !ok || !sinceOK || !lengthOK {
		ban.Void = reconcile.LeftOutUnreadable
	}
	switch {
	case !sinceOK || !lengthOK: // when it ends is unknown, so it counts as going on
	case length == bantimePermanent:
	case length == bantimeUnknown:
		ban.Until, guessed = instant(since+d.bantime.Seconds()), true
	default: // Fail2Ban takes zero and other negative lengths for over at once
		ban.Until = instant(since + max(length, 0))
	}
	return ban, guessed
}

func (d *decoder) jail(v driver.Value) string {
	s, ok := v.(string)
	if !ok {
		shown, _ := text(v)
		return shown
	}
	if known, ok := d.names[s]; ok {
		return known
	}
	shown, _ := text(s)
	d.names[s] = shown
	return shown
}

// text returns a text value as it is stored. Of anything else, and of text that cannot be printed, it returns something
// printable and false.
func text(v driver.Value) (string, bool) {
	switch v := v.(type) {
	case string:
		if len(v) <= maxText && utf8.ValidString(v) && !strings.ContainsFunc(v, unicode.IsControl) {
			return v, true
		}
		return quote(v), false
	case []byte:
		return quote(string(v)), false
	case int64:
		return strconv.FormatInt(v, 10), false
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), false
	default:
		return "NULL", false
	}
}

// quote shows the beginning of s, with Go's escapes.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "..."
	}
	return strconv.QuoteToASCII(s)
}

// seconds returns a number that SQLite holds as INTEGER, REAL or TEXT. It is never NaN. A float64 is exact to the
// microsecond over all times that matter here, and does not overflow.
func seconds(v driver.Value) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v)
	case string:
		if strings.Trim(v, "0123456789+-.eE") != "" { // ParseFloat knows inf, nan, hexadecimal
			return 0, false
		}
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	default:
		return 0, false
	}
}

// clamp keeps seconds since 1970 within the years that a time may have.
func clamp(seconds float64) float64 { return min(max(seconds, firstSecond), lastSecond) }

func instant(seconds float64) time.Time {
	return time.UnixMilli(int64(math.Round(clamp(seconds) * 1000))).UTC()
}

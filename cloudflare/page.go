package cloudflare

import (
	"bytes"
	"slices"
	"time"
	"unicode/utf8"
)

// open opens an answer that is a page. The items are good until the next call. A full list comes in 20 pages of 120 kB, which
// encoding/json goes over four times: that was a third of all that an idle run computes. So a page that looks as Cloudflare
// writes it is read here, and every other one, faulty ones included, by encoding/json.
func (w *walk) open(a answer) (envelope, []listItem, error) {
	items, rest, ok := takeItems(a.body, w.members)
	w.members = items
	if ok {
		short := a
		short.body = rest
		if e, err := w.client.open(short); err == nil && string(e.Result) == taken {
			return e, items, nil
		}
	}
	e, err := w.client.open(a)
	if err != nil || e.empty() {
		return e, nil, err
	}
	var all []listItem
	err = w.client.decode(e, &all)
	return e, all, err
}

// taken stands where a page's items were. That it is the envelope's result then proves that these were, too.
const taken = `"taken"`

// takeItems reads the items of a page if all their members are known and plain strings; they overwrite those in room. It
// returns the page without them, of which nothing is known yet.
func takeItems(page []byte, room []listItem) (items []listItem, rest []byte, ok bool) {
	const name = `"result"`
	at := bytes.Index(page, []byte(name))
	s := scanner{text: page, at: at + len(name)}
	if at < 0 || !s.next(':') {
		return room, nil, false
	}
	begin := s.at
	if items, ok = s.items(room[:0]); !ok {
		return items, nil, false
	}
	return items, slices.Concat(page[:begin], []byte(taken), page[s.at:]), true
}

// scanner goes through a JSON text. Its methods report whether they found what they look for.
type scanner struct {
	text []byte
	at   int
}

// next goes past c, and past blanks before it.
func (s *scanner) next(c byte) bool {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\n' || s.text[s.at] == '\r' || s.text[s.at] == '\t') {
		s.at++
	}
	if s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

// plain goes past a string of ASCII without escapes.
func (s *scanner) plain() ([]byte, bool) {
	if !s.next('"') {
		return nil, false
	}
	begin := s.at
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[begin : s.at-1], true
		case c == '\\' || c < ' ' || c >= utf8.RuneSelf:
			return nil, false
		}
	}
	return nil, false
}

// items goes past an array of items and appends them to some others.
func (s *scanner) items(items []listItem) ([]listItem, bool) {
	if !s.next('[') {
		return items, false
	}
	for n := 0; !s.next(']'); n++ {
		if n > 0 && !s.next(',') {
			return items, false
		}
		item, ok := s.item()
		if !ok {
			return items, false
		}
		items = append(items, item)
	}
	return items, true
}

// item goes past one item.
func (s *scanner) item() (item listItem, ok bool) {
	if !s.next('{') {
		return item, false
	}
	for first := true; first || s.next(','); first = false {
		name, isName := s.plain()
		colon := s.next(':')
		value, isString := s.plain()
		if !isName || !colon || !isString {
			return item, false
		}
		switch string(name) {
		case "id":
			item.ID = string(value)
		case "ip":
			item.IP = string(value)
		case "comment":
			item.Comment = string(value)
		case "created_on":
			var at time.Time
			if at.UnmarshalText(value) == nil {
				item.Created = laxTime(at)
			}
		case "modified_on":
		default:
			return item, false
		}
	}
	return item, s.next('}')
}

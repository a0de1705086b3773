package cloudflare

import (
	"bytes"
	"encoding/json"
)

// encode is json.Marshal, but makes a long array member by member: json.Marshal would hold the text of 10 000 items three
// times over.
func encode(body any) ([]byte, error) {
	all, long := body.([]member)
	if !long {
		return json.Marshal(body)
	}
	var text bytes.Buffer
	size := 0
	for _, m := range all {
		size += len(m.IP) + len(m.Comment) + 32 // the names of the members, quotation marks, and a few escapes
	}
	text.Grow(size)
	each := json.NewEncoder(&text)
	text.WriteByte('[')
	for i, m := range all {
		if i > 0 {
			text.WriteByte(',')
		}
		if err := each.Encode(m); err != nil {
			return nil, err
		}
	}
	text.WriteByte(']')
	return text.Bytes(), nil
}

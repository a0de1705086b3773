package crowdsec

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"edgeban/reconcile"
)

// FuzzAnswer: whatever a body holds, it is an error fit for a line of text, or as many bans as it has decisions of ours, printable.
func FuzzAnswer(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*.http"))
	if err != nil || len(files) < 30 {
		f.Fatal(len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		_, body, _ := bytes.Cut(text, []byte("\r\n\r\n"))
		f.Add(string(body))
	}
	f.Add("null")
	f.Fuzz(func(t *testing.T, body string) {
		s := Source{label: "x", key: NewKey(testKey), limit: 1 << 20}
		in := &limited{reader: strings.NewReader(body), left: s.limit}
		d := newDecoder(DefaultOrigins(), now())
		if err := d.read(in); err != nil {
			if said := s.badAnswer(t.Context(), in, err).Error(); strings.ContainsFunc(said, unicode.IsControl) || !utf8.ValidString(said) {
				t.Errorf("%q", said)
			}
			return
		}
		var all []json.RawMessage
		if err := json.Unmarshal([]byte(body), &all); err != nil {
			t.Fatalf("%q was read: %v", body, err)
		}
		bans := d.all()
		if len(bans) > len(all) {
			t.Errorf("%d bans of %d decisions", len(bans), len(all))
		}
		for _, b := range bans {
			if strings.ContainsFunc(b.Value+b.Reason, unicode.IsControl) || b.Value == "" || b.Reason == "" {
				t.Errorf("%+v", b)
			}
		}
		reconcile.Desire(bans, reconcile.Policy{IPv6Prefix: 64, MinPrefix4: 16, MinPrefix6: 32}, now())
		if _, err := json.Marshal(d.sample); err != nil {
			t.Error(err)
		}
	})
}

package fail2ban

import (
	"errors"
	"testing"
	"time"
)

func TestFacts(t *testing.T) {
	for _, tt := range []struct {
		path   string
		schema int
		newest time.Time
	}{
		{buildSchema4(t), 4, time.Unix(1795211472, 0)},
		{"testdata/v2-0.10.6-A-bans.sqlite3", 2, instant(1795211730)},
		{build(t, t.TempDir()+"/none.sqlite3", schema4()[:6]...), 4, time.Time{}},
	} {
		facts, err := New(tt.path, Options{}).Facts(t.Context())
		if err != nil || facts.Schema != tt.schema || !facts.Newest.Equal(tt.newest) {
			t.Errorf("%s: %+v, %v", tt.path, facts, err)
		}
	}
	var e *Error
	if _, err := New("testdata/none.sqlite3", Options{}).Facts(t.Context()); !errors.As(err, &e) || e.Problem != Missing {
		t.Errorf("a missing database: %v", err)
	}
}

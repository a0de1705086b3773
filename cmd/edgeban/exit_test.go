package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"edgeban/reconcile"
)

type hinted struct{ error }

func (hinted) Hint() string { return "Do this.\nThen that." }

func TestReport(t *testing.T) {
	hint := "  " + strings.ReplaceAll((&reconcile.WithheldError{}).Hint(), "\n", "\n  ") + "\n"
	tests := []struct {
		err  error
		code int
		want string
	}{
		{nil, 0, ""},
		{errors.New("list edgeban: gone"), 1, "edgeban: list edgeban: gone\n"},
		{fmt.Errorf("read: %w", hinted{errors.New("denied")}), 1, "edgeban: read: denied\n  Do this.\n  Then that.\n"},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), 1, "edgeban: read: context deadline exceeded\n"},
		{usagef("bad %d", 1), 2, "edgeban: bad 1\n"},
		{&usageError{[]problem{{"one", "Mend it."}, {"two", ""}}}, 2, "edgeban: one\n  Mend it.\nedgeban: two\n"},
		{&reconcile.WithheldError{Withheld: 2, Of: 3}, 3, "edgeban: 2 of 3 removals withheld: these items have no edgeban tag\n" + hint},
		{fmt.Errorf("x: %w", told{&reconcile.WithheldError{Withheld: 2, Of: 3}}), 3, ""},
		{told{hinted{errors.New("denied")}}, 1, ""},
		{pendingError{}, 4, ""},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		if code := report(&out, tt.err); code != tt.code || out.String() != tt.want {
			t.Errorf("%v: exit status %d, %q, want %d, %q", tt.err, code, out.String(), tt.code, tt.want)
		}
	}
}

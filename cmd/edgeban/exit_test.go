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

// --help names the exit status of pending changes for the command that has it, and the others' for all that work on the list.
func TestHelpNamesOwnStatuses(t *testing.T) {
	for _, cmd := range commands(&system{}) {
		_, statuses, _ := strings.Cut(cmd.Description, "Exit status: ")
		pending, withheld := strings.Contains(statuses, "4 "), strings.Contains(statuses, "3 removals")
		if runs := cmd.Name == "sync" || cmd.Name == "diff"; pending != (cmd.Name == "diff") || withheld != runs {
			t.Errorf("edgeban %s --help: %s", cmd.Name, statuses)
		}
	}
}

func TestReport(t *testing.T) {
	look := "Look with `edgeban diff`. To let them go: `edgeban sync --allow-removals`.\n"
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
		{&reconcile.WithheldError{Withheld: 2, Untagged: 2, Of: 3}, 3, "edgeban: 2 of 3 removals withheld: these items have no edgeban tag\n  " + look},
		{&reconcile.WithheldError{Withheld: 212, Of: 230}, 3, "edgeban: 212 of 230 removals withheld: these items' bans should have gone on, " +
			"but their source no longer knows them\n  Was the source emptied or replaced? " + look},
		{&reconcile.WithheldError{Withheld: 60, Untagged: 5, Of: 60}, 3, "edgeban: 60 of 60 removals withheld: the bans of 55 should have gone on, " +
			"but their source no longer knows them, and 5 have no edgeban tag\n  Was the source emptied or replaced? " + look},
		{errors.Join(fmt.Errorf("list a: %w", &reconcile.WithheldError{Withheld: 2, Untagged: 2, Of: 3}), hinted{errors.New("gone")}), 1, // a list that failed was not kept at all
			"edgeban: list a: 2 of 3 removals withheld: these items have no edgeban tag\n  " + look + "edgeban: gone\n  Do this.\n  Then that.\n"},
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

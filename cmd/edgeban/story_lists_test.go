package main

import (
	"fmt"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// listCommands are what stories say of lists besides the first.
//
//	cf-list NAME KIND                   another list; cf-item-on NAME IP: an item on it
//	cf-challenge-list [NAME]            one of those to challenge, which a rule uses; the settings name it,
//	                                    CHALLENGE is its id, and BLOCK the first one's
//	cf-plan N                           the account may have so many lists, else 1
//	cf-items-on NAME                    prints another list
func listCommands(command declare) {
	command("cf-list", 2, 2, func(_ *testscript.TestScript, s *story, args []string) error {
		s.others[args[0]] = s.edge.AddList(testAccount, args[0], args[1])
		return nil
	})
	command("cf-item-on", 2, 2, func(_ *testscript.TestScript, s *story, args []string) error {
		_, err := s.edge.SetItem(s.others[args[0]], args[1], "")
		return err
	})
	command("cf-challenge-list", 0, 1, func(ts *testscript.TestScript, s *story, args []string) error {
		name := "edgeban_challenge"
		if len(args) > 0 {
			name = args[0]
		}
		id := s.edge.AddList(testAccount, name, "ip")
		s.others[name] = id
		s.edge.SetReferences(id, 1)
		ts.Setenv("EDGEBAN_CHALLENGE_LIST", name)
		ts.Setenv("CHALLENGE", id)
		ts.Setenv("BLOCK", s.list)
		return nil
	})
	command("cf-plan", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		n, err := strconv.Atoi(args[0])
		s.edge.SetMaxLists(n)
		return err
	})
	command("cf-items-on", 1, 1, func(ts *testscript.TestScript, s *story, args []string) error {
		_, err := fmt.Fprint(ts.Stdout(), s.itemsOn(s.others[args[0]]))
		return err
	})
}

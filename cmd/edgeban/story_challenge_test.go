package main

import (
	"fmt"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// challengeCommands are what stories about the list of those to challenge say.
//
//	cf-challenge-list [NAME]            there is one, which a rule uses; the settings name it, and CHALLENGE is its id
//	cf-plan N                           the account may have so many lists, else 1
//	cf-items-on NAME                    prints another list
func challengeCommands(command declare) {
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

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"edgeban/cloudflare/cloudflaretest"
)

// spillCommands are what stories say of a list that spills into access rules.
//
//	spill-site                          bans spill; the token may write access rules, and a zone's rules use the lists
//	spill-throttle on|off               one write of list items in 72 hours is let through
//	spill-rules                         prints the account's access rules; cmp stdout
//	spill-rule MODE VALUE NOTES         somebody at the dashboard; spill-no-rule VALUE: … removes one
//	spill-runs UNTIL EVERY [NAME=VALUE…]   runs, whatever they come to, until then
func spillCommands(command declare) {
	command("spill-site", 0, 0, func(ts *testscript.TestScript, s *story, _ []string) error {
		s.edge.AddAccountToken(testAccount, testToken, cloudflaretest.ListsEdit, cloudflaretest.AccessRulesWrite)
		zone := s.edge.AddZone(testAccount, "example.com")
		s.zones["example.com"] = zone
		s.edge.SetReferences(s.list, 0)
		for _, of := range [][2]string{{"edgeban", "block"}, {"edgeban_challenge", "managed_challenge"}} { // the first rule that holds counts
			list, action := of[0], of[1]
			if id, ok := s.others[list]; ok {
				s.edge.SetReferences(id, 0)
			}
			s.edge.AddRule(zone, cloudflaretest.Rule{Description: "by hand", Action: action, Expression: "ip.src in $" + list, Enabled: true})
		}
		ts.Setenv("EDGEBAN_SPILL", targetRules)
		return nil
	})
	command("spill-throttle", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		limit := cloudflaretest.WriteLimit{}
		if args[0] == "on" {
			limit = cloudflaretest.ThrottledAccount()
		}
		s.edge.LimitWrites(limit)
		return nil
	})
	command("spill-rules", 0, 0, func(ts *testscript.TestScript, s *story, _ []string) error {
		rules := s.edge.AccessRules(cloudflaretest.AccountScope(testAccount))
		if len(rules) == 0 {
			fmt.Fprintln(ts.Stdout(), "none")
		}
		for _, r := range rules {
			fmt.Fprintf(ts.Stdout(), "%s  %s  %s\n", r.Mode, r.Value, r.Notes)
		}
		return nil
	})
	command("spill-rule", 3, 3, func(_ *testscript.TestScript, s *story, args []string) error {
		rule := cloudflaretest.AccessRule{Mode: args[0], Value: args[1], Notes: args[2]}
		_, err := s.edge.SetAccessRule(cloudflaretest.AccountScope(testAccount), rule)
		return err
	})
	command("spill-no-rule", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		if !s.edge.DeleteAccessRule(cloudflaretest.AccountScope(testAccount), args[0]) {
			return fmt.Errorf("there is no rule for %s", args[0])
		}
		return nil
	})
	command("spill-runs", 2, 9, func(ts *testscript.TestScript, s *story, args []string) error {
		until, err := parseMoment(args[0])
		if err != nil {
			return err
		}
		every, err := time.ParseDuration(args[1])
		if err != nil {
			return err
		}
		more := append([]string{"EDGEBAN_SPILL=" + ts.Getenv("EDGEBAN_SPILL"), "EDGEBAN_CHALLENGE_LIST=" + ts.Getenv("EDGEBAN_CHALLENGE_LIST"),
			"EDGEBAN_CHALLENGE_JAIL=" + ts.Getenv("EDGEBAN_CHALLENGE_JAIL")}, args[2:]...)
		statuses := map[int]int{}
		for time.Now().Before(until) {
			s.edge.ResetRequests()
			_, _, status := s.run(context.Background(), nonEmpty(more), "sync")
			statuses[status]++
			time.Sleep(every)
		}
		var told []string
		for status := range exitPending + 1 {
			if n := statuses[status]; n > 0 {
				told = append(told, strconv.Itoa(n)+" ended with "+strconv.Itoa(status))
			}
		}
		fmt.Fprintln(ts.Stdout(), strings.Join(told, ", "))
		return nil
	})
}

// nonEmpty are the assignments with a value.
func nonEmpty(assignments []string) (all []string) {
	for _, a := range assignments {
		if !strings.HasSuffix(a, "=") {
			all = append(all, a)
		}
	}
	return all
}

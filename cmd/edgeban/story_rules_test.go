package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"edgeban/cloudflare/cloudflaretest"
)

// accessCommands are what stories say of IP Access Rules. WHOSE is "account", where nothing is said, or "user", or a zone's name.
//
//	access-target                       they are the target, and the token may write them
//	access-rules [WHOSE]                prints them
//	access-rule MODE VALUE NOTES [WHOSE]     somebody at the dashboard
//	access-crowd N MODE NOTES [WHOSE]   … or Fail2Ban's own action, so many times, from 198.18.0.0 on
//	access-count N [WHOSE]              so many there are
//	access-delete VALUE [WHOSE]
//	zone-id NAME                        sets ZONE to the id of a zone
//	bans JAIL N SINCE LENGTH            Fail2Ban bans 203.0.113.0 and so on, each a second before the one before it
//	unbans N                            … and un-bans the first so many of them
//	access-quota N                      the account may have so many rules
//	visit IP ACTION [ZONE]              what the edge does: block, managed_challenge, pass
//	global-key                          there is no token, but an e-mail address and a global API key
func accessCommands(command declare) {
	command("access-target", 0, 0, func(ts *testscript.TestScript, s *story, _ []string) error {
		ts.Setenv("EDGEBAN_TARGET", targetRules)
		s.zones["example.com"] = s.edge.AddZone(testAccount, "example.com")
		s.edge.AddAccountToken(testAccount, testToken, cloudflaretest.AccessRulesWrite, cloudflaretest.FirewallWrite)
		return nil
	})
	command("access-rules", 0, 1, func(ts *testscript.TestScript, s *story, args []string) error {
		for _, r := range s.edge.AccessRules(s.scopeOf(args, 0)) {
			fmt.Fprintf(ts.Stdout(), "%s  %s  %s\n", r.Mode, r.Value, r.Notes)
		}
		return nil
	})
	command("access-rule", 3, 4, func(_ *testscript.TestScript, s *story, args []string) error {
		_, err := s.edge.SetAccessRule(s.scopeOf(args, 3), cloudflaretest.AccessRule{Mode: args[0], Value: args[1], Notes: args[2]})
		return err
	})
	command("access-crowd", 3, 4, func(_ *testscript.TestScript, s *story, args []string) error {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		var rules []cloudflaretest.AccessRule
		for i := range n {
			rules = append(rules, cloudflaretest.AccessRule{Mode: args[1], Value: fmt.Sprintf("198.51.%d.%d", i/250, i%250), Notes: args[2]})
		}
		return s.edge.SetAccessRules(s.scopeOf(args, 3), rules...)
	})
	command("access-count", 1, 2, func(_ *testscript.TestScript, s *story, args []string) error {
		return equal(args[0], s.edge.CountAccessRules(s.scopeOf(args, 1)), "rules")
	})
	command("access-delete", 1, 2, func(_ *testscript.TestScript, s *story, args []string) error {
		if !s.edge.DeleteAccessRule(s.scopeOf(args, 1), args[0]) {
			return errors.New("there is no such rule")
		}
		return nil
	})
	command("zone-id", 1, 1, func(ts *testscript.TestScript, s *story, args []string) error {
		ts.Setenv("ZONE", s.zones[args[0]])
		return nil
	})
	command("bans", 4, 4, func(_ *testscript.TestScript, s *story, args []string) error {
		n, err := strconv.Atoi(args[1])
		since, sinceErr := time.ParseDuration(args[2])
		length, lengthErr := time.ParseDuration(args[3])
		if err := errors.Join(err, sinceErr, lengthErr); err != nil {
			return err
		}
		var rows []string
		for i := range n {
			rows = append(rows, fmt.Sprintf(`INSERT INTO bips(ip, jail, timeofban, bantime) VALUES(%s, %s, %d, %d)`,
				quoted(crowded(i)), quoted(args[0]), time.Now().Add(-since).Unix()-int64(i), int64(length.Seconds())))
		}
		return inDatabase(s.database(), rows...)
	})
	command("unbans", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		n, err := strconv.Atoi(args[0])
		var rows []string
		for i := range n {
			rows = append(rows, `DELETE FROM bips WHERE ip = `+quoted(crowded(i)))
		}
		return errors.Join(err, inDatabase(s.database(), rows...))
	})
	command("access-quota", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		n, err := strconv.Atoi(args[0])
		s.edge.SetMaxAccessRules(n)
		return err
	})
	command("visit", 2, 3, func(_ *testscript.TestScript, s *story, args []string) error {
		addr, err := netip.ParseAddr(args[0])
		if err != nil {
			return err
		}
		zone := "example.com"
		if len(args) > 2 {
			zone = args[2]
		}
		action := s.edge.Visit(s.zones[zone], cloudflaretest.Visitor{Addr: addr}).Action
		if action == "" {
			action = "pass"
		}
		if action != args[1] {
			return fmt.Errorf("the edge does %s", action)
		}
		return nil
	})
	command("global-key", 0, 0, func(ts *testscript.TestScript, s *story, _ []string) error {
		s.edge.SetGlobalKey(testEmail, testGlobalKey)
		ts.Setenv(tokenVariable, "")
		ts.Setenv(emailVariable, testEmail)
		ts.Setenv(globalKeyVariable, testGlobalKey)
		return nil
	})
}

// crowded is the address of the i-th of many bans.
func crowded(i int) string { return fmt.Sprintf("203.0.%d.%d", 113+i/250, i%250) }

// scopeOf is whose access rules an argument names.
func (s *story) scopeOf(args []string, i int) cloudflaretest.Scope {
	switch {
	case len(args) <= i, args[i] == "account":
		return cloudflaretest.AccountScope(testAccount)
	case args[i] == "user":
		return cloudflaretest.UserScope()
	}
	return cloudflaretest.ZoneScope(s.zones[args[i]])
}

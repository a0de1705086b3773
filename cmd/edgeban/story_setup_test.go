package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"edgeban/cloudflare/cloudflaretest"
)

// setupCommands are what stories about `edgeban setup` and `edgeban check` say. REPLIES is what somebody types, FAIL2BAN_SAYS what
// fail2ban-client answers.
//
//	cf-zone NAME, cf-rules NAME         a zone; prints its rules; cf-rule NAME ACTION EXPRESSION: by hand
//	cf-no-list                          the list is deleted; cf-its-list: the list "edgeban" is a new one
//	cf-may [PERMISSION…]                what the token may do; cf-user-token: … and it is a user's
//	cf-account ID                       another account
func setupCommands(command declare) {
	command("cf-zone", 1, 2, func(_ *testscript.TestScript, s *story, args []string) error {
		account := testAccount
		if len(args) > 1 {
			account = args[1]
		}
		s.zones[args[0]] = s.edge.AddZone(account, args[0])
		return nil
	})
	command("cf-rules", 1, 1, func(ts *testscript.TestScript, s *story, args []string) error {
		for _, r := range s.edge.Rules(s.zones[args[0]]) {
			fmt.Fprintf(ts.Stdout(), "%s  %s  %s  %v\n", r.Description, r.Expression, r.Action, r.Enabled)
		}
		return nil
	})
	command("cf-rule", 3, 4, func(_ *testscript.TestScript, s *story, args []string) error {
		rule := cloudflaretest.Rule{Description: "by hand", Action: args[1], Expression: args[2], Enabled: len(args) == 3}
		if s.edge.AddRule(s.zones[args[0]], rule) == "" {
			return errors.New("no such zone")
		}
		return nil
	})
	command("cf-no-list", 0, 0, func(_ *testscript.TestScript, s *story, _ []string) error {
		s.edge.RemoveList(s.list)
		return nil
	})
	command("cf-its-list", 0, 0, func(_ *testscript.TestScript, s *story, _ []string) error {
		if s.list = s.edge.ListID(testAccount, "edgeban"); s.list == "" {
			return errors.New("there is no list")
		}
		return nil
	})
	command("cf-may", 0, 9, func(_ *testscript.TestScript, s *story, args []string) error {
		s.edge.AddAccountToken(testAccount, testToken, permissions(args)...)
		return nil
	})
	command("cf-user-token", 0, 9, func(_ *testscript.TestScript, s *story, args []string) error {
		s.edge.AddToken(testToken, permissions(args)...)
		return nil
	})
	command("cf-account", 1, 1, func(_ *testscript.TestScript, s *story, args []string) error {
		s.edge.AddAccount(args[0])
		return nil
	})
}

func permissions(names []string) []cloudflaretest.Permission {
	var all []cloudflaretest.Permission
	for _, name := range names {
		all = append(all, cloudflaretest.Permission(name))
	}
	return all
}

// replies is what somebody types: lines with a slash between them. "" means that nobody is there, "-" that there is no reply.
func replies(text string) (interactive bool, stdin io.Reader) {
	if text == "" || text == "-" {
		return text == "-", strings.NewReader("")
	}
	return true, strings.NewReader(strings.ReplaceAll(text, "/", "\n") + "\n")
}

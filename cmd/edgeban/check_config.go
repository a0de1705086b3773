package main

import (
	"strings"

	"github.com/urfave/cli/v3"

	"edgeban/cloudflare"
)

// config looks at the settings and makes the session for the other parts. Each problem is a line of its own, and what makes no sense counts
// as not set. An error means that there is no session.
func (c *checkup) config(cmd *cli.Command, sys *system) error {
	s, problems := inspectSettings(cmd, sys)
	c.instance = s.Instance
	for _, p := range problems {
		c.fail("config", p.text, p.hint)
	}
	for _, w := range s.Warnings {
		c.warn("config", w, "")
	}
	s.Warnings = nil
	if s.Owner == "" {
		_, err := defaultOwner(sys, s.Instance)
		c.fail("config", "the owner cannot be derived from this host: "+errorOrNone(err),
			"Set owner, to a name that no other edgeban of this account has and that stays the same.")
	}
	if len(problems) == 0 && s.Owner != "" {
		c.ok("config", "%s", settingsFrom(s))
	}
	x, err := openSession(sys, s, person)
	if err != nil { // no client can be made: the rest can be tried without
		c.fail("config", err.Error(), "")
		s.Token = cloudflare.Secret{}
		x, err = openSession(sys, s, person)
	}
	c.session = x
	return err
}

func errorOrNone(err error) string {
	if err == nil {
		return "no reason"
	}
	return err.Error()
}

// settingsFrom says where the settings came from.
func settingsFrom(s Settings) string {
	file := s.values["config"].text()
	inFile, elsewhere := 0, 0
	for name, v := range s.values {
		switch {
		case file != "" && strings.HasPrefix(v.origin, file+", line "):
			inFile++
		case name != "config" && (strings.HasPrefix(v.origin, "environment ") || strings.HasPrefix(v.origin, "flag ")):
			elsewhere++
		}
	}
	text := "no configuration file"
	if file != "" {
		text = file + ", " + plural(inFile, "setting")
	}
	if elsewhere > 0 {
		text += ", " + plural(elsewhere, "setting") + " by flags and environment"
	}
	return text
}

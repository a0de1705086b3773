package main

import (
	"strings"

	"edgeban/reconcile"
	"edgeban/sources/crowdsec"
)

// sourceText is what people are told of one kind of source.
type sourceText struct {
	title  string                                 // how people call it
	reason string                                 // what the reason of its bans is
	unban  func(b reconcile.Ban) (command string) // what to type to un-ban there
}

// sourceTextOf is that of the sources of a name.
func sourceTextOf(name string) sourceText {
	switch name {
	case crowdsec.Name:
		return sourceText{"CrowdSec", "scenario", func(b reconcile.Ban) string {
			if strings.Contains(b.Value, "/") {
				return "cscli decisions delete --range " + shellWord(b.Value)
			}
			return "cscli decisions delete --ip " + shellWord(b.Value)
		}}
	default:
		return sourceText{"Fail2Ban", "jail", func(b reconcile.Ban) string {
			return "fail2ban-client set " + shellWord(b.Reason) + " unbanip " + shellWord(b.Value)
		}}
	}
}

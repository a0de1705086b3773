package main

import (
	"slices"
	"strings"
)

// check looks at what the settings mean together, and at what the command cannot do without.
func (s *Settings) check(sys *system, need needs, p *problems) {
	s.Warnings = append(s.Warnings, unknownVariables(sys)...)
	if s.IPv6Prefix > 0 && s.IPv6Prefix < s.MinPrefix6 {
		p.add("ipv6-prefix %d%s is broader than min-prefix-6 %d%s: every IPv6 ban would be left out",
			s.IPv6Prefix, s.values["ipv6-prefix"].origins(), s.MinPrefix6, s.values["min-prefix-6"].origins())
	}
	for _, glob := range s.Jails {
		if slices.Contains(s.ExcludeJails, glob) {
			p.add("%q is both in jail%s and in exclude-jail%s",
				glob, s.values["jail"].origins(), s.values["exclude-jail"].origins())
		}
	}
	if interval := s.values["write-interval"]; s.Timeout > 0 && s.WriteInterval > s.Timeout/2 && interval.origin != originDefault {
		p.add("write-interval %v%s is more than half of timeout %v%s: runs would wait their time away",
			s.WriteInterval, interval.origins(), s.Timeout, s.values["timeout"].origins())
	}
	for _, former := range s.FormerOwners {
		if s.Owner != "" && s.Owner == former {
			p.add("owner %q%s and former-owner %q%s are the same",
				s.Owner, s.values["owner"].origins(), former, s.values["former-owner"].origins())
		}
	}
	s.checkChallenge(p)
	s.checkTarget(p)
	if file := s.values["token-file"]; looksLikeToken(file.text()) {
		p.hide(file.text())
		p.reject("token-file")
		p.addHint("Write the token into a file, readable by edgeban alone, and give the file's name.",
			"token-file: this seems to be a token, where the name of a file is expected%s", file.origins())
	}
	s.checkCrowdSec(sys, need, p)
	if p.configUnknown {
		return // what seems to be missing may stand in the file
	}
	if need&needSources != 0 && len(s.Fail2banDBs) == 0 && s.values["crowdsec-url"].text() == "" {
		p.found = append(p.found, s.noSource())
	}
	if need&needAccount != 0 && s.Account == "" && !s.accountless() {
		missing := noAccount()
		p.addHint(s.typed(missing.hint), "%s", missing.text)
	}
	if need&needToken != 0 && !s.names(tokenSecret(), sys) && !s.names(globalKeySecret(), sys) {
		p.found = append(p.found, s.noToken())
	}
	if s.names(globalKeySecret(), sys) && s.Email == "" {
		p.addHint("Set email, or "+emailVariable+", to the address of the user whose key it is.", "there is a global API key, but no email")
	}
}

// checkChallenge wants one answer to where challenges go.
func (s *Settings) checkChallenge(p *problems) {
	list := s.values["challenge-list"]
	switch {
	case s.ChallengeList == "":
		return
	case s.ChallengeAsBlock:
		p.addHint("With challenge-as-block there are no challenges: leave one of the two out.", "challenge-list%s and challenge-as-block%s exclude each other",
			list.origins(), s.values["challenge-as-block"].origins())
	case strings.EqualFold(s.ChallengeList, s.List):
		p.addHint("Who is on the list would be blocked and challenged. The two remedies need a list each, or set challenge-as-block.",
			"challenge-list %s%s and list%s are the same", s.ChallengeList, list.origins(), s.values["list"].origins())
	}
}

func (s *Settings) noSource() problem {
	return problem{"no source of bans" + s.values["fail2ban-db"].origins(),
		"Set fail2ban-db or crowdsec-url: without a source nothing could be told from \"nobody is banned\"."}
}

func noAccount() problem {
	return problem{"the Cloudflare account is not set", whereAccount + "\nedgeban setup finds it by the token."}
}

// whereAccount is where a person finds the account, and where to set it.
const whereAccount = "It is the 32 digits in the dashboard's address, https://dash.cloudflare.com/<account id>/…\n" +
	"Set it as account in the configuration file, as --account or as CLOUDFLARE_ACCOUNT_ID."

func (s *Settings) noToken() problem {
	permission := permissionLists
	if s.AccessRules {
		permission = s.rulesPermission()
	}
	return problem{"there is no Cloudflare API token",
		"Create one in the dashboard under Manage Account → Account API Tokens with the permission\n" +
			permission + ", and put it into /etc/edgeban/token (mode 0600)."}
}

package main

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"edgeban/sources/crowdsec"
)

// originAlone is where it comes from that no Fail2Ban is read beside a CrowdSec.
const originAlone = "default beside crowdsec-url"

// crowdsecAlone takes Fail2Ban's default database away where a CrowdSec is set and nothing about a Fail2Ban.
func crowdsecAlone(values map[string]value) {
	fail2ban := slices.ContainsFunc([]string{"fail2ban-db", "fail2ban-bantime", "jail", "exclude-jail"}, func(name string) bool {
		return values[name].origin != originDefault
	})
	if values["crowdsec-url"].text() != "" && !fail2ban {
		values["fail2ban-db"] = value{nil, originAlone}
	}
}

// crowdsecURL does not repeat what it refuses: a URL may hold a password.
func (r reader) crowdsecURL(name string) string {
	text := r.values[name].text()
	if text == "" {
		return ""
	}
	if _, _, err := crowdsec.ParseURL(text); err != nil {
		r.bad(name, "%v", err)
	}
	return strings.TrimRight(text, "/")
}

// crowdsecOrigins writes known origins as CrowdSec does, which answers "no decisions" to any other spelling.
func (r reader) crowdsecOrigins(name string) []string {
	var all []string
	for _, text := range r.values[name].texts {
		if strings.Contains(text, ",") { // only of an array: everywhere else it was split
			r.bad(name, "%q is no one origin: an array holds each as a string of its own", text)
		}
		if list, found := strings.CutPrefix(strings.ToLower(text), "lists:"); found {
			r.bad(name, "%q matches nothing: to read one list, set crowdsec-origin to lists and crowdsec-scenario to %q", text, list)
		}
		origin, _ := crowdsec.Origin(text)
		all = append(all, origin)
	}
	if len(all) == 0 {
		r.bad(name, "empty")
	}
	return all
}

// checkCrowdSec looks at the settings of a CrowdSec together.
func (s *Settings) checkCrowdSec(sys *system, need needs, p *problems) {
	for _, glob := range s.Scenarios {
		if slices.Contains(s.ExcludeScenarios, glob) {
			p.add("%q is both in crowdsec-scenario%s and in exclude-scenario%s",
				glob, s.values["crowdsec-scenario"].origins(), s.values["exclude-scenario"].origins())
		}
	}
	if file := s.values["crowdsec-key-file"]; looksLikeKey(file.text()) {
		p.hide(file.text())
		p.addHint("Write the key into a file, readable by edgeban alone, and give the file's name.",
			"crowdsec-key-file: this seems to be a key, where the name of a file is expected%s", file.origins())
	}
	if s.CrowdSecURL == "" {
		s.warnOfIdleCrowdSec()
		return
	}
	s.warnOfCrowdSec(sys)
	cert, certKey := s.values["crowdsec-cert"], s.values["crowdsec-cert-key"]
	if (cert.text() == "") != (certKey.text() == "") {
		p.add("crowdsec-cert%s and crowdsec-cert-key%s: one of them is not set", cert.origins(), certKey.origins())
	}
	for _, name := range []string{"crowdsec-ca", "crowdsec-cert"} {
		if v := s.values[name]; v.text() != "" && !strings.HasPrefix(s.CrowdSecURL, "https://") {
			p.add("%s%s: only with a crowdsec-url that begins with https://", name, v.origins())
		}
	}
	if need&needSources != 0 && !p.configUnknown && cert.text() == "" &&
		s.values["crowdsec-key-file"].text() == "" && sys.getenv(crowdsecVariable) == "" {
		p.addHint("Make one with `cscli bouncers add edgeban` on CrowdSec's host, and put it into /etc/edgeban/crowdsec-key (mode 0600).",
			"there is no key for CrowdSec")
	}
}

// warnOfIdleCrowdSec names settings that have no effect.
func (s *Settings) warnOfIdleCrowdSec() {
	for _, declared := range settings() {
		v := s.values[declared.name]
		if strings.HasPrefix(declared.name, "crowdsec-") && v.origin != originDefault && v.text() != "" {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s is set%s and crowdsec-url is not: no CrowdSec is read", declared.name, v.origins()))
		}
	}
}

func (s *Settings) warnOfCrowdSec(sys *system) {
	warn := func(format string, args ...any) { s.Warnings = append(s.Warnings, fmt.Sprintf(format, args...)) }
	for _, origin := range s.CrowdSecOrigins {
		if _, known := crowdsec.Origin(origin); !known {
			warn("crowdsec-origin: CrowdSec itself has no origin %q%s: if nobody else makes such decisions, there are none",
				origin, s.values["crowdsec-origin"].origins())
		}
	}
	if u, err := url.Parse(s.CrowdSecURL); err == nil && u.Scheme == "http" && !nearby(u.Hostname()) {
		warn("crowdsec-url begins with http://%s: the key and the bans travel in the clear", s.values["crowdsec-url"].origins())
	}
	database, _ := settingNamed("fail2ban-db")
	if path := sys.path(database.fallback); s.values["fail2ban-db"].origin == originAlone && exists(path) {
		warn("%s is there and not read, because crowdsec-url is set: set fail2ban-db to read both, or to nothing", path)
	}
}

// nearby reports whether a host is this one or on a network of one's own: what a container is called, or a private address.
func nearby(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".svc") || strings.HasSuffix(host, ".cluster.local")
}

package main

import (
	"fmt"
	"log/slog"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeban/reconcile"
)

// problems collects everything that is wrong, so that a person can mend it all at once.
type problems struct {
	found   []problem
	secrets []string // never to be repeated, wherever somebody may have put them

	// rejected are the settings whose value makes no sense, or must not be repeated.
	rejected []string

	// configUnknown is set when the configuration file could not be read: what is missing may stand in it.
	configUnknown bool
}

func (p *problems) add(format string, args ...any) {
	p.addHint("", format, args...)
}

func (p *problems) addHint(hint, format string, args ...any) {
	p.found = append(p.found, problem{text: fmt.Sprintf(format, args...), hint: hint})
}

// reject notes a setting that does not count. A default makes sense always, or there would be no end to it.
func (p *problems) reject(name string) { p.rejected = append(p.rejected, name) }

// err returns nil when nothing is wrong, else a usageError.
func (p *problems) err() error {
	if len(p.found) == 0 {
		return nil
	}
	for i := range p.found {
		for _, secret := range p.secrets {
			p.found[i].text = strings.ReplaceAll(p.found[i].text, secret, mask)
		}
	}
	return &usageError{p.found}
}

// hide keeps a secret out of every message. Texts too short to be a token would only garble the messages.
func (p *problems) hide(secret string) {
	if secret = strings.TrimSpace(secret); len(secret) >= 8 {
		p.secrets = append(p.secrets, secret)
	}
}

// mask stands for a secret in a message.
const mask = "[secret]"

const tenYears = 10 * 366 * 24 * time.Hour

// parse gives the values their types. A value that makes no sense becomes a problem.
func parse(values map[string]value, p *problems) Settings {
	r := reader{values, p}
	return Settings{
		Instance:        r.instance("instance"),
		Fail2banDBs:     r.list("fail2ban-db"),
		Fail2banBantime: r.duration("fail2ban-bantime", time.Second, tenYears),
		Jails:           r.globs("jail"),
		ExcludeJails:    r.globs("exclude-jail"),
		ChallengeJails:  r.globs("challenge-jail"),

		CrowdSecURL:      r.crowdsecURL("crowdsec-url"),
		CrowdSecOrigins:  r.crowdsecOrigins("crowdsec-origin"),
		Scenarios:        r.globs("crowdsec-scenario"),
		ExcludeScenarios: r.globs("exclude-scenario"),

		Account:       r.account("account"),
		List:          r.matching("list", `[a-zA-Z0-9_]{1,50}`, "1 to 50 letters, digits and underscores"),
		ChallengeList: r.matching("challenge-list", `[a-zA-Z0-9_]{0,50}`, "1 to 50 letters, digits and underscores"),
		Owner:         r.ownerName("owner"),
		FormerOwners:  r.ownerNames("former-owner"),
		Exclusive:     r.word("ownership") == "exclusive",
		MaxItems:      r.number("max-items", 1, 500_000),
		BatchSize:     r.number("batch-size", 1, 10_000),
		APIURL:        r.apiURL("api-url"),
		IPv6Prefix:    r.number("ipv6-prefix", 12, 128),
		MinPrefix4:    r.number("min-prefix-4", 8, 32),
		MinPrefix6:    r.number("min-prefix-6", 12, 128),
		Margin:        r.duration("margin", 0, 24*time.Hour),

		ChallengeAsBlock: r.truth("challenge-as-block"),

		Email:         r.email("email"),
		AccessRules:   r.word("target") == targetRules,
		Zones:         r.zones("zone"),
		User:          r.truth("user"),
		RequestBudget: r.number("request-budget", 20, 1200),
		Spill:         r.word("spill") == targetRules,
		SpillAllow:    r.truth("spill-allow"),

		Allow:         r.allow("allow"),
		Timeout:       r.duration("timeout", 10*time.Second, time.Hour),
		WriteInterval: r.duration("write-interval", 0, time.Hour),
		SkipAlarm:     r.duration("skip-alarm", time.Minute, 30*24*time.Hour),
		StateDir:      r.stateDir("state-dir"),
		MetricsFile:   r.metricsFile("metrics-file"),
		Pushgateway:   r.pushgateway("pushgateway-url"),
		LogLevel:      r.level("log-level"),
		LogFormat:     r.word("log-format"),
		values:        values,
	}
}

// reader turns the texts of settings into values and notes what it cannot read.
type reader struct {
	values map[string]value
	p      *problems
}

// bad notes that a setting's value makes no sense.
func (r reader) bad(name, format string, args ...any) {
	r.p.reject(name)
	r.p.add("%s: %s%s", name, fmt.Sprintf(format, args...), r.values[name].origins())
}

func (r reader) list(name string) []string { return r.values[name].texts }

// number returns 0 for what is no number between least and most.
func (r reader) number(name string, least, most int) int {
	text := r.values[name].text()
	n, err := strconv.Atoi(text)
	if err != nil {
		r.bad(name, "%q is not a whole number", text)
		return 0
	}
	if n < least || n > most {
		r.bad(name, "%d is not between %d and %d", n, least, most)
		return 0
	}
	return n
}

func (r reader) duration(name string, least, most time.Duration) time.Duration {
	text := r.values[name].text()
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		r.bad(name, "%q is not a duration, such as 90s, 3m or 1h30m", text)
	case d < least || d > most:
		r.bad(name, "%s is not between %s and %s", text, brief(least), brief(most))
	}
	return d
}

// brief writes a duration without the parts that are zero.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (r reader) word(name string) string {
	text := r.values[name].text()
	declared, _ := settingNamed(name)
	if !slices.Contains(declared.words, text) {
		r.bad(name, "%q is none of %s", text, strings.Join(declared.words, ", "))
	}
	return text
}

// truth reads yes or no, in the words of whoever wrote them.
func (r reader) truth(name string) bool {
	switch text := r.values[name].text(); text {
	case "yes", "true":
		return true
	case "no", "false":
		return false
	default:
		r.bad(name, "%q is neither yes nor no", text)
		return false
	}
}

func (r reader) level(name string) slog.Level {
	var level slog.Level
	// UnmarshalText knows more than our words, such as "info+2"; word lets only these through.
	_ = level.UnmarshalText([]byte(r.word(name)))
	return level
}

func (r reader) globs(name string) []string {
	globs := r.values[name].texts
	for _, glob := range globs {
		if _, err := path.Match(glob, ""); err != nil {
			r.bad(name, "%q is not a pattern: a [ is never closed, or a \\ stands at the end", glob)
		}
	}
	return globs
}

func (r reader) matching(name, pattern, description string) string {
	text := r.values[name].text()
	if !regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(text) {
		r.bad(name, "%q is not %s", text, description)
	}
	return text
}

// account does not repeat what it refuses: it could be a token, put into the wrong place.
func (r reader) account(name string) string {
	text := strings.ToLower(r.values[name].text())
	if text != "" && !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(text) {
		r.bad(name, "not the 32 hexadecimal digits of an account id")
	}
	return text
}

func (r reader) ownerName(name string) string {
	if text := r.values[name].text(); text == "" {
		return "" // derived later
	}
	return r.ownerNames(name)[0]
}

func (r reader) ownerNames(name string) []string {
	for _, text := range r.values[name].texts {
		if !reconcile.ValidOwner(text) {
			r.bad(name, "%q is not 1 to 63 of the characters a-z, 0-9, dot, underscore and hyphen", text)
		}
	}
	return r.values[name].texts
}

// instance is part of paths and of the name of a unit.
func (r reader) instance(name string) string {
	text := r.values[name].text()
	if text != "" && !instanceName(text) {
		r.bad(name, "%q is not 1 to 40 letters, digits, dots, underscores and hyphens, a letter or digit first", text)
	}
	return text
}

func instanceName(text string) bool {
	return regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,39}$`).MatchString(text)
}

func (r reader) stateDir(name string) string {
	text := r.values[name].text()
	if text == "" {
		r.bad(name, "empty")
	}
	return text
}

func (r reader) metricsFile(name string) string {
	text := r.values[name].text()
	if text != "" && path.Ext(text) != ".prom" {
		r.bad(name, "%q does not end in .prom: node_exporter would not read it", text)
	}
	return text
}

func (r reader) allow(name string) []AllowEntry {
	var entries []AllowEntry
	for _, text := range r.values[name].texts {
		prefix, err := parseAllowed(text)
		if err != nil {
			r.bad(name, "%v", err)
			continue
		}
		entries = append(entries, AllowEntry{prefix, r.values[name].origin})
	}
	return entries
}

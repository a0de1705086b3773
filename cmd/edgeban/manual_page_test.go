package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestManualPage holds packaging/man/edgeban.1 against the declarations. UPDATE=1 rewrites it. It bears no date and no version: the
// same declarations give the same bytes.
func TestManualPage(t *testing.T) {
	goldenFile(t, "../../packaging/man/edgeban.1", manualPage(t))
}

func manualPage(t *testing.T) string {
	t.Helper()
	p := &page{}
	p.line(`.\" Made from the program's declarations: UPDATE=1 go test -run TestManualPage ./cmd/edgeban`)
	p.line(`.TH EDGEBAN 1 "" edgeban "User Commands"`)
	p.line(".nh\n.ad l") // names of settings and variables stay whole
	root := rootCommand(&system{})
	p.section("NAME")
	p.line("edgeban \\- " + roff(root.Usage))
	p.section("SYNOPSIS")
	p.line(".B edgeban\n.I command\n.RI [ options ]\n.br\n.B edgeban\n.I command\n.B \\-\\-help")
	p.section("DESCRIPTION")
	p.paragraphs("Traffic that Cloudflare proxies reaches a server from Cloudflare's addresses, so a ban in the server's firewall stops nobody.",
		"Every two minutes edgeban reads all active bans of Fail2Ban and CrowdSec and the whole Cloudflare IP list, applies the difference "+
			"in at most two writes, and exits. Whatever went wrong before, the next run repairs. If no source can be read, the list stays as it is. "+
			"Items that somebody added by hand, and those of other hosts that share the list, are never touched.")
	p.commands(describedCommands(t))
	p.settings()
	p.files()
	p.section("EXIT STATUS")
	for i, status := range statuses(t) {
		if i == exitFailure {
			status += "; for all commands but sync: a source could not be read"
		}
		p.term(`\fB`+status[:1]+`\fR`, status[2:])
	}
	p.examples(t)
	p.section("SEE ALSO")
	p.line(".BR fail2ban\\-client (1),\n.BR systemd.timer (5)")
	p.paragraphs("/usr/share/doc/edgeban/README.md: how to connect it to Cloudflare, how it decides, and what to do when things go wrong.")
	return p.String()
}

// page is a manual page in the language of man(7).
type page struct {
	strings.Builder
	opened bool // a section's heading was the last thing written
}

func (p *page) line(text string) {
	p.WriteString(text + "\n")
	p.opened = strings.HasPrefix(text, ".SH") || strings.HasPrefix(text, ".SS")
}

func (p *page) section(name string) { p.line(".SH " + name) }

// term is something in a list, marked up already, and what there is to say about it.
func (p *page) term(marked, text string) { p.line(".TP\n" + marked + "\n" + filled(text)) }

// paragraphs are set as text; one with indented lines is a table and stays as it is.
func (p *page) paragraphs(texts ...string) {
	for _, text := range texts {
		if !p.opened {
			p.line(".PP")
		}
		if strings.Contains(text, "\n ") {
			p.line(".nf\n" + roff(text) + "\n.fi")
		} else {
			p.line(filled(text))
		}
	}
}

// filled is text in lines that are not too long to be read here.
func filled(text string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+len(word) >= 78 {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return roff(strings.Join(append(lines, line), "\n"))
}

func (p *page) commands(all []described) {
	p.section("COMMANDS")
	for _, d := range all {
		p.line(".SS " + strings.TrimSpace("edgeban "+roff(d.name)+" "+roff(d.args)))
		p.paragraphs(sentence(d.usage))
		p.paragraphs(d.paragraphs...)
		for _, f := range d.flags {
			p.term(f.roff(), sentence(f.usage))
		}
		switch {
		case len(d.settings) == len(settings()):
			p.paragraphs("It takes all SETTINGS as options.")
		case len(d.settings) > 0:
			p.paragraphs("Of the SETTINGS it takes " + strings.Join(d.settings, ", ") + " as options.")
		}
	}
}

func (p *page) settings() {
	p.section("SETTINGS")
	p.paragraphs("Each is an option, an environment variable and a key in the configuration file. An option beats the environment, "+
		"that beats the configuration file, that beats the default. Lists are repeated options, comma-separated in the environment, and "+
		"arrays in the file. \"edgeban config\" shows what is in effect and where it came from.",
		"The API token has no option. It is read from $CLOUDFLARE_API_TOKEN, from the systemd credential "+tokenSecret().credential+
			", or from the file that token-file names. So is CrowdSec's key: from $"+crowdsecVariable+", the credential "+
			crowdsecSecret().credential+", or the file that crowdsec-key-file names.")
	for _, category := range []string{categoryCloudflare, categorySources, categoryBlocked, categoryOperation} {
		p.line(".SS " + roff(category))
		for i, s := range settings() {
			if s.category != category {
				continue
			}
			key := "Key: " + s.name + "."
			if s.notInFile {
				key = "It has no key."
			}
			text := sentence(s.usage)
			if s.kind == list {
				text += " Repeatable."
			}
			p.term(describedSettings()[i].roff(), text)
			said := "Environment: $" + s.env + ". " + key
			if d := s.defaultText(); d != "" {
				said += " Default: " + d + "."
			}
			p.line(".br\n" + filled(said))
		}
	}
}

func (p *page) files() {
	p.section("FILES")
	for _, s := range settings() {
		if strings.HasPrefix(s.fallback, "/") {
			p.term(`\fI`+roff(s.fallback)+`\fR`, sentence(s.usage))
		}
	}
	state, _ := settingNamed("state-dir")
	lists, accounts := (&stateDir{state.fallback}).lists(), accountsFile(&stateDir{state.fallback}, "")
	p.term(`\fI`+roff(lists.path())+`\fR`, "What runs left on each list: how the last one ended, since when bans wait, what edgeban unban "+
		"--for allows. Without it the next run still converges.")
	p.term(`\fI`+roff(accounts.path())+`\fR`, "What is known of each account: whether Cloudflare refuses writes and until when, and how "+
		"many items it took. The instances on this host share it.")
	own := `\fI/etc/edgeban/\fRNAME\fI.toml\fR`
	for _, secret := range secrets() {
		own += `, \fI/etc/edgeban/\fRNAME\fI.` + roff(secret.ending) + `\fR`
	}
	p.term(own, "The configuration file, the token and CrowdSec's key of one of several instances on this host. Its state lies in "+
		state.fallback+"/NAME.")
}

func (p *page) examples(t *testing.T) {
	t.Helper()
	p.section("EXAMPLES")
	for _, e := range [][2]string{
		{"What would change, and why some bans are left out; nothing is written:", "edgeban diff"},
		{"Change it now, without waiting for the timer:", "edgeban sync"},
		{"Let removals go that the run before withheld:", "edgeban sync --allow-removals"},
		{"Is anything pending? For a script:", "edgeban diff --exit-code --json"},
		{"The bans of two jails alone, of another database:", "edgeban bans --jail sshd --jail recidive --fail2ban-db /srv/fail2ban.sqlite3"},
		{"The whole job on this machine alone, without an account:", "edgeban demo"},
	} {
		wantValid(t, strings.Fields(e[1]))
		p.paragraphs(e[0])
		p.line(".RS 4\n.nf\n" + roff(e[1]) + "\n.fi\n.RE")
	}
}

// wantValid expects that the command and its options are there.
func wantValid(t *testing.T, words []string) {
	t.Helper()
	all := describedCommands(t)
	i := slices.IndexFunc(all, func(d described) bool { return d.name == words[1] })
	if i < 0 {
		t.Fatalf("there is no command %s", words[1])
	}
	for _, word := range words[2:] {
		known := func(f describedFlag) bool { return f.name == word }
		if strings.HasPrefix(word, "-") && !slices.ContainsFunc(all[i].allFlags(), known) {
			t.Errorf("edgeban %s has no option %s", words[1], word)
		}
	}
}

// statuses are the lines "0 in step, …" of exitStatuses, and the one that only diff has.
func statuses(t *testing.T) []string {
	t.Helper()
	text := strings.ReplaceAll(strings.TrimPrefix(exitStatuses, "Exit status: "), "\n", " ")
	text = strings.TrimSuffix(text, ".") + `; 4 "diff --exit-code": changes are pending.`
	var all []string
	for part := range strings.SplitSeq(text, "; ") {
		if regexp.MustCompile(`^[0-9] `).MatchString(part) {
			all = append(all, part)
		} else {
			all[len(all)-1] += "; " + part
		}
	}
	if len(all) != exitPending+1 {
		t.Fatalf("exitStatuses says %d of them: %q", len(all), all)
	}
	return all
}

func (f describedFlag) roff() string {
	return strings.TrimSpace(`\fB` + roff(f.name) + `\fR \fI` + roff(f.placeholder) + `\fR`)
}

// sentence makes one of a usage. What begins with a word that is to be typed stays as it is.
func sentence(text string) string {
	if first, _, _ := strings.Cut(text, " "); !strings.HasSuffix(first, ":") {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return strings.TrimSuffix(text, ".") + "."
}

// roff escapes what would not be text to roff. The hyphens of options are ones that a reader can copy.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "…", "...", "−", `\-`, "→", "->").Replace(text)
	text = regexp.MustCompile(`\B--?\b[a-z0-9-]*`).ReplaceAllStringFunc(text, func(option string) string {
		return strings.ReplaceAll(option, "-", `\-`)
	})
	return regexp.MustCompile(`(?m)^([.'])`).ReplaceAllString(text, `\&$1`)
}

func TestRoff(t *testing.T) {
	for text, want := range map[string]string{
		"plain, well-known":            "plain, well-known",
		".SH\n'br":                     "\\&.SH\n\\&'br",
		`C:\x`:                         `C:\ex`,
		"sync --allow-removals, or -h": `sync \-\-allow\-removals, or \-h`,
		"a - b":                        "a - b",
	} {
		if got := roff(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

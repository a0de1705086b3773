package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// value is what a setting was set to, and where.
type value struct {
	texts  []string // at most one, unless the setting is a list
	origin string   // "flag --list", "environment EDGEBAN_LIST", "/etc/edgeban/edgeban.toml, line 7", "default"
}

// text is the value of a setting that is no list.
func (v value) text() string {
	if len(v.texts) == 0 {
		return ""
	}
	return v.texts[0]
}

func (v value) origins() string { return " (" + v.origin + ")" }

const (
	tokenVariable     = "CLOUDFLARE_API_TOKEN"
	globalKeyVariable = "CLOUDFLARE_API_KEY"
	emailVariable     = "CLOUDFLARE_EMAIL"
	crowdsecVariable  = "EDGEBAN_CROWDSEC_KEY"
	originDefault     = "default"
	originInstance    = "default of the instance"
)

// resolver finds each setting's value: flag, else environment, else credential, else configuration file, else
// default.
type resolver struct {
	cmd  *cli.Command
	sys  *system
	file configFile

	instance string // empty: there is only one, or its name cannot be
}

// resolve returns the value of every setting by its name.
func resolve(cmd *cli.Command, sys *system, p *problems) map[string]value {
	r := resolver{cmd: cmd, sys: sys}
	values := map[string]value{}
	for _, s := range settings() {
		values[s.name] = r.value(s)
		switch s.name { // these come first: they say where the others may stand
		case "instance":
			if name := values[s.name].text(); instanceName(name) {
				r.instance = name
			}
		case "config":
			r.file = readConfigFile(values[s.name], p)
		}
	}
	crowdsecAlone(values)
	return values
}

func (r resolver) value(s setting) value {
	if r.cmd.IsSet(s.name) && !otherFlag(r.cmd, s.name) {
		return value{r.flagTexts(s), "flag --" + s.name}
	}
	if secret, holds := secretOf(s.name); holds && r.sys.getenv(secret.variable) != "" {
		return value{nil, "environment " + secret.variable + " instead"}
	}
	if text, set := r.sys.lookupEnv(s.env); text != "" || set && s.emptyIsNone {
		return value{split(s, text), "environment " + s.env}
	}
	if v, found := r.credential(s); found {
		return v
	}
	if v, found := r.file.values[s.name]; found {
		return v
	}
	return r.byDefault(s)
}

// otherFlag reports whether a command has a flag of its own by the name of a setting: setup's --zone is a domain.
func otherFlag(cmd *cli.Command, name string) bool { return cmd.Name == "setup" && name == "zone" }

// configFile is the name of the configuration file in effect; where there is none, of the one that would be read.
func (s *Settings) configFile() string {
	if name := s.values["config"].text(); name != "" {
		return name
	}
	declared, _ := settingNamed("config")
	return declared.fallback
}

// flagTexts are the flag's values; urfave/cli has split a list at its commas.
func (r resolver) flagTexts(s setting) []string {
	switch s.kind {
	case list:
		return tidy(r.cmd.StringSlice(s.name))
	case truth:
		return []string{yesNo(r.cmd.Bool(s.name))}
	}
	return []string{r.cmd.String(s.name)}
}

// credential is the file of a secret that systemd hands over, if it does. A blank one is what the packaged units put in the place of
// one that is missing.
func (r resolver) credential(s setting) (value, bool) {
	dir := r.sys.getenv("CREDENTIALS_DIRECTORY")
	secret, holds := secretOf(s.name)
	if !holds || dir == "" {
		return value{}, false
	}
	file := filepath.Join(dir, secret.credential)
	return value{[]string{file}, "credential " + secret.credential}, exists(file) && !blank(file, secret.noun)
}

func (r resolver) byDefault(s setting) value {
	if dir := r.stateDirectory(); s.name == "state-dir" && dir != "" {
		return value{[]string{dir}, "environment STATE_DIRECTORY"}
	}
	text := s.fallback
	if r.instance != "" {
		if secret, holds := secretOf(s.name); holds {
			if own := r.sys.path("/etc/edgeban/" + r.instance + "." + secret.ending); exists(own) {
				return value{[]string{own}, originInstance}
			}
		}
		switch s.name {
		case "config": // one that is missing must not pass for another
			return value{[]string{r.sys.path("/etc/edgeban/" + r.instance + ".toml")}, originInstance}
		case "state-dir":
			return value{[]string{r.sys.path(filepath.Join(text, r.instance))}, originInstance}
		}
	}
	if strings.HasPrefix(text, "/") {
		text = r.sys.path(text)
	}
	if text == "" || s.ifExists && !exists(text) {
		return value{nil, originDefault}
	}
	return value{split(s, text), originDefault}
}

// stateDirectory is the directory that systemd made for the state. It names all those of a unit, with colons between them; that of
// an instance bears its name.
func (r resolver) stateDirectory() string {
	dirs := strings.Split(r.sys.getenv("STATE_DIRECTORY"), ":")
	for _, dir := range dirs {
		if r.instance != "" && filepath.Base(dir) == r.instance {
			return dir
		}
	}
	return dirs[0]
}

// split takes a text apart where the setting is a list.
func split(s setting, text string) []string {
	if s.kind != list {
		return []string{text}
	}
	return tidy(strings.Split(text, ","))
}

// tidy cuts blanks off the texts and leaves empty ones out.
func tidy(texts []string) []string {
	var kept []string
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}

// exists reports whether something lies at path. Where that cannot be told it is assumed, so that reading it
// says why.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// blank reports whether there is nothing in the file but white space. One that cannot be read is not blank, so that reading it
// says why.
func blank(path, noun string) bool {
	content, _, err := readSecretFile(path, noun)
	return err == nil && strings.TrimSpace(content) == ""
}

// settingFlags declares the settings' flags for one command. urfave/cli only collects them as text: what they
// mean, and the other places a setting may come from, are ours.
func settingFlags() []cli.Flag {
	var flags []cli.Flag
	for _, s := range settings() {
		help := func(cli.Flag) string { return s.help() }
		takesFile := s.placeholder == "FILE" || s.placeholder == "DIR"
		if s.kind == list {
			f := &cli.StringSliceFlag{Name: s.name, Category: s.category, Usage: s.usage, TakesFile: takesFile}
			f.SetStringer(help)
			flags = append(flags, f)
			continue
		}
		if s.kind == truth {
			f := &cli.BoolFlag{Name: s.name, Category: s.category, Usage: s.usage}
			f.SetStringer(help)
			flags = append(flags, f)
			continue
		}
		f := &cli.StringFlag{Name: s.name, Category: s.category, Usage: s.usage, TakesFile: takesFile}
		f.SetStringer(help)
		flags = append(flags, f)
	}
	return flags
}

// help is the setting's line in --help; a tab ends its first column.
func (s setting) help() string {
	line := strings.TrimSpace("--"+s.name+" "+s.placeholder) + "\t" + s.usage
	if s.kind == list {
		line += "; repeatable"
	}
	if d := s.defaultText(); d != "" {
		line += " (default: " + d + ")"
	}
	return line + " [$" + s.env + "]"
}

// yesNo is a truth in words.
func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// defaultText is the default in words.
func (s setting) defaultText() string {
	switch {
	case s.otherwise != "":
		return s.otherwise
	case s.ifExists:
		return s.fallback + " when it exists"
	default:
		return s.fallback
	}
}

// settingNamed returns the declaration of a setting.
func settingNamed(name string) (setting, bool) {
	all := settings()
	i := slices.IndexFunc(all, func(s setting) bool { return s.name == name })
	if i < 0 {
		return setting{}, false
	}
	return all[i], true
}

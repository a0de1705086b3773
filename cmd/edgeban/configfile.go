package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// configFile is what the configuration file says.
type configFile struct {
	values map[string]value // by the names of settings
}

// readConfigFile reads the configuration file that the setting config names, if it names one.
func readConfigFile(config value, p *problems) configFile {
	name := config.text()
	if name == "" {
		return configFile{}
	}
	data, err := os.ReadFile(name)
	if err != nil {
		p.add("configuration file %s: %v%s", name, cause(err), config.origins())
		p.configUnknown = true
		return configFile{}
	}
	return parseConfig(name, string(data), p)
}

// parseConfig reads the content of the configuration file called name.
func parseConfig(name, content string, p *problems) configFile {
	var raw map[string]toml.Primitive
	md, err := toml.Decode(content, &raw)
	if err != nil {
		p.add("%s", syntaxError(name, content, err))
		p.configUnknown = true
		return configFile{}
	}
	file := configFile{map[string]value{}}
	for _, key := range md.Keys() {
		primitive, first := raw[key[0]]
		if !first {
			continue // a second key in a table
		}
		delete(raw, key[0])
		origin := fmt.Sprintf("%s, line %d", name, lineOf(&md, primitive))
		s, known := settingNamed(key[0])
		if !known || s.notInFile {
			p.addHint(secretKeyHint(key[0]), "unknown key %q in %s%s", key[0], origin, didYouMean(key[0], keyNames()))
			continue
		}
		texts, err := textsOf(s, &md, primitive)
		if err != nil {
			p.add("%s: %v (%s)", s.name, err, origin)
			continue
		}
		file.values[s.name] = value{texts, origin}
	}
	return file
}

// secretKeyHint says where a secret belongs that somebody put into the file; "" for every other key.
func secretKeyHint(key string) string {
	for _, secret := range secrets() {
		if declared, _ := settingNamed(secret.setting); key == strings.TrimSuffix(secret.setting, "-file") {
			return fmt.Sprintf("The %s has no place in this file: put it, alone, into the one that %s names (%s, mode 0600).",
				secret.whole, secret.setting, declared.fallback)
		}
	}
	return ""
}

// syntaxError says where the file stops being TOML. The library's own words may quote the file; not from a line
// that could hold a token or a key.
func syntaxError(name, content string, err error) string {
	var at toml.ParseError
	if !errors.As(err, &at) {
		return fmt.Sprintf("%s: %v", name, err)
	}
	where := fmt.Sprintf("%s, line %d", name, at.Position.Line)
	lines := strings.Split(content, "\n")
	if n := at.Position.Line - 1; n >= 0 && n < len(lines) {
		if line := strings.ToLower(lines[n]); strings.Contains(line, "token") || strings.Contains(line, "crowdsec-key") {
			return where + ": not valid TOML"
		}
	}
	return where + ": " + at.Message
}

// lineOf is the line of a value; of a table that only its keys imply ("a.b = 1"), the first of theirs. The library
// tells positions only in errors, so it is made to fail.
func lineOf(md *toml.MetaData, primitive toml.Primitive) int {
	var at toml.ParseError
	if errors.As(md.PrimitiveDecode(primitive, &refusal{}), &at) && at.Position.Line > 0 {
		return at.Position.Line
	}
	line := 0
	var inner map[string]toml.Primitive
	if err := md.PrimitiveDecode(primitive, &inner); err != nil {
		return 0
	}
	for _, p := range inner {
		if l := lineOf(md, p); line == 0 || l < line {
			line = l
		}
	}
	return line
}

// refusal cannot be decoded into.
type refusal struct{}

func (*refusal) UnmarshalTOML(any) error { return errors.New("refused") }

// textsOf turns a value of the file into the texts that a flag would have.
func textsOf(s setting, md *toml.MetaData, primitive toml.Primitive) ([]string, error) {
	var decoded any
	if err := md.PrimitiveDecode(primitive, &decoded); err != nil {
		return nil, err
	}
	switch v := decoded.(type) {
	case string:
		if s.kind != number {
			return split(s, v), nil
		}
	case bool:
		if s.yesOrNo() {
			return []string{map[bool]string{false: "no", true: "yes"}[v]}, nil
		}
	case int64:
		if s.kind == number {
			return []string{strconv.FormatInt(v, 10)}, nil
		}
	case []any:
		if s.kind != list {
			break
		}
		var texts []string
		for _, element := range v {
			text, isText := element.(string)
			if !isText {
				return nil, fmt.Errorf("%s among the elements, where strings are expected", tomlType(element))
			}
			texts = append(texts, text)
		}
		return tidy(texts), nil
	}
	return nil, fmt.Errorf("%s, where %s is expected", tomlType(decoded), expected(s))
}

// yesOrNo reports whether the file may say true or false, too.
func (s setting) yesOrNo() bool { return slices.Equal(s.words, []string{"no", "yes"}) }

// expected is what the file should hold for s.
func expected(s setting) string {
	switch {
	case s.kind == number:
		return "a whole number"
	case s.kind == list:
		return "an array of strings"
	case s.yesOrNo():
		return `true, false, "yes" or "no"`
	case s.placeholder == "DURATION":
		return `a string such as "90s"`
	default:
		return "a string"
	}
}

func tomlType(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case bool:
		return "true or false"
	case []any:
		return "an array"
	case map[string]any, []map[string]any:
		return "a table"
	default:
		return "a date or time"
	}
}

// keyNames are the keys that the file may hold.
func keyNames() []string {
	var names []string
	for _, s := range settings() {
		if !s.notInFile {
			names = append(names, s.name)
		}
	}
	return names
}

package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// needs is what a command cannot work without.
type needs uint8

const (
	needSources needs = 1 << iota // at least one source of bans
	needToken
	needAccount // and the owner

	needCloudflare = needToken | needAccount
)

// inspectSettings is loadSettings for a look at everything: it stops at nothing. A setting that makes no sense counts as not set, so
// that the rest can be tried.
func inspectSettings(cmd *cli.Command, sys *system) (Settings, []problem) {
	var first *problems
	var rejected []string
	for {
		p := &problems{}
		for _, secret := range secrets() {
			p.hide(sys.getenv(secret.variable))
		}
		values := resolve(cmd, sys, p)
		for _, name := range rejected {
			declared, _ := settingNamed(name)
			values[name] = resolver{cmd: cmd, sys: sys}.byDefault(declared)
		}
		s := parse(values, p)
		s.check(sys, 0, p)
		s.readFiles(sys, 0, p)
		if first == nil {
			first = p
		}
		p.rejected = slices.DeleteFunc(p.rejected, func(name string) bool { return slices.Contains(rejected, name) })
		if len(p.rejected) == 0 {
			var found *usageError
			if errors.As(first.err(), &found) {
				return s, found.problems
			}
			return s, nil
		}
		rejected = append(rejected, p.rejected...)
	}
}

// loadSettingsAlone is loadSettings for a command that needs none of the files that settings name: it does not ask for the right to
// read them.
func loadSettingsAlone(cmd *cli.Command, sys *system) (Settings, error) {
	p := &problems{}
	values := resolve(cmd, sys, p)
	s := parse(values, p)
	s.check(sys, 0, p)
	for _, secret := range secrets() {
		text := strings.TrimSpace(sys.getenv(secret.variable))
		p.hide(text)
		s.refuseSecret(secret, text, p)
	}
	return s, p.err()
}

// loadSettings resolves, checks and completes the settings for cmd. Its error is a usageError that holds every
// problem of the settings or, when there is none, every problem of the files they name.
func loadSettings(cmd *cli.Command, sys *system, need needs) (Settings, error) {
	p := &problems{}
	for _, secret := range secrets() {
		p.hide(sys.getenv(secret.variable))
	}
	s := parse(resolve(cmd, sys, p), p)
	s.check(sys, need, p)
	if err := p.err(); err != nil {
		return Settings{}, err
	}
	s.readFiles(sys, need, p)
	if err := p.err(); err != nil {
		return Settings{}, err
	}
	return s, nil
}

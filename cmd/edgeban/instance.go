package main

import (
	"errors"
	"regexp"
)

// ofInstance names the instance in each command of edgeban's that a text tells a person to type: without it the command would be about
// another list. Whoever wrote the text, the core say, need not know of instances.
func ofInstance(instance, text string) string {
	if instance == "" {
		return text
	}
	return regexp.MustCompile(`\bedgeban (sync|diff|bans|setup|check|status|ban|unban|flush|adopt|config)\b`).
		ReplaceAllString(text, "${0} --instance "+instance)
}

// typed is what a person is to type: "edgeban check", "edgeban check --instance mail".
func (s *Settings) typed(command string) string { return ofInstance(s.Instance, command) }

// instanceError is an error whose hint names the instance.
type instanceError struct {
	error
	instance string
}

func (e instanceError) Unwrap() error { return e.error }
func (e instanceError) Hint() string  { return ofInstance(e.instance, hintOf(e.error)) }

// named makes the hints of an error name the instance.
func (o output) named(err error) error {
	var already instanceError
	if err == nil || o.instance == "" || errors.As(err, &already) {
		return err
	}
	var all []error
	for _, e := range unjoined(err) {
		all = append(all, instanceError{e, o.instance})
	}
	if len(all) == 1 {
		return all[0]
	}
	return errors.Join(all...)
}

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ownPrefix is what our own variables begin with.
const ownPrefix = "EDGEBAN_"

// unknownVariables are warnings of variables that are meant for edgeban, by their names, and that it does not know. Values are not
// repeated: any may be a secret.
func unknownVariables(sys *system) (warnings []string) {
	if sys.environ == nil {
		return nil
	}
	known := knownVariables()
	for _, assignment := range slices.Sorted(slices.Values(sys.environ())) {
		name, text, _ := strings.Cut(assignment, "=")
		if rest, ours := strings.CutPrefix(name, ownPrefix); ours && text != "" && !slices.Contains(known, name) && !ofKubernetes(name) {
			warnings = append(warnings, fmt.Sprintf("environment variable %s is unknown and changes nothing%s", shownVariable(name), variableLike(rest)))
		}
	}
	return warnings
}

// knownVariables are those that set something.
func knownVariables() (names []string) {
	for _, s := range settings() {
		names = append(names, s.env)
	}
	for _, secret := range secrets() {
		names = append(names, secret.variable)
	}
	return names
}

// shownVariable is the name of a variable as a message repeats it.
func shownVariable(name string) string {
	if rest := strings.TrimPrefix(name, ownPrefix); looksLikeToken(rest) || looksLikeKey(rest) {
		return ownPrefix + mask
	}
	return printable(name)
}

// variableLike is the end of a message about an unknown variable: the known one nearest to what follows the prefix, if one is near.
func variableLike(rest string) string {
	variables := map[string]string{} // by what a person may call them
	for _, s := range settings() {
		variables[s.name] = s.env
	}
	for _, secret := range secrets() {
		_, called, _ := strings.Cut(secret.variable, "_") // CLOUDFLARE_API_TOKEN, EDGEBAN_CROWDSEC_KEY
		variables[asKey(called)] = secret.variable
		variables[strings.TrimSuffix(secret.setting, "-file")] = secret.variable
	}
	var names []string
	for name := range variables {
		names = append(names, name)
	}
	slices.Sort(names)
	best := nearest(rest, names)
	if best == "" {
		return ""
	}
	return "; did you mean " + variables[best] + "?"
}

// ofKubernetes reports whether a variable is one that Kubernetes gives every container for a Service of the same namespace, here for one
// called edgeban or edgeban-…: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
func ofKubernetes(name string) bool {
	return regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`).MatchString(name)
}

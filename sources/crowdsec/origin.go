package crowdsec

import (
	"slices"
	"strings"
)

// The origins that CrowdSec itself writes (https://pkg.go.dev/github.com/crowdsecurity/crowdsec/pkg/types).
const (
	originScenarios = "crowdsec"         // its own scenarios, from this host's logs
	originCscli     = "cscli"            // by hand
	originImport    = "cscli-import"     // a file, by hand
	originConsole   = "console"          // by hand, in CrowdSec's console
	originCommunity = "CAPI"             // the community blocklist
	originLists     = "lists"            // subscribed blocklists; the scenario is a list's name
	originSync      = "remediation_sync" // another host of the same organisation
)

// DefaultOrigins are those of decisions that were made for this host.
func DefaultOrigins() []string {
	return []string{originScenarios, originCscli, originImport, originConsole}
}

func knownOrigins() []string {
	return append(DefaultOrigins(), originCommunity, originLists, originSync)
}

// Origin is a known origin as LAPI writes it, whatever case it is given in; LAPI itself answers "no decisions" to CAPI in lower
// case. Of any other it returns what it was given and false.
func Origin(name string) (string, bool) {
	known := knownOrigins()
	if i := slices.IndexFunc(known, func(o string) bool { return strings.EqualFold(o, name) }); i >= 0 {
		return known[i], true
	}
	return name, false
}

// community reports whether decisions of an origin come as a list that others made, by the thousand: when room is short they come
// after what this host saw itself.
func community(origin string) bool {
	switch {
	case strings.EqualFold(origin, originCommunity), strings.EqualFold(origin, originImport):
		return true
	default:
		name, _, _ := strings.Cut(origin, ":")
		return strings.EqualFold(name, originLists)
	}
}

package main

import (
	"strings"
	"testing"
)

// assignments are an environment as the system tells it.
func assignments(env map[string]string) (all []string) {
	for name, text := range env {
		all = append(all, name+"="+text)
	}
	return all
}

// A variable with our prefix that nobody reads is told of, once, by its name; its value never.
func TestUnknownVariables(t *testing.T) {
	const value = "EDGEBAN-would-not-say-this"
	unknown := func(name, end string) string {
		return "environment variable " + name + " is unknown and changes nothing" + end
	}
	tests := []struct {
		variable string
		want     string // "": no warning
	}{
		{"EDGEBAN_LISTS", unknown("EDGEBAN_LISTS", "; did you mean EDGEBAN_LIST?")},
		{"EDGEBAN_CHALENGE_LIST", unknown("EDGEBAN_CHALENGE_LIST", "; did you mean EDGEBAN_CHALLENGE_LIST?")},
		{"EDGEBAN_list", unknown("EDGEBAN_list", "; did you mean EDGEBAN_LIST?")},
		{"EDGEBAN_ACCOUNT", unknown("EDGEBAN_ACCOUNT", "; did you mean CLOUDFLARE_ACCOUNT_ID?")},
		{"EDGEBAN_ACCOUNT_ID", unknown("EDGEBAN_ACCOUNT_ID", "; did you mean CLOUDFLARE_ACCOUNT_ID?")},
		{"EDGEBAN_TOKEN", unknown("EDGEBAN_TOKEN", "; did you mean CLOUDFLARE_API_TOKEN?")},
		{"EDGEBAN_API_TOKEN", unknown("EDGEBAN_API_TOKEN", "; did you mean CLOUDFLARE_API_TOKEN?")},
		{"EDGEBAN_CROWDSEC_KEYS", unknown("EDGEBAN_CROWDSEC_KEYS", "; did you mean EDGEBAN_CROWDSEC_KEY?")},
		{"EDGEBAN_COLOUR", unknown("EDGEBAN_COLOUR", "")},
		{"EDGEBAN_", unknown("EDGEBAN_", "")},
		{"EDGEBAN_\x1b[31m", unknown(printable("EDGEBAN_\x1b[31m"), "")},
		{"EDGEBAN_" + testToken, unknown("EDGEBAN_"+mask, "")},
		{"EDGEBAN_PORTS", unknown("EDGEBAN_PORTS", "")},

		{"EDGEBAN_CROWDSEC_KEY", ""},
		{"EDGEBANNER", ""},
		{"edgeban_lists", ""},
		{"CLOUDFLARE_ZONE_ID", ""},
		{"EDGEBAN_SERVICE_HOST", ""}, // of Kubernetes
		{"EDGEBAN_METRICS_SERVICE_PORT_HTTP", ""},
		{"EDGEBAN_PORT_8080_TCP_ADDR", ""},
		{"EDGEBAN_PORT", ""},
	}
	for _, tt := range tests {
		t.Run(tt.variable, func(t *testing.T) {
			h := newHost(t)
			h.env[tt.variable] = value
			_, stderr, code := h.run("config")
			want := tt.want
			if want != "" {
				want = "edgeban: warning: " + want + "\n"
			}
			if code != exitOK || stderr != want {
				t.Errorf("exit status %d, %q, want %q", code, stderr, want)
			}
			if strings.Contains(stderr, value) {
				t.Error("the value is told")
			}
			h.env[tt.variable] = "" // the same as one that is not set
			if _, stderr, code := h.run("config"); code != exitOK || stderr != "" {
				t.Errorf("set to nothing: exit status %d, %q", code, stderr)
			}
		})
	}
}

// No variable that sets something is unknown.
func TestKnownVariables(t *testing.T) {
	sys := system{environ: func() (all []string) {
		for _, s := range settings() {
			all = append(all, s.env+"=x")
		}
		return all
	}}
	if warnings := unknownVariables(&sys); len(warnings) > 0 {
		t.Error(warnings)
	}
}

// sync and check tell of an unknown variable, too, and go on.
func TestCommandsTellOfUnknownVariables(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		mustBan(t, s, "203.0.113.7")
		const warned = "environment variable EDGEBAN_LISTS is unknown and changes nothing; did you mean EDGEBAN_LIST?"
		for _, command := range []string{"sync", "check"} {
			for _, more := range [][]string{nil, {"EDGEBAN_LISTS=blocked"}} {
				stdout, stderr, _ := s.run(t.Context(), more, command)
				if n := strings.Count(strings.Join(strings.Fields(stdout+stderr), " "), warned); n != len(more) {
					t.Errorf("%s with %q tells of it %d times\n%s%s", command, more, n, stdout, stderr)
				}
			}
		}
		if s.items() == "" {
			t.Error("nothing was done")
		}
	})
}

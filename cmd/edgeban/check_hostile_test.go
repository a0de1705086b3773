package main

import (
	"context"
	"strings"
	"testing"

	fake "edgeban/cloudflare/cloudflaretest"
)

// What Cloudflare calls zones, accounts and rules is anybody's text, and moves no cursor.
func TestHostileNamesOfCloudflare(t *testing.T) {
	t.Parallel()
	const evil = `\u001b[2Jexample.com\nok       all  is well\u202e`
	for name, env := range map[string]string{"account known": testAccount, "account unknown": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				fault("GET", fake.PathAccounts, telling(`[{"id":"`+testAccount+`","name":"`+evil+`"},{"id":"`+strings.Repeat("f", 32)+`","name":"`+evil+`"}]`))(t, s)
				fault("GET", fake.PathZones, telling(`[{"id":"`+testAccount+`","name":"`+evil+`","account":{"id":"`+testAccount+`","name":"`+evil+`"}}]`))(t, s)
				fault("GET", fake.PathVerifyAccount, telling(`{"status":"`+evil+`"}`))(t, s)
				fault("GET", fake.PathEntrypoint, telling(`{"id":"`+testAccount+
					`","rules":[{"ref":"edgeban_edgeban","action":"`+evil+`","expression":"$edgeban \u001b","enabled":true}]}`))(t, s)
				said := ""
				for _, args := range []string{"check", "check --json", "setup", "setup --zone example.com"} {
					vars := s.environment()
					vars["CLOUDFLARE_ACCOUNT_ID"] = env
					var out, complaints strings.Builder
					sys := s.system(func(name string) (string, bool) { text, set := vars[name]; return text, set }, &out, &complaints,
						strings.Fields(args)...)
					sys.interactive, sys.stdin = true, strings.NewReader("1\n1\nblock\ny\n")
					run(context.Background(), sys)
					wantPlain(t, "edgeban "+args, out.String()+complaints.String())
					said += out.String() + complaints.String()
				}
				if !strings.Contains(said, "[2Jexample.com") || strings.Contains(said, "\nok       all  is well") {
					t.Errorf("the names are not there, or forge a line:\n%s", said)
				}
			})
		})
	}
}

package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// What is remembered from run to run holds no token: refusals and the hold that follows, an operation whose end was not seen, a database
// that could not be read. The API says the token wherever it can, as an id too.
func TestNoSecretIsRemembered(t *testing.T) {
	t.Parallel()
	operation := func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"success":true,"result":{"operation_id":"%s"}}`, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}
	for name, spoil := range map[string]func(*testing.T, *site){
		"refused":           fault("POST", fake.PathItems, echo(429)),
		"operation fails":   fault("POST", fake.PathItems, fake.FailOperation("rate limit of "+testToken)),
		"operation pending": fault("POST", fake.PathItems, operation),
		"operation without end": both(fault("POST", fake.PathItems, fake.StuckOperation()),
			fault("GET", fake.PathOperation, echo(200))),
		"database unread": func(t *testing.T, s *site) { remove(t, s.database()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				s.makeWork(t)
				spoil(t, s)
				var said strings.Builder
				for _, args := range []string{
					"sync", "sync", "sync", "sync --log-level debug --log-format json", "diff", "diff --json", "bans", "bans --json", "config --json", "check", "check --json", "setup --zone example.com",
				} {
					stdout, stderr, _ := s.run(t.Context(), nil, strings.Fields(args)...)
					said.WriteString(stdout + stderr)
					time.Sleep(2 * time.Minute)
				}
				if all := s.everything(t, said.String()); strings.Contains(all, testToken) || !strings.Contains(all, "state.json") {
					t.Errorf("the token is in\n%s", all)
				}
				if name == "refused" && !strings.Contains(said.String(), "Cloudflare refuses writes") {
					t.Errorf("there was no hold:\n%s", said.String())
				}
			})
		})
	}
}

// A token that can be none is an error before anything is asked of anyone, and it is not repeated.
func TestMalformedTokens(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		for _, token := range []string{
			" ", testToken + " ", testToken + "\nsecond", "'" + testToken + "'", `"` + testToken + `"`, testToken + "\x00", testToken + "ü", "Bearer " + testToken,
		} {
			for _, args := range []string{"sync", "diff", "diff --json"} {
				stdout, stderr, status := s.run(t.Context(), []string{"CLOUDFLARE_API_TOKEN=" + token}, strings.Fields(args)...)
				if status != exitUsage || stdout != "" || !strings.HasPrefix(stderr, "edgeban: environment CLOUDFLARE_API_TOKEN: ") || strings.Contains(stderr, testToken) {
					t.Errorf("%q: exit status %d: %s%s", token, status, stdout, stderr)
				}
			}
		}
		if n := len(s.edge.Requests()); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

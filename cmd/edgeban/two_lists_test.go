package main

import (
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// onTwoLists are the settings of a site with a list of those to challenge, and more.
func onTwoLists(more ...string) []string {
	return append([]string{"EDGEBAN_CHALLENGE_LIST=edgeban_challenge", "EDGEBAN_CHALLENGE_JAIL=nginx-*"}, more...)
}

// addChallengeList makes that list, which a rule uses, and returns its id.
func (s *site) addChallengeList() string {
	id := s.edge.AddList(testAccount, "edgeban_challenge", "ip")
	s.edge.SetReferences(id, 1)
	return id
}

// An address is un-banned on the second list also where the first one failed; not where Cloudflare refuses writes or may be at work on one.
func TestUnbanGoesOn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method string
		effect       fake.Effect // nil: nothing is wrong
		first        string      // what the first list holds then
		second       string
		status       int
	}{
		{"nothing wrong", "", nil, "", "", exitOK},
		{"the first list cannot be read", "GET", fake.Answer(500, 0, ""), "203.0.113.7", "", exitFailure},
		{"its write fails", "DELETE", fake.Answer(400, 10026, "bad body"), "203.0.113.7", "", exitFailure},
		{"its write is refused", "DELETE", fake.TooManyRequests(10040, "1"), "203.0.113.7", "203.0.113.7", exitFailure},
		{"its operation does not end", "DELETE", fake.StuckOperation(), "203.0.113.7", "203.0.113.7", exitFailure},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				second := s.addChallengeList()
				for _, remedy := range []string{"challenge", "block"} { // what is banned by hand no source speaks for
					if _, stderr, status := s.run(t.Context(), onTwoLists(), "ban", "203.0.113.7", "--remedy", remedy); status != exitOK {
						t.Fatal(stderr)
					}
				}
				if tt.effect != nil {
					s.edge.AddFault(fake.Fault{Method: tt.method, Path: "/lists/" + s.list + "/items", Effect: tt.effect})
				}
				stdout, stderr, status := s.run(t.Context(), onTwoLists(), "unban", "203.0.113.7")
				var left []string
				for _, list := range []string{s.list, second} {
					address, _, _ := strings.Cut(s.itemsOn(list), " ")
					left = append(left, address)
				}
				if status != tt.status || left[0] != tt.first || left[1] != tt.second || (stderr != "") != (status != exitOK) {
					t.Errorf("exit status %d, %q left, want %d, %q, %q: %s%s", status, left, tt.status, tt.first, tt.second, stdout, stderr)
				}
			})
		})
	}
}

// A list that failed is worse than removals that were withheld on the other one.
func TestFailureBeatsWithheld(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fails  bool
		status int
	}{"the block list fails": {true, exitFailure}, "only removals are withheld": {false, exitWithheld}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := mustSite(t)
				if _, err := s.edge.SetItem(s.addChallengeList(), "192.0.2.200", "old"); err != nil {
					t.Fatal(err)
				}
				if err := s.ban(s.database(), "sshd", "203.0.113.7", time.Now(), time.Hour); err != nil {
					t.Fatal(err)
				}
				if c.fails {
					s.edge.AddFault(fake.Fault{Method: "GET", Path: "/lists/" + s.list + "/items", Effect: fake.Answer(500, 0, "")})
				}
				stdout, stderr, status := s.run(t.Context(), onTwoLists("EDGEBAN_OWNERSHIP=exclusive"), "sync")
				if status != c.status || !strings.Contains(stderr, "1 of 1 removals withheld") {
					t.Errorf("exit status %d: %s%s", status, stdout, stderr)
				}
			})
		})
	}
}

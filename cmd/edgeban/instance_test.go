package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"edgeban/cloudflare/cloudflaretest"
)

func TestOfInstance(t *testing.T) {
	tests := []struct{ text, want string }{
		{"Run edgeban setup --zone a.example, then: edgeban check", "Run edgeban setup --instance mail --zone a.example, then: edgeban check --instance mail"},
		{"Look with `edgeban diff`.", "Look with `edgeban diff --instance mail`."},
		{"edgeban unban 192.0.2.1 --for 1h", "edgeban unban --instance mail 192.0.2.1 --for 1h"},
		{"systemctl restart edgeban.timer", "systemctl restart edgeban.timer"},
		{"another edgeban is running", "another edgeban is running"},
		{"edgeban never removes what it did not write", "edgeban never removes what it did not write"},
		{"edgeban synchronises", "edgeban synchronises"},
	}
	for _, tt := range tests {
		if got := ofInstance("mail", tt.text); got != tt.want {
			t.Errorf("%q", got)
		}
		if got := ofInstance("", tt.text); got != tt.text {
			t.Errorf("without an instance: %q", got)
		}
	}
}

// Every error keeps its own hint, which names the instance once, however often it is told.
func TestHintsOfAnInstance(t *testing.T) {
	one, two := &notDoneError{errors.New("one"), "edgeban diff"}, errors.New("two")
	for _, instance := range []string{"", "mail"} {
		o := output{words: true, instance: instance}
		err := o.fail(o.fail(errors.Join(one, two)))
		var hints []string
		for _, e := range unjoined(err) {
			hints = append(hints, e.Error()+": "+hintOf(e))
		}
		if want := "one: " + ofInstance(instance, "edgeban diff") + ", two: "; strings.Join(hints, ", ") != want {
			t.Errorf("instance %q: %q", instance, hints)
		}
		if !errors.Is(err, two) || o.fail(nil) != nil {
			t.Errorf("instance %q: the errors are not what they were", instance)
		}
	}
}

// What a command tells a person of an instance to type is about that instance. Without one it names none.
func TestAdviceNamesTheInstance(t *testing.T) {
	tests := []struct {
		name  string
		args  []string
		more  []string
		site  func(t *testing.T, s *site)
		typed string // without the instance
	}{
		{name: "setup", args: []string{"setup", "--yes"}, typed: "Next: edgeban check"},
		{name: "setup without a rule", args: []string{"setup", "--yes"}, typed: "Run edgeban setup",
			site: func(_ *testing.T, s *site) { s.edge.SetReferences(s.list, 0) }},
		{name: "setup that finds the account", args: []string{"setup", "--yes"}, more: []string{"CLOUDFLARE_ACCOUNT_ID="},
			typed: "then: edgeban check", site: func(_ *testing.T, s *site) {
				s.edge.AddToken(testToken, cloudflaretest.ListsEdit, cloudflaretest.AccountSettingsRead)
			}},
		{name: "no account", args: []string{"sync"}, more: []string{"CLOUDFLARE_ACCOUNT_ID="}, typed: "edgeban setup"},
		{name: "status before the first run", args: []string{"status"}, typed: "Try one: edgeban sync"},
		{name: "check", args: []string{"check"}, typed: "Try a run: edgeban sync"},
		{name: "check without a rule", args: []string{"check"}, typed: "or run: edgeban setup",
			site: func(_ *testing.T, s *site) { s.edge.SetReferences(s.list, 0) }},
		{name: "sync without a rule", args: []string{"sync"}, typed: "or run edgeban setup",
			site: func(_ *testing.T, s *site) { s.edge.SetReferences(s.list, 0) }},
		{name: "sync without a list", args: []string{"sync"}, more: []string{"EDGEBAN_LIST=none"}, typed: "To create one: edgeban setup"},
		{name: "sync in the journal without a list", args: []string{"sync"}, more: []string{"EDGEBAN_LIST=none", "EDGEBAN_LOG_FORMAT=json"},
			typed: "To create one: edgeban setup"},
		{name: "surprising removals", args: []string{"sync"}, typed: "`edgeban sync", site: withSurprise},
		{name: "an un-ban that does not last", args: []string{"unban", "203.0.113.7"}, typed: "for a while: edgeban unban",
			site: func(t *testing.T, s *site) { mustBan(t, s, "203.0.113.7") }},
		{name: "a ban that is there", args: []string{"ban", "203.0.113.7"}, typed: "To shorten that: edgeban unban",
			site: func(t *testing.T, s *site) { mustSucceed(t, s, "ban", "203.0.113.7", "--permanent") }},
		{name: "bans without an account", args: []string{"bans", "--ip", "203.0.113.7"}, more: []string{"CLOUDFLARE_ACCOUNT_ID="}, typed: "ask `edgeban diff"},
	}
	for _, tt := range tests {
		for _, instance := range []string{"", "mail"} {
			t.Run(fmt.Sprintf("%s of %q", tt.name, instance), func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					s := mustSite(t)
					if tt.site != nil {
						tt.site(t, s)
					}
					more := append([]string{"EDGEBAN_CONFIG=/dev/null", "EDGEBAN_INSTANCE=" + instance}, tt.more...)
					stdout, stderr, _ := s.run(t.Context(), more, tt.args...)
					said := strings.Join(strings.Fields(stdout+stderr), " ")
					if !strings.Contains(said, ofInstance(instance, tt.typed)) || strings.Contains(said, "--instance") != (instance != "") {
						t.Errorf("%s", stdout+stderr)
					}
				})
			})
		}
	}
}

// withSurprise leaves more items than a run may remove, of which nobody knows why their bans are gone.
func withSurprise(t *testing.T, s *site) {
	t.Helper()
	for i := range 61 {
		mustBan(t, s, fmt.Sprintf("203.0.113.%d", i+1))
	}
	mustSucceed(t, s, "sync")
	if err := errors.Join(inDatabase(s.database(), "DELETE FROM bips WHERE ip <> '203.0.113.1'"), os.RemoveAll(s.stateDir())); err != nil {
		t.Fatal(err)
	}
}

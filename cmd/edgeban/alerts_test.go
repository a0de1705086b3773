package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What an alert tells a person to run, there is; and what it tells them to read.
func TestAlertsGiveAdvice(t *testing.T) {
	text, err := os.ReadFile("../../packaging/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(readmeFile)
	if err != nil {
		t.Fatal(err)
	}
	alerts := strings.Split(string(text), "- alert: ")[1:]
	if len(alerts) < 7 {
		t.Errorf("%d alerts", len(alerts))
	}
	for _, alert := range alerts {
		name, _, _ := strings.Cut(alert, "\n")
		flat := strings.Join(strings.Fields(alert), " ")
		for _, part := range []string{"severity: ", "summary: ", "description: "} {
			if !strings.Contains(flat, part) {
				t.Errorf("%s has no %s", name, part)
			}
		}
		commands := regexp.MustCompile(`"sudo (edgeban [^"]+)"`).FindAllStringSubmatch(flat, -1)
		chapters := regexp.MustCompile(`README(?:'s|,) "([^"]+)"`).FindAllStringSubmatch(flat, -1)
		others := regexp.MustCompile(`"(?:journalctl|systemctl) [^"]+"`).FindAllString(flat, -1)
		if len(commands)+len(chapters)+len(others) == 0 {
			t.Errorf("%s does not say what to do", name)
		}
		for _, m := range commands {
			wantValid(t, strings.Fields(m[1]))
		}
		for _, m := range chapters {
			if !regexp.MustCompile(`(?m)^#+ ` + regexp.QuoteMeta(m[1]) + `$`).Match(readme) {
				t.Errorf("%s: the README has no chapter %q", name, m[1])
			}
		}
	}
}

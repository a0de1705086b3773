package main

import (
	"strings"
	"testing"
)

// typedKeys are a key as the tests have it and keys as CrowdSec makes them, today's and those up to its version 1.4.
func typedKeys() []string {
	return []string{testKey, "vB5/0Qf+3mJtYp1x9Zk2LrT8sWcU4aHdE6gNoRiMqXy", "fedcba9876543210fedcba9876543210"}
}

// A secret in the reason of a ban would stand in the dashboard: it is refused, also between other words, before anything is asked.
func TestSecretIsNoReason(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		for _, key := range typedKeys() {
			for _, secret := range []string{key, testToken} {
				for _, reason := range []string{secret, "see " + secret + "."} {
					_, stderr, status := s.run(t.Context(), withKey(key), "ban", "203.0.113.7", "--reason", reason)
					if status != exitUsage || !strings.HasPrefix(stderr, "edgeban: ban: --reason ") || strings.Contains(stderr, secret) {
						t.Errorf("%s: exit status %d: %s", reason, status, stderr)
					}
				}
			}
		}
		if n := len(s.edge.Requests()); n != 0 {
			t.Errorf("%d requests", n)
		}
		_, stderr, status := s.run(t.Context(), withKey(testKey), "ban", "203.0.113.7", "--reason", "brute-force")
		if status != exitOK || !strings.Contains(s.items(), "brute-force") {
			t.Errorf("the twin: exit status %d: %s%s", status, stderr, s.items())
		}
	})
}

func withKey(key string) []string {
	return []string{"EDGEBAN_CROWDSEC_URL=http://127.0.0.1:8080", "EDGEBAN_CROWDSEC_KEY=" + key}
}

// A secret typed where it does not belong is repeated nowhere.
func TestTypedSecretIsNotRepeated(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		s := mustSite(t)
		for _, key := range append(typedKeys(), testToken) {
			for _, args := range [][]string{
				{key}, {"--" + key}, {"sync", key}, {"sync", "--" + key}, {"sync", "--" + key + "=x"}, {"sync", "-" + key}, {"sync", "--x=" + key},
				{"ban", key}, {"ban", "203.0.113.8", "--remedy", key}, {"unban", key}, {"bans", "--ip", key},
				{"sync", "--list", key}, {"sync", "--challenge-list", key}, {"sync", "--instance", key}, {"sync", "--crowdsec-url", key},
				{"sync", "--crowdsec-key-file", key}, {"sync", "--crowdsec-scenario", key + "["},
				{"sync", "--pushgateway-url", "http://" + key + "@h"}, {"sync", "--pushgateway-url", "http://me:" + key + "@h"},
				{"sync", "--pushgateway-url", "http://h/" + key + "?a=b"},
			} {
				env := withKey(key)
				if key == testToken {
					env = nil
				}
				stdout, stderr, status := s.run(t.Context(), env, args...)
				if status != exitUsage || stderr == "" || strings.Contains(stdout+stderr, key) {
					t.Errorf("edgeban %s: exit status %d: %s%s", args, status, stdout, stderr)
				}
			}
		}
		if _, stderr, _ := s.run(t.Context(), nil, "sync", "--lst"); !strings.Contains(stderr, "unknown flag --lst; did you mean") {
			t.Errorf("the twin: %s", stderr)
		}
	})
}

package main

import (
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	h := newHost(t)
	stdout, stderr, code := h.run("version")
	if code != exitOK || stderr != "" {
		t.Errorf("exit status %d: %s", code, stderr)
	}
	if !regexp.MustCompile(`^edgeban \S+ \(go\S+ \w+/\w+(, commit \w+\+?)?\)\n$`).MatchString(stdout) {
		t.Errorf("version prints %q", stdout)
	}
	if same, _, _ := h.run("--version"); same != stdout {
		t.Errorf("--version prints %q, version %q", same, stdout)
	}
	if agent := userAgent(); !strings.HasPrefix(agent, "edgeban/") || strings.ContainsAny(agent, " ()") {
		t.Errorf("user agent %q", agent)
	}
}

func TestVersionOf(t *testing.T) {
	module := func(version string) *debug.BuildInfo { return &debug.BuildInfo{Main: debug.Module{Version: version}} }
	tests := []struct {
		linked string
		info   *debug.BuildInfo
		want   string
	}{
		{"1.2.3", module("v9.9.9"), "1.2.3"},
		{"v1.2.3", nil, "1.2.3"},
		{"", module("v1.2.3"), "1.2.3"},
		{"", module("(devel)"), "devel"},
		{"", module(""), "devel"},
		{"", nil, "devel"},
	}
	for _, tt := range tests {
		if got := versionOf(tt.linked, tt.info); got != tt.want {
			t.Errorf("versionOf(%q, …) = %q, want %q", tt.linked, got, tt.want)
		}
	}
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"},
	}}
	if got := commitOf(info); got != "0123456789ab+" {
		t.Errorf("commit %q", got)
	}
	if got := commitOf(nil); got != "" {
		t.Errorf("commit %q of nothing", got)
	}
}

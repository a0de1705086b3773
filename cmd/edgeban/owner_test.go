package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"edgeban/reconcile"
)

func TestOwnerOf(t *testing.T) {
	const id = "6b8c3f1e0d5a4c7f9e2b1a0c3d4e5f60"
	tests := []struct{ host, instance, want string }{
		{"web-1", "", "web-1-ddb14b4c"},
		{"WEB-1.example.com", "", "web-1-ddb14b4c"},
		{"web 1+ü", "", "web-1---ddb14b4c"},
		{"", "", "host-ddb14b4c"},
		{".local", "", "host-ddb14b4c"},
		{"web-1", "blue", "web-1-"},
		{strings.Repeat("a", 80), "", strings.Repeat("a", 54) + "-ddb14b4c"},
	}
	for _, tt := range tests {
		got := ownerOf(tt.host, id, tt.instance)
		if !reconcile.ValidOwner(got) {
			t.Errorf("%q: %q is no owner", tt.host, got)
		}
		if tt.instance != "" {
			if !strings.HasPrefix(got, tt.want) || got == "web-1-ddb14b4c" {
				t.Errorf("instance %q: %q", tt.instance, got)
			}
			continue
		}
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.host, got, tt.want)
		}
	}
	if ownerOf("web-1", id, "") == ownerOf("web-1", strings.Replace(id, "6", "7", 1), "") {
		t.Error("two hosts of one name are one owner")
	}
}

func TestDefaultOwner(t *testing.T) {
	h := newHost(t)
	sys := h.system(nil, nil)
	sys.hostname = func() (string, error) { return "", errors.New("no name") }
	if got, err := defaultOwner(&sys, ""); got != "host-ddb14b4c" || err != nil {
		t.Errorf("without a host name: %q, %v", got, err)
	}
	for _, content := range []string{"", "\n", "uninitialized\n"} {
		h.write("etc/machine-id", content)
		if got, err := defaultOwner(&sys, ""); err == nil {
			t.Errorf("machine id %q: owner %q", content, got)
		}
	}
	if err := os.Remove("etc/machine-id"); err != nil {
		t.Fatal(err)
	}
	if got, err := defaultOwner(&sys, ""); err == nil {
		t.Errorf("no machine id: owner %q", got)
	}
}

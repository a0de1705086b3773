//go:build boot

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

const (
	account = "0123456789abcdef0123456789abcdef"
	token   = "v1_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4_booting"
	byHands = "198.51.100.250" // stands on the list from the beginning, put there by hand

	operationTime = 500 * time.Millisecond // that Cloudflare takes over a write
)

// host is the guest, and the Cloudflare that it talks to.
type host struct {
	guest
	edge *cloudflaretest.Cloudflare
	list string // its id, once setup has made it
	zone string // the id of example.com
}

// newHost boots a guest that has Fail2Ban and no edgeban yet, and an account of a zone without a list.
func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{guest: guest{t: t, root: os.Getenv("EDGEBAN_E2E_ROOT")}}
	h.edge = cloudflaretest.New(cloudflaretest.Options{OperationTime: operationTime})
	h.edge.AddAccount(account)
	h.edge.AddAccountToken(account, token, cloudflaretest.ListsEdit, cloudflaretest.ZoneRead, cloudflaretest.WAFEdit)
	h.zone = h.edge.AddZone(account, "example.com")
	if err := h.edge.Start(); err != nil {
		t.Fatal(err)
	}
	h.bring()
	h.write("/etc/hostname", "web-1\n", 0o644)
	h.write("/etc/fail2ban/jail.d/e2e.local", jails, 0o644)
	for _, name := range []string{"sshd", "web", "brief"} {
		h.write("/var/log/"+name+".log", "", 0o644)
	}
	for _, name := range []string{"prometheus", "prometheus-node-exporter"} { // they wait for their step
		_ = os.Remove(filepath.Join(h.root, "etc/systemd/system/multi-user.target.wants", name+".service"))
	}
	h.boot()
	return h
}

// bring puts the package where the guest finds it.
func (h *host) bring() {
	h.t.Helper()
	if h.root == "" {
		h.t.Fatal("no Debian to boot: start packaging/e2e/boot")
	}
	h.bringPackage("/root/edgeban.deb", "1.0.0")
}

// bringPackage brings the package of a version, of the kind that the name ends in.
func (h *host) bringPackage(name, version string) {
	h.t.Helper()
	built, err := filepath.Glob(filepath.Join(os.Getenv("EDGEBAN_E2E_PACKAGES"), version, "*"+filepath.Ext(name)))
	if err != nil || len(built) != 1 {
		h.t.Fatalf("expected one package of version %s for %s, there are %q (%v)", version, name, built, err)
	}
	h.bringFile(name, built[0])
}

func (h *host) bringFile(name, from string) {
	h.t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		h.t.Fatal(err)
	}
	h.write(name, string(content), 0o644)
}

// jails are three: sshd waits for the timer, web and brief trigger. Nothing is done to this host's own firewall.
const jails = `
[DEFAULT]
bantime = 1h
backend = polling
action = dummy
filter = sshd
[sshd]
enabled = true
logpath = /var/log/sshd.log
[web]
enabled = true
logpath = /var/log/web.log
action = edgeban
[brief]
enabled = true
bantime = 10s
logpath = /var/log/brief.log
`

// shutDown ends the guest and Cloudflare.
func (h *host) shutDown() {
	h.t.Helper()
	h.powerOff()
	if err := h.edge.Close(); err != nil {
		h.t.Error(err)
	}
}

// ban makes Fail2Ban ban.
func (h *host) ban(jail string, addresses ...string) {
	h.t.Helper()
	h.sh("fail2ban-client set " + jail + " banip " + strings.Join(addresses, " "))
}

// unban makes Fail2Ban un-ban.
func (h *host) unban(jail string, addresses ...string) {
	h.t.Helper()
	h.sh("fail2ban-client set " + jail + " unbanip " + strings.Join(addresses, " "))
}

// items are the addresses on a list, sorted.
func (h *host) items(list string) []string {
	all := []string{}
	for _, item := range h.edge.Items(list) {
		all = append(all, item.IP)
	}
	slices.Sort(all)
	return all
}

// listed waits until the list holds exactly these, besides what was put there by hand.
func (h *host) listed(limit time.Duration, want ...string) {
	h.t.Helper()
	h.onList(h.list, limit, append(want, byHands)...)
}

// onList waits until a list holds exactly these.
func (h *host) onList(list string, limit time.Duration, want ...string) {
	h.t.Helper()
	want = slices.Sorted(slices.Values(want))
	if !within(limit, func() bool { return slices.Equal(h.items(list), want) }) {
		h.t.Fatalf("expected within %v that the list holds\n  %s\nit holds\n  %s", limit,
			strings.Join(want, "\n  "), strings.Join(h.items(list), "\n  "))
	}
}

// stays demands that the list goes on holding exactly these for some time, in which so many runs at least come by.
func (h *host) stays(runs int, want ...string) {
	h.t.Helper()
	before := h.runs()
	deadline := time.Now().Add(40 * time.Second)
	for h.runs() < before+runs {
		h.listed(0, want...)
		if time.Now().After(deadline) {
			h.t.Fatalf("expected %d runs within 40 s, there were %d", runs, h.runs()-before)
		}
		time.Sleep(50 * time.Millisecond)
	}
	h.listed(0, want...)
}

// runs is how many runs have asked Cloudflare for its lists.
func (h *host) runs() int {
	n := 0
	for _, r := range h.edge.Requests() {
		if r.Method == "GET" && strings.HasSuffix(r.Path, "/rules/lists") {
			n++
		}
	}
	return n
}

// writes is how many requests were to change something.
func (h *host) writes() int {
	n := 0
	for _, r := range h.edge.Requests() {
		if r.Mutating {
			n++
		}
	}
	return n
}

// evidence prints what there is to see when a step has failed.
func (h *host) evidence(t *testing.T) {
	var items strings.Builder
	for _, i := range h.edge.Items(h.list) {
		items.WriteString("  " + i.IP + "  " + i.Comment + "\n")
	}
	t.Logf("the list holds:\n%s", items.String())
	for _, look := range []string{
		"journalctl --no-pager --lines=60 --output=short-iso",
		"systemctl list-units --all --no-pager 'edgeban*'",
		"fail2ban-client banned",
		"tail -n 20 /var/log/fail2ban.log",
	} {
		out, err := h.try(look)
		t.Logf("%s (%v)\n%s", look, err, out)
	}
}

//go:build boot

package e2e

import (
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

// killed: once before the write has taken effect, and once after.
func killed(h *host) {
	for address, effect := range map[string]cloudflaretest.Effect{
		"203.0.113.4": cloudflaretest.Delay(time.Minute),
		"203.0.113.5": cloudflaretest.After(cloudflaretest.Delay(time.Minute)),
	} {
		struck := h.edge.AddFault(cloudflaretest.Fault{Method: "POST", Path: "/items", Times: 1, Effect: effect})
		h.ban("sshd", address)
		if !within(soon, func() bool { return struck() == 1 }) {
			h.t.Fatalf("expected a run to write within %v", soon)
		}
		h.sh("systemctl kill --signal=KILL edgeban.service")
		h.listed(soon, banned(address)...)
		h.unban("sshd", address)
		h.listed(soon, banned()...)
	}
	h.edge.ClearFaults()
}

func diskFull(h *host) {
	h.sh("mount -t tmpfs -o size=64k,mode=0700,uid=$(id -u edgeban),gid=$(id -g edgeban) tmpfs /var/lib/edgeban")
	h.sh("dd if=/dev/zero of=/var/lib/edgeban/filler bs=4k 2>/dev/null || test -s /var/lib/edgeban/filler")
	h.ban("sshd", "203.0.113.6")
	h.listed(soon, banned("203.0.113.6")...)
	h.stays(1, banned("203.0.113.6")...)
	h.sh("journalctl -u edgeban.service -o cat | grep -q 'no space left on device'")
	h.sh("umount --lazy /var/lib/edgeban")
	h.unban("sshd", "203.0.113.6")
	h.listed(soon, banned()...)
}

func reboots(h *host) {
	h.powerOff()
	h.boot()
	h.stays(1, banned()...)
	h.ban("sshd", "203.0.113.7")
	h.listed(soon, banned("203.0.113.7")...)
	h.unban("sshd", "203.0.113.7")
	h.listed(soon, banned()...)
}

// instances: one more configuration, for a list of its own, with the token that all have in common.
func instances(h *host) {
	second := h.edge.AddList(account, "second", "ip")
	h.edge.SetReferences(second, 1)
	const chapter = "Several configurations on one host"
	h.sh(h.readme(chapter, "shop.toml"))
	h.sh(`sed -i -e '/^metrics-file/d' -e 's/^#list = .*/list = "second"/' -e 's/^#jail = .*/jail = ["sshd"]/' -e 's/^#write-interval = .*/write-interval = "0s"/' /etc/edgeban/shop.toml`)
	h.dropIn("edgeban@shop.timer", shortTick)
	h.sh(h.readme(chapter, "edgeban@shop.timer"))
	h.onList(second, soon, banned()...)
	h.listed(0, banned()...)
	if !within(soon, func() bool { _, err := h.try("test -s /var/lib/edgeban/shop/state.json"); return err == nil }) {
		h.t.Error("expected a state of its own")
	}
	h.prints("", "find /var/lib/edgeban -not -user edgeban")

	h.sh("systemctl stop edgeban@shop.timer && systemctl start edgeban@shop.path")
	h.ban("sshd", "203.0.113.8")
	h.sh("touch /run/fail2ban/edgeban-shop")
	h.onList(second, soon, banned("203.0.113.8")...)
	h.listed(0, banned()...)
	h.sh("touch /run/fail2ban/edgeban")
	h.listed(soon, banned("203.0.113.8")...)
	h.unban("sshd", "203.0.113.8")
	h.sh("touch /run/fail2ban/edgeban")
	h.listed(soon, banned()...)
	h.sh("systemctl stop edgeban@shop.path")
}

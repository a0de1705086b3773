//go:build boot

package e2e

import (
	"strings"
	"time"
)

// The settings of the test: seconds stand for minutes, and a run may follow a run at once.
const (
	shortRuns = "[Service]\nEnvironment=EDGEBAN_MARGIN=2s EDGEBAN_WRITE_INTERVAL=0s EDGEBAN_TIMEOUT=30s\n"
	shortRest = "ExecStopPost=\nExecStopPost=/bin/sleep 1\n"
	shortTick = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/2\nRandomizedDelaySec=0\n"

	asRoot = "EDGEBAN_MARGIN=2s EDGEBAN_WRITE_INTERVAL=0s edgeban " // the same, by hand

	soon = 15 * time.Second // within which the timer's next run has ended
)

// banned are the addresses that stay banned from one step to the next.
func banned(more ...string) []string {
	return append([]string{"203.0.113.1", "192.0.2.16/28", "2001:db8:7::/64"}, more...)
}

// byHand: root comes before the service, and finds the service's token by itself.
func byHand(h *host) {
	h.sh("rm -rf /var/lib/edgeban")
	h.ban("sshd", "203.0.113.1")
	if said := h.sh(asRoot + "diff"); !strings.Contains(said, "+  203.0.113.1  sshd") {
		h.t.Errorf("expected edgeban diff to add 203.0.113.1:\n%s", said)
	}
	h.listed(0)
	h.sh(asRoot + "sync")
	h.listed(0, "203.0.113.1")
	h.fails(0, asRoot+"diff --exit-code")
}

func timerBringsBans(h *host) {
	h.dropIn("edgeban.service", shortRuns+shortRest)
	h.dropIn("edgeban.timer", shortTick)
	h.sh("systemctl enable --quiet --now edgeban.timer")
	h.ban("sshd", "203.0.113.2", "192.0.2.16/28", "2001:db8:7::5")
	h.listed(soon, banned("203.0.113.2")...)
	h.prints("edgeban:edgeban", "stat -c %U:%G /var/lib/edgeban/state.json")
}

func unbans(h *host) {
	h.unban("sshd", "203.0.113.2")
	h.listed(soon, banned()...)
}

// banEnds: a ban of 10 s, which lingers for as long again as it was to last when it came to the list.
func banEnds(h *host) {
	h.ban("brief", "203.0.113.9")
	h.listed(soon, banned("203.0.113.9")...)
	time.Sleep(5 * time.Second)
	h.listed(0, banned("203.0.113.9")...)
	h.listed(30*time.Second, banned()...)
}

func fail2banRestarts(h *host) {
	h.sh("systemctl restart fail2ban.service")
	h.stays(2, banned()...)
}

func fail2banStops(h *host) {
	h.sh("systemctl stop fail2ban.service")
	h.stays(2, banned()...)
	h.sh("systemctl start fail2ban.service")
	h.sh("for i in $(seq 50); do fail2ban-client ping >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1")
	h.stays(1, banned()...)
}

// rootAndService: neither locks the other out, nor leaves files that the other cannot read.
func rootAndService(h *host) {
	h.ban("sshd", "203.0.113.3")
	for range 3 {
		h.sh(asRoot + "sync")
		h.sh(asRoot + "diff")
		h.sh(asRoot + "bans")
	}
	h.listed(soon, banned("203.0.113.3")...)
	h.unban("sshd", "203.0.113.3")
	h.sh(asRoot + "sync")
	h.listed(soon, banned()...)
	h.prints("", "find /var/lib/edgeban -not -user edgeban")
}

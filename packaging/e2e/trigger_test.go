//go:build boot

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

// latency bans addresses one by one in a jail, each when no run is at work, and returns from ban to list the median.
func (h *host) latency(jail string, count int) time.Duration {
	h.t.Helper()
	var addresses []string
	var took []time.Duration
	for i := range count {
		if !within(soon, func() bool {
			out, _ := h.try("systemctl is-active edgeban.service")
			return out == "inactive\n"
		}) {
			h.t.Fatalf("expected edgeban.service to come to rest within %v", soon)
		}
		addresses = append(addresses, fmt.Sprintf("203.0.113.%d", 100+i))
		began := time.Now()
		h.ban(jail, addresses[i])
		h.listed(soon, banned(addresses...)...)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	h.t.Logf("from ban to list, %d bans of jail %s: median %v, longest %v", count, jail, took[count/2].Round(time.Millisecond), took[count-1].Round(time.Millisecond))
	h.unban(jail, addresses...)
	h.listed(soon, banned()...)
	return took[count/2]
}

// measuresTimer: the test's timer ticks every 2 s, the packaged one every 120 s.
func measuresTimer(h *host) { h.latency("sshd", 3) }

func measuresTrigger(h *host) {
	h.sh("systemctl stop edgeban.timer && systemctl enable --quiet --now edgeban.path")
	if median := h.latency("web", 20); median >= 3*time.Second {
		h.t.Errorf("expected a median under 3 s, it is %v", median)
	}
}

// tokenGoes: the service fails at once for as long as there is no token. The path unit must live through that, and the next ban
// arrive through it: the timer stands still.
func tokenGoes(h *host) {
	h.dropIn("edgeban.service", shortRuns)
	h.sh("mv /etc/edgeban/token /etc/edgeban/token.away")
	since := h.starts()
	h.ban("web", "203.0.113.20")
	time.Sleep(8 * time.Second)
	h.ban("web", "203.0.113.21")
	time.Sleep(4 * time.Second)
	if n := h.starts() - since; n < 2 || n > 3 {
		h.t.Errorf("expected 2 or 3 runs for two bans within 12 s, there were %d", n)
	}
	h.prints("active", "systemctl is-active edgeban.path")
	h.listed(0, banned()...)
	h.sh("mv /etc/edgeban/token.away /etc/edgeban/token")
	h.ban("web", "203.0.113.22")
	h.listed(soon, banned("203.0.113.20", "203.0.113.21", "203.0.113.22")...)
	h.unban("web", "203.0.113.20", "203.0.113.21", "203.0.113.22")
	h.listed(soon, banned()...)
}

// starts is how often the service was started since the guest booted.
func (h *host) starts() int {
	h.t.Helper()
	return strings.Count(h.sh("journalctl -b -u edgeban.service -o cat --no-pager"), "Starting ")
}

func stormOfTriggers(h *host) {
	flag := "/proc/" + h.leader + "/root/run/fail2ban/edgeban"
	runs, requests := h.starts(), len(h.edge.Requests())
	h.ban("sshd", "203.0.113.23") // of a jail that does not trigger
	for began, i := time.Now(), 0; i < 1000; i++ {
		if err := os.WriteFile(flag, nil, 0o644); err != nil {
			h.t.Fatal(err)
		}
		time.Sleep(time.Until(began.Add(time.Duration(i) * 10 * time.Millisecond)))
	}
	h.listed(soon, banned("203.0.113.23")...)
	time.Sleep(6 * time.Second) // the last trigger's run
	runs, requests = h.starts()-runs, len(h.edge.Requests())-requests
	h.t.Logf("1000 triggers in 10 s: %d runs, %d requests", runs, requests)
	if runs > 4 || requests > 16 {
		h.t.Errorf("expected at most 4 runs and 16 requests, there were %d and %d", runs, requests)
	}
	h.prints("active", "systemctl is-active edgeban.path")
	h.unban("sshd", "203.0.113.23")
	h.ban("web", "203.0.113.24")
	h.listed(soon, banned("203.0.113.24")...)
	h.unban("web", "203.0.113.24")
	h.listed(soon, banned()...)
}

// triggeredDuringHold: two runs are refused, and then there is a hold of two minutes.
func triggeredDuringHold(h *host) {
	refused := h.edge.AddFault(cloudflaretest.Fault{Method: "POST", Path: "/items", Effect: cloudflaretest.TooManyRequests(10040, "60")})
	for n := 1; n <= 2; n++ {
		h.ban("web", fmt.Sprintf("203.0.113.%d", 24+n))
		if !within(soon, func() bool { return refused() == n }) {
			h.t.Fatalf("expected %d refused writes, there were %d", n, refused())
		}
	}
	requests, runs := len(h.edge.Requests()), h.starts()
	h.ban("web", "203.0.113.27")
	if !within(soon, func() bool { return h.starts() > runs }) {
		h.t.Fatal("expected the ban to trigger a run")
	}
	time.Sleep(2 * time.Second)
	if n := len(h.edge.Requests()) - requests; n > 0 {
		h.t.Errorf("expected no request of a run that a ban triggered during a hold, there were %d", n)
	}
	h.sh("journalctl -b -u edgeban.service -o cat --no-pager | grep 'writes are on hold' | grep -q 'requests=0'")
	// Also when the last look lies longer back than the timer's interval, which is stopped here.
	h.sh(`sed -i -E 's/^( *"at": ").*",$/\1'"$(date -u -d '-3 min' +%Y-%m-%dT%H:%M:%SZ)"'",/' /var/lib/edgeban/state.json`)
	runs = h.starts()
	h.unban("web", "203.0.113.27")
	h.ban("web", "203.0.113.27")
	if !within(soon, func() bool { return h.starts() > runs }) {
		h.t.Fatal("expected the ban to trigger a run")
	}
	time.Sleep(2 * time.Second)
	if n := len(h.edge.Requests()) - requests; n > 0 {
		h.t.Errorf("expected no request of a triggered run three minutes after the last look, there were %d", n)
	}
	looks := func() bool { // the last trigger's run may still be going on
		h.sh("systemctl start edgeban.service")
		return len(h.edge.Requests()) > requests
	}
	if !within(30*time.Second, looks) {
		h.t.Error("expected a run that nothing triggered to look")
	}
	h.listed(0, banned()...)

	if said := h.sh("edgeban diff"); !strings.Contains(said, "Writes are on hold: ") || !strings.Contains(said, "3 to add") {
		h.t.Errorf("expected edgeban diff to look all the same:\n%s", said)
	}
	h.edge.ClearFaults()
	h.sh("rm /var/lib/edgeban/*.json") // or the hold would last two minutes
	h.ban("web", "203.0.113.28")
	all := []string{"203.0.113.25", "203.0.113.26", "203.0.113.27", "203.0.113.28"}
	h.listed(soon, banned(all...)...)
	h.unban("web", all...)
	h.listed(soon, banned()...)
}

//go:build boot

// Package e2e tries the package on a real Debian that is booted for it: systemd, Fail2Ban, node_exporter and Prometheus are the
// distribution's own, and only Cloudflare is the embedded one. packaging/e2e/boot builds what it needs and runs it.
package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestContainer installs where no systemd runs, as in the building of a container's image, and takes it away again.
func TestContainer(t *testing.T) {
	root := os.Getenv("EDGEBAN_E2E_ROOT")
	h := &host{guest: guest{t: t, root: root}}
	h.bring()
	out, err := exec.Command("chroot", root, "/bin/sh", "-euc", `
		dpkg --install /root/edgeban.deb
		edgeban version
		stat -c '%a %U:%G' /etc/edgeban/edgeban.toml
		dpkg --remove edgeban
		dpkg --purge edgeban
		find / -xdev -name '*edgeban*' -not -path '/proc/*'`).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\n640 root:edgeban\n") || !strings.HasSuffix(string(out), "\n/root/edgeban.deb\n") {
		t.Errorf("expected that it installs and leaves nothing but the package itself: %v\n%s", err, out)
	}
}

// TestBoot is one life of a host, from the installation to the purge. Each step goes on where the one before it ended, and ends
// when the list holds exactly what it should.
func TestBoot(t *testing.T) {
	h := newHost(t)
	for _, step := range []struct {
		title string
		do    func(*host)
	}{
		{"the package installs, and starts nothing", installs},
		{"systemd finds nothing wrong with the units", unitsAreSound},
		{"without settings a run says what is missing", namesWhatIsMissing},
		{"a run that fails sends a mail", mails},
		{"check says what is missing, and setup makes it", setsUp},
		{"diff and sync by hand, as root", byHand},
		{"the timer brings bans to the list: IPv4, IPv6, a subnet", timerBringsBans},
		{"an un-banned address leaves the list", unbans},
		{"a ban that ends leaves the list", banEnds},
		{"an upgrade keeps what runs, and starts nothing", upgrades},
		{"Fail2Ban restarts: the list stays as it is", fail2banRestarts},
		{"Fail2Ban stops: the list stays as it is", fail2banStops},
		{"runs of root and of the service take turns", rootAndService},
		{"a ban and an un-ban by hand", bansByHand},
		{"edgeban is killed in the middle of a run", killed},
		{"the disk of the state directory is full", diskFull},
		{"the host reboots", reboots},
		{"without the action a ban comes with the timer", measuresTimer},
		{"with the action a ban comes at once", measuresTrigger},
		{"the token goes, and comes back", tokenGoes},
		{"a thousand triggers in ten seconds are a few runs", stormOfTriggers},
		{"during a hold a triggered run asks Cloudflare nothing", triggeredDuringHold},
		{"the example jails start, and one of them bans from a log", exampleJails},
		{"several configurations on one host", instances},
		{"Prometheus shows the metrics", prometheusShowsMetrics},
		{"an alert fires while Cloudflare's API is down", alertsWhenTheAPIIsDown},
		{"the journal holds no secret and no line without meaning", journalIsClean},
		{"removed, it is at rest", removes},
		{"purged, it leaves nothing", purges},
		{"the rpm installs, upgrades, and goes", rpmPackage},
	} {
		if !t.Run(step.title, func(t *testing.T) { h.t = t; step.do(h) }) {
			h.evidence(t)
			break
		}
	}
	h.t = t
	h.shutDown()
}

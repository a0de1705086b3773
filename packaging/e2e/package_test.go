//go:build boot

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func installs(h *host) {
	h.sh("apt-get install -y --no-install-recommends /root/edgeban.deb")
	h.prints("edgeban 1.0.0", "edgeban version | cut -d' ' -f1-2")
	h.prints("640 root:edgeban", "stat -c '%a %U:%G' /etc/edgeban/edgeban.toml")
	h.prints("edgeban:/var/lib/edgeban", "getent passwd edgeban | cut -d: -f1,6")
	h.prints("disabled disabled", "echo $(systemctl is-enabled edgeban.timer edgeban.path)")
	h.prints("inactive inactive inactive", "echo $(systemctl is-active edgeban.timer edgeban.path edgeban.service)")
	if n := len(h.edge.Requests()); n > 0 {
		h.t.Errorf("expected that nothing is asked of Cloudflare yet, there were %d requests", n)
	}
}

func unitsAreSound(h *host) {
	units := ""
	for _, name := range []string{"edgeban", "edgeban@web"} {
		units += fmt.Sprintf(" %[1]s.service %[1]s.timer %[1]s.path", name)
	}
	h.prints("", "systemd-analyze verify --man=no"+units+" /usr/share/doc/edgeban/examples/edgeban-failure@.service 2>&1")
	for _, name := range []string{"edgeban", "edgeban@web"} {
		h.t.Log(strings.TrimSpace(h.sh("systemd-analyze security --no-pager --threshold=14 " + name + ".service | tail -n 1")))
	}
}

func namesWhatIsMissing(h *host) {
	h.dropIn("edgeban.service", shortRuns+shortRest)
	h.fails(1, "systemctl start edgeban.service")
	h.sh("journalctl -u edgeban.service -o cat | grep -q 'the Cloudflare account is not set'")
	h.sh(`sed -i -e 's|^#account = .*|account = "` + account + `"|' -e 's|^#api-url = .*|api-url = "` + h.edge.URL() + `"|' ` +
		`-e 's|^#metrics-file = .*|metrics-file = "/var/lib/prometheus/node-exporter/edgeban.prom"|' /etc/edgeban/edgeban.toml`)
	h.fails(1, "systemctl start edgeban.service")
	h.sh("journalctl -u edgeban.service -o cat | grep -q 'there is no Cloudflare API token'")
	h.sh("echo " + token + " | " + h.readme("Connect to Cloudflare in five minutes", "/etc/edgeban/token"))
	h.prints("600 root:root", "stat -c '%a %U:%G' /etc/edgeban/token")
}

// mails follows the README, with a sendmail that keeps what it is given.
func mails(h *host) {
	h.write("/usr/sbin/sendmail", "#!/bin/sh\ncat >/root/mail\n", 0o755)
	h.sh(h.readme("A mail when a run fails", ""))
	h.fails(1, "systemctl start edgeban.service")
	mail := ""
	if !within(soon, func() bool { mail, _ = h.try("cat /root/mail"); return strings.Contains(mail, "level=ERROR") }) ||
		!strings.HasPrefix(mail, "To: root\nSubject: edgeban.service failed on ") {
		h.t.Errorf("expected a mail that says what failed, there is:\n%s", mail)
	}
	h.sh("rm -f /usr/sbin/sendmail /root/mail /etc/systemd/system/edgeban-failure@.service /etc/systemd/system/edgeban.service.d/mail.conf; systemctl daemon-reload")
}

// readme is what root has to type by a chapter of the README, as it is installed: the commands that contain something.
func (h *host) readme(chapter, containing string) string {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.root, "usr/share/doc/edgeban/README.md"))
	if err != nil {
		h.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "# "+chapter+"\n")
	rest, _, _ = strings.Cut(rest, "\n#")
	var commands []string
	for line := range strings.Lines(rest) {
		if command, is := strings.CutPrefix(line, "    "); is && strings.Contains(command, containing) {
			commands = append(commands, strings.ReplaceAll(command, "sudo ", ""))
		}
	}
	if len(commands) == 0 {
		h.t.Fatalf("the README has no such command under %q: %s", chapter, containing)
	}
	return strings.Join(commands, "")
}

// setsUp: check says what is missing, setup makes it, and a second setup changes nothing.
func setsUp(h *host) {
	if said := h.fails(1, "edgeban check"); !strings.Contains(said, "the account has no list edgeban") {
		h.t.Errorf("expected edgeban check to miss the list:\n%s", said)
	}
	writes := h.writes()
	h.sh("edgeban setup --zone example.com --dry-run")
	if n := h.writes() - writes; n > 0 {
		h.t.Errorf("expected that a dry run changes nothing, there were %d writes", n)
	}
	h.sh("edgeban setup --zone example.com")
	if h.list = h.edge.ListID(account, "edgeban"); h.list == "" {
		h.t.Fatal("expected setup to create the list")
	}
	rules := h.edge.Rules(h.zone)
	if len(rules) != 1 || rules[0].Expression != "(ip.src in $edgeban)" || rules[0].Action != "block" || !rules[0].Enabled {
		h.t.Errorf("expected one rule that blocks what is on the list, there are: %+v", rules)
	}
	writes = h.writes()
	h.sh("edgeban setup --zone example.com")
	if n := h.writes() - writes; n > 0 {
		h.t.Errorf("expected that a second setup changes nothing, there were %d writes", n)
	}
	if _, err := h.edge.SetItem(h.list, byHands, "by hand: a scanner that somebody noticed"); err != nil {
		h.t.Fatal(err)
	}
	if said := h.fails(1, "edgeban check"); !strings.Contains(said, "edgeban.timer is not active") || !strings.HasSuffix(said, "\n1 failed\n") {
		h.t.Errorf("expected edgeban check to miss the timer, and nothing else:\n%s", said)
	}
}

// upgrades: a timer that runs goes on and starts the new program; one that is stopped stays so, also on the way back to the version of
// before. What the administrator wrote stays.
func upgrades(h *host) {
	h.dropIn("edgeban.timer", shortTick)
	h.sh("systemctl enable --quiet --now edgeban.timer")
	h.sh("echo '# by the administrator' >>/etc/edgeban/edgeban.toml")
	h.bringPackage("/root/edgeban-next.deb", "1.0.1")
	upgrade := func(deb, version string) {
		const state = `for unit in edgeban.timer edgeban.path edgeban@shop.timer; do
				echo $unit $(systemctl is-enabled $unit) $(systemctl is-active $unit)
			done
			stat -c '%n %a %U:%G' /etc/edgeban/*
			sha256sum /etc/edgeban/*`
		before := h.sh(state)
		h.sh("dpkg --install " + deb)
		h.prints("edgeban "+version, "edgeban version | cut -d' ' -f1-2")
		if after := h.sh(state); after != before {
			h.t.Errorf("expected that %s leaves alone:\n%s\nit left:\n%s", version, before, after)
		}
	}
	lastStart := func() string {
		return h.sh("systemctl show --property=ExecMainStartTimestampMonotonic edgeban.service")
	}

	upgrade("/root/edgeban-next.deb", "1.0.1")
	if began := lastStart(); !within(soon, func() bool { return lastStart() != began }) {
		h.t.Error("expected that the timer goes on starting runs")
	}
	h.prints("active", "systemctl is-active edgeban.timer")

	h.sh("systemctl stop edgeban.timer")
	upgrade("/root/edgeban.deb", "1.0.0")
	h.prints("inactive", "systemctl is-active edgeban.timer || true")
	h.sh("systemctl start edgeban.timer; sed -i '$d' /etc/edgeban/edgeban.toml; rm /root/edgeban-next.deb")
}

func removes(h *host) {
	for _, unit := range []string{"edgeban.service", "edgeban.timer"} {
		h.dropIn(unit, "")
	}
	h.sh("rm -rf /etc/systemd/system/edgeban*.d; systemctl daemon-reload; systemctl enable --quiet --now edgeban.timer edgeban.path edgeban@shop.timer")
	h.sh("systemctl stop edgeban.timer edgeban.path edgeban.service && edgeban flush --yes")
	h.listed(0)
	h.sh("systemctl start edgeban.timer edgeban.path")
	if said := h.sh("apt-get remove -y edgeban 2>&1"); !strings.Contains(said, "edgeban flush") {
		h.t.Errorf("expected a word about edgeban flush:\n%s", said)
	}
	h.prints("", "systemctl list-units --all --no-legend 'edgeban*'")
	h.prints("", "find /etc/systemd/system /var/lib/prometheus -name '*edgeban*'")
	h.sh("test -s /etc/edgeban/token && test -d /var/lib/edgeban") // for the one who installs it again
	before := len(h.edge.Requests())
	h.sh("touch /run/fail2ban/edgeban && sleep 3")
	if n := len(h.edge.Requests()) - before; n > 0 {
		h.t.Errorf("expected that nothing asks Cloudflare any more, there were %d requests", n)
	}
}

func purges(h *host) {
	h.sh("apt-get purge -y edgeban")
	h.prints("", "find / -xdev -name '*edgeban*' -not -path '/proc/*' -not -path /root/edgeban.deb")
	h.prints("", "getent passwd edgeban || getent group edgeban || true")
	h.prints("", "getfacl --absolute-names --omit-header --skip-base /var/lib/prometheus/node-exporter")
	h.sh("systemctl is-active fail2ban.service && fail2ban-client ping")
}

// rpmPackage installs the other kind of package, upgrades and removes it. Debian's rpm knows nothing of what dpkg has installed.
func rpmPackage(h *host) {
	h.bringPackage("/root/edgeban.rpm", "1.0.0")
	h.bringPackage("/root/edgeban-next.rpm", "1.0.1")
	h.sh("rpm --install --nodeps /root/edgeban.rpm")
	h.prints("edgeban 1.0.0", "edgeban version | cut -d' ' -f1-2")
	h.prints("640 root:edgeban", "stat -c '%a %U:%G' /etc/edgeban/edgeban.toml")
	h.prints("disabled disabled", "echo $(systemctl is-enabled edgeban.timer edgeban.path)")

	h.sh("systemctl enable --quiet --now edgeban.timer; echo '# by the administrator' >>/etc/edgeban/edgeban.toml")
	h.sh("rpm --upgrade --nodeps /root/edgeban-next.rpm")
	h.prints("edgeban 1.0.1", "edgeban version | cut -d' ' -f1-2")
	h.prints("enabled active", "echo $(systemctl is-enabled edgeban.timer) $(systemctl is-active edgeban.timer)")
	h.prints("# by the administrator", "tail -n 1 /etc/edgeban/edgeban.toml")
	h.prints("640 root:edgeban", "stat -c '%a %U:%G' /etc/edgeban/edgeban.toml")

	if said := h.sh("rpm --erase edgeban 2>&1"); !strings.Contains(said, "edgeban flush") {
		h.t.Errorf("expected a word about edgeban flush:\n%s", said)
	}
	h.prints("", "systemctl list-units --all --no-legend 'edgeban*'")
	h.prints("", "find /etc/systemd/system /usr -name '*edgeban*'")
	h.sh("test -s /etc/edgeban/edgeban.toml.rpmsave")
}

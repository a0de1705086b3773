//go:build boot

package e2e

import (
	"strings"
	"time"
)

// The settings of the test: seconds stand for minutes, and a run may follow a run at once.
const (
	shortRuns = "[Service]\nEnvironment=EDGEBAN_MARGIN=2s EDGEBAN_WRITE_INTERVAL=0s EDGEBAN_TIMEOUT=30s\n"
	shortRest = "ExecStopPost=\nExecStopPost=/bin/sleep 0.2\n"
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

	h.ban("sshd", "203.0.113.2") // and the line for cron, which says nothing when all is well
	h.prints("", `export EDGEBAN_MARGIN=2s EDGEBAN_WRITE_INTERVAL=0s; eval "$(sed -n 's/^[*].* root //p' /usr/share/doc/edgeban/examples/cron)" 2>&1`)
	h.listed(0, "203.0.113.1", "203.0.113.2")
	h.unban("sshd", "203.0.113.2")
	h.sh(asRoot + "sync")
	h.listed(0, "203.0.113.1")
}

func timerBringsBans(h *host) {
	h.dropIn("edgeban.timer", shortTick)
	h.sh("systemctl enable --quiet --now edgeban.timer")
	h.ban("sshd", "203.0.113.2", "192.0.2.16/28", "2001:db8:7::5")
	h.listed(soon, banned("203.0.113.2")...)
	h.prints("edgeban:edgeban", "stat -c %U:%G /var/lib/edgeban/state.json")
	if said := h.sh("edgeban check"); !strings.HasSuffix(said, "\nAll is well.\n") {
		h.t.Errorf("expected edgeban check to find that all is well:\n%s", said)
	}
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
	h.fail2banAnswers()
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

// bansByHand: at once, and the runs of the service leave it so.
func bansByHand(h *host) {
	h.sh(asRoot + "ban 203.0.113.40 --for 1h --reason 'a scraper'")
	h.listed(0, banned("203.0.113.40")...)
	h.stays(1, banned("203.0.113.40")...)
	h.sh(asRoot + "unban 203.0.113.40")
	h.listed(0, banned()...)

	h.ban("sshd", "203.0.113.41")
	h.listed(soon, banned("203.0.113.41")...)
	if said := h.fails(1, asRoot+"unban 203.0.113.41"); !strings.Contains(said, "fail2ban-client set sshd unbanip 203.0.113.41") {
		h.t.Errorf("expected edgeban unban to name the command for Fail2Ban:\n%s", said)
	}
	h.sh(asRoot + "unban 203.0.113.41 --for 1h")
	h.listed(0, banned()...)
	h.stays(1, banned()...)
	h.unban("sshd", "203.0.113.41")
	said := ""
	if !within(soon, func() bool { said = h.sh("edgeban status"); return strings.Contains(said, "\nnext run ") }) { // systemd knows none during a run
		h.t.Errorf("expected edgeban status to know the timer's next run:\n%s", said)
	}
	h.prints("", "find /var/lib/edgeban -not -user edgeban")
}

// exampleJails switches all of them on, as somebody would who copies the file.
func exampleJails(h *host) {
	h.sh(`sed 's/^enabled *= false/enabled = true/' /usr/share/doc/edgeban/examples/jails.conf >/etc/fail2ban/jail.d/edgeban.local
		mkdir -p /var/log/nginx /var/www/joomla/administrator/logs /var/www/nextcloud/data
		touch /var/log/nginx/access.log /var/log/nginx/error.log /var/www/joomla/administrator/logs/error.php /var/www/nextcloud/data/nextcloud.log
		systemctl restart fail2ban.service`)
	h.fail2banAnswers()
	status := h.sh("fail2ban-client status")
	for _, jail := range []string{"joomla", "mattermost", "nextcloud", "nginx-botsearch", "nginx-http-auth", "nginx-limit-req", "recidive", "sshd", "wordpress"} {
		if !strings.Contains(status, jail) {
			h.t.Errorf("expected a jail %s:\n%s", jail, status)
		}
	}
	line := `203.0.113.30 - - [` + time.Now().UTC().Format("02/Jan/2006:15:04:05 -0700") + `] "POST /wp-login.php HTTP/1.1" 200 4523 "-" "curl"` + "\n"
	h.write("/var/log/nginx/access.log", strings.Repeat(line, 5), 0o644)
	h.listed(soon, banned("203.0.113.30")...)
	h.unban("wordpress", "203.0.113.30")
	h.listed(soon, banned()...)
	h.sh("rm /etc/fail2ban/jail.d/edgeban.local && systemctl restart fail2ban.service")
	h.fail2banAnswers()
}

func (h *host) fail2banAnswers() {
	h.t.Helper()
	if !within(10*time.Second, func() bool { _, err := h.try("fail2ban-client ping"); return err == nil }) {
		h.t.Fatal("expected Fail2Ban to answer within 10 s")
	}
}

//go:build boot

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"edgeban/cloudflare/cloudflaretest"
)

const prometheusConfig = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [/etc/prometheus/e2e-alerts.yml]
scrape_configs:
  - job_name: node
    static_configs: [{targets: ["127.0.0.1:9100"]}]
`

func prometheusShowsMetrics(h *host) {
	h.sh("systemctl start edgeban.timer")
	h.write("/etc/prometheus/prometheus.yml", prometheusConfig, 0o644)
	// The alerts as they are installed, but that ten minutes without a success are ten seconds here.
	h.sh("sed '/last_success/s/> 600$/> 10/' /usr/share/doc/edgeban/examples/prometheus-alerts.yml >/etc/prometheus/e2e-alerts.yml")
	h.sh("systemctl start prometheus-node-exporter.service prometheus.service")
	h.sh("promtool check metrics < /var/lib/prometheus/node-exporter/edgeban.prom")
	for query, want := range map[string]string{
		`edgeban_drift_items{target="edgeban",direction="missing"}`: "0",
		`edgeban_active_bans{source="fail2ban",jail="sshd"}`:        "3",
		`edgeban_build_info{version="1.0.0"}`:                       "1",
		`time() - edgeban_last_success_timestamp_seconds < bool 60`: "1",
		`node_textfile_scrape_error`:                                "0",
	} {
		got := ""
		if !within(40*time.Second, func() bool { got = ask(query); return got == want }) {
			h.t.Errorf("expected Prometheus to answer %s to %s, it says %s", want, query, got)
		}
	}
}

// alertsWhenTheAPIIsDown: nothing but the alert that matters fires, and it ends with the fault.
func alertsWhenTheAPIIsDown(h *host) {
	firing := func(want string) {
		h.t.Helper()
		got := ""
		if !within(40*time.Second, func() bool {
			got = ask(`count(ALERTS{alertstate="firing",alertname=~"Edgeban.*"}) or vector(0)`)
			return got == want
		}) {
			h.t.Fatalf("expected %s firing alerts, Prometheus says %s", want, got)
		}
	}
	firing("0")
	h.edge.AddFault(cloudflaretest.Fault{Effect: cloudflaretest.HTML(http.StatusBadGateway)})
	firing("1")
	if got := ask(`count(ALERTS{alertstate="firing",alertname="EdgebanNoSuccess"})`); got != "1" {
		h.t.Errorf("expected the alert EdgebanNoSuccess to fire, Prometheus says %s", got)
	}
	h.edge.ClearFaults()
	firing("0")
	h.listed(0, banned()...)
}

// ask is the value that Prometheus finds for a query, or what went wrong.
func ask(query string) string {
	answer, err := http.Get("http://127.0.0.1:9090/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	var said struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal(body, &said); err != nil || len(said.Data.Result) != 1 {
		return string(body)
	}
	value, _ := said.Data.Result[0].Value[1].(string)
	return value
}

// meaningful are the lines that the journal may hold of edgeban's units: those of systemd about a start and an end, and edgeban's own.
var meaningful = regexp.MustCompile(`^(Starting |Started |Finished |Stopping |Stopped |Failed to start |` +
	`edgeban(@second|-failure@edgeban\.service)?\.(service|timer|path): (Deactivated successfully|Main process exited|Failed with result|Consumed |Killing process |` +
	`Sent signal |Sending signal SIGKILL |Unit process |Triggering OnFailure= dependencies)|level=(INFO|WARN|ERROR) msg=|edgeban: |  [A-Z]|  edgeban )`)

func journalIsClean(h *host) {
	journal := h.sh("journalctl -u 'edgeban*' -o cat --no-pager")
	lines := strings.Split(strings.TrimSpace(journal), "\n")
	if len(lines) < 200 {
		h.t.Fatalf("expected the journal of a whole day's work, it holds %d lines", len(lines))
	}
	for _, line := range lines {
		if !meaningful.MatchString(line) || strings.Contains(line, "time=") {
			h.t.Errorf("this line has no meaning: %s", line)
		}
	}
	everything := h.sh("journalctl -o cat --no-pager") + h.sh("cat /var/log/*.log; cat /var/lib/prometheus/node-exporter/*; find /var/lib/edgeban -type f -exec cat {} +")
	for _, never := range []string{token, token[3:20], "goroutine ", "panic:", "runtime error"} {
		if strings.Contains(everything, never) {
			h.t.Errorf("the journal, a log, the metrics or the state hold %q", never)
		}
	}
}

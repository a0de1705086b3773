//go:build realparts

package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"edgeban/metrics"
)

// TestRealPushgateway: a real Pushgateway takes what runs push, keeps one group for each owner, and answers as the fake one does.
func TestRealPushgateway(t *testing.T) {
	url, stop := startPushgateway(t)
	gateway := metrics.Gateway{URL: url, Owner: "web-1"}
	if err := gateway.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	s := mustSite(t)
	sync := func(want int, more ...string) (stderr string) {
		t.Helper()
		stderr, status := s.syncTo(t, url, more...)
		if status != want {
			t.Fatalf("exit status %d: %s", status, stderr)
		}
		return stderr
	}
	holds := func(line string, want bool) {
		t.Helper()
		if got := strings.Contains(get(t, url+"/metrics"), line); got != want {
			t.Errorf("%s: there is such a line: %v, want %v:\n%s", line, got, want, get(t, url+"/metrics"))
		}
	}
	const group = `{instance="web-1",job="edgeban"`
	if err := s.ban(s.database(), "a \"jail\"\nof\\hostile name", "203.0.113.7", time.Now(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	send(t, "PUT", url+"/metrics/job/other", "# TYPE edgeban_build_info counter\nedgeban_build_info 1\n")
	if stderr := sync(exitOK); !strings.Contains(stderr, "HTTP 400: pushed metrics are invalid or inconsistent") {
		t.Errorf("metrics that contradict somebody's: %s", stderr)
	}
	send(t, "DELETE", url+"/metrics/job/other", "")
	if stderr := sync(exitOK); stderr != "" {
		t.Errorf("a push that went well says %s", stderr)
	}
	success := metricLine(t, url, "edgeban_last_success_timestamp_seconds"+group)
	holds(`edgeban_list_items{instance="web-1",job="edgeban",owner="own",target="edgeban"} 1`, true)
	holds(`edgeban_active_bans{instance="web-1",jail="\"a \\\"jail\\\"\\nof\\\\hostile name\"",job="edgeban",source="fail2ban"} 1`, true)

	// Skipped: the last success is the old one, and what was not measured is gone.
	if err := os.Rename(s.database(), s.database()+".away"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // a second that could be taken for "now"
	sync(exitOK)
	holds(`edgeban_last_run_outcome{instance="web-1",job="edgeban",outcome="skipped"} 1`, true)
	holds("edgeban_list_items{", false)
	if now := metricLine(t, url, "edgeban_last_success_timestamp_seconds"+group); now != success {
		t.Errorf("after a skipped run the last success is %s, was %s", now, success)
	}
	if now := metricLine(t, url, "edgeban_last_run_timestamp_seconds"+group); strings.Fields(now)[1] == strings.Fields(success)[1] {
		t.Error("the time of the last run is still that of the last success")
	}
	if err := os.Rename(s.database()+".away", s.database()); err != nil {
		t.Fatal(err)
	}

	sync(exitOK, "EDGEBAN_OWNER=web-2")
	holds(`edgeban_last_run_outcome{instance="web-2",job="edgeban",outcome="in_step"} 1`, true)
	holds(`edgeban_last_run_outcome{instance="web-1",job="edgeban",outcome="skipped"} 1`, true)
	sync(exitOK, "EDGEBAN_INSTANCE=mail")
	holds(`edgeban_last_run_outcome{configuration="mail",instance="web-1",job="edgeban",outcome="in_step"} 1`, true)

	if stderr := sync(exitOK, "EDGEBAN_PUSHGATEWAY_URL="+url+"/metrics"); !strings.Contains(stderr, "Its address has no /metrics at its end") {
		t.Errorf("an address that is wrong: %s", stderr)
	}
	stop()
	if err := gateway.Ready(t.Context()); err == nil {
		t.Error("a Pushgateway that is down is ready")
	}
	if stderr := sync(exitOK); !strings.Contains(stderr, "connection refused") {
		t.Errorf("a Pushgateway that is down: %s", stderr)
	}
}

// syncTo is one run of its own process's kind, which reaches the Pushgateway over a socket.
func (s *site) syncTo(t *testing.T, url string, more ...string) (stderr string, status int) {
	t.Helper()
	env := s.environment()
	env["EDGEBAN_PUSHGATEWAY_URL"] = url
	for _, assignment := range more {
		name, text, _ := strings.Cut(assignment, "=")
		env[name] = text
	}
	if env["EDGEBAN_INSTANCE"] != "" { // it needs a file of that name
		path := s.dir + "/etc/edgeban/" + env["EDGEBAN_INSTANCE"] + ".toml"
		if err := os.MkdirAll(s.dir+"/etc/edgeban", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lookupEnv := func(name string) (string, bool) { text, set := env[name]; return text, set }
	var complaints bytes.Buffer
	sys := s.system(lookupEnv, io.Discard, &complaints, "sync")
	sys.pushgateway = nil
	status = run(context.Background(), sys)
	return complaints.String(), status
}

// startPushgateway starts Debian's, on a free port, and returns its address.
func startPushgateway(t *testing.T) (url string, stop func()) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("prometheus-pushgateway", "--web.listen-address="+address)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(stop)
	url = "http://" + address
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if response, err := http.Get(url + "/-/ready"); err == nil {
			response.Body.Close()
			return url, stop
		}
		if time.Now().After(end) {
			t.Fatalf("no Pushgateway: %s", said.String())
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", url, response.Status, err)
	}
	return string(body)
}

// send does to a group what somebody else would.
func send(t *testing.T, method, url, text string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		said, _ := io.ReadAll(response.Body)
		t.Fatalf("%s %s: %s: %s", method, url, response.Status, said)
	}
}

// metricLine is the line of the Pushgateway's page that begins so.
func metricLine(t *testing.T, url, prefix string) string {
	t.Helper()
	for line := range strings.Lines(get(t, url+"/metrics")) {
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
	t.Fatalf("no line begins with %s", prefix)
	return ""
}

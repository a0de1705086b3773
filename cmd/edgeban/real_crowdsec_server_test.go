//go:build realparts

package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// crowdsecServer is a Local API of Debian's CrowdSec with a configuration and a database of its own: without the log processor, the
// hub and the central API.
type crowdsecServer struct {
	t      *testing.T
	dir    string
	port   int
	tls    string // under api.server, empty: plain http
	output bytes.Buffer
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone
}

// newCrowdsecServer starts a Local API that knows one bouncer with testKey. It is gone when the test ends.
func newCrowdsecServer(t *testing.T) *crowdsecServer {
	t.Helper()
	for _, tool := range []string{"crowdsec", "cscli"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v; install Debian's package crowdsec, or unpack it and put its usr/bin into PATH", err)
		}
	}
	c := &crowdsecServer{t: t, dir: t.TempDir(), port: freePort(t)}
	for name, content := range map[string]string{
		"conf/simulation.yaml":            "simulation: off\n",
		"conf/local_api_credentials.yaml": "",
		"conf/profiles.yaml":              "name: default\nfilters:\n - Alert.Remediation == true\ndecisions:\n - type: ban\n   duration: 4h\non_success: break\n",
		"conf/patterns/none":              "",
		"data/none":                       "",
		"hub/.index.json":                 "{}",
	} {
		c.write(name, content)
	}
	c.configure()
	c.cscli("machines", "add", "tests", "--password", "tests", "--force")
	c.cscli("bouncers", "add", "edgeban", "-k", testKey)
	t.Cleanup(c.kill)
	c.start()
	return c
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func (c *crowdsecServer) path(name string) string { return filepath.Join(c.dir, name) }

func (c *crowdsecServer) write(name, content string) {
	c.t.Helper()
	err := os.MkdirAll(filepath.Dir(c.path(name)), 0o755)
	if err = errors.Join(err, os.WriteFile(c.path(name), []byte(content), 0o600)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *crowdsecServer) configure() {
	c.t.Helper()
	c.write("config.yaml", fmt.Sprintf(`common:
  daemonize: false
  log_media: stdout
  log_level: info
config_paths:
  config_dir: %[1]s/conf
  data_dir: %[1]s/data
  simulation_path: %[1]s/conf/simulation.yaml
  hub_dir: %[1]s/hub
  index_path: %[1]s/hub/.index.json
  notification_dir: %[1]s/conf/notifications
  plugin_dir: %[1]s/conf/plugins
crowdsec_service:
  enable: false
cscli:
  output: human
  color: no
db_config:
  type: sqlite
  db_path: %[1]s/data/crowdsec.db
  use_wal: true
api:
  client:
    insecure_skip_verify: false
    credentials_path: %[1]s/conf/local_api_credentials.yaml
  server:
    listen_uri: 127.0.0.1:%[2]d
    profiles_path: %[1]s/conf/profiles.yaml
    console_path: %[1]s/conf/console.yaml
    trusted_ips: ["127.0.0.1"]
%[3]sprometheus:
  enabled: false
`, c.dir, c.port, c.tls))
}

// start starts the server and returns when it answers.
func (c *crowdsecServer) start() {
	c.t.Helper()
	c.output.Reset()
	c.cmd = exec.Command("crowdsec", "-c", c.path("config.yaml"), "-no-cs", "-no-capi")
	c.cmd.Stdout, c.cmd.Stderr = &c.output, &c.output
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when go test gives up on us
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	exited := make(chan struct{})
	c.exited = exited
	go func() {
		defer close(exited)
		_ = c.cmd.Wait() // by a signal, or too early: below tells
	}()
	eventually(c.t, 30*time.Second, "CrowdSec listens", func() bool {
		select {
		case <-exited:
			c.t.Fatalf("crowdsec ended at once:\n%s", &c.output)
		default:
		}
		connection, err := net.Dial("tcp", c.address())
		if err == nil {
			err = connection.Close()
		}
		return err == nil
	})
}

// kill ends it by SIGKILL.
func (c *crowdsecServer) kill() {
	_ = c.cmd.Process.Kill() // gone already is as good
	<-c.exited
}

func (c *crowdsecServer) address() string { return fmt.Sprintf("127.0.0.1:%d", c.port) }
func (c *crowdsecServer) url() string     { return "http://" + c.address() + "/" }

// cscli runs CrowdSec's own client, which must succeed.
func (c *crowdsecServer) cscli(args ...string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "cscli", append([]string{"-c", c.path("config.yaml")}, args...)...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("cscli %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// decide adds a decision for an address or a network.
func (c *crowdsecServer) decide(value, duration string, more ...string) {
	c.t.Helper()
	flag := "--ip"
	if strings.Contains(value, "/") {
		flag = "--range"
	}
	c.cscli(append([]string{"decisions", "add", flag, value, "--duration", duration}, more...)...)
}

// lift deletes all decisions for exactly this address or network.
func (c *crowdsecServer) lift(value string) {
	c.t.Helper()
	flag := "--ip"
	if strings.Contains(value, "/") {
		flag = "--range"
	}
	c.cscli("decisions", "delete", flag, value)
}

// inDatabase changes the database behind the server's back.
func (c *crowdsecServer) inDatabase(statement string) {
	c.t.Helper()
	db, err := sql.Open("sqlite", "file:"+c.path("data/crowdsec.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(c.t.Context(), statement); err != nil {
		c.t.Fatalf("%s: %v", statement, err)
	}
}

// withCrowdsec gives the lab a CrowdSec.
func (l *lab) withCrowdsec() *crowdsecServer {
	l.t.Helper()
	c := newCrowdsecServer(l.t)
	l.env["EDGEBAN_CROWDSEC_URL"] = c.url()
	l.env["EDGEBAN_CROWDSEC_KEY"] = testKey
	return c
}

// status of a request with the key, 0: no answer.
func (c *crowdsecServer) status(path string) int {
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, "http://"+c.address()+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("X-Api-Key", testKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

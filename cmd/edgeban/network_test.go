package main

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// proxy is what a company puts between its hosts and the world: it connects whoever asks to one server, and keeps what it was asked.
type proxy struct {
	server string // host:port, whatever name was asked for

	mu    sync.Mutex
	asked []string
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host+" "+r.Header.Get("Authorization")+r.Header.Get("Proxy-Authorization"))
	p.mu.Unlock()
	up, err := net.Dial("tcp", p.server)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer up.Close()
	down, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer down.Close()
	_, _ = io.WriteString(down, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(up, buffered) }() // which may hold what came already
	_, _ = io.Copy(down, up)
}

// takeAsked returns what was asked since the last time.
func (p *proxy) takeAsked() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := strings.Join(p.asked, ", ")
	p.asked = nil
	return asked
}

// TestProxyOfTheEnvironment: the real program goes through the proxy that HTTPS_PROXY names, with TLS to the end, so that the proxy never
// sees the token; NO_PROXY makes exceptions.
func TestProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	s := mustSite(t)
	edge := httptest.NewTLSServer(s.edge)
	defer edge.Close()
	between := &proxy{server: edge.Listener.Addr().String()}
	proxyServer := httptest.NewServer(between)
	defer proxyServer.Close()
	config, certificates := filepath.Join(s.dir, "edgeban.toml"), filepath.Join(s.dir, "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: edge.Certificate().Raw})
	for name, content := range map[string][]byte{config: nil, certificates: certificate} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, port, _ := net.SplitHostPort(edge.Listener.Addr().String())
	for _, c := range []struct{ name, url, variable, want string }{
		{"a proxy", "https://example.com", "HTTPS_PROXY=" + proxyServer.URL, "CONNECT example.com:443 "},
		{"in small letters", "https://example.com", "https_proxy=" + proxyServer.URL, "CONNECT example.com:443 "},
		{"this very machine", "https://127.0.0.1:" + port, "HTTPS_PROXY=" + proxyServer.URL, ""},
	} {
		cmd := exec.CommandContext(t.Context(), program, "diff")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "EDGEBAN_CONFIG=" + config, "SSL_CERT_FILE=" + certificates,
			"EDGEBAN_API_URL=" + c.url + "/client/v4", c.variable}
		for name, value := range s.environment() {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		output, err := cmd.CombinedOutput()
		asked := between.takeAsked()
		if err != nil || asked != c.want || strings.Contains(string(output)+asked, testToken) {
			t.Errorf("%s: %v, the proxy was asked %q, want %q\n%s", c.name, err, asked, c.want, output)
		}
	}
	if s.writes() != 0 || len(s.edge.Requests()) < 6 {
		t.Errorf("%d requests", len(s.edge.Requests()))
	}
}

package cloudflare

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// quiet is a log that nobody reads.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// TestRedirectIsRefused: the token never reaches another host, over a real socket, whatever the redirect and the method.
func TestRedirectIsRefused(t *testing.T) {
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		t.Errorf("the other host was asked %s %s with %d headers", r.Method, r.URL, len(r.Header))
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		edge := fake.New(fake.Options{})
		edge.AddToken(testToken, fake.ListsEdit)
		edge.AddList(testAccount, "edgeban", "ip")
		redirect := fake.Raw(status, http.Header{"Location": {other.URL + "/client/v4/accounts"}}, "")
		if err := edge.Start(); err != nil {
			t.Fatal(err)
		}
		defer edge.Close()
		client, err := New(Config{BaseURL: edge.URL(), Account: testAccount, Token: NewSecret(testToken)})
		if err != nil {
			t.Fatal(err)
		}
		list := NewList(client, "edgeban", ListOptions{})
		edge.AddFault(fake.Fault{Method: "POST", Effect: redirect})
		if _, err := list.Add(within(t, 10*time.Second), posts(1)); err == nil || !strings.Contains(err.Error(), "redirect to "+other.URL) {
			t.Errorf("POST, %d: %v", status, err)
		}
		edge.AddFault(fake.Fault{Method: "GET", Effect: redirect})
		if _, err := list.Survey(within(t, 10*time.Second)); err == nil || !strings.Contains(err.Error(), "redirect to "+other.URL) {
			t.Errorf("GET, %d: %v", status, err)
		}
		client.reads.CloseIdleConnections()
	}
	if asked.Load() != 0 {
		t.Errorf("%d requests", asked.Load())
	}
}

// TestOldTLSIsRefused: the transport that a client has of its own speaks TLS 1.2 and newer, and to nobody whose certificate it cannot check.
func TestOldTLSIsRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		newest  uint16
		trusted bool
		want    string
	}{
		{"1.3", tls.VersionTLS13, true, ""},
		{"1.2", tls.VersionTLS12, true, ""},
		{"1.1", tls.VersionTLS11, true, "protocol version"},
		{"1.0", tls.VersionTLS10, true, "protocol version"},
		{"a stranger's certificate", tls.VersionTLS13, false, "certificate signed by unknown authority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			edge := fake.New(fake.Options{})
			server := httptest.NewUnstartedServer(edge)
			server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: c.newest}
			server.Config.ErrorLog = quiet()
			server.StartTLS()
			defer server.Close()
			own := newTransport()
			defer own.CloseIdleConnections()
			if c.trusted {
				own.TLSClientConfig.RootCAs = x509.NewCertPool()
				own.TLSClientConfig.RootCAs.AddCert(server.Certificate())
			}
			resp, err := (&http.Client{Transport: own}).Get(server.URL + fake.Prefix + fake.PathIPs)
			if err == nil {
				_ = resp.Body.Close()
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if got := len(edge.Requests()); (got == 0) != (c.want != "") {
				t.Errorf("%d requests arrived", got)
			}
		})
	}
}

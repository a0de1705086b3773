package cloudflare

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	fake "edgeban/cloudflare/cloudflaretest"
)

func TestNew(t *testing.T) {
	good := Config{Account: testAccount, Token: NewSecret(testToken)}
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"good", func(*Config) {}, ""},
		{"other host", func(c *Config) { c.BaseURL = "http://localhost:8080/client/v4/" }, ""},
		{"no URL", func(c *Config) { c.BaseURL = "https://a b.example/\x7f" }, "base URL: not a URL"},
		{"no scheme", func(c *Config) { c.BaseURL = "api.cloudflare.com" }, `base URL: scheme "" is neither https nor http`},
		{"file", func(c *Config) { c.BaseURL = "file:///etc/passwd" }, `base URL: scheme "file" is neither https nor http`},
		{"no host", func(c *Config) { c.BaseURL = "https:///client" }, "base URL: names no host"},
		{"password", func(c *Config) { c.BaseURL = "https://u:" + testToken + "@h/" }, "base URL: holds a user name or password"},
		{"query", func(c *Config) { c.BaseURL = "https://h/?x=1" }, "base URL: holds a query or fragment"},
		{"account with path", func(c *Config) { c.Account = "../x" }, `account id "../x": 32 hexadecimal digits are due`},
		{"account is the token", func(c *Config) { c.Account = testToken + "!" }, `account id "[secret]!": 32 hexadecimal digits are due`},
		{"no token", func(c *Config) { c.Token = NewSecret("") }, "token: is empty"},
		{"line break", func(c *Config) { c.Token = NewSecret(testToken + "\n") }, "token: holds a space, a line break or another character that no token has"},
		{"key", withKey, ""},
		{"key and token", func(c *Config) { c.Key, c.Email = NewSecret(testKey), testEmail }, "token and global API key: one of them is due, not both"},
		{"key without address", func(c *Config) { withKey(c); c.Email = "" }, `e-mail address "" of the global API key: is none`},
		{"address is none", func(c *Config) { withKey(c); c.Email = "admin" }, `e-mail address "admin" of the global API key: is none`},
		{"address of two lines", func(c *Config) { withKey(c); c.Email = "a@b\r\nX: y" }, `e-mail address "a@b X: y" of the global API key: is none`},
		{"address is the key", func(c *Config) { withKey(c); c.Email = testKey }, `e-mail address "[secret]" of the global API key: is none`},
		{"key with a line break", func(c *Config) { withKey(c); c.Key = NewSecret(testKey + "\n") }, "global API key: holds a space, a line break or another character that no global API key has"},
		{"account is the key", func(c *Config) { withKey(c); c.Account = testKey + "!" }, `account id "[secret]!": 32 hexadecimal digits are due`},
		{"address without key", func(c *Config) { c.Email = testEmail }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := good
			c.change(&config)
			client, err := New(config)
			if got := masked(err); got != c.want || (client == nil) != (c.want != "") {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestOwnTransport(t *testing.T) {
	own := newTransport()
	if own.Proxy == nil || own.TLSClientConfig.MinVersion < 0x0303 || own.TLSClientConfig.InsecureSkipVerify || own.ResponseHeaderTimeout == 0 {
		t.Errorf("%+v", own)
	}
}

// TestRequest holds what goes over the wire besides the API's own paths.
func TestRequest(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		var seen []string
		e.OnRequest(func(r *http.Request) {
			h := r.Header
			seen = append(seen, strings.Join([]string{
				r.Method, h.Get("Authorization"), h.Get("User-Agent"), h.Get("Accept"), h.Get("Content-Type"),
			}, " "))
		})
		if err := e.add(t); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"GET Bearer " + testToken + " edgeban/test application/json ",
			"GET Bearer " + testToken + " edgeban/test application/json ",
			"POST Bearer " + testToken + " edgeban/test application/json application/json",
			"GET Bearer " + testToken + " edgeban/test application/json ",
		}
		if !slices.Equal(seen, want) {
			t.Error(strings.Join(seen, "\n"))
		}
	})
}

// TestRequests counts further attempts, and requests without an answer.
func TestRequests(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		if got := e.client.Requests(); len(got) != 0 {
			t.Error(got)
		}
		e.faultAt("GET", lists, 1, 2, fake.HTML(503))
		e.faultAt("GET", items, 1, 1, fake.Drop())
		if err := e.add(t); err != nil {
			t.Fatal(err)
		}
		want := []RequestCount{{"GET", 0, 1}, {"GET", 200, 3}, {"GET", 503, 2}, {"POST", 200, 1}}
		if got := e.client.Requests(); !slices.Equal(got, want) {
			t.Error(got)
		}
		if len(e.Requests()) != 7 {
			t.Error(e.Requests())
		}
	})
}

// TestSocket goes over a real one, with the client's own transport, from several goroutines.
func TestSocket(t *testing.T) {
	edge := fake.New(fake.Options{})
	edge.AddToken(testToken, fake.ListsRead)
	edge.AddList(testAccount, "edgeban", "ip")
	if err := edge.Start(); err != nil {
		t.Fatal(err)
	}
	defer edge.Close()
	client, err := New(Config{BaseURL: edge.URL(), Account: testAccount, Token: NewSecret(testToken)})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if lists, _, err := client.Lists(t.Context()); err != nil || len(lists) != 1 {
				t.Error(lists, err)
			}
		})
	}
	all.Wait()
	if want := []RequestCount{{"GET", 200, 4}}; !slices.Equal(client.Requests(), want) {
		t.Error(client.Requests())
	}
	if got := edge.Requests(); len(got) != 4 {
		t.Error(got)
	}
	client.reads.CloseIdleConnections()
}

func TestRanges(t *testing.T) {
	ranges := Ranges()
	lines := 0
	for line := range strings.Lines(rangesText) {
		if !strings.HasPrefix(line, "#") {
			lines++
		}
	}
	if len(ranges) != 22 || lines != len(ranges) {
		t.Errorf("%d ranges in %d lines", len(ranges), lines)
	}
	for _, prefix := range ranges {
		if prefix != prefix.Masked() || prefix.Bits() < 12 {
			t.Error(prefix)
		}
	}
	if first, last := ranges[0].String(), ranges[21].String(); first != "173.245.48.0/20" || last != "2c0f:f248::/32" {
		t.Error(first, last)
	}
}

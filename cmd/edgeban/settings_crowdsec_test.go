package main

import (
	"strings"
	"testing"
)

func TestBadCrowdSecSettings(t *testing.T) {
	const url = "http://127.0.0.1:8080"
	for _, tt := range []struct {
		name  string
		need  needs
		args  []string
		env   map[string]string
		files map[string]string
		want  []string // the lines on standard error, "edgeban: " cut off
	}{
		{name: "no scheme", args: []string{"--crowdsec-url", "127.0.0.1:8080"},
			want: []string{"crowdsec-url: not a URL such as http://127.0.0.1:8080 or unix:///run/crowdsec_api.sock (flag --crowdsec-url)"}},
		{name: "a password", args: []string{"--crowdsec-url", "http://me:hunter2@127.0.0.1"},
			want: []string{"crowdsec-url: a user name has no place in it (flag --crowdsec-url)"}},
		{name: "a query", env: map[string]string{"EDGEBAN_CROWDSEC_URL": url + "/?key=hunter2"},
			want: []string{"crowdsec-url: a query or a fragment has no place in it (environment EDGEBAN_CROWDSEC_URL)"}},
		{name: "two slashes for a socket", args: []string{"--crowdsec-url", "unix://run/x.sock"},
			want: []string{"crowdsec-url: a socket is written unix:///path, with three slashes (flag --crowdsec-url)"}},
		{name: "no key", need: needSources, args: []string{"--crowdsec-url", url}, want: []string{
			"there is no key for CrowdSec",
			"  Make one with `cscli bouncers add edgeban` on CrowdSec's host, and put it into /etc/edgeban/crowdsec-key (mode 0600).",
		}},
		{name: "key file missing", args: []string{"--crowdsec-url", url, "--crowdsec-key-file", "secret"},
			want: []string{"CrowdSec key file secret: no such file or directory (flag --crowdsec-key-file)"}},
		{name: "key file of two lines", args: []string{"--crowdsec-url", url}, files: map[string]string{"etc/edgeban/crowdsec-key": testKey + "\n" + testKey},
			want: []string{"CrowdSec key file etc/edgeban/crowdsec-key: more than one line, where the key alone is expected",
				"  Put the key into it, alone: no quotation marks, no \"Bearer\", no NAME=."}},
		{name: "key in quotes", args: []string{"--crowdsec-url", url}, env: map[string]string{crowdsecVariable: "'" + testKey + "'"},
			want: []string{"environment EDGEBAN_CROWDSEC_KEY: a quotation mark in the key",
				"  Put the key into it, alone: no quotation marks, no \"Bearer\", no NAME=."}},
		{name: "key with a name", args: []string{"--crowdsec-url", url}, files: map[string]string{"etc/edgeban/crowdsec-key": "api_key=" + testKey},
			want: []string{"CrowdSec key file etc/edgeban/crowdsec-key: a NAME= before the key",
				"  Put the key into it, alone: no quotation marks, no \"Bearer\", no NAME=."}},
		{name: "key for a file", args: []string{"--crowdsec-key-file", testKey}, want: []string{
			"crowdsec-key-file: this seems to be a key, where the name of a file is expected (flag --crowdsec-key-file)",
			"  Write the key into a file, readable by edgeban alone, and give the file's name.",
		}},
		{name: "hexadecimal key for a file", args: []string{"--crowdsec-key-file", strings.Repeat("0123abcd", 4)}, want: []string{
			"crowdsec-key-file: this seems to be a key, where the name of a file is expected (flag --crowdsec-key-file)",
			"  Write the key into a file, readable by edgeban alone, and give the file's name.",
		}},
		{name: "key in another setting", args: []string{"--crowdsec-url", url, "--jail", testKey}, env: map[string]string{crowdsecVariable: testKey},
			want: []string{"jail: this is the CrowdSec API key (flag --jail)"}},
		{name: "certificate without its key", args: []string{"--crowdsec-url", "https://x", "--crowdsec-cert", "a"},
			want: []string{"crowdsec-cert (flag --crowdsec-cert) and crowdsec-cert-key (default): one of them is not set"}},
		{name: "certificate for http", args: []string{"--crowdsec-url", url, "--crowdsec-ca", "a"},
			want: []string{"crowdsec-ca (flag --crowdsec-ca): only with a crowdsec-url that begins with https://"}},
		{name: "certificate missing", args: []string{"--crowdsec-url", "https://x", "--crowdsec-ca", "a"},
			want: []string{"certificates for CrowdSec: open a: no such file or directory"}},
		{name: "no certificate", args: []string{"--crowdsec-url", "https://x", "--crowdsec-ca", "a"}, files: map[string]string{"a": "hello"},
			want: []string{"certificates for CrowdSec: a: no certificate in it, as PEM"}},
		{name: "one list", args: []string{"--crowdsec-origin", "Lists:firehol"}, want: []string{
			`crowdsec-origin: "Lists:firehol" matches nothing: to read one list, set crowdsec-origin to lists and crowdsec-scenario to "firehol" (flag --crowdsec-origin)`}},
		{name: "several origins in one string of an array", files: map[string]string{"etc/edgeban/edgeban.toml": "crowdsec-origin = ['crowdsec,cscli', 'CAPI']"},
			want: []string{`crowdsec-origin: "crowdsec,cscli" is no one origin: an array holds each as a string of its own (etc/edgeban/edgeban.toml, line 1)`}},
		{name: "no origin", args: []string{"--crowdsec-origin="}, want: []string{"crowdsec-origin: empty (flag --crowdsec-origin)"}},
		{name: "glob", args: []string{"--exclude-scenario", "["},
			want: []string{`exclude-scenario: "[" is not a pattern: a [ is never closed, or a \ stands at the end (flag --exclude-scenario)`}},
		{name: "a scenario both ways", args: []string{"--crowdsec-scenario", "a/b,c", "--exclude-scenario", "a/b"},
			want: []string{`"a/b" is both in crowdsec-scenario (flag --crowdsec-scenario) and in exclude-scenario (flag --exclude-scenario)`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.env = tt.env
			for name, content := range tt.files {
				h.write(name, content)
			}
			_, stderr, code := h.load(tt.need, tt.args...)
			if code != exitUsage || strings.Contains(stderr, testKey) || strings.Contains(stderr, "hunter2") {
				t.Errorf("exit status %d, want %d", code, exitUsage)
			}
			want := ""
			for _, line := range tt.want {
				if !strings.HasPrefix(line, "  ") {
					want += "edgeban: "
				}
				want += line + "\n"
			}
			if stderr != want {
				t.Errorf("standard error:\n%swant:\n%s", stderr, want)
			}
		})
	}
}

// The twin of the table above, and what is only worth a warning.
func TestCrowdSecSettings(t *testing.T) {
	for _, tt := range []struct {
		name     string
		args     []string
		env      map[string]string
		fail2ban string // what is read beside
		origins  string
		warning  string
	}{
		{name: "near", args: []string{"--crowdsec-url", "http://127.0.0.1:8080/"}},
		{name: "a container", args: []string{"--crowdsec-url", "http://crowdsec:8080"}},
		{name: "a private address", args: []string{"--crowdsec-url", "http://[fd00::1]:8080"}},
		{name: "a service", args: []string{"--crowdsec-url", "http://lapi.crowdsec.svc.cluster.local:8080"}},
		{name: "a socket", args: []string{"--crowdsec-url", "unix:///run/crowdsec.sock"}},
		{name: "far, in the clear", args: []string{"--crowdsec-url", "http://lapi.example.com:8080"},
			warning: "crowdsec-url begins with http:// (flag --crowdsec-url): the key and the bans travel in the clear"},
		{name: "far", args: []string{"--crowdsec-url", "https://lapi.example.com:8080"}},
		{name: "with a database", args: []string{"--crowdsec-url", "http://127.0.0.1", "--fail2ban-db", "a,b"}, fail2ban: "a,b"},
		{name: "with a jail", args: []string{"--crowdsec-url", "http://127.0.0.1", "--exclude-jail", "x"}, fail2ban: "var/lib/fail2ban/fail2ban.sqlite3"},
		{name: "with no database", args: []string{"--crowdsec-url", "http://127.0.0.1", "--fail2ban-db="}},
		{name: "not at all", fail2ban: "var/lib/fail2ban/fail2ban.sqlite3",
			warning: "crowdsec-key-file is set (credential crowdsec-api-key) and crowdsec-url is not: no CrowdSec is read"},
		{name: "origins in any case", args: []string{"--crowdsec-url", "http://127.0.0.1", "--crowdsec-origin", "capi,LISTS,Console"}, origins: "CAPI,lists,console"},
		{name: "an origin that nobody knows", args: []string{"--crowdsec-url", "http://127.0.0.1", "--crowdsec-origin", "mine"}, origins: "mine",
			warning: `crowdsec-origin: CrowdSec itself has no origin "mine" (flag --crowdsec-origin): if nobody else makes such decisions, there are none`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.env["CREDENTIALS_DIRECTORY"] = "run/credentials"
			h.write("run/credentials/crowdsec-api-key", testKey+"\n")
			s, stderr, code := h.load(needSources, tt.args...)
			if code != exitOK {
				t.Fatalf("exit status %d: %s", code, stderr)
			}
			if tt.origins == "" {
				tt.origins = "crowdsec,cscli,cscli-import,console"
			}
			if got := strings.Join(s.Fail2banDBs, ","); got != tt.fail2ban {
				t.Errorf("Fail2Ban's databases: %s, want %s", got, tt.fail2ban)
			}
			if got := strings.Join(s.CrowdSecOrigins, ","); got != tt.origins {
				t.Errorf("origins %s, want %s", got, tt.origins)
			}
			if got := strings.Join(s.Warnings, "\n"); got != tt.warning {
				t.Errorf("warnings %q, want %q", got, tt.warning)
			}
			if (s.CrowdSecURL != "") == s.CrowdSecKey.IsZero() || strings.HasSuffix(s.CrowdSecURL, "/") {
				t.Errorf("%s, key %v", s.CrowdSecURL, s.CrowdSecKey)
			}
		})
	}
}

// Each place of the key beats those below it.
func TestCrowdSecKeyPlaces(t *testing.T) {
	h := newHost(t)
	load := func(want string, args ...string) {
		t.Helper()
		s, stderr, _ := h.load(0, append([]string{"--crowdsec-url", "http://127.0.0.1"}, args...)...)
		if s.crowdsecKeyOrigin != want {
			t.Errorf("the key is from %q, want %q: %s", s.crowdsecKeyOrigin, want, stderr)
		}
	}
	load("default")
	h.write("etc/edgeban/crowdsec-key", testKey)
	load("CrowdSec key file etc/edgeban/crowdsec-key")
	h.write("a", testKey)
	h.write("etc/edgeban/edgeban.toml", "crowdsec-key-file = 'a'")
	load("CrowdSec key file a")
	h.env["CREDENTIALS_DIRECTORY"] = "run/credentials"
	h.write("run/credentials/crowdsec-api-key", testKey)
	load("CrowdSec key file run/credentials/crowdsec-api-key")
	h.write("b", testKey)
	h.env["EDGEBAN_CROWDSEC_KEY_FILE"] = "b"
	h.env[crowdsecVariable] = testKey
	load("environment EDGEBAN_CROWDSEC_KEY")
	load("CrowdSec key file b", "--crowdsec-key-file", "b")

	h = newHost(t)
	h.write("etc/edgeban/blog.toml", "")
	h.write("etc/edgeban/blog.crowdsec-key", testKey)
	h.write("etc/edgeban/crowdsec-key", testKey)
	load("CrowdSec key file etc/edgeban/blog.crowdsec-key", "--instance", "blog")
}

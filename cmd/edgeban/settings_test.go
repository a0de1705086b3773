package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v3"
)

const (
	testAccount   = "0123456789abcdef0123456789abcdef"
	testToken     = "v1_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4_testing"
	testKey       = "Y3Jvd2RzZWMta2V5LW9mLXRoZS10ZXN0cy1vbmx5MT2" // CrowdSec's
	testGlobalKey = "c2547eb745079dac9320b638f5e225cf483cc"       // of testEmail
	testEmail     = "ops@example.com"
	testMachineID = "6b8c3f1e0d5a4c7f9e2b1a0c3d4e5f60\n"
)

// host is a machine with its own files and environment. The working directory is its root, so that its
// well-known files have the same names in every run: etc/edgeban/token.
type host struct {
	t   *testing.T
	env map[string]string
}

func newHost(t *testing.T) *host {
	t.Helper()
	t.Chdir(t.TempDir())
	h := &host{t, map[string]string{}}
	h.write("etc/machine-id", testMachineID)
	return h
}

// write makes a file that only its owner may read.
func (h *host) write(name, content string) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) system(stdout, stderr *bytes.Buffer, args ...string) system {
	return system{
		args:           args,
		lookupEnv:      func(name string) (string, bool) { text, set := h.env[name]; return text, set },
		environ:        func() []string { return assignments(h.env) },
		stdin:          strings.NewReader(""),
		stdout:         stdout,
		stderr:         stderr,
		interfaceAddrs: func() ([]net.Addr, error) { return nil, nil },
		now:            func() time.Time { return time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC) },
		hostname:       func() (string, error) { return "Web-1.example.com", nil },
		root:           ".",
	}
}

// run runs the program.
func (h *host) run(args ...string) (stdout, stderr string, code int) {
	var out, complaints bytes.Buffer
	code = run(h.t.Context(), h.system(&out, &complaints, args...))
	return out.String(), complaints.String(), code
}

// load loads the settings as a command would that has these needs.
func (h *host) load(need needs, args ...string) (s Settings, stderr string, code int) {
	var out, complaints bytes.Buffer
	sys := h.system(&out, &complaints, args...)
	root := rootCommand(&sys)
	root.Commands = []*cli.Command{{
		Name:         "try",
		Flags:        settingFlags(),
		OnUsageError: usageErrorOf,
		Action: func(_ context.Context, cmd *cli.Command) (err error) {
			s, err = loadSettings(cmd, &sys, need)
			return err
		},
	}}
	err := root.Run(h.t.Context(), append([]string{"edgeban", "try"}, args...))
	code = report(&complaints, err)
	return s, complaints.String(), code
}

func TestBadSettings(t *testing.T) {
	tests := []struct {
		name  string
		need  needs
		args  []string
		env   map[string]string
		conf  string            // etc/edgeban/edgeban.toml
		files map[string]string // others
		want  []string          // the lines on standard error, "edgeban: " cut off
	}{
		// Values, and where they stand.
		{name: "flag no number", args: []string{"--ipv6-prefix", "wide"},
			want: []string{`ipv6-prefix: "wide" is not a whole number (flag --ipv6-prefix)`}},
		{name: "environment no number", env: map[string]string{"EDGEBAN_MAX_ITEMS": "1e4"},
			want: []string{`max-items: "1e4" is not a whole number (environment EDGEBAN_MAX_ITEMS)`}},
		{name: "file no number", conf: "\n\nbatch-size = \"many\"\n",
			want: []string{"batch-size: a string, where a whole number is expected (etc/edgeban/edgeban.toml, line 3)"}},
		{name: "empty flag for a number", args: []string{"--max-items="},
			want: []string{`max-items: "" is not a whole number (flag --max-items)`}},
		{name: "ipv6-prefix below", args: []string{"--ipv6-prefix", "11", "--min-prefix-6", "12"},
			want: []string{"ipv6-prefix: 11 is not between 12 and 128 (flag --ipv6-prefix)"}},
		{name: "ipv6-prefix above", args: []string{"--ipv6-prefix", "129"},
			want: []string{"ipv6-prefix: 129 is not between 12 and 128 (flag --ipv6-prefix)"}},
		{name: "min-prefix-4 below", args: []string{"--min-prefix-4", "7"},
			want: []string{"min-prefix-4: 7 is not between 8 and 32 (flag --min-prefix-4)"}},
		{name: "min-prefix-4 above", conf: "min-prefix-4 = 33",
			want: []string{"min-prefix-4: 33 is not between 8 and 32 (etc/edgeban/edgeban.toml, line 1)"}},
		{name: "min-prefix-6 below", args: []string{"--min-prefix-6", "11"},
			want: []string{"min-prefix-6: 11 is not between 12 and 128 (flag --min-prefix-6)"}},
		{name: "max-items zero", args: []string{"--max-items", "0"},
			want: []string{"max-items: 0 is not between 1 and 500000 (flag --max-items)"}},
		{name: "max-items huge", args: []string{"--max-items", "500001"},
			want: []string{"max-items: 500001 is not between 1 and 500000 (flag --max-items)"}},
		{name: "batch-size above Cloudflare's", args: []string{"--batch-size", "10001"},
			want: []string{"batch-size: 10001 is not between 1 and 10000 (flag --batch-size)"}},
		{name: "duration without unit", args: []string{"--margin", "180"},
			want: []string{`margin: "180" is not a duration, such as 90s, 3m or 1h30m (flag --margin)`}},
		{name: "duration as a number in the file", conf: "margin = 180",
			want: []string{`margin: a whole number, where a string such as "90s" is expected (etc/edgeban/edgeban.toml, line 1)`}},
		{name: "margin negative", args: []string{"--margin=-1s"},
			want: []string{"margin: -1s is not between 0s and 24h (flag --margin)"}},
		{name: "margin beyond a day", args: []string{"--margin", "24h1s"},
			want: []string{"margin: 24h1s is not between 0s and 24h (flag --margin)"}},
		{name: "timeout too short", args: []string{"--timeout", "9s"},
			want: []string{"timeout: 9s is not between 10s and 1h (flag --timeout)"}},
		{name: "timeout too long", env: map[string]string{"EDGEBAN_TIMEOUT": "61m"},
			want: []string{"timeout: 61m is not between 10s and 1h (environment EDGEBAN_TIMEOUT)"}},
		{name: "writes further apart than a run may wait", args: []string{"--write-interval", "1m"},
			want: []string{"write-interval 1m0s (flag --write-interval) is more than half of timeout 1m50s (default): runs would wait their time away"}},
		{name: "bantime zero", args: []string{"--fail2ban-bantime", "0s"},
			want: []string{"fail2ban-bantime: 0s is not between 1s and 87840h (flag --fail2ban-bantime)"}},
		{name: "ownership", args: []string{"--ownership", "mine"},
			want: []string{`ownership: "mine" is none of tagged, exclusive (flag --ownership)`}},
		{name: "log level", args: []string{"--log-level", "info+2"},
			want: []string{`log-level: "info+2" is none of debug, info, warn, error (flag --log-level)`}},
		{name: "log format", args: []string{"--log-format", "xml"},
			want: []string{`log-format: "xml" is none of text, json (flag --log-format)`}},
		{name: "list", args: []string{"--list", "my-list"},
			want: []string{`list: "my-list" is not 1 to 50 letters, digits and underscores (flag --list)`}},
		{name: "list too long", args: []string{"--list", strings.Repeat("a", 51)},
			want: []string{`list: "` + strings.Repeat("a", 51) + `" is not 1 to 50 letters, digits and underscores (flag --list)`}},
		{name: "owner", args: []string{"--owner", "Web 1"},
			want: []string{`owner: "Web 1" is not 1 to 63 of the characters a-z, 0-9, dot, underscore and hyphen (flag --owner)`}},
		{name: "former owner, one of two", env: map[string]string{"EDGEBAN_FORMER_OWNER": "old, Older"},
			want: []string{`former-owner: "Older" is not 1 to 63 of the characters a-z, 0-9, dot, underscore and hyphen (environment EDGEBAN_FORMER_OWNER)`}},
		{name: "account", args: []string{"--account", testAccount[1:]},
			want: []string{"account: not the 32 hexadecimal digits of an account id (flag --account)"}},
		{name: "account with a letter", env: map[string]string{"CLOUDFLARE_ACCOUNT_ID": "g" + testAccount[1:]},
			want: []string{"account: not the 32 hexadecimal digits of an account id (environment CLOUDFLARE_ACCOUNT_ID)"}},
		{name: "glob", args: []string{"--jail", "ssh[d"},
			want: []string{`jail: "ssh[d" is not a pattern: a [ is never closed, or a \ stands at the end (flag --jail)`}},
		{name: "glob to exclude", conf: "exclude-jail = ['nginx', 'x\\']",
			want: []string{`exclude-jail: "x\\" is not a pattern: a [ is never closed, or a \ stands at the end (etc/edgeban/edgeban.toml, line 1)`}},
		{name: "metrics file", args: []string{"--metrics-file", "/var/lib/node/edgeban.txt"},
			want: []string{`metrics-file: "/var/lib/node/edgeban.txt" does not end in .prom: node_exporter would not read it (flag --metrics-file)`}},
		{name: "state directory", args: []string{"--state-dir="},
			want: []string{"state-dir: empty (flag --state-dir)"}},
		{name: "API over http", args: []string{"--api-url", "http://api.cloudflare.com/client/v4"},
			want: []string{"api-url: must begin with https://: the token would travel in the clear (flag --api-url)"}},
		{name: "Pushgateway without a scheme", args: []string{"--pushgateway-url", "pushgateway:9091"},
			want: []string{"pushgateway-url: not a URL such as http://pushgateway.example:9091 (flag --pushgateway-url)"}},
		{name: "Pushgateway with a password", args: []string{"--pushgateway-url", "http://me:hunter2@pushgateway:9091"},
			want: []string{"pushgateway-url: a user name has no place in it (flag --pushgateway-url)"}},
		{name: "Pushgateway with a query", args: []string{"--pushgateway-url", "http://pushgateway:9091/?key=hunter2"},
			want: []string{"pushgateway-url: a query or a fragment has no place in it (flag --pushgateway-url)"}},
		{name: "Pushgateway over something else", args: []string{"--pushgateway-url", "ftp://pushgateway"},
			want: []string{"pushgateway-url: must begin with http:// or https:// (flag --pushgateway-url)"}},
		{name: "API with a password", args: []string{"--api-url", "https://me:hunter2@example.com/"},
			want: []string{"api-url: a user name has no place in it (flag --api-url)"}},
		{name: "API with a query", args: []string{"--api-url", "https://example.com/?token=hunter2"},
			want: []string{"api-url: a query or a fragment has no place in it (flag --api-url)"}},
		{name: "API without a host", args: []string{"--api-url", "api.cloudflare.com"},
			want: []string{"api-url: not a URL such as https://api.cloudflare.com/client/v4 (flag --api-url)"}},
		{name: "allow", args: []string{"--allow", "192.0.2.1", "--allow", "office.example.com"},
			want: []string{`allow: "office.example.com" is neither an address nor a network (flag --allow)`}},
		{name: "allow with a zone", args: []string{"--allow", "fe80::1%eth0"},
			want: []string{`allow: "fe80::1%eth0" has a zone: it means something on one host only (flag --allow)`}},
		{name: "allow too long a prefix", args: []string{"--allow", "192.0.2.0/33"},
			want: []string{`allow: "192.0.2.0/33" is neither an address nor a network (flag --allow)`}},

		// Impossible together.
		{name: "IPv6 never", args: []string{"--ipv6-prefix", "48", "--min-prefix-6", "56"},
			want: []string{"ipv6-prefix 48 (flag --ipv6-prefix) is broader than min-prefix-6 56 (flag --min-prefix-6): every IPv6 ban would be left out"}},
		{name: "a jail both ways", args: []string{"--jail", "sshd,x", "--exclude-jail", "sshd"},
			want: []string{`"sshd" is both in jail (flag --jail) and in exclude-jail (flag --exclude-jail)`}},
		{name: "an owner both ways", args: []string{"--owner", "web", "--former-owner", "web"},
			want: []string{`owner "web" (flag --owner) and former-owner "web" (flag --former-owner) are the same`}},

		// The configuration file.
		{name: "unknown key", conf: "\n\n\n\n\n\nipv6_prefix = 64\n",
			want: []string{`unknown key "ipv6_prefix" in etc/edgeban/edgeban.toml, line 7; did you mean "ipv6-prefix"?`}},
		{name: "unknown key, nothing like it", conf: "colour = 'red'",
			want: []string{`unknown key "colour" in etc/edgeban/edgeban.toml, line 1`}},
		{name: "dotted key", conf: "\ncloudflare.account = 'x'",
			want: []string{`unknown key "cloudflare" in etc/edgeban/edgeban.toml, line 2`}},
		{name: "table", conf: "[cloudflare]\naccount = 'x'\nlist = 'y'",
			want: []string{`unknown key "cloudflare" in etc/edgeban/edgeban.toml, line 1`}},
		{name: "the file naming a file", conf: "config = '/etc/other.toml'",
			want: []string{`unknown key "config" in etc/edgeban/edgeban.toml, line 1`}},
		{name: "the token in the file", conf: "token = '" + testToken + "'",
			want: []string{`unknown key "token" in etc/edgeban/edgeban.toml, line 1; did you mean "token-file"?`,
				"  The API token has no place in this file: put it, alone, into the one that token-file names (/etc/edgeban/token, mode 0600)."}},
		{name: "CrowdSec's key in the file", conf: "crowdsec-key = '" + testKey + "'",
			want: []string{`unknown key "crowdsec-key" in etc/edgeban/edgeban.toml, line 1; did you mean "crowdsec-key-file"?`,
				"  The CrowdSec API key has no place in this file: put it, alone, into the one that crowdsec-key-file names (/etc/edgeban/crowdsec-key, mode 0600)."}},
		{name: "key twice", conf: "list = 'a'\nlist = 'b'",
			want: []string{"etc/edgeban/edgeban.toml, line 2: Key 'list' has already been defined."}},
		{name: "no TOML", conf: "list: edgeban",
			want: []string{"etc/edgeban/edgeban.toml, line 1: expected '.' or '=', but got ':' instead"}},
		{name: "no TOML, around a token", conf: "list = 'a'\ntoken-file = " + testToken,
			want: []string{"etc/edgeban/edgeban.toml, line 2: not valid TOML"}},
		{name: "array for a string", conf: "list = ['a']",
			want: []string{"list: an array, where a string is expected (etc/edgeban/edgeban.toml, line 1)"}},
		{name: "fraction", conf: "max-items = 1.5",
			want: []string{"max-items: a number with a fraction, where a whole number is expected (etc/edgeban/edgeban.toml, line 1)"}},
		{name: "truth", conf: "ownership = true",
			want: []string{"ownership: true or false, where a string is expected (etc/edgeban/edgeban.toml, line 1)"}},
		{name: "date", conf: "owner = 2026-11-20",
			want: []string{"owner: a date or time, where a string is expected (etc/edgeban/edgeban.toml, line 1)"}},
		{name: "table for a list", conf: "[jail]\nsshd = 'yes'",
			want: []string{"jail: a table, where an array of strings is expected (etc/edgeban/edgeban.toml, line 1)"}},
		{name: "mixed array", conf: "jail = ['a', 5]",
			want: []string{"jail: a whole number among the elements, where strings are expected (etc/edgeban/edgeban.toml, line 1)"}},
		{name: "missing file of a flag", args: []string{"--config", "other.toml"}, conf: "list = 'a'",
			want: []string{"configuration file other.toml: no such file or directory (flag --config)"}},
		{name: "missing file of the environment", env: map[string]string{"EDGEBAN_CONFIG": "other.toml"},
			want: []string{"configuration file other.toml: no such file or directory (environment EDGEBAN_CONFIG)"}},
		{name: "directory", args: []string{"--config", "etc"},
			want: []string{"configuration file etc: is a directory (flag --config)"}},

		// What a command cannot do without.
		{name: "nothing for Cloudflare", need: needCloudflare, want: []string{
			"the Cloudflare account is not set",
			"  It is the 32 digits in the dashboard's address, https://dash.cloudflare.com/<account id>/…",
			"  Set it as account in the configuration file, as --account or as CLOUDFLARE_ACCOUNT_ID.",
			"  edgeban setup finds it by the token.",
			"there is no Cloudflare API token",
			"  Create one in the dashboard under Manage Account → Account API Tokens with the permission",
			"  Account → Account Filter Lists → Edit, and put it into /etc/edgeban/token (mode 0600).",
		}},
		{name: "what is missing may stand in the broken file", need: needCloudflare | needSources,
			args: []string{"--fail2ban-db="}, conf: "account = ",
			want: []string{"etc/edgeban/edgeban.toml, line 1: unexpected EOF; expected value"}},
		{name: "no source", need: needSources, env: map[string]string{"EDGEBAN_FAIL2BAN_DB": ""}, want: []string{
			"no source of bans (environment EDGEBAN_FAIL2BAN_DB)",
			"  Set fail2ban-db or crowdsec-url: without a source nothing could be told from \"nobody is banned\".",
		}},
		{name: "no machine id", need: needCloudflare, args: []string{"--account", testAccount},
			env: map[string]string{tokenVariable: testToken}, files: map[string]string{"etc/machine-id": "uninitialized\n"},
			want: []string{
				`the owner cannot be derived from this host: /etc/machine-id: "uninitialized"`,
				"  Set owner, to a name that no other edgeban of this account has and that stays the same.",
			}},

		// The files that settings name.
		{name: "token file missing", args: []string{"--token-file", "secret"},
			want: []string{"token file secret: no such file or directory (flag --token-file)"}},
		{name: "token file empty", files: map[string]string{"etc/edgeban/token": ""},
			want: []string{"token file etc/edgeban/token: empty",
				"  Put the token into it, alone: no quotation marks, no \"Bearer\", no NAME=."}},
		{name: "token file blank", files: map[string]string{"etc/edgeban/token": " \n"},
			want: []string{"token file etc/edgeban/token: empty",
				"  Put the token into it, alone: no quotation marks, no \"Bearer\", no NAME=."}},
		{name: "token file of two lines", files: map[string]string{"etc/edgeban/token": testToken + "\n" + testToken + "\n"},
			want: []string{"token file etc/edgeban/token: more than one line, where the token alone is expected",
				"  Put the token into it, alone: no quotation marks, no \"Bearer\", no NAME=."}},
		{name: "token file with a header", files: map[string]string{"etc/edgeban/token": "Bearer " + testToken},
			want: []string{"token file etc/edgeban/token: a blank in the token",
				"  Put the token into it, alone: no quotation marks, no \"Bearer\", no NAME=."}},
		{name: "token in quotes", env: map[string]string{tokenVariable: `"` + testToken + `"`},
			want: []string{"environment CLOUDFLARE_API_TOKEN: a quotation mark in the token",
				"  Put the token into it, alone: no quotation marks, no \"Bearer\", no NAME=."}},
		{name: "token with its variable's name", files: map[string]string{"etc/edgeban/token": "CLOUDFLARE_API_TOKEN=" + testToken + "\n"},
			want: []string{"token file etc/edgeban/token: a NAME= before the token",
				"  Put the token into it, alone: no quotation marks, no \"Bearer\", no NAME=."}},
		{name: "token with a control character", env: map[string]string{tokenVariable: testToken + "\x00"},
			want: []string{"environment CLOUDFLARE_API_TOKEN: a character in the token that no token has",
				"  Put the token into it, alone: no quotation marks, no \"Bearer\", no NAME=."}},
		{name: "token in another alphabet", files: map[string]string{"t": testToken + "é"}, env: map[string]string{"EDGEBAN_TOKEN_FILE": "t"},
			want: []string{"token file t: a character in the token that no token has",
				"  Put the token into it, alone: no quotation marks, no \"Bearer\", no NAME=."}},
		{name: "token file too large", files: map[string]string{"etc/edgeban/token": strings.Repeat("a", 4097)},
			want: []string{"token file etc/edgeban/token: too large to be a token (default)"}},
		{name: "token for a file", args: []string{"--token-file", testToken}, want: []string{
			"token-file: this seems to be a token, where the name of a file is expected (flag --token-file)",
			"  Write the token into a file, readable by edgeban alone, and give the file's name.",
		}},
		{name: "allow file missing", args: []string{"--allow-file", "allow"},
			want: []string{"allow file allow: no such file or directory (flag --allow-file)"}},
		{name: "allow file a directory", env: map[string]string{"EDGEBAN_ALLOW_FILE": "etc"},
			want: []string{"allow file etc, line 1: is a directory"}},
		{name: "allow file with bad lines", args: []string{"--allow-file", "allow"},
			files: map[string]string{"allow": "# ours\n192.0.2.1\n\n192.0.2.300\r\n2001:db8::/200 # typo\n"},
			want: []string{
				`allow file allow, line 4: "192.0.2.300" is neither an address nor a network`,
				`allow file allow, line 5: "2001:db8::/200" is neither an address nor a network`,
			}},
		{name: "allow file with an endless line", args: []string{"--allow-file", "allow"},
			files: map[string]string{"allow": "192.0.2.1\n" + strings.Repeat("1", 70_000)},
			want:  []string{"allow file allow, line 2: bufio.Scanner: token too long"}},
		{name: "the token file for an allow file", args: []string{"--allow-file", "etc/edgeban/token"},
			files: map[string]string{"etc/edgeban/token": testToken},
			want:  []string{`allow file etc/edgeban/token, line 1: "[secret]" is neither an address nor a network`}},
		{name: "the token in another setting", args: []string{"--ownership", testToken}, env: map[string]string{tokenVariable: testToken},
			want: []string{`ownership: "[secret]" is none of tagged, exclusive (flag --ownership)`}},

		// Everything at once; files only when the settings are right.
		{name: "all settings at once", args: []string{"--margin", "x", "--allow-file", "missing"},
			env: map[string]string{"EDGEBAN_LOG_LEVEL": "loud"}, conf: "max_items = 5\nbatch-size = 0\n",
			want: []string{
				`unknown key "max_items" in etc/edgeban/edgeban.toml, line 1; did you mean "max-items"?`,
				"batch-size: 0 is not between 1 and 10000 (etc/edgeban/edgeban.toml, line 2)",
				`margin: "x" is not a duration, such as 90s, 3m or 1h30m (flag --margin)`,
				`log-level: "loud" is none of debug, info, warn, error (environment EDGEBAN_LOG_LEVEL)`,
			}},
		{name: "all files at once", args: []string{"--token-file", "a", "--allow-file", "b"}, want: []string{
			"token file a: no such file or directory (flag --token-file)",
			"allow file b: no such file or directory (flag --allow-file)",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.env = tt.env
			if tt.conf != "" {
				h.write("etc/edgeban/edgeban.toml", tt.conf)
			}
			for name, content := range tt.files {
				h.write(name, content)
			}
			_, stderr, code := h.load(tt.need, tt.args...)
			if code != exitUsage {
				t.Errorf("exit status %d, want %d", code, exitUsage)
			}
			if strings.Contains(stderr, testToken) {
				t.Errorf("the token is in the message")
			}
			var want strings.Builder
			for _, line := range tt.want {
				if !strings.HasPrefix(line, "  ") {
					want.WriteString("edgeban: ")
				}
				want.WriteString(line + "\n")
			}
			if stderr != want.String() {
				t.Errorf("standard error:\n%swant:\n%s", stderr, want.String())
			}
		})
	}
}

// The twin of the table above: the same needs met.
func TestGoodSettings(t *testing.T) {
	h := newHost(t)
	h.write("etc/edgeban/edgeban.toml", `
account = "`+strings.ToUpper(testAccount)+`"
fail2ban-db = ["/a.sqlite3", "/b,c.sqlite3"]
jail = "ssh*"
ipv6-prefix = 56
ownership = "exclusive"
timeout = "1m30s"
allow = ["192.0.2.77/24", "::ffff:198.51.100.0/120", "2001:db8::1"]
log-level = "warn"
`)
	h.write("etc/edgeban/token", testToken+"\r\n")
	s, stderr, code := h.load(needSources|needCloudflare, "--api-url", "http://127.0.0.1:8080/v4/")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit status %d: %s", code, stderr)
	}
	want := Settings{
		Fail2banDBs: []string{"/a.sqlite3", "/b,c.sqlite3"}, Fail2banBantime: 10 * time.Minute,
		Jails: []string{"ssh*"}, CrowdSecOrigins: []string{"crowdsec", "cscli", "cscli-import", "console"}, Account: testAccount, List: "edgeban",
		Owner: "web-1-ddb14b4c", OwnerDerived: true, Exclusive: true, MaxItems: 10000, BatchSize: 10000, APIURL: "http://127.0.0.1:8080/v4",
		IPv6Prefix: 56, MinPrefix4: 16, MinPrefix6: 32, Margin: 3 * time.Minute,
		Allow: []AllowEntry{
			{mustPrefix("192.0.2.0/24"), "etc/edgeban/edgeban.toml, line 8"},
			{mustPrefix("198.51.100.0/24"), "etc/edgeban/edgeban.toml, line 8"},
			{mustPrefix("2001:db8::1/128"), "etc/edgeban/edgeban.toml, line 8"},
		},
		Timeout: 90 * time.Second, WriteInterval: 30 * time.Second, SkipAlarm: 30 * time.Minute, StateDir: "var/lib/edgeban", LogLevel: 4, LogFormat: "text",
		RequestBudget: 400, SpillAllow: true,
	}
	if s.Token.IsZero() {
		t.Error("no token")
	}
	if diff := diffSettings(want, s); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// Every declaration holds what the others build upon.
func TestDeclarations(t *testing.T) {
	names, envs := map[string]bool{}, map[string]bool{}
	for _, s := range settings() {
		if names[s.name] || envs[s.env] || s.name == "" || s.env == "" {
			t.Errorf("setting %q, environment %q: empty or declared twice", s.name, s.env)
		}
		names[s.name], envs[s.env] = true, true
		if s.usage == "" || s.category == "" || (s.placeholder == "") != (s.kind == truth) {
			t.Errorf("setting %s: no usage, category or placeholder", s.name)
		}
	}
	if all := settings(); all[0].name != "instance" || all[1].name != "config" {
		t.Error("instance and config are not the first settings: the others could not stand in the file")
	}
	h := newHost(t)
	if _, stderr, code := h.load(0); code != exitOK {
		t.Errorf("the defaults are no good: %s", stderr)
	}
}

func TestOpenTokenFileWarns(t *testing.T) {
	for _, mode := range []os.FileMode{0o600, 0o640, 0o644, 0o602} {
		h := newHost(t)
		h.write("etc/edgeban/token", testToken)
		if err := os.Chmod("etc/edgeban/token", mode); err != nil {
			t.Fatal(err)
		}
		s, _, _ := h.load(0)
		if warned := len(s.Warnings) == 1; warned != (mode&0o007 != 0) {
			t.Errorf("mode %04o: warnings %q", mode, s.Warnings)
		}
	}
}

func TestUnreadableTokenFileIsNoMissingOne(t *testing.T) {
	h := newHost(t)
	if err := os.MkdirAll("etc/edgeban/token", 0o700); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := h.load(needCloudflare, "--account", testAccount)
	if want := "edgeban: token file etc/edgeban/token: is a directory (default)\n"; stderr != want || code != exitUsage {
		t.Errorf("exit status %d, %q, want %q", code, stderr, want)
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
)

// Everything that can be wrong, one at a time: its line, what to do about it, and the exit status. All other parts are tried too.
func TestCheckFindings(t *testing.T) {
	t.Parallel()
	type test struct {
		name  string
		spoil func(t *testing.T, s *checked)
		line  string // verdict, part and the text, or its beginning
		do    string // a part of it
	}
	tests := []test{
		{"unknown key", func(t *testing.T, s *checked) { s.write(t, "etc/edgeban/edgeban.toml", "margins = \"3m\"\n") },
			`failed config unknown key "margins" in DIR/etc/edgeban/edgeban.toml, line 1; did you mean "margin"?`, ""},
		{"no TOML", func(t *testing.T, s *checked) { s.write(t, "etc/edgeban/edgeban.toml", "margin\n") },
			"failed config DIR/etc/edgeban/edgeban.toml, line 1: ", ""},
		{"bad value", func(_ *testing.T, s *checked) { s.env["EDGEBAN_MARGIN"] = "long" },
			`failed config margin: "long" is not a duration, such as 90s, 3m or 1h30m (environment EDGEBAN_MARGIN)`, ""},
		{"bad account", func(_ *testing.T, s *checked) { s.env["CLOUDFLARE_ACCOUNT_ID"] = "mine" },
			"failed config account: not the 32 hexadecimal digits of an account id (environment CLOUDFLARE_ACCOUNT_ID)", ""},
		{"no owner", func(_ *testing.T, s *checked) { s.env["EDGEBAN_OWNER"] = "" },
			"failed config the owner cannot be derived from this host: ", "Set owner"},
		{"token open to all", func(t *testing.T, s *checked) {
			s.env["CLOUDFLARE_API_TOKEN"] = ""
			s.write(t, "etc/edgeban/token", testToken+"\n")
			if err := os.Chmod(filepath.Join(s.dir, "etc/edgeban/token"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "warning config token file DIR/etc/edgeban/token is open to every user of this host (mode 0644)", ""},
		{"no source", func(_ *testing.T, s *checked) { s.env["EDGEBAN_FAIL2BAN_DB"] = "" },
			"failed fail2ban no source of bans (environment EDGEBAN_FAIL2BAN_DB)", "Set fail2ban-db"},
		{"no database", func(t *testing.T, s *checked) { remove(t, s.database()) },
			"failed fail2ban Fail2Ban database DIR/fail2ban.sqlite3: no such file", "fail2ban-client get dbfile"},
		{"no Fail2Ban database", func(t *testing.T, s *checked) { s.write(t, "fail2ban.sqlite3", "shopping list") },
			"failed fail2ban Fail2Ban database DIR/fail2ban.sqlite3: not an SQLite database", ""},
		{"proxy logged", func(t *testing.T, s *checked) {
			if err := s.ban(s.database(), "nginx", "172.68.10.3", time.Now(), time.Hour); err != nil {
				t.Fatal(err)
			}
		}, "warning fail2ban 1 ban lies in Cloudflare's own ranges: your web server logs the proxy, not the visitor", "real_ip_header CF-Connecting-IP"},
		{"Fail2Ban stopped", func(_ *testing.T, s *checked) { s.fail2ban = "stopped" },
			"failed fail2ban Fail2Ban does not run: nobody is banned", "systemctl start fail2ban"},
		{"Fail2Ban's socket denied", func(_ *testing.T, s *checked) { s.fail2ban = "denied" },
			"ok fail2ban whether Fail2Ban runs cannot be seen from here", ""},
		{"… its process is seen", func(t *testing.T, s *checked) {
			s.fail2ban = "denied"
			s.write(t, "run/fail2ban/fail2ban.pid", "77\n")
			s.write(t, "proc/77/stat", "")
		}, "ok fail2ban running", ""},
		{"… its process is gone", func(t *testing.T, s *checked) {
			s.fail2ban = ""
			s.write(t, "run/fail2ban/fail2ban.pid", "77\n")
		}, "failed fail2ban Fail2Ban does not run: nobody is banned", ""},
		{"… it has no process", func(t *testing.T, s *checked) {
			s.fail2ban = ""
			s.write(t, "etc/fail2ban/fail2ban.conf", "")
		}, "failed fail2ban Fail2Ban does not run: nobody is banned", ""},
		{"no database kept", func(_ *testing.T, s *checked) { s.fail2ban = "running None" },
			"failed fail2ban Fail2Ban keeps no database: dbfile = None (fail2ban-client get dbfile)", "fail2ban.local"},
		{"database in memory", func(t *testing.T, s *checked) {
			s.fail2ban = ""
			s.write(t, "etc/fail2ban/fail2ban.conf", "[Definition]\ndbfile = "+s.database()+"\n")
			s.write(t, "etc/fail2ban/fail2ban.local", "[Definition]\n# dbfile = x\ndbfile = :memory:\n")
		}, "failed fail2ban Fail2Ban keeps no database: dbfile = :memory: (DIR/etc/fail2ban/fail2ban.local)", "fail2ban.local"},
		{"another database", func(_ *testing.T, s *checked) { s.fail2ban = "running /srv/fail2ban.sqlite3" },
			"warning fail2ban Fail2Ban keeps its bans in another database: /srv/fail2ban.sqlite3 (fail2ban-client get dbfile)", `fail2ban-db = ["/srv/fail2ban.sqlite3"]`},
		{"no token", func(_ *testing.T, s *checked) { s.env["CLOUDFLARE_API_TOKEN"] = "" },
			"failed token there is no Cloudflare API token", "Account → Account Filter Lists → Edit"},
		{"token in two lines", func(_ *testing.T, s *checked) { s.env["CLOUDFLARE_API_TOKEN"] = "a\nb" },
			"failed config environment CLOUDFLARE_API_TOKEN: more than one line, where the token alone is expected", ""},
		{"token expired", func(_ *testing.T, s *checked) { s.edge.SetTokenStatus(testToken, fake.TokenExpired) },
			"failed token account token, expired (environment CLOUDFLARE_API_TOKEN)", "Create one"},
		{"token unknown", func(_ *testing.T, s *checked) { s.edge.RemoveToken(testToken) },
			"failed token read lists: Cloudflare answered 401, code 10000: Authentication error", "The token is wrong"},
		{"token may not write", func(_ *testing.T, s *checked) { s.edge.AddToken(testToken, fake.ListsRead) },
			"failed token user's token, may read lists but not write them (environment CLOUDFLARE_API_TOKEN)", "Account → Account Filter Lists → Edit"},
		{"whether it may write is unknown", func(_ *testing.T, s *checked) {
			s.edge.AddFault(fake.Fault{Method: "POST", Path: fake.PathLists, Effect: fake.Answer(503, 0, "down")})
		}, "warning token account token, may read lists (environment CLOUDFLARE_API_TOKEN); whether it may write them is unknown", ""},
		{"no answer", func(_ *testing.T, s *checked) { s.edge.AddFault(fake.Fault{Effect: fake.Drop()}) },
			"failed api no answer from api.cloudflare.com", "curl"},
		{"no answer and no account", func(_ *testing.T, s *checked) {
			s.env["CLOUDFLARE_ACCOUNT_ID"] = ""
			s.edge.AddFault(fake.Fault{Effect: fake.Drop()})
		}, "failed api no answer from api.cloudflare.com", "curl"},
		{"no answer in time", func(_ *testing.T, s *checked) {
			s.env["EDGEBAN_TIMEOUT"], s.env["EDGEBAN_WRITE_INTERVAL"] = "10s", "1s"
			s.edge.AddFault(fake.Fault{Path: fake.PathZones, Effect: fake.Delay(20 * time.Second)})
		}, "failed check out of time after 10s", "https://www.cloudflarestatus.com"},
		{"writes refused", func(t *testing.T, s *checked) { s.refuseWrites(t) },
			"warning timer edgeban.timer is active; Cloudflare refuses writes since 10:0", "waiting helps"},
		{"… so no write is tried", func(t *testing.T, s *checked) { s.refuseWrites(t) },
			"ok token account token, may read lists (environment CLOUDFLARE_API_TOKEN); whether it may write them is not asked", ""},
		{"runs skipped", func(t *testing.T, s *checked) {
			remove(t, s.database())
			s.run(t.Context(), nil, "sync")
		}, "failed timer edgeban.timer is active; runs are skipped since 10:00", "edgeban sync"},
		{"no account", func(_ *testing.T, s *checked) { s.env["CLOUDFLARE_ACCOUNT_ID"] = "" },
			"failed account the Cloudflare account is not set; the token sees one", `account = "` + testAccount + `"`},
		{"no account, and a file of one's own", func(t *testing.T, s *checked) {
			s.write(t, "mine.toml", "")
			s.env["CLOUDFLARE_ACCOUNT_ID"], s.env["EDGEBAN_CONFIG"] = "", filepath.Join(s.dir, "mine.toml")
		}, "failed account the Cloudflare account is not set; the token sees one", `Set it in DIR/mine.toml: account = "` + testAccount + `"`},
		{"no account and no guess", func(_ *testing.T, s *checked) {
			s.env["CLOUDFLARE_ACCOUNT_ID"] = ""
			s.edge.AddAccountToken(testAccount, testToken, fake.ListsEdit)
		}, "failed account the Cloudflare account is not set", "dash.cloudflare.com"},
		{"no list", func(_ *testing.T, s *checked) { s.edge.RemoveList(s.list) },
			"failed list the account has no list edgeban", "edgeban setup"},
		{"a list of another kind", func(_ *testing.T, s *checked) {
			s.edge.AddList(testAccount, "redirects", "redirect")
			s.env["EDGEBAN_LIST"] = "redirects"
		}, `failed list redirects is not an IP list: its kind is "redirect"`, "Name another list"},
		{"quota nearly used", func(_ *testing.T, s *checked) { s.env["EDGEBAN_MAX_ITEMS"] = "1" },
			"warning list edgeban, 1 of 1 items: over 90 % of the quota is used", "the most recent bans are kept"},
		{"no rule", func(_ *testing.T, s *checked) { s.list = s.anotherList(s.edge) },
			"failed rule no rule uses the list: nothing is blocked", "edgeban setup --zone example.com"},
		{"rule in a zone not seen", func(_ *testing.T, s *checked) { s.edge.AddAccountToken(testAccount, testToken, fake.ListsEdit) },
			"ok rule 1 rule uses the list; whether it blocks cannot be seen: the token may not read rules", ""},
		{"rule that logs", func(_ *testing.T, s *checked) {
			s.list = s.anotherList(s.edge)
			s.edge.AddRule(s.zone, fake.Rule{Expression: "ip.src in $another", Action: "skip", Enabled: true})
			s.edge.AddRule(s.zone, fake.Rule{Expression: "ip.src in $another", Action: "block"})
		}, "warning rule 2 rules use the list, but neither blocks nor challenges: example.com skip, example.com disabled", "choose Block"},
		{"ranges changed", func(_ *testing.T, s *checked) {
			s.edge.AddFault(fake.Fault{Path: fake.PathIPs, Effect: fake.Edit(func(envelope map[string]any) {
				result := envelope["result"].(map[string]any)
				result["ipv4_cidrs"] = append(result["ipv4_cidrs"].([]any), "192.0.2.0/24")
			})})
		}, "warning ranges Cloudflare has ranges that this edgeban does not know: 192.0.2.0/24", "Update edgeban"},
		{"ranges not to be had", func(_ *testing.T, s *checked) {
			s.edge.AddFault(fake.Fault{Path: fake.PathIPs, Effect: fake.Answer(404, 0, "gone")})
		}, "warning ranges read Cloudflare's ranges: ", ""},
		{"clock far off", func(_ *testing.T, s *checked) { s.edge.AddFault(fake.Fault{Effect: fake.WrongDate(time.Hour)}) },
			"failed clock 60 min behind Cloudflare: no run does anything", "timedatectl"},
		{"clock off", func(_ *testing.T, s *checked) { s.edge.AddFault(fake.Fault{Effect: fake.WrongDate(-time.Minute)}) },
			"warning clock 60 s ahead of Cloudflare", "timedatectl"},
		{"an older script's items", func(t *testing.T, s *checked) {
			if _, err := s.edge.SetItem(s.list, "203.0.113.7", "fail2ban"); err != nil {
				t.Fatal(err)
			}
		}, "warning items 0 of edgeban's, 1 of others; 1 has no owner and equals an active ban: an older script's?", "edgeban adopt"},
		{"state is a file", func(t *testing.T, s *checked) {
			s.write(t, "else", "")
			s.env["EDGEBAN_STATE_DIR"] = filepath.Join(s.dir, "else")
		},
			"failed state DIR/else is not a directory", "state-dir"},
		{"state damaged", func(t *testing.T, s *checked) { s.write(t, "state/state.json", "{") },
			"warning state state DIR/state/state.json is damaged", "sets it aside"},
		{"no directory for metrics", func(_ *testing.T, s *checked) {
			s.env["EDGEBAN_METRICS_FILE"] = filepath.Join(s.dir, "none", "edgeban.prom")
		},
			"failed metrics DIR/none/edgeban.prom cannot be written: no such file or directory", ""},
		{"metrics where nobody looks", func(t *testing.T, s *checked) { s.write(t, "var/lib/prometheus/node-exporter/x.prom", "") },
			"warning metrics DIR/edgeban.prom is not in DIR/var/lib/prometheus/node-exporter", "metrics-file"},
		{"metrics could be had", func(t *testing.T, s *checked) {
			s.write(t, "var/lib/prometheus/node-exporter/x.prom", "")
			s.env["EDGEBAN_METRICS_FILE"] = ""
		}, "ok metrics none are written; node_exporter reads DIR/var/lib/prometheus/node-exporter", ""},
		{"timer off", func(_ *testing.T, s *checked) { s.timer = "LoadState=loaded\nActiveState=inactive\n" },
			"failed timer edgeban.timer is not active; last run", "systemctl enable --now edgeban.timer"},
		{"no timer but runs", func(_ *testing.T, s *checked) { s.timer = "" },
			"ok timer no timer of systemd's; last run", ""},
		{"no run for long", func(*testing.T, *checked) { time.Sleep(20 * time.Minute) },
			"failed timer edgeban.timer is active; the last run that ended in step was 20 min ago", "edgeban sync"},
		{"last run failed", func(t *testing.T, s *checked) {
			time.Sleep(3 * time.Minute)
			s.edge.AddFault(fake.Fault{Path: fake.PathItems, Times: 1, Effect: fake.Answer(400, 10000, "no")})
			s.run(t.Context(), nil, "sync")
		}, "warning timer edgeban.timer is active; the last run, 0 s ago, ended otherwise: failed: list items of edgeban: ", "journalctl"},
		{"no run yet", func(t *testing.T, s *checked) { remove(t, filepath.Join(s.stateDir(), "state.json")) },
			"warning timer edgeban.timer is active; no run of this list has ended in step yet", "edgeban sync"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				s := newChecked(t)
				tt.spoil(t, s)
				stdout, stderr, status := s.check(t)
				lines, want := map[string]string{}, 0
				last := ""
				for line := range strings.Lines(stdout) {
					if strings.HasPrefix(line, "     ") {
						lines[last] += strings.TrimSpace(line) + "\n"
						continue
					}
					last = strings.Join(strings.Fields(line), " ")
					lines[last] = ""
					if strings.HasPrefix(line, "failed") {
						want = exitFailure
					}
				}
				found := false
				for line, do := range lines {
					found = found || strings.HasPrefix(line, tt.line) && strings.Contains(do, tt.do) && (tt.do != "" || do == "" || !strings.HasPrefix(line, "ok"))
				}
				if !found || status != want || stderr != "" || strings.HasPrefix(tt.line, "failed") != (status == exitFailure) {
					t.Errorf("exit status %d, want %d; %s\n%swant\n%s\n%s", status, want, stderr, stdout, tt.line, tt.do)
				}
				for _, part := range []string{"config", "fail2ban", "timer", "state", "metrics"} {
					if !strings.Contains(stdout, " "+part+" ") {
						t.Errorf("nothing is said of %s:\n%s", part, stdout)
					}
				}
			})
		})
	}
}

// refuseWrites makes Cloudflare refuse writes until edgeban holds them.
func (s *checked) refuseWrites(t *testing.T) {
	t.Helper()
	s.edge.AddFault(fake.Fault{Method: "POST", Path: fake.PathItems, Effect: fake.TooManyRequests(10040, "5")})
	for _, ip := range []string{"203.0.113.8", "203.0.113.9"} {
		if err := s.ban(s.database(), "sshd", ip, time.Now(), time.Hour); err != nil {
			t.Fatal(err)
		}
		s.run(t.Context(), nil, "sync")
	}
}

// anotherList is a list that no rule uses, in the settings' place.
func (s *checked) anotherList(edge *fake.Cloudflare) string {
	s.env["EDGEBAN_LIST"] = "another"
	return edge.AddList(testAccount, "another", "ip")
}

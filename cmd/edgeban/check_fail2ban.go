package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"edgeban/reconcile"
	"edgeban/sources/fail2ban"
)

// askSources asks every source.
func (c *checkup) askSources(ctx context.Context) {
	if len(c.sources()) == 0 {
		p := c.settings.noSource()
		c.fail("fail2ban", p.text, p.hint)
		return
	}
	said := c.blocking().run(nil).Read(ctx)
	if said.Err == nil {
		desired := c.blocking().run(nil).Desire(said)
		c.desired, c.said = &desired, said
	}
	for _, s := range said.Sources {
		if s.Err != nil {
			c.failOf(s.Name, s.Err)
			continue
		}
		if s.Name != fail2ban.Name {
			c.ok(s.Name, "%s, %s", s.Label, activeText(s.Active))
			continue
		}
		facts, err := fail2ban.New(s.Label, fail2ban.Options{DefaultBantime: c.settings.Fail2banBantime}).Facts(ctx)
		if err != nil {
			c.failOf("fail2ban", err)
			continue
		}
		c.ok("fail2ban", "%s, schema %d, %s%s", s.Label, facts.Schema, activeText(s.Active), newestText(c.now, facts.Newest))
	}
	for _, note := range said.Notes {
		c.warn("sources", note, "")
	}
}

// activeText is "38 active bans (recidive 8, sshd 30)".
func activeText(active map[string]int) string {
	total, each := 0, []string{}
	for _, jail := range slices.Sorted(maps.Keys(active)) {
		total += active[jail]
		each = append(each, fmt.Sprintf("%s %d", shortened(printable(jail)), active[jail]))
	}
	if len(each) > 8 {
		each = append(each[:7], fmt.Sprintf("and %d more", len(active)-7))
	}
	text := plural(total, "active ban")
	if len(each) > 0 {
		text += " (" + strings.Join(each, ", ") + ")"
	}
	return text
}

func newestText(now, newest time.Time) string {
	switch {
	case newest.IsZero():
		return ", none ever"
	case newest.After(now):
		return ", newest in the future: " + moment(now, newest)
	}
	return ", newest " + ago(now, newest)
}

// bans says what the bans that are left out tell about the host.
func (c *checkup) bans(context.Context) {
	if c.desired == nil {
		return
	}
	if n := countLeftOut(c.desired.LeftOut, reconcile.LeftOutCloudflare); n > 0 {
		lie := " lies"
		if n > 1 {
			lie = "s lie"
		}
		c.warn("fail2ban", fmt.Sprintf("%d ban%s in Cloudflare's own ranges: your web server logs the proxy, not the visitor", n, lie),
			"nginx: set_real_ip_from … and real_ip_header CF-Connecting-IP; Apache: mod_remoteip")
	}
}

// fail2ban asks whether Fail2Ban runs, and whether it keeps a database at all.
func (c *checkup) fail2ban(ctx context.Context) {
	if len(c.settings.Fail2banDBs) == 0 {
		return
	}
	client := func(args ...string) (string, error) {
		if c.sys.fail2banClient == nil {
			return "", exec.ErrNotFound
		}
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		text, err := c.sys.fail2banClient(ctx, args...)
		return strings.TrimSpace(string(text)), err
	}
	said, err := client("ping")
	running := err == nil
	unknown := errors.Is(err, exec.ErrNotFound) || strings.Contains(strings.ToLower(said), "permission denied")
	if unknown {
		var known bool
		running, known = c.process()
		unknown = !known
	}
	switch {
	case unknown:
		c.ok("fail2ban", "whether Fail2Ban runs cannot be seen from here")
	case !running:
		c.fail("fail2ban", "Fail2Ban does not run: nobody is banned", "Start it: systemctl start fail2ban; journalctl -u fail2ban says why it ended.")
	default:
		c.ok("fail2ban", "running")
	}
	if said, err := client("get", "dbfile"); err == nil {
		c.compareDatabase(dbfileOf(said), "fail2ban-client get dbfile")
	} else {
		c.compareDatabase(c.configuredDatabase())
	}
}

// compareDatabase judges the database that Fail2Ban itself names, "" when that is not known.
func (c *checkup) compareDatabase(file, from string) {
	switch lower := strings.ToLower(file); {
	case file == "" || len(c.settings.Fail2banDBs) == 0:
	case lower == "none" || lower == ":memory:":
		c.fail("fail2ban", "Fail2Ban keeps no database: dbfile = "+file+" ("+from+")",
			"Set dbfile = /var/lib/fail2ban/fail2ban.sqlite3 under [Definition] in /etc/fail2ban/fail2ban.local and restart Fail2Ban.")
	case !slices.ContainsFunc(c.settings.Fail2banDBs, func(path string) bool { return sameFile(path, file) }):
		c.warn("fail2ban", "Fail2Ban keeps its bans in another database: "+file+" ("+from+")",
			fmt.Sprintf("Set fail2ban-db = [%q] in %s.", file, c.settings.configFile()))
	}
}

func sameFile(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(one, other)
}

// dbfileOf reads what `fail2ban-client get dbfile` prints.
func dbfileOf(said string) string {
	if strings.Contains(said, "currently disabled") {
		return "None"
	}
	_, file, found := strings.Cut(said, "`- ")
	if !found {
		return ""
	}
	if file = strings.TrimSpace(file); file == "" {
		return "None"
	}
	return file
}

// process looks for Fail2Ban's process by its pid file. It is not known when neither can be seen.
func (c *checkup) process() (running, known bool) {
	text, err := os.ReadFile(c.sys.path("/run/fail2ban/fail2ban.pid"))
	if errors.Is(err, fs.ErrNotExist) && exists(c.sys.path("/etc/fail2ban")) {
		return false, true
	}
	pid := strings.TrimSpace(string(text))
	if err != nil || pid == "" || strings.Trim(pid, "0123456789") != "" {
		return false, false
	}
	return exists(c.sys.path("/proc/" + pid)), true
}

// configuredDatabase is the dbfile of Fail2Ban's configuration, and the file that says so. What is read later counts:
// fail2ban.conf, fail2ban.d/*.conf, fail2ban.local, fail2ban.d/*.local.
func (c *checkup) configuredDatabase() (file, from string) {
	dir := c.sys.path("/etc/fail2ban")
	for _, ending := range []string{".conf", ".local"} {
		more, err := filepath.Glob(filepath.Join(dir, "fail2ban.d", "*"+ending))
		if err != nil {
			more = nil
		}
		for _, name := range append([]string{filepath.Join(dir, "fail2ban"+ending)}, more...) {
			if set, found := dbfileIn(name); found {
				file, from = set, name
			}
		}
	}
	return file, from
}

// dbfileIn reads one file of Fail2Ban's configuration. An empty dbfile keeps none.
func dbfileIn(name string) (file string, found bool) {
	f, err := os.Open(name)
	if err != nil {
		return "", false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, text, is := strings.Cut(lines.Text(), "=")
		if is && strings.TrimSpace(key) == "dbfile" {
			file, found = strings.TrimSpace(text), true
		}
	}
	switch {
	case strings.Contains(file, "%("): // made of other values, which are not looked up here
		file = ""
	case found && file == "":
		file = "None"
	}
	return file, found
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"edgeban/reconcile"
)

// writable reports why nothing can be written in a directory, nil when it can: a file is made in it and removed.
func writable(dir string) error {
	probe, err := os.CreateTemp(dir, ".edgeban-check-*")
	if err != nil {
		return cause(err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// stateDirectory looks at where a run leaves word for the next one. It makes none: the service's own user should.
func (c *checkup) stateDirectory(context.Context) {
	dir := c.settings.StateDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.ok("state", "%s does not exist yet: the first run makes it", dir)
		return
	case err != nil:
		c.fail("state", fmt.Sprintf("%s: %v", dir, cause(err)), "")
		return
	case !info.IsDir():
		c.fail("state", dir+" is not a directory", "Name another one with state-dir, or move this file away.")
		return
	}
	if err := writable(dir); err != nil {
		c.fail("state", fmt.Sprintf("%s: %v", dir, err),
			"Without it nothing is remembered, and no other run is kept out. Run check as the user that runs edgeban, or as root; else change its owner.")
		return
	}
	d := &stateDir{dir}
	_, err = d.lists().load()
	_, accounts := c.accounts(d).load()
	if err := errors.Join(err, accounts); err != nil {
		c.warn("state", err.Error(), "The next run sets it aside and begins anew.")
		return
	}
	c.ok("state", "%s, writable", dir)
}

// textfileDirectories are where packages of node_exporter read files of metrics.
func textfileDirectories() []string {
	return []string{"/var/lib/prometheus/node-exporter", "/var/lib/node_exporter/textfile_collector", "/var/lib/node_exporter"}
}

// metricsDirectory looks at where the metrics go, or could go.
func (c *checkup) metricsDirectory(context.Context) {
	known := ""
	for _, dir := range textfileDirectories() {
		if info, err := os.Stat(c.sys.path(dir)); known == "" && err == nil && info.IsDir() {
			known = c.sys.path(dir)
		}
	}
	file := c.settings.MetricsFile
	switch {
	case file == "" && c.settings.Pushgateway != "":
		return
	case file == "" && known == "":
		c.ok("metrics", "none are written, and no directory of node_exporter's was found")
		return
	case file == "":
		c.ok("metrics", "none are written; node_exporter reads %s: metrics-file = %q would be for it", known, filepath.Join(known, "edgeban.prom"))
		return
	}
	if err := writable(filepath.Dir(file)); err != nil {
		c.fail("metrics", fmt.Sprintf("%s cannot be written: %v", file, err),
			"The file is replaced by a new one, so the user that runs edgeban must be allowed to write in its directory.")
		return
	}
	if known != "" && !sameFile(filepath.Dir(file), known) {
		c.warn("metrics", fmt.Sprintf("%s is not in %s, where node_exporter looks", file, known), "Unless yours looks elsewhere: metrics-file = \""+filepath.Join(known, "edgeban.prom")+"\"")
		return
	}
	c.ok("metrics", "%s, its directory is writable", file)
}

// pushgateway asks whether metrics could be pushed. No run fails for want of it.
func (c *checkup) pushgateway(ctx context.Context) {
	if c.settings.Pushgateway == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pushPatience)
	defer cancel()
	if err := c.gateway().Ready(ctx); err != nil {
		c.warn("metrics", err.Error(), hintOf(err))
		return
	}
	c.ok("metrics", "a Pushgateway answers at %s", c.settings.Pushgateway)
}

// successDue is how long ago the last success may lie: five runs.
const successDue = 10 * time.Minute

// timer asks systemd for the timer, and looks when a run last ended well.
func (c *checkup) timer(ctx context.Context) {
	unit := c.unit("timer")
	loaded, active, found := c.unitState(ctx, unit)
	f := c.lastSuccess()
	switch {
	case found && loaded && !active:
		f = finding{"timer", failed, unit + " is not active; " + f.Text, "systemctl enable --now " + unit}
	case found && loaded:
		f.Text = unit + " is active; " + f.Text
	default:
		f.Text = "no timer of systemd's; " + f.Text
		if f.Verdict != fine {
			f.Do += "\nIs there a cron line, or something else that starts a run every two minutes?"
		}
	}
	c.add(f)
}

// unitState asks systemd; found is false where there is none.
func (c *checkup) unitState(ctx context.Context, unit string) (loaded, active, found bool) {
	if c.sys.systemctl == nil {
		return false, false, false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	said, err := c.sys.systemctl(ctx, "show", unit, "--property=LoadState,ActiveState")
	text := string(said)
	return strings.Contains(text, "LoadState=loaded"), strings.Contains(text, "ActiveState=active"), err == nil && text != ""
}

// lastSuccess says when a run last ended with nothing left to do, and whether that is as it should be.
func (c *checkup) lastSuccess() finding {
	do := "Try a run: edgeban sync. journalctl -u " + strings.TrimSuffix(c.unit("service"), ".service") + " tells of those before."
	list, throttle := c.blocking().listState(), c.blocking().past().Throttle
	for _, w := range c.works() { // the one that is worse off
		if other := w.listState(); other.LastSuccess.Before(list.LastSuccess) {
			list = other
		}
	}
	switch last := list.LastSuccess; {
	case throttle.Held(c.now):
		return finding{"timer", warning, fmt.Sprintf("Cloudflare refuses writes since %s, next attempt at %s",
			clock(c.now, throttle.Since), clock(c.now, throttle.Hold)), "Nothing: waiting helps, trying more often does harm."}
	case !list.SkippedSince.IsZero():
		return finding{"timer", failed, "runs are skipped since " + clock(c.now, list.SkippedSince), do}
	case last.IsZero():
		return finding{"timer", warning, "no run of " + map[bool]string{false: "this list", true: "these rules"}[c.settings.AccessRules] + " has ended in step yet", do}
	case c.now.Sub(last) > successDue:
		return finding{"timer", failed, "the last run that ended in step was " + ago(c.now, last), do}
	}
	if bad := c.endedBadly(); bad != nil {
		return finding{"timer", warning, fmt.Sprintf("the last run, %s, ended otherwise: %s; the last in step was %s",
			ago(c.now, bad.At), outcomeText(*bad, c.holding()), ago(c.now, list.LastSuccess)), do}
	}
	return finding{"timer", fine, "last run in step " + ago(c.now, list.LastSuccess), ""}
}

// endedBadly is the last run of the first list where that run left something undone that it could not do; nil: there is none.
func (c *checkup) endedBadly() *lastRun {
	for _, w := range c.works() {
		last := w.listState().LastRun
		if last == nil {
			continue
		}
		switch last.Outcome {
		case reconcile.OutcomeFailed, reconcile.OutcomeWithheld, reconcile.OutcomeHeld:
			return last
		}
	}
	return nil
}

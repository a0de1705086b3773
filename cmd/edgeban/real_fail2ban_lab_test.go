//go:build realparts

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeban/cloudflare"
	"edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
	"edgeban/sources/fail2ban"
)

const (
	labMargin   = 3 * time.Second // for 3 minutes: seconds stand for minutes here
	labInterval = time.Second     // between two runs

	// labOperation is how long Cloudflare takes over a write. It is longer than the pause between two failures of an attack, so
	// that the last of them comes after the run began.
	labOperation = 250 * time.Millisecond
)

// lab is a host with a real Fail2Ban, an edgeban, and an embedded Cloudflare whose list edgeban keeps.
type lab struct {
	t     *testing.T
	dir   string          // of the host's files
	f2b   *fail2banServer // nil: none is installed
	edge  *cloudflaretest.Cloudflare
	list  string // its id
	env   map[string]string
	ahead atomic.Int64 // by how much edgeban's and Cloudflare's clocks are put forward
}

// newLab makes a lab. Without any jail there is no Fail2Ban.
func newLab(t *testing.T, jails ...jail) *lab {
	t.Helper()
	l := &lab{t: t, dir: t.TempDir()}
	l.edge = cloudflaretest.New(cloudflaretest.Options{Now: l.now, OperationTime: labOperation})
	l.edge.AddAccount(testAccount)
	l.edge.AddToken(testToken, cloudflaretest.ListsEdit)
	l.list = l.edge.AddList(testAccount, "edgeban", "ip")
	l.edge.SetReferences(l.list, 1)
	if err := l.edge.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.edge.Close(); err != nil {
			t.Error(err)
		}
	})
	l.env = map[string]string{
		"CLOUDFLARE_ACCOUNT_ID":  testAccount,
		"CLOUDFLARE_API_TOKEN":   testToken,
		"EDGEBAN_API_URL":        l.edge.URL(),
		"EDGEBAN_MARGIN":         labMargin.String(),
		"EDGEBAN_OWNER":          "web-1",
		"EDGEBAN_STATE_DIR":      filepath.Join(l.dir, "state"),
		"EDGEBAN_WRITE_INTERVAL": "0s",
	}
	if len(jails) > 0 {
		l.f2b = newFail2banServer(t, jails...)
		l.env["EDGEBAN_FAIL2BAN_DB"] = l.f2b.database()
	}
	return l
}

func (l *lab) now() time.Time { return time.Now().Add(time.Duration(l.ahead.Load())) }

// later puts edgeban's and Cloudflare's clocks forward. Fail2Ban's goes on as it is.
func (l *lab) later(d time.Duration) { l.ahead.Add(int64(d)) }

// sync is one run of `edgeban sync`, which must succeed.
func (l *lab) sync() { l.t.Helper(); l.synced() }

// synced is the same and returns what the run said.
func (l *lab) synced() string {
	l.t.Helper()
	status, said := l.try()
	if status != exitOK {
		l.t.Fatalf("edgeban sync: exit status %d\n%s", status, said)
	}
	return said
}

// try is one run of `edgeban sync`, with its exit status.
func (l *lab) try() (status int, said string) { return l.command("sync") }

// command is one run of a command, with its exit status.
func (l *lab) command(args ...string) (status int, said string) {
	var out bytes.Buffer
	status = run(l.t.Context(), system{
		args:           args,
		lookupEnv:      func(name string) (string, bool) { text, set := l.env[name]; return text, set },
		stdin:          strings.NewReader(""),
		stdout:         &out,
		stderr:         &out,
		now:            l.now,
		hostname:       func() (string, error) { return "web-1", nil },
		interfaceAddrs: func() ([]net.Addr, error) { return nil, nil },
		root:           l.dir,
	})
	return status, out.String()
}

// items is what stands on the list, sorted.
func (l *lab) items() []string {
	all := []string{}
	for _, item := range l.edge.Items(l.list) {
		all = append(all, item.IP)
	}
	slices.Sort(all)
	return all
}

func (l *lab) listed(address string) bool { return slices.Contains(l.items(), address) }

// expect demands that a run leaves exactly these on the list, and that another run finds nothing to do.
func (l *lab) expect(what string, want ...string) {
	l.t.Helper()
	l.sync()
	want = append([]string{}, want...)
	slices.Sort(want)
	if diff := cmp.Diff(want, l.items()); diff != "" {
		l.t.Errorf("%s: the list (-want +got):\n%s", what, diff)
	}
	l.edge.ResetRequests()
	l.sync()
	var reads, writes int
	for _, r := range l.edge.Requests() {
		if r.Mutating {
			writes++
		} else if strings.HasSuffix(r.Path, "/items") {
			reads++
		}
	}
	if reads == 0 || writes != 0 {
		l.t.Errorf("%s: a second run read the list %d times and wrote %d times", what, reads, writes)
	}
}

// attack lets an address fail on and on, whenever the edge lets it through. The returned function ends that.
func (l *lab) attack(jail, address string) (stop func()) {
	ctx, cancel := context.WithCancel(l.t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		knock := time.NewTicker(100 * time.Millisecond)
		defer knock.Stop()
		for ctx.Err() == nil {
			if !l.listed(address) {
				if err := l.f2b.logFailures(jail, address); err != nil {
					l.t.Error(err)
				}
			}
			<-knock.C
		}
	})
	return func() { cancel(); done.Wait() }
}

// attackUntilListed lets an address attack until it is on the list. The run that puts it there comes when the ban's row
// has reached an age. It returns that row.
func (l *lab) attackUntilListed(jail, address string, age time.Duration, mirror func()) banRecord {
	l.t.Helper()
	before, _ := l.f2b.row(jail, address)
	defer l.attack(jail, address)()
	var row banRecord
	eventually(l.t, 20*time.Second, "the attack is banned anew", func() bool {
		var found bool
		row, found = l.f2b.row(jail, address)
		return found && row != before
	})
	eventually(l.t, 60*time.Second, "the row is old enough", func() bool { return time.Since(row.since) >= age })
	mirror()
	if !l.listed(address) {
		l.t.Fatalf("the attack is banned since %v and not on the list", row.since.UTC())
	}
	return row
}

// sighting is what was to be seen of an address at one run.
type sighting struct {
	began  time.Time // when the run did
	banned bool      // Fail2Ban said so, before the run and after it
	listed bool      // after the run
}

// runs does one run each interval, for at most a minute, and yields what each saw of an address.
func (l *lab) runs(jail, address string, mirror func()) func(yield func(sighting) bool) {
	return func(yield func(sighting) bool) {
		timer := time.NewTicker(labInterval)
		defer timer.Stop()
		for began := time.Now(); time.Since(began) < time.Minute; <-timer.C {
			before := l.f2b.banned(jail, address)
			s := sighting{began: time.Now()}
			mirror()
			s.listed = l.listed(address)
			s.banned = l.f2b.banned(jail, address) && before
			if !yield(s) {
				return
			}
		}
		l.t.Fatal("a minute was not enough")
	}
}

// syncWithoutLingering is a run of edgeban's twin that differs in one thing: an item goes with its row's end plus
// the margin, whenever it was put at the edge.
func (l *lab) syncWithoutLingering() {
	l.t.Helper()
	client, err := cloudflare.New(cloudflare.Config{BaseURL: l.edge.URL(), Account: testAccount, Token: cloudflare.NewSecret(testToken)})
	if err != nil {
		l.t.Fatal(err)
	}
	report := reconcile.Run{
		Sources:   []reconcile.Source{withoutLingering{fail2ban.New(l.f2b.database(), fail2ban.Options{})}},
		Target:    cloudflare.NewList(client, "edgeban", cloudflare.ListOptions{}),
		Policy:    reconcile.Policy{IPv6Prefix: 64, MinPrefix4: 16, MinPrefix6: 32},
		Ownership: reconcile.Ownership{Owner: "twin"},
		MaxItems:  10_000,
		Now:       l.now(),
	}.Do(l.t.Context())
	if report.Err != nil {
		l.t.Fatal(report.Err)
	}
}

// withoutLingering hides when bans began, without which no item lingers, and adds the margin to their ends instead.
type withoutLingering struct{ reconcile.Source }

func (s withoutLingering) Bans(ctx context.Context, now time.Time, memory json.RawMessage) (reconcile.Reading, error) {
	reading, err := s.Source.Bans(ctx, now, memory)
	for i := range reading.Bans {
		b := &reading.Bans[i]
		if b.Permanent() {
			return reading, errors.New("no permanent bans are due here")
		}
		b.Since, b.Until = time.Time{}, b.Until.Add(labMargin)
	}
	return reading, err
}

package reconcile_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"edgeban/cloudflare"
	"edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

const (
	account = "0123456789abcdef0123456789abcdef"
	token   = "token-of-all-hosts-0123456789abcdef0123"
	margin  = 3 * time.Minute
)

// community is a list and the hosts that share it. Only one goroutine runs at a time: a host's run goes on until its next request,
// which waits until it is let through, or until it sleeps.
type community struct {
	t     *rapid.T
	edge  *cloudflaretest.Cloudflare
	list  string // its id
	began time.Time
	hosts []*member
	watch
}

// member is a host with a source of bans and what its runs remember.
type member struct {
	name, id string        // of the default owner
	skew     time.Duration // how far its clock is ahead
	bans     map[string]reconcile.Ban
	past     []byte // nil: no run has left anything, or it was lost
	gone     bool   // it never runs again
	run      *running

	// forgot are the items that were its own when it had lost its state and its source was empty. It takes that for a database
	// that was replaced, and keeps them until their leases end.
	forgot map[string]bool
}

func (h *member) owner() string { return h.name + "-" + h.id }

// owns reports whether a tag is of this host, whatever its name was then.
func (h *member) owns(tag reconcile.Tag) bool {
	owner, _ := tag.Host()
	return strings.HasSuffix(owner, "-"+h.id)
}

func (h *member) now() time.Time { return time.Now().Add(h.skew) }

// A member is its own source of bans.
func (h *member) Name() string  { return "fail2ban" }
func (h *member) Label() string { return "the one of " + h.id }

func (h *member) Bans(context.Context, time.Time, json.RawMessage) (reconcile.Reading, error) {
	return reconcile.Reading{Bans: slices.Collect(maps.Values(h.bans)), Identity: "inode of " + h.id}, nil
}

// running is a run that is under way.
type running struct {
	host    *member
	now     time.Time // by the host's clock, when it began
	cancel  context.CancelFunc
	asks    atomic.Pointer[ask]            // the request that waits; nil: the run sleeps
	read    map[string]cloudflaretest.Item // the list as this run read it last
	refused bool                           // a write was, since then
	blank   bool                           // it remembers nothing and its source holds nothing
	command bool                           // a person gave it
	done    chan reconcile.Report
}

// begin lets a host begin a run, as its timer would.
func (c *community) begin(h *member) {
	c.start(h, false, reconcile.Run.Do)
}

func (c *community) start(h *member, command bool, do func(reconcile.Run, context.Context) reconcile.Report) {
	ctx, cancel := context.WithTimeout(context.Background(), 110*time.Second)
	r := &running{host: h, now: h.now(), cancel: cancel, command: command, done: make(chan reconcile.Report, 1)}
	h.run = r
	var past reconcile.Past
	if h.past != nil {
		if err := json.Unmarshal(h.past, &past); err != nil {
			c.t.Fatal(err)
		}
	}
	r.blank = !command && len(past.Known) == 0 && len(h.bans) == 0
	client, err := cloudflare.New(cloudflare.Config{
		Account: account, Token: cloudflare.NewSecret(token), Transport: gate{r, c.edge.Transport()},
		Jitter: func(limit time.Duration) time.Duration { return limit / 4 },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	run := reconcile.Run{
		Sources:   []reconcile.Source{h},
		Target:    cloudflare.NewList(client, "edgeban", cloudflare.ListOptions{NoRetry: past.Throttle.InARow > 1}),
		Policy:    reconcile.Policy{IPv6Prefix: 64, MinPrefix4: 16, MinPrefix6: 32, Margin: margin},
		Ownership: reconcile.Ownership{Owner: h.owner(), Derived: true},
		MaxItems:  10_000,
		Now:       r.now,
		Past:      past,
	}
	go func() { r.done <- do(run, ctx) }()
	c.settle()
}

// settle waits until every run waits or sleeps, and takes in what happened.
func (c *community) settle() {
	c.t.Helper()
	synctest.Wait()
	c.look()
	for _, h := range c.hosts {
		if h.run == nil {
			continue
		}
		select {
		case report := <-h.run.done:
			c.ended(h, report)
		default:
		}
	}
}

func (c *community) ended(h *member, report reconcile.Report) {
	h.run.cancel()
	h.run = nil
	past, err := json.Marshal(report.Next)
	if err != nil {
		c.t.Fatal(err)
	}
	h.past = past
	c.t.Logf("%v: %s's run of %v ends %s %v", time.Since(c.began), h.owner(), report.Now, report.Outcome, report.Err)
	if errors.Is(report.Err, context.DeadlineExceeded) {
		c.count(timedOut)
	}
}

// letThrough lets the request of a run through that waits for it.
func (c *community) letThrough(r *running) {
	c.t.Helper()
	a := r.asks.Load()
	c.t.Logf("%v: %s %s %s", time.Since(c.began), r.host.owner(), a.request.Method, path.Base(a.request.URL.Path))
	busy := c.edge.Pending(account)
	if a.reads() {
		r.read, r.refused = c.items, false
		c.remember(r)
	}
	close(a.through)
	synctest.Wait()
	switch {
	case !a.writes():
	case busy:
		c.count(pending)
		r.refused = true
	case c.edge.Pending(account):
		c.accepted(r, a.request.Method)
	default:
		r.refused = true
	}
	c.settle()
}

// letThroughWith lets a request through that something happens to.
func (c *community) letThroughWith(r *running, effect cloudflaretest.Effect) {
	c.t.Helper()
	c.edge.AddFault(cloudflaretest.Fault{Times: 1, Effect: effect})
	c.letThrough(r)
}

// pass lets time go by.
func (c *community) pass(d time.Duration) {
	c.t.Helper()
	time.Sleep(d)
	c.settle()
}

// crash ends a run where it stands. It leaves nothing behind but what it wrote to the list.
func (c *community) crash(r *running) {
	r.cancel()
	<-r.done
	r.host.run = nil
	c.settle()
}

// underWay are the runs that fit.
func (c *community) underWay(fits func(*running) bool) (all []*running) {
	for _, h := range c.hosts {
		if h.run != nil && fits(h.run) {
			all = append(all, h.run)
		}
	}
	return all
}

// finish lets all runs that are under way end by themselves.
func (c *community) finish() {
	c.t.Helper()
	for {
		all := c.underWay(func(*running) bool { return true })
		if len(all) == 0 {
			return
		}
		if i := slices.IndexFunc(all, func(r *running) bool { return r.asks.Load() != nil }); i >= 0 {
			c.letThrough(all[i])
		} else {
			c.pass(100 * time.Millisecond)
		}
	}
}

// round is one run of every host that is alive, one after the other, and how much they wrote.
func (c *community) round() (writes int) {
	c.t.Helper()
	c.edge.ResetRequests()
	for _, h := range c.alive() {
		c.begin(h)
		c.finish()
	}
	for _, r := range c.edge.Requests() {
		if r.Mutating {
			writes++
		}
	}
	return writes
}

func (c *community) rounds(n int) (writes int) {
	c.t.Helper()
	for range n {
		writes += c.round()
		c.pass(reconcile.Interval)
	}
	return writes
}

func (c *community) alive() []*member {
	return slices.DeleteFunc(slices.Clone(c.hosts), func(h *member) bool { return h.gone })
}

// newCommunity is a list with nothing on it, and the hosts.
func newCommunity(t *rapid.T, tally map[string]int) *community {
	c := &community{t: t, began: time.Now(), watch: watch{tally: tally, byHand: map[string]string{}, manual: map[string]time.Time{}}}
	lately, err := json.Marshal(reconcile.Past{Throttle: reconcile.Throttle{Last: c.began}}) // every write is weighed
	if err != nil {
		t.Fatal(err)
	}
	c.edge = cloudflaretest.New(cloudflaretest.Options{OperationTime: 2 * time.Second, RetryAfter: 8 * time.Second})
	c.edge.AddAccount(account)
	c.edge.AddToken(token, cloudflaretest.ListsEdit)
	c.list = c.edge.AddList(account, "edgeban", "ip")
	c.edge.SetReferences(c.list, 1)
	for i := range rapid.IntRange(2, 5).Draw(t, "hosts") {
		h := &member{
			name: "web", id: fmt.Sprintf("%08x", i+1),
			skew: time.Duration(rapid.IntRange(-120, 120).Draw(t, "skew")) * time.Second,
			bans: map[string]reconcile.Ban{}, forgot: map[string]bool{},
		}
		if i == 0 || rapid.Bool().Draw(t, "refused lately") {
			h.past = lately
		}
		c.hosts = append(c.hosts, h)
	}
	return c
}

// end stops everything, also when the test has failed in the middle of it.
func (c *community) end() {
	for _, r := range c.underWay(func(*running) bool { return true }) {
		r.cancel()
		<-r.done
	}
}

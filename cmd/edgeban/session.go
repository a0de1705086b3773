package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"edgeban/cloudflare"
	"edgeban/reconcile"
	"edgeban/sources/crowdsec"
	"edgeban/sources/fail2ban"
)

// session is what a command that deals with bans works with: the settings, and the parts that they wire together.
type session struct {
	sys      *system
	settings Settings
	out      output
	client   *cloudflare.Client // nil when the command does not talk to Cloudflare
	dir      *stateDir          // nil: there is none
	state    state              // what earlier runs left, by list
	account  accountState       // what earlier runs left about the settings' account
	now      time.Time          // the one time of the run
	progress *progress          // nil: nobody looks on
	crowdsec *crowdsec.Source   // nil: none is set
	used     map[cloudflare.Scope]*cloudflare.Rules
	budgets  []*cloudflare.Budget // requests of this run for access rules, by scope
	looked   int                  // requests that it made before, to look
	all      bool                 // read all access rules, those without a tag too, however many there are
	retried  bool                 // the run has made its one further attempt after a refused write
	distant  bool                 // the run has waited for its distance to the last write before it
	seen     []cloudflare.List    // the account's lists as last read; nil: not read
	warned   bool                 // somebody was told that this host's own addresses are unknown
}

// openSession wires a session, without asking any source or Cloudflare. reader is who reads what the command says.
func openSession(sys *system, s Settings, reader audience) (*session, error) {
	now := sys.now()
	x := &session{sys: sys, settings: s, now: now, out: newOutput(sys, s, reader, now)}
	for _, w := range s.Warnings {
		x.out.warn(w)
	}
	if s.CrowdSecURL != "" && sys.limitMemory != nil {
		sys.limitMemory(memoryLimitCrowdSec)
	}
	if sys.watched && x.out.words {
		x.progress = newProgress(sys.stderr)
	}
	if s.CrowdSecURL != "" {
		source, err := crowdsec.New(crowdsec.Config{
			URL: s.CrowdSecURL, Key: s.CrowdSecKey, TLS: s.CrowdSecTLS, Origins: s.CrowdSecOrigins,
			UserAgent: userAgent(), Transport: sys.lapi,
		})
		if err != nil {
			return nil, err
		}
		x.crowdsec = source
	}
	if s.Token.IsZero() && s.Key.IsZero() {
		return x, nil
	}
	client, err := cloudflare.New(cloudflare.Config{
		BaseURL:   s.APIURL,
		Account:   s.Account,
		Token:     s.Token,
		Email:     s.Email,
		Key:       s.Key,
		UserAgent: userAgent(),
		Transport: sys.transport,
		Logger:    x.out.debugLog(),
	})
	if err != nil {
		return nil, err
	}
	x.client = client
	return x, nil
}

// openState opens the state directory. Without one the run goes on and only warns.
func (x *session) openState() {
	dir, err := openStateDir(x.settings.StateDir)
	if err != nil {
		x.out.warnOf(err, "; going on without it: nothing is remembered and no other run is kept out")
	}
	x.dir = dir
}

// recall reads the state. A file that cannot be used is set aside, so that this run can write its own and a person can look at the old one.
// A command that has not opened the directory writes nothing there, so it does not complain about what it finds either.
func (x *session) recall() {
	if x.dir == nil {
		dir := &stateDir{x.settings.StateDir}
		x.state, _ = dir.lists().load()
		accounts, _ := x.accounts(dir).load()
		x.account = accounts.Accounts[x.settings.holder()]
		return
	}
	x.state = x.recallFrom(x.dir.lists())
	x.account = x.recallFrom(x.accounts(x.dir)).Accounts[x.settings.holder()]
}

// accounts is the file of what runs left about accounts.
func (x *session) accounts(dir *stateDir) *stateFile { return accountsFile(dir, x.settings.Instance) }

func (x *session) recallFrom(f *stateFile) state {
	s, err := f.load()
	if err == nil {
		return s
	}
	so := "; going on without it"
	var bad *badStateError
	if errors.As(err, &bad) {
		aside, failed := f.setAside()
		if failed == nil {
			so += ", it is now " + aside
		} else {
			so += "; " + failed.Error()
		}
	}
	x.out.warnOf(err, so)
	return s
}

func (x *session) sources() []reconcile.Source {
	var all []reconcile.Source
	for _, path := range x.settings.Fail2banDBs {
		all = append(all, fail2ban.New(path, fail2ban.Options{DefaultBantime: x.settings.Fail2banBantime}))
	}
	if x.crowdsec != nil {
		all = append(all, x.crowdsec)
	}
	return all
}

func (w work) policy() reconcile.Policy {
	s := w.settings
	return reconcile.Policy{
		Remedy:           w.remedy,
		Split:            s.ChallengeList != "" || s.AccessRules,
		ChallengeAsBlock: s.ChallengeAsBlock,
		Challenged:       map[string][]string{fail2ban.Name: s.ChallengeJails},

		Filters: map[string]reconcile.Filter{
			fail2ban.Name: {Include: s.Jails, Exclude: s.ExcludeJails},
			crowdsec.Name: {Include: s.Scenarios, Exclude: s.ExcludeScenarios},
		},
		IPv6Prefix: s.IPv6Prefix,
		MinPrefix4: s.MinPrefix4,
		MinPrefix6: s.MinPrefix6,
		Widths:     w.widths(),
		Margin:     s.Margin,
		Protected:  reconcile.NewProtection(w.protected()),
	}
}

// protected is everything that is never blocked.
func (x *session) protected() []reconcile.Protected {
	all := reconcile.Reserved()
	for _, p := range cloudflare.Ranges() {
		all = append(all, reconcile.Protected{Prefix: p, Reason: reconcile.LeftOutCloudflare,
			Detail: "Cloudflare's own address: your web server logs the proxy, not the visitor"})
	}
	for _, a := range x.settings.Allow {
		all = append(all, reconcile.Protected{Prefix: a.Prefix, Reason: reconcile.LeftOutAllowed, Detail: "allowed by " + a.Origin})
	}
	all = append(all, x.allowedByHand()...)
	addresses, err := x.sys.interfaceAddrs()
	if err != nil && !x.warned {
		x.warned = true
		x.out.warn(fmt.Sprintf("this host's own addresses are unknown and so not protected: %v", err))
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own := p.Addr().Unmap().WithZone("")
			all = append(all, reconcile.Protected{Prefix: netip.PrefixFrom(own, own.BitLen()), Reason: reconcile.LeftOutOwnAddress,
				Detail: "this host's own address"})
		}
	}
	return all
}

// requests is how many requests were sent to Cloudflare.
func (x *session) requests() int {
	n := 0
	for _, r := range x.client.Requests() {
		n += r.Count
	}
	return n
}

// interrupted turns the end of ctx into words: a signal, or the run's own deadline.
func (x *session) interrupted(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return &timeoutError{after: x.settings.Timeout, err: err}
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted; the next run goes on from here: %w", err)
	}
	return err
}

// timeoutError is a run that came to its own deadline.
type timeoutError struct {
	after time.Duration
	err   error
}

func (e *timeoutError) Error() string { return fmt.Sprintf("out of time after %v: %v", e.after, e.err) }
func (e *timeoutError) Unwrap() error { return e.err }
func (e *timeoutError) Hint() string {
	return "The next run goes on from here. If this happens often, look at Cloudflare's state: https://www.cloudflarestatus.com"
}

// ownership says which items are ours.
func (x *session) ownership() reconcile.Ownership {
	s := x.settings
	return reconcile.Ownership{Owner: s.Owner, Derived: s.OwnerDerived, Former: s.FormerOwners, Exclusive: s.Exclusive}
}

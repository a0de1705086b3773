package cloudflaretest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Prefix is where the API's paths begin, on Cloudflare's host as here. Paths without it are understood too.
const Prefix = "/client/v4"

// Options say how this Cloudflare behaves. The zero value is an account on the Free plan.
type Options struct {
	// Now is the clock of everything Cloudflare states (the Date header, created_on, modified_on, completed) and
	// of the limits. Nil: time.Now. Operations and latency run on time.Now whatever it says.
	Now func() time.Time

	// Latency is waited before each request is handled.
	Latency time.Duration

	// OperationTime is how long a bulk operation takes: pending for its first half, running for the second.
	// Zero: 50 ms. Negative: no time, so that the first poll already sees the end.
	OperationTime time.Duration

	// RetryAfter is what refused list writes are told to wait, in whole seconds. Zero: 60 s.
	RetryAfter time.Duration

	// MaxLists is how many lists the API lets an account create, not counting kind redirect. Zero: 1, the Free
	// plan's. AddList may exceed it.
	MaxLists int

	// MaxItems is how many items all IP lists of an account hold together. Zero: 10,000.
	// https://developers.cloudflare.com/waf/tools/lists/#availability
	MaxItems int

	// MaxRules is how many custom rules a zone may have. Zero: 5, the Free plan's.
	// https://developers.cloudflare.com/waf/custom-rules/#availability
	MaxRules int

	// MaxAccessRules is how many access rules an account has together with its zones, and the user besides.
	// Zero: 50,000. https://developers.cloudflare.com/waf/tools/ip-access-rules/#availability
	MaxAccessRules int

	// AccessRulePage is the most access rules that one answer lists. Zero: 100.
	AccessRulePage int

	// InheritedRules lets the list of a zone's access rules show those of its account and of the user as well, as
	// has been reported of the real one. Each tells its own scope.
	InheritedRules bool

	// OldIPv6 refuses IPv6 narrower than /64, single addresses included, as Cloudflare did until late 2025.
	OldIPv6 bool
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OperationTime == 0 {
		o.OperationTime = 50 * time.Millisecond
	}
	if o.RetryAfter <= 0 {
		o.RetryAfter = time.Minute
	}
	if o.MaxLists == 0 {
		o.MaxLists = 1
	}
	if o.MaxItems == 0 {
		o.MaxItems = 10_000
	}
	if o.MaxRules == 0 {
		o.MaxRules = 5
	}
	if o.MaxAccessRules == 0 {
		o.MaxAccessRules = 50_000
	}
	if o.AccessRulePage == 0 {
		o.AccessRulePage = 100
	}
	return o
}

// Cloudflare is one Cloudflare with its accounts. It is safe for concurrent use; make it with New.
type Cloudflare struct {
	opts   Options
	routes []route

	mu         sync.Mutex
	accounts   map[string]*account
	lists      map[string]*list
	zones      map[string]*zone
	access     map[Scope]*accessSet
	operations map[string]*operation
	tokens     map[string]*token
	user       user
	serial     int                 // what ids are made of
	words      map[string][]string // of the custom rules' expressions that were read
	rays       int                 // answers so far
	limit      WriteLimit
	requests   int // refused beyond so many; zero: none is
	quotas     map[string]*rateWindow
	faults     []*installedFault
	log        []*Request
	hook       func(*http.Request)
	server     *http.Server
	url        string
}

type account struct {
	id      string
	pending *operation  // the one bulk operation that has not ended
	late    *operation  // ended, but its items do not show yet
	writes  []time.Time // accepted list writes that the write limit still remembers
}

// New returns a Cloudflare without accounts, tokens or lists.
func New(opts Options) *Cloudflare {
	c := &Cloudflare{
		opts:       opts.withDefaults(),
		accounts:   make(map[string]*account),
		lists:      make(map[string]*list),
		zones:      make(map[string]*zone),
		access:     make(map[Scope]*accessSet),
		operations: make(map[string]*operation),
		tokens:     make(map[string]*token),
		quotas:     make(map[string]*rateWindow),
		user:       user{id: hash("user", 0, 16), email: "user@example.com"},
		words:      make(map[string][]string),
	}
	c.routes = c.table()
	return c
}

// lock takes the mutex, lets operations whose time has come take effect, and returns what releases it.
func (c *Cloudflare) lock() (unlock func()) {
	c.mu.Lock()
	c.settle(time.Now())
	return c.mu.Unlock
}

// newID returns the next identifier: 32 hexadecimal digits, the same ones in every run.
func (c *Cloudflare) newID(kind string) string {
	c.serial++
	return hash(kind, c.serial, 16)
}

// ray names an answer, for Cloudflare's support: 16 hexadecimal digits and a data centre.
func (c *Cloudflare) ray() string {
	c.rays++
	return hash("ray", c.rays, 8) + "-FRA"
}

func hash(kind string, serial, bytes int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, serial))
	return hex.EncodeToString(sum[:bytes])
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

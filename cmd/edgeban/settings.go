package main

import (
	"crypto/tls"
	"log/slog"
	"strings"
	"time"

	"edgeban/cloudflare"
	"edgeban/sources/crowdsec"
)

// setting declares one setting. Its flag, its environment variable, its key in the configuration file, its line
// in --help and its row in `edgeban config` come from here; its meaning and its limits from Settings and parse.
type setting struct {
	name        string // the flag and the key in the configuration file
	env         string
	category    string // under which --help lists it
	placeholder string // what stands for the value in --help; FILE and DIR are completed as paths
	usage       string
	kind        kind
	fallback    string   // the default; one that begins with / lies under system.root
	words       []string // all that the value may be; none: anything
	otherwise   string   // in --help, the default when fallback does not say it
	ifExists    bool     // the default holds only when there is such a file
	notInFile   bool     // it has no key in the configuration file, because it decides which file that is
	emptyIsNone bool     // an empty environment variable means "none" instead of "not set"
}

// kind is what a setting's value is in the configuration file.
type kind uint8

const (
	text   kind = iota // a string; durations too
	number             // an integer
	list               // an array of strings; comma-separated where it is one text: flag, environment, string
	truth              // true or false; yes or no where it is a text; its flag needs no value
)

// The categories of --help.
const (
	categorySources    = "Sources"
	categoryCloudflare = "Cloudflare"
	categoryBlocked    = "What is blocked"
	categoryOperation  = "Operation"
)

// settings declares every setting. A new one is a declaration here, a field in Settings and a line in parse.
func settings() []setting {
	return []setting{
		{name: "instance", env: "EDGEBAN_INSTANCE", category: categoryOperation, placeholder: "NAME", notInFile: true,
			usage: "one of several configurations on this host: /etc/edgeban/NAME.toml, with an owner and a state directory of its own", otherwise: "none"},
		{name: "config", env: "EDGEBAN_CONFIG", category: categoryOperation, placeholder: "FILE", notInFile: true,
			usage: "configuration file", fallback: "/etc/edgeban/edgeban.toml", ifExists: true},

		{name: "fail2ban-db", env: "EDGEBAN_FAIL2BAN_DB", category: categorySources, placeholder: "FILE", kind: list,
			usage: "Fail2Ban's database; empty: none", fallback: "/var/lib/fail2ban/fail2ban.sqlite3", emptyIsNone: true},
		{name: "fail2ban-bantime", env: "EDGEBAN_FAIL2BAN_BANTIME", category: categorySources, placeholder: "DURATION",
			usage: "length of a ban whose record carries none, as in Fail2Ban before 0.11", fallback: "10m"},
		{name: "jail", env: "EDGEBAN_JAIL", category: categorySources, placeholder: "GLOB", kind: list,
			usage: "jails to mirror", otherwise: "all"},
		{name: "exclude-jail", env: "EDGEBAN_EXCLUDE_JAIL", category: categorySources, placeholder: "GLOB", kind: list,
			usage: "jails not to mirror", otherwise: "none"},
		{name: "challenge-jail", env: "EDGEBAN_CHALLENGE_JAIL", category: categorySources, placeholder: "GLOB", kind: list,
			usage: "jails whose bans are challenges", otherwise: "none"},
		{name: "crowdsec-url", env: "EDGEBAN_CROWDSEC_URL", category: categorySources, placeholder: "URL",
			usage: "CrowdSec's Local API: http://127.0.0.1:8080, https://… or unix:///path", otherwise: "none"},
		{name: "crowdsec-key-file", env: "EDGEBAN_CROWDSEC_KEY_FILE", category: categorySources, placeholder: "FILE",
			usage:    "file that holds CrowdSec's API key; $EDGEBAN_CROWDSEC_KEY may hold the key itself",
			fallback: "/etc/edgeban/crowdsec-key", ifExists: true},
		{name: "crowdsec-ca", env: "EDGEBAN_CROWDSEC_CA", category: categorySources, placeholder: "FILE",
			usage: "certificates of the authority behind CrowdSec's https, PEM", otherwise: "the system's"},
		{name: "crowdsec-cert", env: "EDGEBAN_CROWDSEC_CERT", category: categorySources, placeholder: "FILE",
			usage: "client certificate for CrowdSec in place of a key, PEM", otherwise: "none"},
		{name: "crowdsec-cert-key", env: "EDGEBAN_CROWDSEC_CERT_KEY", category: categorySources, placeholder: "FILE",
			usage: "private key of that certificate, PEM", otherwise: "none"},
		{name: "crowdsec-origin", env: "EDGEBAN_CROWDSEC_ORIGIN", category: categorySources, placeholder: "NAME", kind: list,
			usage: "origins of decisions to mirror; CAPI and lists hold the community's", fallback: strings.Join(crowdsec.DefaultOrigins(), ",")},
		{name: "crowdsec-scenario", env: "EDGEBAN_CROWDSEC_SCENARIO", category: categorySources, placeholder: "GLOB", kind: list,
			usage: "scenarios to mirror; ssh-* is the same as */ssh-*", otherwise: "all"},
		{name: "exclude-scenario", env: "EDGEBAN_EXCLUDE_SCENARIO", category: categorySources, placeholder: "GLOB", kind: list,
			usage: "scenarios not to mirror", otherwise: "none"},

		{name: "account", env: "CLOUDFLARE_ACCOUNT_ID", category: categoryCloudflare, placeholder: "ID",
			usage: "account id, 32 hexadecimal digits"},
		{name: "token-file", env: "EDGEBAN_TOKEN_FILE", category: categoryCloudflare, placeholder: "FILE",
			usage:    "file that holds the API token; $CLOUDFLARE_API_TOKEN may hold the token itself",
			fallback: "/etc/edgeban/token", ifExists: true},
		{name: "email", env: "CLOUDFLARE_EMAIL", category: categoryCloudflare, placeholder: "ADDRESS",
			usage: "e-mail address of the user whose global API key is used, where there can be no token", otherwise: "none"},
		{name: "api-key-file", env: "EDGEBAN_API_KEY_FILE", category: categoryCloudflare, placeholder: "FILE",
			usage: "file that holds that key; $CLOUDFLARE_API_KEY may hold the key itself", otherwise: "none"},
		{name: "target", env: "EDGEBAN_TARGET", category: categoryCloudflare, placeholder: "WORD",
			usage: "what holds the bans: list, or access-rules (IP Access Rules, one for each address)", fallback: targetList,
			words: []string{targetList, targetRules}},
		{name: "zone", env: "EDGEBAN_ZONE", category: categoryCloudflare, placeholder: "ID", kind: list,
			usage: "with target access-rules: zone whose rules to use, in place of the account's", otherwise: "none"},
		{name: "user", env: "EDGEBAN_USER", category: categoryCloudflare, kind: truth,
			usage: "with target access-rules: use the user's rules, which hold for all zones of the user", fallback: "no"},
		{name: "request-budget", env: "EDGEBAN_REQUEST_BUDGET", category: categoryCloudflare, placeholder: "NUMBER", kind: number,
			usage:    "most requests of one run with access rules; Cloudflare allows 1200 in five minutes; adopt and flush: 1000 unless this is set",
			fallback: "400"},
		{name: "spill", env: "EDGEBAN_SPILL", category: categoryCloudflare, placeholder: "WORD",
			usage: "where bans go while Cloudflare refuses to write the list: none, or access-rules", fallback: "none", words: []string{"none", targetRules}},
		{name: "spill-allow", env: "EDGEBAN_SPILL_ALLOW", category: categoryCloudflare, kind: truth,
			usage: "with spill: make an Allow rule for an address that a person un-banned, until the list lets it go", fallback: "yes"},
		{name: "list", env: "EDGEBAN_LIST", category: categoryCloudflare, placeholder: "NAME",
			usage: "list to keep in step, by its name or its id", fallback: "edgeban"},
		{name: "challenge-list", env: "EDGEBAN_CHALLENGE_LIST", category: categoryCloudflare, placeholder: "NAME",
			usage: "list of addresses to challenge, by its name or its id; without it challenges are left out", otherwise: "none"},
		{name: "owner", env: "EDGEBAN_OWNER", category: categoryCloudflare, placeholder: "NAME",
			usage: "owner written into the comments of our items", otherwise: "host name and a hash of the machine id"},
		{name: "former-owner", env: "EDGEBAN_FORMER_OWNER", category: categoryCloudflare, placeholder: "NAME", kind: list,
			usage: "owner whose items are ours now", otherwise: "none"},
		{name: "ownership", env: "EDGEBAN_OWNERSHIP", category: categoryCloudflare, placeholder: "WORD",
			usage: "tagged: items by hand stay; exclusive: items without an owner are ours", fallback: "tagged", words: []string{"tagged", "exclusive"}},
		{name: "max-items", env: "EDGEBAN_MAX_ITEMS", category: categoryCloudflare, placeholder: "NUMBER", kind: number,
			usage: "the account's quota: of items over all its lists, or of access rules", fallback: "10000", otherwise: "10000, or 50000 access rules"},
		{name: "batch-size", env: "EDGEBAN_BATCH_SIZE", category: categoryCloudflare, placeholder: "NUMBER", kind: number,
			usage: "most items in one request", fallback: "10000"},
		{name: "api-url", env: "EDGEBAN_API_URL", category: categoryCloudflare, placeholder: "URL",
			usage: "Cloudflare's API", fallback: "https://api.cloudflare.com/client/v4"},

		{name: "ipv6-prefix", env: "EDGEBAN_IPV6_PREFIX", category: categoryBlocked, placeholder: "BITS", kind: number,
			usage: "widen IPv6 bans to this prefix length", fallback: "64"},
		{name: "min-prefix-4", env: "EDGEBAN_MIN_PREFIX_4", category: categoryBlocked, placeholder: "BITS", kind: number,
			usage: "leave out broader IPv4 bans", fallback: "16"},
		{name: "min-prefix-6", env: "EDGEBAN_MIN_PREFIX_6", category: categoryBlocked, placeholder: "BITS", kind: number,
			usage: "leave out broader IPv6 bans", fallback: "32"},
		{name: "challenge-as-block", env: "EDGEBAN_CHALLENGE_AS_BLOCK", category: categoryBlocked, kind: truth,
			usage: "block those that the sources only want challenged", fallback: "no"},
		{name: "margin", env: "EDGEBAN_MARGIN", category: categoryBlocked, placeholder: "DURATION",
			usage: "how long an item stays after its ban", fallback: "3m"},
		{name: "allow", env: "EDGEBAN_ALLOW", category: categoryBlocked, placeholder: "CIDR", kind: list,
			usage: "address or network never to block", otherwise: "none"},
		{name: "allow-file", env: "EDGEBAN_ALLOW_FILE", category: categoryBlocked, placeholder: "FILE",
			usage: "file of addresses and networks never to block, one per line", otherwise: "none"},

		{name: "timeout", env: "EDGEBAN_TIMEOUT", category: categoryOperation, placeholder: "DURATION",
			usage: "most time for the whole run", fallback: "110s"},
		{name: "write-interval", env: "EDGEBAN_WRITE_INTERVAL", category: categoryOperation, placeholder: "DURATION",
			usage: "least time between two writes to Cloudflare", fallback: "30s"},
		{name: "skip-alarm", env: "EDGEBAN_SKIP_ALARM", category: categoryOperation, placeholder: "DURATION",
			usage: "exit with 1 when every run has been skipped for this long", fallback: "30m"},
		{name: "state-dir", env: "EDGEBAN_STATE_DIR", category: categoryOperation, placeholder: "DIR",
			usage:    "where a run leaves word for the next one",
			fallback: "/var/lib/edgeban", otherwise: "$STATE_DIRECTORY, else /var/lib/edgeban"},
		{name: "metrics-file", env: "EDGEBAN_METRICS_FILE", category: categoryOperation, placeholder: "FILE",
			usage: "where to write metrics for node_exporter, named *.prom", otherwise: "none"},
		{name: "pushgateway-url", env: "EDGEBAN_PUSHGATEWAY_URL", category: categoryOperation, placeholder: "URL",
			usage: "Prometheus Pushgateway to send metrics to, without /metrics", otherwise: "none"},
		{name: "log-level", env: "EDGEBAN_LOG_LEVEL", category: categoryOperation, placeholder: "WORD",
			usage: "least level to log: debug, info, warn or error", fallback: "info", words: []string{"debug", "info", "warn", "error"}},
		{name: "log-format", env: "EDGEBAN_LOG_FORMAT", category: categoryOperation, placeholder: "WORD",
			usage: "text or json", fallback: "text", words: []string{"text", "json"}},
	}
}

// Settings are the effective settings of one run, checked.
type Settings struct {
	Instance        string // empty: the only one on this host
	Fail2banDBs     []string
	Fail2banBantime time.Duration
	Jails           []string // globs of path.Match; empty: all
	ExcludeJails    []string
	ChallengeJails  []string // globs; empty: none

	CrowdSecURL      string       // without a slash at its end; empty: none
	CrowdSecKey      crowdsec.Key // may be empty with a client certificate, or without needSources
	CrowdSecTLS      *tls.Config  // nil: nothing is set
	CrowdSecOrigins  []string     // at least one
	Scenarios        []string     // globs of path.Match; empty: all
	ExcludeScenarios []string

	Account       string            // 32 hexadecimal digits in lower case; may be empty without needCloudflare
	Token         cloudflare.Secret // may be empty without needCloudflare
	List          string            // a name, or an id of 32 hexadecimal digits
	ChallengeList string            // the same; empty: none
	Owner         string            // may be empty without needCloudflare
	OwnerDerived  bool              // from the machine, not chosen
	FormerOwners  []string
	Exclusive     bool              // items without an owner are ours
	Email         string            // whose Key is; empty: none
	Key           cloudflare.Secret // a global API key, in place of a token
	MaxItems      int
	BatchSize     int
	APIURL        string // without a slash at its end
	IPv6Prefix    int    // bits
	MinPrefix4    int    // bits
	MinPrefix6    int    // bits
	Margin        time.Duration

	ChallengeAsBlock bool

	AccessRules   bool     // they are the target, and no list is
	Zones         []string // whose rules they are, ids of 32 hexadecimal digits in lower case; empty: the account's or the user's
	User          bool     // they are the user's
	RequestBudget int      // most requests of a run with access rules
	Spill         bool     // bans go into access rules while the list cannot take them
	SpillAllow    bool     // … and an address that a person un-banned gets an Allow rule

	Allow         []AllowEntry // of --allow and of the allow file
	Timeout       time.Duration
	WriteInterval time.Duration
	SkipAlarm     time.Duration
	StateDir      string
	MetricsFile   string // empty: none
	Pushgateway   string // a URL without a slash at its end; empty: none
	LogLevel      slog.Level
	LogFormat     string // "text" or "json"

	// Warnings are for a person: whole sentences without a full stop.
	Warnings []string

	values            map[string]value // of each setting by its name, for `edgeban config`
	tokenOrigin       string
	keyOrigin         string
	crowdsecKeyOrigin string
}

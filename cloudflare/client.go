package cloudflare

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// DefaultBaseURL is where the Cloudflare API is (https://developers.cloudflare.com/fundamentals/api/).
const DefaultBaseURL = "https://api.cloudflare.com/client/v4"

const (
	bodyLimit    = 64 << 20         // bytes; a page of 500 items is well below 1 MiB
	readTimeout  = 30 * time.Second // one attempt, body included
	writeTimeout = 60 * time.Second // the upload of 10 000 items included
)

// Config says where the API is and who asks.
type Config struct {
	BaseURL   string            // http or https, without query, fragment and user; empty: DefaultBaseURL
	Account   string            // the account's id; empty: not known yet, see Client.For
	Token     Secret            // an API token, sent as a bearer token; or none, and a Key
	Email     string            // whose Key it is
	Key       Secret            // a global API key, the older way, for those who have no token
	UserAgent string            // such as "edgeban/1.0"; empty: "edgeban"
	Transport http.RoundTripper // nil: one of its own, with the environment's proxy and TLS 1.2 or newer
	Logger    *slog.Logger      // gets every request at debug level; nil: nobody does

	// Jitter picks a pause from 0 to limit; nil: at random.
	Jitter func(limit time.Duration) time.Duration
}

// Client asks the API for one account. It is safe for concurrent use.
type Client struct {
	base      *url.URL
	account   string
	secrets   []Secret // must not appear in any text that the client returns or logs
	legacy    bool     // it asks with a global API key
	userAgent string
	logger    *slog.Logger
	jitter    func(time.Duration) time.Duration
	wire      *wire
	reads     *http.Client
	writes    *http.Client
	bodyLimit int64 // bytes
}

// New returns a Client, or an error that says what in config cannot be. It asks nobody.
func New(config Config) (*Client, error) {
	base, err := parseBase(config.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	if config.Account != "" && !plainID(config.Account) {
		return nil, accountError(config.Account, config.Token, config.Key)
	}
	who := credentials{config.Token, config.Email, config.Key}
	if err := who.check(); err != nil {
		return nil, err
	}
	c := &Client{
		base: base, account: config.Account, secrets: who.secrets(), legacy: !config.Key.IsZero(),
		userAgent: config.UserAgent, logger: config.Logger, jitter: config.Jitter, bodyLimit: bodyLimit,
	}
	if c.userAgent == "" {
		c.userAgent = "edgeban"
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if c.jitter == nil {
		c.jitter = func(limit time.Duration) time.Duration { return rand.N(limit) }
	}
	c.wire = newWire(config.Transport, who, c.userAgent, c.logger)
	c.reads = &http.Client{Transport: c.wire, CheckRedirect: stay, Timeout: readTimeout}
	c.writes = &http.Client{Transport: c.wire, CheckRedirect: stay, Timeout: writeTimeout}
	return c, nil
}

// For returns a Client for another account, which counts its requests together with this one's. A Client that knows no account can ask
// for Accounts, Zones, CustomRules and PublishedRanges, and add rules; all else needs one.
func (c *Client) For(account string) (*Client, error) {
	if !plainID(account) {
		return nil, accountError(account, c.secrets...)
	}
	other := *c
	other.account = account
	return &other, nil
}

func accountError(account string, secrets ...Secret) error {
	return fmt.Errorf("account id %q: 32 hexadecimal digits are due", clean(account, secrets...))
}

// Requests tells what was asked so far, further attempts included, sorted by method and status.
func (c *Client) Requests() []RequestCount { return c.wire.counts() }

// stay refuses every redirect: the API has none, and a write that follows one turns into a read, or takes the token
// to another host. The redirect itself becomes the answer.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// url returns the address of a path below the account. The elements must be plain ids or fixed words.
func (c *Client) url(query url.Values, elements ...string) *url.URL {
	return c.outside(query, append([]string{"accounts", c.account}, elements...)...)
}

// outside returns the address of a path that is not below the account.
func (c *Client) outside(query url.Values, elements ...string) *url.URL {
	u := *c.base
	u.Path = strings.Join(append([]string{c.base.Path}, elements...), "/")
	u.RawQuery = query.Encode()
	return &u
}

func parseBase(text string) (*url.URL, error) {
	if text == "" {
		text = DefaultBaseURL
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("not a URL") // the cause repeats the text, which may hold a password
	case u.User != nil:
		return nil, errors.New("holds a user name or password")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("scheme %q is neither https nor http", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("names no host")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("holds a query or fragment")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

// plainID reports whether text can stand in a path as it is. Cloudflare's ids are 32 hexadecimal digits.
func plainID(text string) bool {
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-', r == '_':
		default:
			return false
		}
	}
	return text != ""
}

// isID reports whether text can be an id that Cloudflare made up. Ids stand in messages and in the state of a run, so one that holds
// a secret is none.
func (c *Client) isID(text string) bool { return plainID(text) && !c.holdsSecret(text) }

func (c *Client) holdsSecret(text string) bool {
	return slices.ContainsFunc(c.secrets, func(secret Secret) bool { return secret.In(text) })
}

// newTransport speaks HTTP/1.1 over one connection: a run asks one thing at a time. What is shipped leaves HTTP/2 out (build tag
// nethttpomithttp2), and is half a megabyte smaller for it.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: readTimeout,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConns:          4,
	}
}

package crowdsec

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"edgeban/reconcile"
)

// Name is the name of every Source, in bans, comments and metrics.
const Name = "crowdsec"

const (
	answerLimit = 64 << 20         // bytes: more than 400 000 decisions
	askTimeout  = 30 * time.Second // one attempt, answer included
	askPause    = 2 * time.Second  // before the second attempt: LAPI takes about one to restart
)

// Config says where a LAPI is and who asks.
type Config struct {
	// URL is http://, https:// or, for a socket of this host, unix:///path. Slashes at its end do not matter.
	URL string
	Key Key // sent as X-Api-Key; may be empty when TLS holds a client certificate

	TLS       *tls.Config // for https; nil: the system's certificate authorities. See TLSConfig
	Origins   []string    // of the decisions to read; empty: DefaultOrigins
	UserAgent string      // name/version, which `cscli bouncers list` shows; empty: "edgeban/0"

	Transport http.RoundTripper // nil: one of its own
}

// Source is one LAPI. It holds no state between reads and is safe for concurrent use.
type Source struct {
	label     string   // the URL as a person wrote it
	address   *url.URL // of the request
	key       Key
	origins   []string
	userAgent string
	client    *http.Client
	limit     int64 // bytes of an answer
	pause     time.Duration
}

var _ reconcile.Source = (*Source)(nil)

// New returns the source that reads the LAPI at config.URL, or an error that says what in config cannot be. It asks nobody.
func New(config Config) (*Source, error) {
	base, socket, err := ParseURL(config.URL)
	if err != nil {
		return nil, fmt.Errorf("CrowdSec URL: %w", err)
	}
	if err := config.Key.check(); err != nil {
		return nil, fmt.Errorf("CrowdSec API key: %w", err)
	}
	s := &Source{
		label: strings.TrimRight(config.URL, "/"), key: config.Key, origins: config.Origins, userAgent: config.UserAgent,
		limit: answerLimit, pause: askPause,
	}
	if len(s.origins) == 0 {
		s.origins = DefaultOrigins()
	}
	if s.userAgent == "" {
		s.userAgent = "edgeban/0" // LAPI complains in its log of a name without a version
	}
	transport := config.Transport
	if transport == nil {
		transport = newTransport(config.TLS, socket)
	}
	s.client = &http.Client{Transport: transport, CheckRedirect: stay, Timeout: askTimeout}
	s.address = base.JoinPath("v1", "decisions")
	s.address.RawQuery = "scopes=ip,range&origins=" + url.QueryEscape(strings.Join(s.origins, ","))
	return s, nil
}

// stay refuses every redirect: LAPI has none but for wrong paths, and another host is not to get the key.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func newTransport(config *tls.Config, socket string) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: askTimeout,
		DisableKeepAlives:     true, // there is one request
		DisableCompression:    true, // LAPI does not compress, and the limit is one of bytes received
	}
	if socket != "" {
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
	}
	return t
}

// ParseURL reads the address of a LAPI. socket is the path of unix:///path, else "". Errors do not repeat the text, which may hold a
// password.
func ParseURL(text string) (base *url.URL, socket string, err error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case err != nil:
		return nil, "", errors.New("not a URL such as http://127.0.0.1:8080 or unix:///run/crowdsec_api.sock")
	case u.User != nil:
		return nil, "", errors.New("a user name has no place in it")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, "", errors.New("a query or a fragment has no place in it")
	case u.Scheme == "unix" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		return &url.URL{Scheme: "http", Host: "localhost", Path: "/"}, u.Path, nil
	case u.Scheme == "unix":
		return nil, "", errors.New("a socket is written unix:///path, with three slashes")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, "", errors.New("not a URL such as http://127.0.0.1:8080 or unix:///run/crowdsec_api.sock")
	}
	return u, "", nil
}

// Name returns "crowdsec".
func (s *Source) Name() string { return Name }

// Label returns the URL as it was given to New.
func (s *Source) Label() string { return s.label }

// Bans returns one ban per decision on an address or a network that LAPI holds at the moment of the read. The type ban is
// reconcile.Block, captcha is reconcile.Challenge; any other is Void with LeftOutUnknownRemedy. Since is unknown; Until is now plus
// the time that LAPI says is left, so it differs a little from read to read. A decision that makes no sense is Void with
// LeftOutUnreadable and has a printable Value. Community tells those of lists that others made.
//
// Identity is empty unless some decision is still there with the number that it had in the read that memory is of: then it is that
// of the store in which this read and the one before it were made. So it never says that a store was replaced, only that it
// was not.
//
// A read that gets no answer is tried a second time. It ends when ctx does. Every error is an *Error.
func (s *Source) Bans(ctx context.Context, now time.Time, memory json.RawMessage) (reconcile.Reading, error) {
	found, err := s.read(ctx, now)
	if err != nil {
		return reconcile.Reading{}, err
	}
	identity, remembered := found.sample.compare(memory, now)
	return reconcile.Reading{Bans: found.all(), Identity: identity, Memory: remembered}, nil
}

// read tries twice: LAPI may be about to restart.
func (s *Source) read(ctx context.Context, now time.Time) (*decoder, error) {
	found, err := s.try(ctx, now)
	var e *Error
	if !errors.As(err, &e) || (e.Problem != Unreachable && e.Problem != CutShort) {
		return found, err
	}
	timer := time.NewTimer(s.pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, &Error{URL: s.label, Problem: Stopped, Err: context.Cause(ctx)}
	case <-timer.C:
		return s.try(ctx, now)
	}
}

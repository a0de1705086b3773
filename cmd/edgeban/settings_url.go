package main

import (
	"net/netip"
	"net/url"
	"strings"
)

func (r reader) apiURL(name string) string {
	text, u := r.url(name, "https://api.cloudflare.com/client/v4")
	if u != nil && u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		r.bad(name, "must begin with https://: the token would travel in the clear")
	}
	return text
}

// pushgateway may be plain http: what is sent there is no secret.
func (r reader) pushgateway(name string) string {
	if r.values[name].text() == "" {
		return ""
	}
	if strings.Contains(r.values[name].text(), "@") { // a password with a slash in it would pass for a path
		r.bad(name, "a user name has no place in it")
		return ""
	}
	text, u := r.url(name, "http://pushgateway.example:9091")
	if u != nil && u.Scheme != "https" && u.Scheme != "http" {
		r.bad(name, "must begin with http:// or https://")
	}
	return text
}

// url returns the text without slashes at its end, and what it means, nil when it cannot be. It does not repeat what it refuses: a URL
// may hold a password.
func (r reader) url(name, example string) (string, *url.URL) {
	text := strings.TrimRight(r.values[name].text(), "/")
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		r.bad(name, "not a URL such as %s", example)
	case u.User != nil:
		r.bad(name, "a user name has no place in it")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		r.bad(name, "a query or a fragment has no place in it")
	default:
		return text, u
	}
	return text, nil
}

// loopback reports whether host is this very machine.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

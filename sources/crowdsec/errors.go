package crowdsec

import "fmt"

// Problem says why the decisions could not be read.
type Problem uint8

const (
	Unreachable   Problem = iota + 1 // nobody answers there
	Slow                             // no whole answer in time
	Certificate                      // TLS: one side does not accept the other
	Denied                           // LAPI does not know the key or the certificate
	Broken                           // LAPI cannot read its database
	NoSuchPath                       // something answers, but LAPI is not there
	UnknownStatus                    // a status that LAPI has no reason for
	NotDecisions                     // the status of success, and no list of decisions
	CutShort                         // the answer ended early
	TooLarge                         // more than is ever read
	Stopped                          // the context ended first
)

// Error says that the decisions could not be read. errors.Is finds the system's error or the context's in it.
type Error struct {
	URL     string
	Problem Problem
	Status  int   // of HTTP; 0: there was no answer
	Err     error // the cause; may be nil

	cause string // in place of the problem's own words, where more is known
}

func (e *Error) Error() string {
	switch {
	case e.cause != "":
		return fmt.Sprintf("CrowdSec %s: %s", e.URL, e.cause)
	case e.Err != nil:
		return fmt.Sprintf("CrowdSec %s: %v: %v", e.URL, e.Problem, e.Err)
	default:
		return fmt.Sprintf("CrowdSec %s: %v", e.URL, e.Problem)
	}
}

func (e *Error) Unwrap() error { return e.Err }

// String names the problem the way an error message does.
func (p Problem) String() string {
	switch p {
	case Unreachable:
		return "no answer"
	case Slow:
		return "no whole answer in time"
	case Certificate:
		return "no TLS connection"
	case Denied:
		return "access denied"
	case Broken:
		return "it cannot read its database"
	case NoSuchPath:
		return "no Local API at this address"
	case UnknownStatus:
		return "unexpected status"
	case NotDecisions:
		return "the answer is no list of decisions"
	case CutShort:
		return "the answer was cut short"
	case TooLarge:
		return "the answer is too large"
	case Stopped:
		return "stopped before it was read"
	default:
		return fmt.Sprintf("problem %d", uint8(p))
	}
}

// Hint tells an administrator what to do next, in whole sentences.
func (e *Error) Hint() string {
	switch e.Problem {
	case Unreachable:
		return "Is CrowdSec running (`systemctl status crowdsec`), and does its Local API listen there (listen_uri and listen_socket under " +
			"api.server in /etc/crowdsec/config.yaml)? In a container, 127.0.0.1 is the container itself."
	case Slow:
		return "Is the host of CrowdSec overloaded, or its database very large? `cscli metrics` and `journalctl -u crowdsec` tell. The next run tries again."
	case Certificate:
		return "Set crowdsec-ca to the authority that signed CrowdSec's certificate, and crowdsec-cert and crowdsec-cert-key to a client certificate that " +
			"it accepts (api.server.tls in /etc/crowdsec/config.yaml). http:// and https:// must not be mixed up either."
	case Denied:
		return "It does not know this key or certificate. `cscli bouncers list` shows whom it knows; `cscli bouncers add edgeban` makes a new key. " +
			"A certificate must have an OU that bouncers_allowed_ou names."
	case Broken:
		return "`journalctl -u crowdsec` says why: a full disk, wrong permissions, a database server that is down. The bans at the edge stay until it answers again."
	case NoSuchPath:
		return "crowdsec-url is the address alone, such as http://127.0.0.1:8080, without /v1. CrowdSec's own setting is listen_uri under api.server."
	case UnknownStatus:
		if e.Status == 400 {
			return "Does it want https://? A server that speaks TLS answers 400 to plain http."
		}
		return "Does a proxy stand before CrowdSec? The Local API answers 200, 403 or 500. `journalctl -u crowdsec` shows whether it was asked."
	case NotDecisions:
		return "Does something else listen there? `curl -i` of the address with /v1/decisions, which CrowdSec refuses without a key with 403, shows who answers."
	case CutShort:
		return "CrowdSec ended, or a proxy before it gave up. The next run tries again."
	case TooLarge:
		return "Read fewer origins (crowdsec-origin): the community's lists, CAPI and lists, have by far the most decisions."
	case Stopped:
		return "The run was interrupted, or its deadline passed. The next run tries again."
	default:
		return ""
	}
}

package crowdsec

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeban/reconcile"
	"edgeban/sources/crowdsec/crowdsectest"
)

// answering is a transport that gives one answer to everything.
func answering(status int, body string) http.RoundTripper {
	lapi := crowdsectest.New(testKey)
	lapi.Fail(crowdsectest.Body(status, body))
	return lapi.Transport()
}

func decisionsOf(t *testing.T, body string, origins ...string) ([]reconcile.Ban, error) {
	t.Helper()
	reading, err := source(t, Config{Transport: answering(200, body), Origins: origins}).Bans(t.Context(), now(), nil)
	return reading.Bans, err
}

// TestDecisions: what each decision is taken for, however untidy it is.
func TestDecisions(t *testing.T) {
	in := func(d time.Duration) time.Time { return now().Add(d) }
	for _, c := range []struct {
		name, decision string
		want           reconcile.Ban
	}{
		{"a ban", `"origin":"crowdsec","scenario":"crowdsecurity/ssh-bf","scope":"Ip","type":"ban","value":"192.0.2.1","duration":"3h59m59s"`,
			reconcile.Ban{Value: "192.0.2.1", Reason: "crowdsecurity/ssh-bf", Until: in(4*time.Hour - time.Second)}},
		{"nanoseconds", `"origin":"crowdsec","scenario":"x","scope":"Ip","type":"ban","value":"192.0.2.1","duration":"1h0m0.000000001s"`,
			reconcile.Ban{Value: "192.0.2.1", Reason: "x", Until: in(time.Hour + 1)}},
		{"a captcha", `"origin":"cscli","scenario":"x","scope":"Ip","type":"captcha","value":"192.0.2.1","duration":"1h"`,
			reconcile.Ban{Value: "192.0.2.1", Remedy: reconcile.Challenge, Reason: "x", Until: in(time.Hour)}},
		{"capitals", `"origin":"CSCLI","scenario":"x","scope":"RANGE","type":"BAN","value":"2001:DB8:0:0::/64","duration":"1h"`,
			reconcile.Ban{Value: "2001:DB8:0:0::/64", Reason: "x", Until: in(time.Hour)}},
		{"over", `"origin":"cscli","scenario":"x","scope":"Ip","type":"ban","value":"192.0.2.1","duration":"-3s"`,
			reconcile.Ban{Value: "192.0.2.1", Reason: "x", Until: in(-3 * time.Second)}},
		{"blanks around the value", `"origin":"cscli","scenario":"x","scope":"Ip","type":"ban","value":" 192.0.2.1\t","duration":"1h"`,
			reconcile.Ban{Value: "192.0.2.1", Reason: "x", Until: in(time.Hour)}},
		{"another type", `"origin":"cscli","scenario":"x","scope":"Ip","type":"throttle","value":"192.0.2.1","duration":"1h"`,
			reconcile.Ban{Value: "192.0.2.1", Reason: "x", Until: in(time.Hour), Void: reconcile.LeftOutUnknownRemedy}},
		{"no type", `"origin":"cscli","scenario":"x","scope":"Ip","value":"192.0.2.1","duration":"1h"`,
			reconcile.Ban{Value: "192.0.2.1", Reason: "x", Until: in(time.Hour), Void: reconcile.LeftOutUnknownRemedy}},
		{"a country", `"origin":"cscli","scenario":"x","scope":"Country","type":"ban","value":"CN","duration":"1h"`,
			reconcile.Ban{Value: "CN", Reason: "x", Until: in(time.Hour), Void: reconcile.LeftOutNotAddress}},
		{"a user called like an address", `"origin":"cscli","scenario":"x","scope":"username","type":"ban","value":"192.0.2.1","duration":"1h"`,
			reconcile.Ban{Value: "192.0.2.1", Reason: "x", Until: in(time.Hour), Void: reconcile.LeftOutNotAddress}},
		{"no duration", `"origin":"cscli","scenario":"x","scope":"Ip","type":"ban","value":"192.0.2.1"`,
			reconcile.Ban{Value: "192.0.2.1", Reason: "x", Void: reconcile.LeftOutUnreadable}},
		{"no value", `"origin":"cscli","scenario":"x","scope":"Ip","type":"ban","duration":"1h"`,
			reconcile.Ban{Value: `""`, Reason: "x", Until: in(time.Hour), Void: reconcile.LeftOutUnreadable}},
		{"a value that moves the cursor", `"origin":"cscli","scenario":"x","scope":"Ip","type":"ban","value":"192.0.2.1\u001b[2J","duration":"1h"`,
			reconcile.Ban{Value: `"192.0.2.1\x1b[2J"`, Reason: "x", Until: in(time.Hour), Void: reconcile.LeftOutUnreadable}},
		{"no scenario", `"origin":"cscli","scope":"Ip","type":"ban","value":"192.0.2.1","duration":"1h"`,
			reconcile.Ban{Value: "192.0.2.1", Reason: "cscli", Until: in(time.Hour)}},
		{"the longest there is", `"origin":"cscli","scenario":"x","scope":"Ip","type":"ban","value":"192.0.2.1","duration":"2562047h47m16.854775807s"`,
			reconcile.Ban{Value: "192.0.2.1", Reason: "x", Until: in(1<<63 - 1)}},
		{"of an imported list", `"origin":"cscli-import","scenario":"x","scope":"Ip","type":"ban","value":"192.0.2.1","duration":"1h"`,
			reconcile.Ban{Value: "192.0.2.1", Reason: "x", Until: in(time.Hour), Community: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Source = "crowdsec"
			got, err := decisionsOf(t, `[{"id":7,`+c.decision+`}]`)
			if diff := cmp.Diff([]reconcile.Ban{c.want}, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestOrigins: LAPI is asked for those that are wanted, and what it sends beyond is not taken. Only the community's are marked so.
func TestOrigins(t *testing.T) {
	const all = `[{"origin":"crowdsec","scenario":"x","scope":"ip","type":"ban","value":"192.0.2.1/32","duration":"1h"},
		{"origin":"CAPI","scenario":"x","scope":"ip","type":"ban","value":"192.0.2.2/32","duration":"1h"},
		{"origin":"lists","scenario":"firehol","scope":"ip","type":"ban","value":"192.0.2.3/32","duration":"1h"},
		{"origin":"lists:firehol","scenario":"x","scope":"ip","type":"ban","value":"192.0.2.4/32","duration":"1h"},
		{"simulated":true,"origin":"crowdsec","scenario":"x","scope":"ip","type":"ban","value":"192.0.2.5/32","duration":"1h"}]`
	for _, c := range []struct {
		origins []string
		want    string
	}{
		{nil, "192.0.2.1"},
		{[]string{"CROWDSEC", "CAPI"}, "192.0.2.1 192.0.2.2(community)"},
		{[]string{"lists", "lists:firehol"}, "192.0.2.3(community) 192.0.2.4(community)"},
		{[]string{"remediation_sync"}, ""},
	} {
		found, err := decisionsOf(t, all, c.origins...)
		var got []string
		for _, b := range found {
			text := strings.TrimSuffix(b.Value, "/32")
			if b.Community {
				text += "(community)"
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != c.want || err != nil {
			t.Errorf("%s: %s, want %s, %v", c.origins, got, c.want, err)
		}
	}
	for given, want := range map[string]string{"capi": "CAPI", "Lists": "lists", "CSCLI-IMPORT": "cscli-import", "lists:x": "", "capy": ""} {
		if got, known := Origin(given); known != (want != "") || known && got != want || !known && got != given {
			t.Errorf("%s: %s, %v", given, got, known)
		}
	}
}

// TestWhatIsNoList: no body but an array of decisions or null is a list, however well it looks. "No decisions" is a list.
func TestWhatIsNoList(t *testing.T) {
	for body, want := range map[string]Problem{
		"null": 0, "null\n": 0, "[]": 0, " [ ] ": 0,
		"": NotDecisions, " ": NotDecisions, "{}": NotDecisions, `{"new": [], "deleted": []}`: NotDecisions, `"null"`: NotDecisions, "0": NotDecisions,
		"false": NotDecisions, "<html>": NotDecisions, "[1]": NotDecisions, `["192.0.2.1"]`: NotDecisions, "[{}] []": NotDecisions, "null null": NotDecisions,
		`[{"value":5}]`: NotDecisions, `[{"id":"x"}]`: NotDecisions, "[{},]": NotDecisions, "nul": CutShort, "[": CutShort, "[{}": CutShort, `[{"value":"192.0.2`: CutShort, "[{},": CutShort,
	} {
		_, err := decisionsOf(t, body)
		var e *Error
		if errors.As(err, &e); err != nil != (want != 0) || e != nil && e.Problem != want {
			t.Errorf("%q: %v, want %v", body, err, want)
		}
	}
}

// TestStatus: only 200 is an answer.
func TestStatus(t *testing.T) {
	for status, want := range map[int]Problem{
		200: 0, 201: UnknownStatus, 202: UnknownStatus, 204: UnknownStatus, 206: UnknownStatus, 301: NoSuchPath, 304: UnknownStatus, 307: NoSuchPath,
		400: UnknownStatus, 401: Denied, 403: Denied, 404: NoSuchPath, 405: NoSuchPath, 429: UnknownStatus, 500: Broken, 502: UnknownStatus, 503: UnknownStatus,
	} {
		_, err := source(t, Config{Transport: answering(status, "null")}).Bans(t.Context(), now(), nil)
		var e *Error
		if errors.As(err, &e); err != nil != (want != 0) || e != nil && (e.Problem != want || e.Status != status || e.Hint() == "") {
			t.Errorf("%d: %v, want %v", status, err, want)
		}
	}
}

// TestRequest: one request, to the one path, by a name with one slash, with the filters that LAPI knows.
func TestRequest(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080///", "unix:///run/x.sock", "unix:///run/x.sock/"} {
		lapi := crowdsectest.New(testKey)
		lapi.Add(crowdsectest.Decision{Value: "192.0.2.1", Length: time.Hour})
		lapi.Add(crowdsectest.Decision{Value: "CN", Scope: "Country", Length: time.Hour})
		s := source(t, Config{URL: url, Transport: lapi.Transport(), UserAgent: "edgeban/1.0"})
		reading, err := s.Bans(t.Context(), now(), nil)
		if err != nil || len(reading.Bans) != 1 || reading.Bans[0].Value != "192.0.2.1" {
			t.Errorf("%s: %v, %v", url, reading.Bans, err)
		}
		want := []string{"/v1/decisions?scopes=ip,range&origins=crowdsec%2Ccscli%2Ccscli-import%2Cconsole"}
		if diff := cmp.Diff(want, lapi.Asked()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"edgeban/1.0"}, lapi.Agents()); diff != "" {
			t.Error(diff)
		}
		if s.Label() != strings.TrimRight(url, "/") || s.Name() != "crowdsec" {
			t.Error(s.Name(), s.Label())
		}
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []Config{
		{}, {URL: "127.0.0.1:8080"}, {URL: "ftp://x"}, {URL: "http://"}, {URL: "http://me:hunter2@x"}, {URL: "http://x/?key=hunter2"}, {URL: "http://x/#hunter2"},
		{URL: "unix://run/x.sock"}, {URL: "unix:///"}, {URL: "http://%zz"}, {URL: "http://x", Key: NewKey("hunter2\n")}, {URL: "http://x", Key: NewKey("hunter 2")},
	} {
		if _, err := New(c); err == nil || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestIdentity: a store is the one of the last read when a decision is there with the number that it had.
func TestIdentity(t *testing.T) {
	lapi := crowdsectest.New(testKey)
	s := source(t, Config{Transport: lapi.Transport()})
	var last reconcile.Reading
	read := func(what string, steady bool) {
		t.Helper()
		reading, err := s.Bans(t.Context(), time.Now(), last.Memory)
		if err != nil {
			t.Fatal(err)
		}
		if (reading.Identity != "") != steady || steady && last.Identity != "" && reading.Identity != last.Identity {
			t.Errorf("%s: identity %q after %q", what, reading.Identity, last.Identity)
		}
		if len(reading.Memory) > 4096 {
			t.Errorf("%s: %d bytes are remembered", what, len(reading.Memory))
		}
		last = reading
	}
	value := func(i int) string { return fmt.Sprintf("192.0.%d.%d", i>>8, i&255) }
	read("nothing is there", false)
	for i := range 500 {
		lapi.Add(crowdsectest.Decision{Value: value(i), Length: time.Hour})
	}
	read("the first time", false)
	read("again", true)
	for i := range 250 {
		lapi.Delete(value(i))
	}
	read("half deleted", true)
	lapi.Add(crowdsectest.Decision{Value: "198.51.100.1", Length: time.Hour})
	read("one more", true)
	lapi.DeleteAll()
	read("all deleted", false)
	lapi.Add(crowdsectest.Decision{Value: value(1), Length: time.Hour})
	read("and one made", false)
	lapi.Wipe()
	for i := range 10 {
		lapi.Add(crowdsectest.Decision{Value: value(100 + i), Length: time.Hour})
	}
	read("another store", false)
	read("which stays", true)
	for _, damaged := range []string{"", "null", "[]", "{", `{"store":"","seen":[{"id":1,"value":"` + value(100) + `"}]}`} {
		if reading, err := s.Bans(t.Context(), now(), []byte(damaged)); err != nil || reading.Identity != "" {
			t.Errorf("memory %q: %q, %v", damaged, reading.Identity, err)
		}
	}
}

// TestKeyIsSecret: no way of printing shows the key, nor does an error whose answer repeats it.
func TestKeyIsSecret(t *testing.T) {
	key := NewKey(testKey)
	printed := fmt.Sprintf("%v %+v %#v %s %q %x", Config{Key: key}, Config{Key: key}, key, key, key, &key)
	text, err := key.MarshalText()
	for status := range map[int]bool{200: true, 403: true, 500: true, 302: true} {
		for _, body := range []string{`{"message":"who is ` + testKey + `?"}`, testKey, `["` + testKey + `"]`} {
			_, err := source(t, Config{Transport: answering(status, body)}).Bans(t.Context(), now(), nil)
			printed += fmt.Sprintf("%v %+v", err, err)
		}
	}
	if strings.Contains(printed, testKey) || string(text) != mask || err != nil || NewKey("").String() != "" || !NewKey("").IsZero() {
		t.Error(printed)
	}
	if !strings.Contains(printed, "who is [secret]?") {
		t.Error("the words of the answer are lost")
	}
}

// TestProblems: each has words and a hint.
func TestProblems(t *testing.T) {
	for p := Unreachable; p <= Stopped; p++ {
		e := &Error{URL: "x", Problem: p, Err: errors.New("y")}
		if strings.Contains(e.Error(), "problem") || e.Hint() == "" {
			t.Error(e, e.Hint())
		}
	}
}

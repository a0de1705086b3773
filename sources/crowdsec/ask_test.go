package crowdsec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"edgeban/sources/crowdsec/crowdsectest"
)

// turns is a transport that gives the bodies in turn; nil is no answer at all.
type turns struct{ bodies []io.Reader }

func (b *turns) RoundTrip(r *http.Request) (*http.Response, error) {
	body := b.bodies[0]
	b.bodies = b.bodies[1:]
	if body == nil {
		return nil, errors.New("connection reset by peer")
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
}

// cut is a body that ends in an error, as a connection that breaks.
func cut(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), readerFunc(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestSecondAttempt: LAPI may be about to restart. What it says is believed at once.
func TestSecondAttempt(t *testing.T) {
	whole := func() io.Reader { return strings.NewReader(`[{"origin":"cscli","value":"192.0.2.1"}]`) }
	for _, c := range []struct {
		name   string
		bodies []io.Reader
		want   Problem
		left   int // answers that were not asked for
	}{
		{"well", []io.Reader{whole(), whole()}, 0, 1},
		{"no answer, then well", []io.Reader{nil, whole()}, 0, 0},
		{"cut short, then well", []io.Reader{cut(`[{"origin":"cscli"}`), whole()}, 0, 0},
		{"cut short after the first list", []io.Reader{cut(`[]`), whole()}, 0, 0},
		{"never an answer", []io.Reader{nil, nil, whole()}, Unreachable, 1},
		{"no list", []io.Reader{strings.NewReader("<html>"), whole()}, NotDecisions, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			transport := &turns{c.bodies}
			reading, err := source(t, Config{Transport: transport}).Bans(t.Context(), now(), nil)
			var e *Error
			if errors.As(err, &e); err != nil != (c.want != 0) || e != nil && e.Problem != c.want {
				t.Errorf("%v, want %v", err, c.want)
			}
			if err == nil && len(reading.Bans) != 1 || len(transport.bodies) != c.left {
				t.Errorf("%d bans, %d answers left", len(reading.Bans), len(transport.bodies))
			}
		})
	}
}

// TestKeyEchoed: an answer that repeats the key, however often and wherever it is cut, tells nothing of it. The twin is what else it
// says.
func TestKeyEchoed(t *testing.T) {
	const key = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	for _, echo := range []string{key, key + " ", "X-Api-Key: " + key + "\n"} {
		for skip := range len(key) {
			body := strings.Repeat("-", skip) + strings.Repeat(echo, 99)
			for _, status := range []int{200, 403} {
				_, err := source(t, Config{Key: NewKey(key), Transport: answering(status, body)}).Bans(t.Context(), now(), nil)
				if err == nil || strings.Contains(err.Error(), key[:4]) {
					t.Errorf("%d after %d: %v", status, skip, err)
				}
				if status == 200 && !strings.Contains(err.Error(), "it begins \""+strings.Repeat("-", skip)) {
					t.Errorf("%d after %d: %v", status, skip, err)
				}
			}
		}
	}
}

// TestLimit: an answer beyond the limit is an error and never a shorter list.
func TestLimit(t *testing.T) {
	const body = `[{"origin":"cscli","value":"192.0.2.1","duration":"1h","type":"ban","scope":"Ip"}]`
	if s := source(t, Config{}); s.limit != 64<<20 {
		t.Errorf("the limit is %d bytes", s.limit)
	}
	for limit, want := range map[int64]Problem{int64(len(body)): 0, int64(len(body)) - 1: TooLarge, 1: TooLarge} {
		s := source(t, Config{Transport: answering(200, body)})
		s.limit = limit
		reading, err := s.Bans(t.Context(), now(), nil)
		var e *Error
		if errors.As(err, &e); err != nil != (want != 0) || e != nil && e.Problem != want || (len(reading.Bans) == 1) != (want == 0) {
			t.Errorf("%d: %v, want %v", limit, err, want)
		}
	}
}

// manyDecisions is an answer with so many decisions, made as it is read, and the most memory that was in use meanwhile.
type manyDecisions struct {
	total, made int
	text        []byte // what is still to be read of those that were made
	peak        uint64 // bytes of the heap
}

func (m *manyDecisions) Read(p []byte) (int, error) {
	if len(m.text) == 0 {
		if m.made > m.total {
			return 0, io.EOF
		}
		m.next()
	}
	n := copy(p, m.text)
	m.text = m.text[n:]
	return n, nil
}

func (m *manyDecisions) next() {
	switch i := m.made; {
	case i == m.total:
		m.text = append(m.text[:0], ']')
	default:
		sep := ','
		if i == 0 {
			sep = '['
		}
		m.text = fmt.Appendf(m.text[:0], `%c{"duration":"23h59m%d.123456789s","id":%d,"origin":"cscli-import","scenario":"imported from blocklist","scope":"Ip","type":"ban","value":"%d.%d.%d.7"}`,
			sep, i%60, i+1, 1+i>>16, i>>8&255, i&255)
	}
	if m.made++; m.made%5_000 == 0 {
		m.peak = max(m.peak, heap())
	}
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse
}

// TestMemory: 200 000 decisions, of which the answer has 30 MB, are read in less than 100 MB.
func TestMemory(t *testing.T) {
	const n, most = 200_000, 100_000_000
	body := &manyDecisions{total: n}
	reading, err := source(t, Config{Transport: &turns{[]io.Reader{body}}}).Bans(t.Context(), now(), nil)
	peak := max(body.peak, heap())
	if err != nil || len(reading.Bans) != n || reading.Bans[n-1].Value != "4.13.63.7" {
		t.Fatalf("%d bans, %v", len(reading.Bans), err)
	}
	t.Logf("%d decisions: %.0f MB in use", n, float64(peak)/1e6)
	if peak > most || body.peak == 0 {
		t.Errorf("%d bytes in use", peak)
	}
}

// TestStopped: the end of the context is no fault of CrowdSec's.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := source(t, Config{Transport: answering(200, "null")}).Bans(ctx, now(), nil)
	var e *Error
	if !errors.As(err, &e) || e.Problem != Stopped || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestSockets: over TCP and over a socket of the file system, with and without the right key, and with nobody there.
func TestSockets(t *testing.T) {
	lapi := crowdsectest.New(testKey)
	lapi.Add(crowdsectest.Decision{Value: "192.0.2.1", Length: time.Hour})
	server := httptest.NewServer(lapi)
	defer server.Close()
	path := filepath.Join(t.TempDir(), "lapi.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	local := &httptest.Server{Listener: listener, Config: &http.Server{Handler: lapi}}
	local.Start()
	defer local.Close()
	read := func(url, key string) string {
		reading, err := source(t, Config{URL: url, Key: NewKey(key)}).Bans(t.Context(), now(), nil)
		if err != nil {
			return strings.ReplaceAll(err.Error(), path, "SOCKET")
		}
		return fmt.Sprint(len(reading.Bans))
	}
	if got := read(server.URL+"/", testKey) + read("unix://"+path, testKey); got != "11" {
		t.Error(got)
	}
	if got := read("unix://"+path, "wrong"); got != "CrowdSec unix://SOCKET: access denied (403, access forbidden)" {
		t.Error(got)
	}
	server.Close()
	local.Close()
	if got := read("unix://"+path, testKey); got != "CrowdSec unix://SOCKET: no answer: dial unix SOCKET: connect: no such file or directory" {
		t.Error(got)
	}
	if got := read(server.URL, testKey); !strings.HasSuffix(got, "connect: connection refused") {
		t.Error(got)
	}
}

package cloudflare

import (
	"cmp"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// RequestCount is how often requests of one method got one status.
type RequestCount struct {
	Method string
	Status int // 0: no answer
	Count  int
}

// wire is the innermost transport of a Client. It alone adds the token or key to a request, and it counts and logs what
// really went out.
type wire struct {
	next      http.RoundTripper
	who       credentials
	userAgent string
	logger    *slog.Logger

	mu   sync.Mutex
	seen map[RequestCount]int // by method and status
}

func newWire(next http.RoundTripper, who credentials, userAgent string, logger *slog.Logger) *wire {
	if next == nil {
		next = newTransport()
	}
	return &wire{next: next, who: who, userAgent: userAgent, logger: logger, seen: map[RequestCount]int{}}
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	w.who.sign(sent.Header)
	sent.Header.Set("Accept", "application/json")
	sent.Header.Set("User-Agent", w.userAgent)
	if req.Body != nil {
		sent.Header.Set("Content-Type", "application/json")
	}
	start := time.Now()
	resp, err := w.next.RoundTrip(sent)
	key := RequestCount{Method: req.Method}
	if err == nil {
		resp.Request = req // the one without secrets
		key.Status = resp.StatusCode
	}
	w.mu.Lock()
	w.seen[key]++
	w.mu.Unlock()
	w.logger.DebugContext(req.Context(), "asked Cloudflare",
		"method", req.Method, "path", req.URL.Path, "status", key.Status, "duration", time.Since(start))
	return resp, err
}

// CloseIdleConnections lets http.Client close them.
func (w *wire) CloseIdleConnections() {
	if next, ok := w.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

func (w *wire) counts() []RequestCount {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []RequestCount
	for key, n := range w.seen {
		key.Count = n
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b RequestCount) int {
		return cmp.Or(cmp.Compare(a.Method, b.Method), cmp.Compare(a.Status, b.Status))
	})
	return all
}

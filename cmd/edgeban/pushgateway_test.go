package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// pushgateway is as much of a Pushgateway as a run needs, without a socket: it keeps what each group was sent last.
type pushgateway struct {
	mu     sync.Mutex
	groups map[string]string // by path
	answer int               // a status instead of keeping anything; 0: well, -1: none ever comes
}

func (g *pushgateway) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	w := httptest.NewRecorder()
	switch {
	case g.answer < 0:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case g.answer > 0:
		http.Error(w, "a gateway's words", g.answer)
	case r.Method == http.MethodGet && r.URL.Path == "/-/ready":
	case r.Method != http.MethodPut || !strings.HasPrefix(r.URL.Path, "/metrics/job/"):
		http.NotFound(w, r)
	default:
		if g.groups == nil {
			g.groups = map[string]string{}
		}
		g.groups[r.URL.Path] = string(body)
	}
	return w.Result(), nil
}

// String is what Prometheus would read, each line with its group.
func (g *pushgateway) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(g.groups)) {
		for line := range strings.Lines(g.groups[path]) {
			if !strings.HasPrefix(line, "#") {
				fmt.Fprintf(&b, "%s  %s", strings.TrimPrefix(path, "/metrics/job/"), line)
			}
		}
	}
	return b.String()
}

func pushgatewayCommands(command declare) {
	command("gateway", 0, 0, func(ts *testscript.TestScript, s *story, _ []string) error {
		_, err := fmt.Fprint(ts.Stdout(), s.gateway)
		return err
	})
	command("gateway-answers", 1, 1, func(_ *testscript.TestScript, s *story, args []string) (err error) {
		switch args[0] {
		case "well":
			s.gateway.answer = 0
		case "never":
			s.gateway.answer = -1
		default:
			s.gateway.answer, err = strconv.Atoi(args[0])
		}
		return err
	})
}

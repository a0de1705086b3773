//go:build figures

package main

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"edgeban/cloudflare/cloudflaretest"
	"edgeban/sources/crowdsec/crowdsectest"
)

const (
	figureDecisions = 50_000
	mostCutMemory   = 64 << 20 // bytes resident

	figureAllDecisions = 200_000
	mostAllMemory      = 160 << 20 // of the 256Mi that packaging/kubernetes/cronjob.yaml allows
)

// TestFiguresOfCrowdSec measures runs of the program as it is shipped with many more decisions than the list holds.
func TestFiguresOfCrowdSec(t *testing.T) {
	binary := buildShipped(t)
	lapi := crowdsectest.New(testKey)
	community := func(from, to int) {
		for i := from; i < to; i++ {
			lapi.Add(crowdsectest.Decision{Value: figureAddress(i), Origin: "CAPI", Scenario: "crowdsecurity/http-probing", Length: 24 * time.Hour})
		}
	}
	community(0, figureDecisions)
	server := httptest.NewServer(lapi)
	defer server.Close()
	edge, list := startFigureEdge(t, cloudflaretest.Options{Latency: figureLatency, OperationTime: figureOperation})
	dir := t.TempDir()
	s := &figureScene{binary: binary, edge: edge, list: list, env: []string{
		"CLOUDFLARE_ACCOUNT_ID=" + demoAccount,
		"CLOUDFLARE_API_TOKEN=" + demoToken,
		"EDGEBAN_API_URL=" + edge.URL(),
		"EDGEBAN_OWNER=figures",
		"EDGEBAN_CROWDSEC_URL=" + server.URL,
		"EDGEBAN_CROWDSEC_KEY=" + testKey,
		"EDGEBAN_CROWDSEC_ORIGIN=crowdsec,CAPI",
		"EDGEBAN_STATE_DIR=" + filepath.Join(dir, "state"),
		"EDGEBAN_WRITE_INTERVAL=0s",
		"EDGEBAN_METRICS_FILE=" + filepath.Join(dir, "edgeban.prom"),
	}}
	check := func(kind string, items, writes int) {
		t.Helper()
		r := s.sync(t, fmt.Sprintf("%s of %d decisions", kind, figureDecisions))
		if n := len(edge.Items(list)); n != items || r.writes != writes || r.Memory > mostCutMemory {
			t.Errorf("%s: %d items, %d writes, %s; want %d items, %d writes, at most %s", kind, n, r.writes, megabytes(r.Memory), items, writes, megabytes(mostCutMemory))
		}
	}
	check("first sync", 9_800, 1)
	check("idle", 9_800, 0)
	lapi.Add(crowdsectest.Decision{Value: "9.9.9.9", Origin: "crowdsec", Length: time.Hour})
	check("one more", 9_801, 1)
	if asked := len(lapi.Asked()); asked != 3 {
		t.Errorf("%d requests to CrowdSec, want 3", asked)
	}

	community(figureDecisions, figureAllDecisions)
	if r := s.sync(t, fmt.Sprintf("run with %d", figureAllDecisions)); r.Memory > mostAllMemory {
		t.Errorf("%d decisions take %s, want at most %s", figureAllDecisions, megabytes(r.Memory), megabytes(mostAllMemory))
	}
}

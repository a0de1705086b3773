package reconcile

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// TestImports proves the layers: the core imports the standard library alone, adapters never import each other, and the embedded
// Cloudflare is an independent reading of the API.
func TestImports(t *testing.T) {
	const core, fake, lapi = "edgeban/reconcile", "edgeban/cloudflare/cloudflaretest", "edgeban/sources/crowdsec/crowdsectest"
	deps := modulePackages(t)
	for _, must := range []string{core, fake, lapi, "edgeban/cloudflare", "edgeban/metrics", "edgeban/sources/fail2ban", "edgeban/sources/crowdsec"} {
		if len(deps[must]) == 0 {
			t.Errorf("%s is not among the packages: its imports were not looked at", must)
		}
	}
	for pkg, imports := range deps {
		for _, i := range imports {
			inside := strings.HasPrefix(i, "edgeban/")
			switch {
			case pkg == core && (inside || strings.Contains(strings.Split(i, "/")[0], ".")):
				t.Errorf("the core imports %s", i)
			case (pkg == fake || pkg == lapi) && inside:
				t.Errorf("%s, an independent reading of an API, imports %s", pkg, i)
			case adapter(pkg) != "" && inside && i != core && !strings.HasPrefix(i, adapter(pkg)):
				t.Errorf("%s imports %s", pkg, i)
			case strings.HasPrefix(i, "edgeban/cmd/") && !strings.HasPrefix(pkg, "edgeban/cmd/"):
				t.Errorf("%s imports a command", pkg)
			}
		}
	}
}

// adapter is the adapter that a package belongs to, or "".
func adapter(pkg string) string {
	parts := strings.Split(pkg, "/")
	switch {
	case len(parts) >= 3 && parts[1] == "sources":
		return strings.Join(parts[:3], "/")
	case parts[1] == "cloudflare", parts[1] == "metrics":
		return strings.Join(parts[:2], "/")
	}
	return ""
}

// modulePackages are the module's packages and all that each depends on, tests not counted.
func modulePackages(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Deps", "edgeban/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := map[string][]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Deps       []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return deps
		} else if err != nil {
			t.Fatal(err)
		}
		deps[p.ImportPath] = p.Deps
	}
}

package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The alerts and the dashboard speak only of metrics and labels that there are.
func TestWatchersKnowTheMetrics(t *testing.T) {
	known := frozen(t)
	alerts, err := os.ReadFile("../packaging/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	queries := append(readDashboard(t).queries(), regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(string(alerts), ""))
	for _, query := range queries {
		for _, name := range unknown(query, known) {
			t.Errorf("%s is not published: %s", name, query)
		}
	}
	all := strings.Join(queries, "\n")
	for name := range known {
		if !regexp.MustCompile(name + `\b`).MatchString(all) {
			t.Errorf("%s is neither in an alert nor on the dashboard", name)
		}
	}
}

// What TestWatchersKnowTheMetrics rests on does see what is wrong.
func TestUnknown(t *testing.T) {
	known := map[string][]string{"edgeban_up": {"target"}}
	for query, want := range map[string]string{
		`edgeban_up == 1`:                          "",
		`edgeban_up{target="x",instance=~"y"} > 0`: "",
		`sum by (instance, target) (edgeban_up)`:   "",
		`label_values(edgeban_up, instance)`:       "",
		`edgeban_down > 0`:                         "edgeban_down",
		`edgeban_up{owner="x"}`:                    "owner",
		`edgeban_up{target="x",colour!~"owner"}`:   "colour",
		`sum by (jail) (edgeban_up)`:               "jail",
		`sum without (target, a) (edgeban_up)`:     "a",
	} {
		if got := strings.Join(unknown(query, known), " "); got != want {
			t.Errorf("%s: unknown are %q, want %q", query, got, want)
		}
	}
}

// frozen are the published metrics' labels by their names.
func frozen(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); line[0] != '\t' {
			known[fields[0]] = strings.FieldsFunc(fields[2], func(r rune) bool { return strings.ContainsRune("{},", r) })
		}
	}
	if len(known) < 20 {
		t.Fatalf("names.txt holds %d metrics", len(known))
	}
	return known
}

// unknown are the metrics and labels of a query that nobody publishes.
func unknown(query string, known map[string][]string) []string {
	var strangers []string
	labels := []string{"instance", "job"} // Prometheus' own
	for _, name := range regexp.MustCompile(`\bedgeban_\w+`).FindAllString(query, -1) {
		if _, ok := known[name]; !ok {
			strangers = append(strangers, name)
		}
		labels = append(labels, known[name]...)
	}
	check := func(label string) {
		if !slices.Contains(labels, label) {
			strangers = append(strangers, label)
		}
	}
	for _, selector := range regexp.MustCompile(`edgeban_\w+\{([^}]*)\}`).FindAllStringSubmatch(query, -1) {
		for _, m := range regexp.MustCompile(`(\w+)\s*(?:=|!=|=~|!~)\s*"[^"]*"`).FindAllStringSubmatch(selector[1], -1) {
			check(m[1])
		}
	}
	for _, m := range regexp.MustCompile(`\b(?:by|without|on|ignoring) ?\(([^)]*)\)`).FindAllStringSubmatch(query, -1) {
		for label := range strings.SplitSeq(m[1], ",") {
			check(strings.TrimSpace(label))
		}
	}
	return strangers
}

// dashboard is what the tests read of Grafana's.
type dashboard struct {
	UID, Title string
	ID         any // of the Grafana that it was exported from; must not be there
	Templating struct {
		List []struct {
			Name, Type, Definition string
			Query                  any
		}
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ H, W, X, Y int }
	Targets                  []struct{ Expr, LegendFormat string }
	FieldConfig              struct{ Defaults struct{ Unit string } }
}

const dashboardFile = "../packaging/grafana/dashboard.json"

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d dashboard) queries() []string {
	var all []string
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	for _, v := range d.Templating.List {
		all = append(all, v.Definition)
	}
	return all
}

// The dashboard can be imported anywhere, and each panel says what it shows.
func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	if d.UID != "edgeban" || d.Title != "edgeban" || d.ID != nil {
		t.Errorf("uid %q, title %q, id %v", d.UID, d.Title, d.ID)
	}
	if v := d.Templating.List[0]; v.Name != "datasource" || v.Type != "datasource" || v.Query != "prometheus" {
		t.Errorf("the first variable is %+v, not the data source", v)
	}
	titles, ids := map[string]bool{}, map[int]bool{}
	queries := 0
	for i, p := range d.Panels {
		if p.Title == "" || titles[p.Title] || ids[p.ID] {
			t.Errorf("panel %d %q: no title, or its title or id is another's, too", p.ID, p.Title)
		}
		titles[p.Title], ids[p.ID] = true, true
		for _, q := range d.Panels[:i] {
			a, b := p.GridPos, q.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("panels %q and %q overlap", p.Title, q.Title)
			}
		}
		if p.Type == "row" {
			continue
		}
		if !strings.HasSuffix(p.Description, ".") || p.FieldConfig.Defaults.Unit == "" || p.GridPos.X+p.GridPos.W > 24 || len(p.Targets) == 0 {
			t.Errorf("panel %q: no description, unit, room or query", p.Title)
		}
		for _, target := range p.Targets {
			queries++
			if !strings.Contains(target.Expr, `instance=~"$instance"`) {
				t.Errorf("panel %q does not heed the chosen host: %s", p.Title, target.Expr)
			}
		}
	}
	if queries < 20 {
		t.Errorf("%d queries were looked at", queries)
	}
}

// No data source is hard-coded: each is the one that the person chooses.
func TestDashboardSource(t *testing.T) {
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var everything any
	if err := json.Unmarshal(text, &everything); err != nil {
		t.Fatal(err)
	}
	if n, fixed := sourcesIn(everything); n < 20 || fixed > 0 {
		t.Errorf("%d data sources, %d of them hard-coded", n, fixed)
	}
	var twin any
	if err := json.Unmarshal([]byte(strings.Replace(string(text), `"${datasource}"`, `"P1809F7CD0C75ACF3"`, 1)), &twin); err != nil {
		t.Fatal(err)
	}
	if _, fixed := sourcesIn(twin); fixed != 1 {
		t.Errorf("of one hard-coded data source, %d are seen", fixed)
	}
}

// sourcesIn counts the data sources in a piece of JSON, and those of them that are not the variable.
func sourcesIn(piece any) (all, fixed int) {
	add := func(piece any) {
		a, f := sourcesIn(piece)
		all, fixed = all+a, fixed+f
	}
	switch piece := piece.(type) {
	case []any:
		for _, part := range piece {
			add(part)
		}
	case map[string]any:
		for key, part := range piece {
			if key != "datasource" {
				add(part)
				continue
			}
			all++
			if source, ok := part.(map[string]any); !ok || source["uid"] != "${datasource}" {
				fixed++
			}
		}
	}
	return all, fixed
}

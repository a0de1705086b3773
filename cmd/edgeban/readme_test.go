package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const readmeFile = "../../README.md"

// TestREADMETables holds the README's tables against the code they are made from. UPDATE=1 rewrites them.
func TestREADMETables(t *testing.T) {
	for name, table := range map[string]string{
		"settings": settingsTable(),
		"metrics":  metricsTable(t),
	} {
		old := readmePart(t, name)
		if old == table {
			continue
		}
		if os.Getenv("UPDATE") == "" {
			t.Errorf("the table of %s in README.md is not what the code says; UPDATE=1 go test -run TestREADMETables ./cmd/edgeban writes it\n%s", name, table)
			continue
		}
		writeReadmePart(t, name, table)
	}
}

func settingsTable() string {
	var b strings.Builder
	b.WriteString("| setting | environment | default | |\n|---|---|---|---|\n")
	for _, s := range settings() {
		fallback := "`" + s.fallback + "`"
		switch {
		case s.otherwise != "":
			fallback = s.otherwise
		case s.fallback == "":
			fallback = ""
		case s.ifExists:
			fallback += " when it exists"
		}
		usage := s.usage
		if s.kind == list {
			usage += "; repeatable"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.name, s.env, fallback, usage)
	}
	return b.String()
}

// metricsTable is made from the file that freezes the metrics' names.
func metricsTable(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../metrics/testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| metric | labels | |\n|---|---|---|\n")
	rows := 0
	name, labels := "", ""
	for line := range strings.Lines(string(text)) {
		if help, isHelp := strings.CutPrefix(line, "\t"); isHelp {
			rows++
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, strings.ReplaceAll(labels, ",", ", "), strings.TrimSpace(help))
			continue
		}
		fields := strings.Fields(line)
		name, labels = fields[0], strings.Trim(fields[len(fields)-1], "{}")
	}
	if rows < 10 {
		t.Fatalf("metrics/testdata/names.txt holds %d metrics that this test understands", rows)
	}
	return b.String()
}

func readmeMarks(name string) (begin, end string) {
	return "<!-- " + name + ":begin -->\n", "<!-- " + name + ":end -->\n"
}

// readmePart is what stands between the marks of that name.
func readmePart(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(readmeFile)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := readmeMarks(name)
	_, rest, ok1 := strings.Cut(string(text), begin)
	part, _, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("README.md has no marks for %s", name)
	}
	return part
}

func writeReadmePart(t *testing.T, name, part string) {
	t.Helper()
	text, err := os.ReadFile(readmeFile)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := readmeMarks(name)
	head, rest, _ := strings.Cut(string(text), begin)
	_, tail, _ := strings.Cut(rest, end)
	if err := os.WriteFile(readmeFile, []byte(head+begin+part+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What the README says of the package's files is where the package has it.
func TestREADMENamesPackagedFiles(t *testing.T) {
	readme, err := os.ReadFile(readmeFile)
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`/usr/share/doc/edgeban/[^\s`+"`"+`)]+`).FindAllString(string(readme), -1)
	if len(names) < 5 {
		t.Errorf("only %q", names)
	}
	for _, name := range names {
		if !strings.Contains(packaged(t, "nfpm.yaml"), "dst: "+name+",") {
			t.Errorf("%s is not in the package", name)
		}
	}
}

// The chapters that the program tells a person to read are there.
func TestREADMEHasTheChaptersNamed(t *testing.T) {
	readme, err := os.ReadFile(readmeFile)
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`README, \\"([^"\\]+)\\"|\\"([^"\\]+)\\" in the README`)
	found := 0
	err = filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			found++
			if chapter := m[1] + m[2]; !regexp.MustCompile(`(?m)^#+ ` + regexp.QuoteMeta(chapter) + `$`).Match(readme) {
				t.Errorf("%s: the README has no chapter %q", path, chapter)
			}
		}
		return err
	})
	if err != nil || found < 2 {
		t.Errorf("%d chapters are named: %v", found, err)
	}
}

// The README tells nobody to type a command or an option that there is not.
func TestREADMECommands(t *testing.T) {
	readme, err := os.ReadFile(readmeFile)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?m)^    (?:    )?(?:sudo |\$ )?(edgeban [a-z].*)$`).FindAllStringSubmatch(string(readme), -1)
	inline := regexp.MustCompile("`(?:sudo )?(edgeban [a-z][^`]*)`").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 8 || len(inline) < 50 {
		t.Errorf("only %d and %d commands", len(blocks), len(inline))
	}
	for _, m := range append(blocks, inline...) {
		command, _, _ := strings.Cut(m[1], "  #")
		wantValid(t, strings.Fields(strings.NewReplacer("[", "", "]", "").Replace(command)))
	}
}

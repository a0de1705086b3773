package reconcile

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestGuaranteesAreTested: each guarantee of the package's documentation names tests, and these exist.
func TestGuaranteesAreTested(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(file.Doc.Text(), "# What always holds\n")
	text, _, _ = strings.Cut(text, "\n# ")
	guarantees := regexp.MustCompile(`(?m)^ +(\d+)\. `).Split(text, -1)[1:]
	if n := len(guarantees); n != 10 || !strings.Contains(text, strconv.Itoa(n)+". ") {
		t.Fatalf("%d guarantees: %q", n, guarantees)
	}
	tests := testsOfTheRepository(t)
	for i, g := range guarantees {
		names := regexp.MustCompile(`\bTest\w+`).FindAllString(g, -1)
		if len(names) == 0 {
			t.Errorf("guarantee %d names no test: %s", i+1, g)
		}
		for _, name := range names {
			if !tests[name] {
				t.Errorf("guarantee %d names %s, which does not exist", i+1, name)
			}
		}
	}
}

// testsOfTheRepository are the names of all test functions in all packages.
func testsOfTheRepository(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

package main

import (
	"regexp"
	"strings"
	"testing"
)

// The Containerfile builds with the script that is tried without an engine, and adds nothing to what that makes: no second way to the
// same image.
func TestContainerfile(t *testing.T) {
	var stages [][]string // instructions, each on one line
	text := strings.ReplaceAll(packaged(t, "container/Containerfile"), "\\\n", "")
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		switch {
		case strings.HasPrefix(line, "FROM "):
			stages = append(stages, []string{line})
		case line != "" && !strings.HasPrefix(line, "#") && len(stages) > 0:
			stages[len(stages)-1] = append(stages[len(stages)-1], line)
		}
	}
	if len(stages) != 2 {
		t.Fatalf("%d stages, want 2", len(stages))
	}
	build, image := stages[0], stages[1]
	if !regexp.MustCompile(`^FROM --platform=\$BUILDPLATFORM docker\.io/library/golang:1\.\d+\.\d+-bookworm AS build$`).MatchString(build[0]) {
		t.Errorf("the build begins with %s", build[0])
	}
	if want := `RUN packaging/container/rootfs /rootfs "$TARGETARCH" "$VERSION"`; build[len(build)-1] != want {
		t.Errorf("the build ends with %s, want %s", build[len(build)-1], want)
	}
	var adds []string
	for _, instruction := range image {
		if !strings.HasPrefix(instruction, "LABEL ") && !strings.HasPrefix(instruction, "ARG ") {
			adds = append(adds, instruction)
		}
	}
	want := []string{"FROM scratch", "COPY --from=build /rootfs/ /", "USER 65532:65532", `ENTRYPOINT ["/usr/bin/edgeban"]`, `CMD ["sync"]`}
	if strings.Join(adds, "\n") != strings.Join(want, "\n") {
		t.Errorf("the image is\n%s\nwant\n%s", strings.Join(adds, "\n"), strings.Join(want, "\n"))
	}
	if rootfs := packaged(t, "container/rootfs"); !strings.Contains(rootfs, "edgeban:x:65532:65532:") {
		t.Error("the script knows another user")
	}
}

// Whoever packages a setting's variable packages one that edgeban reads.
func TestPackagedVariables(t *testing.T) {
	known := map[string]bool{tokenVariable: true}
	for _, s := range settings() {
		known[s.env] = true
	}
	found := 0
	for _, file := range []string{"container/compose.yaml", "container/Containerfile", "kubernetes/cronjob.yaml", "cron/edgeban"} {
		for _, name := range regexp.MustCompile(`\b(EDGEBAN|CLOUDFLARE)_[A-Z0-9_]+`).FindAllString(packaged(t, file), -1) {
			found++
			if !known[name] {
				t.Errorf("%s sets %s, which is no setting", file, name)
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d variables found", found)
	}
}

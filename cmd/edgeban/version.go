package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v3"
)

// version is set by the linker (-X main.version=1.2.3) and empty in other builds.
var version string

func versionCommand(sys *system) *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version",
		Action: func(context.Context, *cli.Command) error {
			return printVersion(sys.stdout)
		},
	}
}

// userAgent is how the program introduces itself to a server.
func userAgent() string { return "edgeban/" + thisVersion() }

// thisVersion is the version of the running program.
func thisVersion() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(version, info)
}

func printVersion(w io.Writer) error {
	info, _ := debug.ReadBuildInfo()
	details := fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if commit := commitOf(info); commit != "" {
		details += ", commit " + commit
	}
	_, err := fmt.Fprintf(w, "edgeban %s (%s)\n", versionOf(version, info), details)
	return err
}

// versionOf is what the linker was told, else the module's version, else "devel".
func versionOf(linked string, info *debug.BuildInfo) string {
	if linked != "" {
		return strings.TrimPrefix(linked, "v")
	}
	if info == nil || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}

// commitOf is the commit the program was built from, shortened, with a + when files had been changed; empty when
// the build does not know.
func commitOf(info *debug.BuildInfo) string {
	if info == nil {
		return ""
	}
	var revision, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
}

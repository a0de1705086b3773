//go:build realparts

package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// image is the file system of a container, assembled without an engine.
type image struct {
	root string
	argv []string // how its program is started in it
}

// newImage has the script assemble the image for one of Go's architectures. Another than this machine's runs under qemu.
func newImage(t *testing.T, arch string) image {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	if said, err := exec.Command(filepath.Join(packaging, "container/rootfs"), root, arch, "v1.2.3").CombinedOutput(); err != nil {
		t.Fatalf("rootfs: %v: %s", err, said)
	}
	return image{root: root, argv: []string{"/usr/bin/edgeban"}}
}

// emulated puts qemu into the image. It is a static program, too.
func (i image) emulated(t *testing.T) image {
	t.Helper()
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(qemu)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(i.root, "qemu"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	i.argv = append([]string{"/qemu"}, i.argv...)
	return i
}

// confined is what an engine does: a root that nobody may write, mounts, an unprivileged user without a way back. $1 is the root, $2 the
// state, $3 a directory that may be read, $4 the user.
const confined = `set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount --bind "$2" "$1/var/lib/edgeban"
mount --bind "$3" "$1/fail2ban"
mount -o remount,bind,ro "$1/fail2ban"
mount -o remount,bind,ro "$1"
root=$1 user=$4
shift 4
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+sys_chroot,+setuid,+setgid chroot --userspec="$user" --groups= "$root" "$@"`

// run runs the image's program as an engine would.
func (i image) run(t *testing.T, user, state, data string, env []string, args ...string) (said string, status int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(i.root, "fail2ban"), 0o755); err != nil { // an engine makes it, too
		t.Fatal(err)
	}
	argv := slices.Concat([]string{"--mount", "sh", "-c", confined, "sh", i.root, state, data, user}, i.argv, args)
	cmd := exec.Command("unshare", argv...)
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// listing is every path of the image with its mode.
func (i image) listing(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(i.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 0 || owner.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", path, owner.Uid, owner.Gid)
		}
		all = append(all, info.Mode().String()+" /"+strings.TrimPrefix(strings.TrimPrefix(path, i.root), "/"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestImageHoldsNoMore: no shell, nothing that may be written but the two directories for it.
func TestImageHoldsNoMore(t *testing.T) {
	want := []string{
		"drwxr-xr-x /",
		"drwxr-xr-x /etc", "drwxr-xr-x /etc/edgeban", "-rw-r--r-- /etc/group", "-rw-r--r-- /etc/passwd",
		"drwxr-xr-x /etc/ssl", "drwxr-xr-x /etc/ssl/certs", "-rw-r--r-- /etc/ssl/certs/ca-certificates.crt",
		"dtrwxrwxrwx /tmp",
		"drwxr-xr-x /usr", "drwxr-xr-x /usr/bin", "-rwxr-xr-x /usr/bin/edgeban",
		"drwxr-xr-x /usr/share", "drwxr-xr-x /usr/share/doc", "drwxr-xr-x /usr/share/doc/edgeban", "-rw-r--r-- /usr/share/doc/edgeban/LICENSE",
		"drwxr-xr-x /var", "drwxr-xr-x /var/lib", "dtrwxrwxrwx /var/lib/edgeban",
	}
	i := newImage(t, runtime.GOARCH)
	if diff := cmp.Diff(want, i.listing(t)); diff != "" {
		t.Errorf("the image (-want +got):\n%s", diff)
	}
}

// TestImageRuns: the image does its work on both architectures, as the user of the image and as another, with a root that it cannot write,
// against an API whose certificate it verifies.
func TestImageRuns(t *testing.T) {
	for name, tt := range map[string]struct {
		arch, user string
		owner      int // of the database
	}{
		"amd64":                 {"amd64", "65532:65532", 65532},
		"amd64, root, no power": {"amd64", "0:0", 0}, // beside Fail2Ban's own container
		"arm64":                 {"arm64", "65532:65532", 65532},
	} {
		t.Run(name, func(t *testing.T) {
			i := newImage(t, tt.arch)
			if tt.arch != runtime.GOARCH {
				i = i.emulated(t)
			}
			s := mustSite(t)
			server := httptest.NewTLSServer(s.edge)
			defer server.Close()
			data, state := t.TempDir(), t.TempDir()
			s.dir = data
			if err := s.makeDatabase(s.database()); err != nil {
				t.Fatal(err)
			}
			if err := s.ban(s.database(), "sshd", "203.0.113.7", time.Now(), 24*time.Hour); err != nil {
				t.Fatal(err)
			}
			give(t, tt.owner, data, s.database())
			if err := os.Chmod(state, fs.ModeSticky|0o777); err != nil { // as a new volume has it from the image
				t.Fatal(err)
			}
			env := []string{
				"CLOUDFLARE_ACCOUNT_ID=" + testAccount, "CLOUDFLARE_API_TOKEN=" + testToken, "EDGEBAN_OWNER=pod-1",
				"EDGEBAN_FAIL2BAN_DB=/fail2ban/fail2ban.sqlite3", "EDGEBAN_API_URL=" + server.URL,
				"EDGEBAN_METRICS_FILE=/edgeban.prom", "EDGEBAN_TIMEOUT=20s", "EDGEBAN_WRITE_INTERVAL=0s",
			}
			run := func(want int, holds string, args ...string) {
				t.Helper()
				said, status := i.run(t, tt.user, state, data, env, args...)
				if status != want || !strings.Contains(said, holds) {
					t.Errorf("edgeban %s: exit status %d, want %d and %q in:\n%s", strings.Join(args, " "), status, want, holds, said)
				}
			}
			run(exitOK, "edgeban 1.2.3 ", "version")
			run(exitFailure, "certificate signed by unknown authority", "sync") // the certificates of the image, as they come
			if n := len(s.edge.Items(s.list)); n != 0 {
				t.Fatalf("%d items on the list of somebody unknown", n)
			}

			trust(t, i, server)
			before := i.listing(t)
			run(exitOK, "added=1", "sync")
			if got := s.items(); !strings.Contains(got, "203.0.113.7") || !strings.Contains(got, "edgeban:pod-1 ") {
				t.Errorf("the list is %s", got)
			}
			run(exitOK, "/edgeban.prom: read-only file system", "sync")
			run(exitOK, "in step", "status") // the state was kept
			if diff := cmp.Diff(before, i.listing(t)); diff != "" {
				t.Errorf("the image has changed (-before +after):\n%s", diff)
			}
		})
	}
}

// TestImageUserReadsNoFilesOfRoot: so beside a Fail2Ban that runs as root, the container has to be root's as well.
func TestImageUserReadsNoFilesOfRoot(t *testing.T) {
	i, s := newImage(t, runtime.GOARCH), mustSite(t)
	data, state := t.TempDir(), t.TempDir()
	s.dir = data
	if err := s.makeDatabase(s.database()); err != nil {
		t.Fatal(err)
	}
	give(t, 0, data, s.database())
	env := []string{"EDGEBAN_FAIL2BAN_DB=/fail2ban/fail2ban.sqlite3", "EDGEBAN_OWNER=pod-1"}
	for user, want := range map[string]struct {
		status int
		holds  string
	}{
		"65532:65532": {exitFailure, "permission denied"},
		"0:0":         {exitOK, "0 active bans"},
	} {
		if said, status := i.run(t, user, state, data, env, "bans"); status != want.status || !strings.Contains(said, want.holds) {
			t.Errorf("as %s: exit status %d, want %d and %q in:\n%s", user, status, want.status, want.holds, said)
		}
	}
}

// TestImageDemo: to try it takes no more than "docker run --rm edgeban demo".
func TestImageDemo(t *testing.T) {
	i := newImage(t, runtime.GOARCH)
	cmd := exec.Command("chroot", "--userspec=65532:65532", "--groups=", i.root, "/usr/bin/edgeban", "demo")
	cmd.Env = []string{}
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}

// give makes files the owner's alone.
func give(t *testing.T, owner int, paths ...string) {
	t.Helper()
	for _, path := range paths {
		mode := fs.FileMode(0o600)
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			mode = 0o700
		}
		if err := os.Chown(path, owner, owner); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
}

// trust adds the server's certificate to those of the image, of which there must be some already.
func trust(t *testing.T, i image, server *httptest.Server) {
	t.Helper()
	path := filepath.Join(i.root, "etc/ssl/certs/ca-certificates.crt")
	known, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(known, []byte("-----BEGIN CERTIFICATE-----")); n < 50 {
		t.Errorf("the image knows %d authorities", n)
	}
	one := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(path, fmt.Appendf(known, "%s", one), 0o644); err != nil {
		t.Fatal(err)
	}
}

package fail2ban

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

const nobody = 65534

// Root may read everything; a thread of its with another file-system user may not.
func TestForbidden(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	dir, err := os.MkdirTemp("", "forbidden") //nolint:usetesting // t.TempDir lies below a directory that others may not enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := build(t, filepath.Join(dir, "db"), schema4()...)
	const hint = " Run as root, or give this user the capability CAP_DAC_READ_SEARCH."
	const namespace = " Under systemd's PrivateUsers=yes that capability reaches only what belongs to root and its group: for others set PrivateUsers=no."
	tests := []struct {
		name      string
		dir, file os.FileMode
		gid       int
		hint      string
	}{
		{"file", 0o755, 0o600, 0, "The database belongs to root." + hint},
		{"file of another group", 0o755, 0o640, 54321, "The database belongs to root:54321." + hint + namespace},
		{"directory", 0o700, 0o644, 0, "The directory " + dir + " belongs to root." + hint},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			chmod(t, dir, tt.dir)
			chmod(t, path, tt.file)
			if err := os.Chown(path, 0, tt.gid); err != nil {
				t.Fatal(err)
			}
			s := New(path, Options{})
			var e *Error
			as(t, nobody, func() { e = readError(t, s) })
			wantError(t, e, Denied, "Fail2Ban database "+path+": permission denied", tt.hint)
		})
	}

	chmod(t, dir, 0o755)
	chmod(t, path, 0o444)
	as(t, nobody, func() { // the twin
		if got := mustRead(t, New(path, Options{}), fixtureNow()); len(got.Bans) != 1 {
			t.Errorf("got %d bans", len(got.Bans))
		}
	})
}

// as calls f on a thread that accesses files as user uid.
func as(t *testing.T, uid int, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(uid); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setfsuid(0)
	f()
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

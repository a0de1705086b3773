package fail2ban

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// identity tells one database file from another that takes its place: Fail2Ban replaces a malformed database by a new one, silently.
// The time of birth tells files apart that got the same inode one after the other, and unlike the device's number it is
// the same after a reboot. Empty: the system does not say.
func identity(path string) string {
	var s unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &s); err != nil {
		return ""
	}
	if s.Mask&unix.STATX_BTIME != 0 {
		return fmt.Sprintf("inode %d born %d.%09d", s.Ino, s.Btime.Sec, s.Btime.Nsec)
	}
	return fmt.Sprintf("device %d:%d inode %d", s.Dev_major, s.Dev_minor, s.Ino)
}

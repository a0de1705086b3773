//go:build !linux

package fail2ban

import (
	"fmt"
	"os"
	"syscall"
)

// identity tells one database file from another that takes its place. Empty: the system does not say.
func identity(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("device %d inode %d", s.Dev, s.Ino)
}

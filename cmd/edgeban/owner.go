package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strings"
)

const maxOwner = 63

// defaultOwner derives the owner from this host: its short name for people, and a hash of the machine id, which
// survives a renaming and tells hosts of one name apart, as it does several instances on a host.
func defaultOwner(sys *system, instance string) (string, error) {
	content, err := os.ReadFile(sys.path("/etc/machine-id"))
	if err != nil {
		return "", fmt.Errorf("/etc/machine-id: %w", cause(err))
	}
	id := strings.TrimSpace(string(content))
	if id == "" || id == "uninitialized" {
		return "", fmt.Errorf("/etc/machine-id: %q", id)
	}
	host, err := sys.hostname()
	if err != nil {
		host = "" // only for people
	}
	return ownerOf(host, id, instance), nil
}

// ownerOf is the owner of one instance of edgeban on a host; instance is empty when there is only one.
func ownerOf(host, machineID, instance string) string {
	sum := sha256.Sum256([]byte(machineID + "\x00" + instance))
	hash := hex.EncodeToString(sum[:4])

	host, _, _ = strings.Cut(strings.ToLower(host), ".")
	host = regexp.MustCompile(`[^a-z0-9_-]`).ReplaceAllString(host, "-")
	if host == "" {
		host = "host"
	}
	host = host[:min(len(host), maxOwner-1-len(hash))]
	return host + "-" + hash
}

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"edgeban/cloudflare"
)

// maxTokenFile, in bytes, is beyond every token: a larger file is something else.
const maxTokenFile = 4096

// readFiles reads what lies in files of its own: the token and the allow file. It comes after everything else
// has been found right, and it completes the owner.
func (s *Settings) readFiles(sys *system, need needs, p *problems) {
	token, origin := s.findToken(sys, p)
	s.Token, s.tokenOrigin = cloudflare.NewSecret(token), origin
	for _, declared := range settings() {
		if v := s.values[declared.name]; token != "" && slices.Contains(v.texts, token) {
			p.reject(declared.name)
			p.add("%s: this is the API token%s", declared.name, v.origins())
		}
	}
	if file := s.values["allow-file"]; file.text() != "" {
		s.Allow = append(s.Allow, readAllowFile(file, p)...)
	}
	if s.Owner != "" {
		return
	}
	owner, err := defaultOwner(sys, s.Instance)
	if err != nil && need&needAccount != 0 {
		p.addHint("Set owner, to a name that no other edgeban of this account has and that stays the same.",
			"the owner cannot be derived from this host: %v", err)
	}
	s.Owner, s.OwnerDerived = owner, true
}

// findToken reads the token from the file that was set, else from the environment. Without any it returns "", and
// also when there is something wrong with it.
func (s *Settings) findToken(sys *system, p *problems) (token, origin string) {
	file := s.values["token-file"]
	text, origin := sys.getenv(tokenVariable), "environment "+tokenVariable
	if name := file.text(); name != "" {
		origin = "token file " + name
		content, mode, err := readTokenFile(name)
		if err != nil {
			p.add("%s: %v%s", origin, cause(err), file.origins())
			return "", origin
		}
		if mode&0o007 != 0 {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s is open to every user of this host (mode %04o)", origin, mode))
		}
		text = content
	} else if text == "" {
		return "", originDefault
	}
	p.hide(text)
	token = strings.TrimRight(text, "\r\n")
	if err := checkToken(token); err != nil {
		p.add("%s: %v", origin, err)
		return "", origin
	}
	return token, origin
}

func readTokenFile(name string) (content string, mode fs.FileMode, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxTokenFile+1))
	if err == nil && len(data) > maxTokenFile {
		err = errors.New("too large to be a token")
	}
	return string(data), info.Mode().Perm(), err
}

// checkToken tells what is wrong with a token, without repeating any of it.
func checkToken(token string) error {
	switch {
	case strings.TrimSpace(token) == "":
		return errors.New("empty")
	case strings.ContainsAny(token, "\r\n"):
		return errors.New("more than one line, where the token alone is expected")
	case strings.ContainsAny(token, " \t"):
		return errors.New("a blank in the token")
	case strings.ContainsAny(token, `"'`+"`"):
		return errors.New("a quotation mark in the token")
	case regexp.MustCompile(`[^!-~]`).MatchString(token):
		return errors.New("a character in the token that no token has")
	}
	return nil
}

// looksLikeToken reports whether somebody gave a token where a file was asked for. Today's tokens have 40
// characters, or a prefix of letters and then more than 40.
func looksLikeToken(path string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_-]{40,}$`).MatchString(path)
}

// cause is the error without the paths that os put before it: our messages name the file themselves.
func cause(err error) error {
	var at *fs.PathError
	var link *os.LinkError // of a rename
	switch {
	case errors.As(err, &at):
		return at.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

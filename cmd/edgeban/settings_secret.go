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
	"syscall"

	"edgeban/cloudflare"
	"edgeban/sources/crowdsec"
)

// secret is a secret that never stands among the settings: a setting names the file that holds it.
type secret struct {
	setting    string // the name of the setting
	variable   string // an environment variable that holds the secret itself
	credential string // a systemd credential
	ending     string // of an instance's own file: /etc/edgeban/NAME.ending
	file       string // what messages call the file
	noun       string // … and what is in it
	whole      string // … and that in full
}

func tokenSecret() secret {
	return secret{"token-file", tokenVariable, "cloudflare-api-token", "token", "token file", "token", "API token"}
}

func crowdsecSecret() secret {
	return secret{"crowdsec-key-file", crowdsecVariable, "crowdsec-api-key", "crowdsec-key", "CrowdSec key file", "key", "CrowdSec API key"}
}

func globalKeySecret() secret {
	return secret{"api-key-file", globalKeyVariable, "cloudflare-api-key", "api-key", "API key file", "key", "global API key of Cloudflare"}
}

func secrets() []secret { return []secret{tokenSecret(), globalKeySecret(), crowdsecSecret()} }

// names reports whether the settings say where a secret is.
func (s *Settings) names(of secret, sys *system) bool {
	return s.values[of.setting].text() != "" || sys.getenv(of.variable) != ""
}

// secretOf is the secret of which a setting names the file.
func secretOf(setting string) (secret, bool) {
	all := secrets()
	i := slices.IndexFunc(all, func(s secret) bool { return s.setting == setting })
	if i < 0 {
		return secret{}, false
	}
	return all[i], true
}

// maxSecretFile, in bytes, is beyond every token and key: a larger file is something else.
const maxSecretFile = 4096

// readFiles reads what lies in files of its own: the secrets, the certificates and the allow file. It comes after everything else
// has been found right, and it completes the owner.
func (s *Settings) readFiles(sys *system, need needs, p *problems) {
	token, origin := s.findSecret(tokenSecret(), sys, p)
	s.Token, s.tokenOrigin = cloudflare.NewSecret(token), origin
	key, keyOrigin := s.findSecret(globalKeySecret(), sys, p)
	s.keyOrigin = keyOrigin
	switch {
	case key == "":
	case token != "":
		s.Warnings = append(s.Warnings, "there is a token and a global API key: the token is used, the key ("+keyOrigin+") is not needed")
	default:
		s.Key, s.tokenOrigin = cloudflare.NewSecret(key), keyOrigin
		s.Warnings = append(s.Warnings, "the global API key may do everything that its user may: an API token that may do no more than it has to is safer (README, \"Connect to Cloudflare in five minutes\")")
	}
	s.crowdsecKeyOrigin = originDefault
	if s.CrowdSecURL != "" {
		s.readCrowdSecFiles(sys, p)
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

func (s *Settings) readCrowdSecFiles(sys *system, p *problems) {
	key, origin := s.findSecret(crowdsecSecret(), sys, p)
	s.CrowdSecKey, s.crowdsecKeyOrigin = crowdsec.NewKey(key), origin
	ca, cert, certKey := s.values["crowdsec-ca"].text(), s.values["crowdsec-cert"].text(), s.values["crowdsec-cert-key"].text()
	if ca == "" && cert == "" {
		return
	}
	config, err := crowdsec.TLSConfig(ca, cert, certKey)
	if err != nil {
		p.add("certificates for CrowdSec: %v", err)
	}
	s.CrowdSecTLS = config
}

// findSecret reads a secret from the file that was set, else from the environment. Without any it returns "", and
// also when there is something wrong with it. That it stands in another setting, too, is a problem.
func (s *Settings) findSecret(of secret, sys *system, p *problems) (text, origin string) {
	file := s.values[of.setting]
	text, origin = sys.getenv(of.variable), "environment "+of.variable
	if name := file.text(); name != "" {
		origin = of.file + " " + name
		content, mode, err := readSecretFile(name, of.noun)
		if err != nil {
			p.addHint(deniedHint(name, err, os.Geteuid()), "%s: %v%s", origin, cause(err), file.origins())
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
	text = strings.TrimRight(text, "\r\n")
	if err := checkSecret(text, of.noun); err != nil {
		p.addHint("Put the "+of.noun+` into it, alone: no quotation marks, no "Bearer", no NAME=.`, "%s: %v", origin, err)
		return "", origin
	}
	s.refuseSecret(of, text, p)
	return text, origin
}

// refuseSecret notes the settings that hold a secret, which belongs into none of them.
func (s *Settings) refuseSecret(of secret, text string, p *problems) {
	for _, declared := range settings() {
		if v := s.values[declared.name]; text != "" && slices.Contains(v.texts, text) {
			p.reject(declared.name)
			p.add("%s: this is the %s%s", declared.name, of.whole, v.origins())
		}
	}
}

// holdsSecret reports whether a secret of these settings stands somewhere in text.
func (s *Settings) holdsSecret(text string) bool {
	return s.Token.In(text) || s.Key.In(text) || s.CrowdSecKey.In(text)
}

func readSecretFile(name, noun string) (content string, mode fs.FileMode, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err == nil && len(data) > maxSecretFile {
		err = fmt.Errorf("too large to be a %s", noun)
	}
	return string(data), info.Mode().Perm(), err
}

// deniedHint says what to do when this user may not read a file that belongs to somebody else; "" in every other case.
func deniedHint(name string, err error, user int) string {
	if !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	info, failed := os.Stat(name)
	if errors.Is(failed, fs.ErrPermission) {
		return "This user may not look into its directory: try sudo."
	}
	if failed != nil {
		return ""
	}
	switch owner, known := info.Sys().(*syscall.Stat_t); {
	case !known || int(owner.Uid) == user:
		return ""
	case owner.Uid == 0:
		return "It belongs to root: try sudo."
	default:
		return "It belongs to another user: try sudo."
	}
}

// checkSecret tells what is wrong with a token or a key, without repeating any of it.
func checkSecret(text, noun string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("empty")
	case strings.ContainsAny(text, "\r\n"):
		return fmt.Errorf("more than one line, where the %s alone is expected", noun)
	case regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=[^=]`).MatchString(text): // a key may end in =
		return fmt.Errorf("a NAME= before the %s", noun)
	case strings.ContainsAny(text, " \t"):
		return fmt.Errorf("a blank in the %s", noun)
	case strings.ContainsAny(text, `"'`+"`"):
		return fmt.Errorf("a quotation mark in the %s", noun)
	case regexp.MustCompile(`[^!-~]`).MatchString(text):
		return fmt.Errorf("a character in the %[1]s that no %[1]s has", noun)
	}
	return nil
}

// looksLikeToken reports whether somebody gave a token where a file was asked for. Today's tokens have 40
// characters, or a prefix of letters and then more than 40.
func looksLikeToken(path string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_-]{40,}$`).MatchString(path)
}

// looksLikeKey is the same for a key of CrowdSec's: 32 hexadecimal digits up to version 1.4, 43 characters of base64 today, which may
// begin with a slash; and for a global API key of Cloudflare's, 37 hexadecimal digits.
func looksLikeKey(path string) bool {
	return regexp.MustCompile(`^([0-9a-f]{32}|[0-9a-f]{37}|[A-Za-z0-9+/]{43}=?)$`).MatchString(path) && !exists(path)
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

//go:build realparts

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	a := authority{t: t}
	a.cert, a.key = a.make(x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	})
	return a
}

// make makes a certificate and its key; that of the authority itself is the first.
func (a authority) make(template x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = &template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// issue writes NAME.crt and NAME.key.
func (a authority) issue(c *crowdsecServer, name, unit string, usage x509.ExtKeyUsage) {
	a.t.Helper()
	cert, key := a.make(x509.Certificate{
		Subject:     pkix.Name{CommonName: name, OrganizationalUnit: []string{unit}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{usage},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	c.write(name+".crt", pemOf("CERTIFICATE", cert.Raw))
	c.write(name+".key", pemOf("EC PRIVATE KEY", der))
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// A client certificate in place of a key; the wrong ones, and none; a server that somebody else's authority signed.
func TestRealCrowdSecTLS(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.withCrowdsec()
	c.decide("192.0.2.1", "4h")
	c.kill()
	ours := newAuthority(t, "ours")
	c.write("ca.crt", pemOf("CERTIFICATE", ours.cert.Raw))
	ours.issue(c, "server", "server", x509.ExtKeyUsageServerAuth)
	ours.issue(c, "edgeban", "bouncer-ou", x509.ExtKeyUsageClientAuth)
	ours.issue(c, "agent", "agent-ou", x509.ExtKeyUsageClientAuth)
	theirs := newAuthority(t, "theirs")
	c.write("theirs.crt", pemOf("CERTIFICATE", theirs.cert.Raw))
	theirs.issue(c, "stranger", "bouncer-ou", x509.ExtKeyUsageClientAuth)
	c.tls = fmt.Sprintf(`    tls:
      cert_file: %[1]s/server.crt
      key_file: %[1]s/server.key
      ca_cert_path: %[1]s/ca.crt
      client_verification: VerifyClientCertIfGiven
      bouncers_allowed_ou: [bouncer-ou]
      agents_allowed_ou: [agent-ou]
`, c.dir)
	c.configure()
	c.start()

	with := func(scheme, ca, cert, key string) {
		l.env["EDGEBAN_CROWDSEC_URL"] = scheme + "://" + c.address()
		for name, file := range map[string]string{"EDGEBAN_CROWDSEC_CA": ca, "EDGEBAN_CROWDSEC_CERT": cert, "EDGEBAN_CROWDSEC_CERT_KEY": key} {
			if l.env[name] = ""; file != "" {
				l.env[name] = c.path(file)
			}
		}
	}
	with("https", "ca.crt", "", "")
	l.expect("a key over TLS", "192.0.2.1")
	delete(l.env, "EDGEBAN_CROWDSEC_KEY")
	with("https", "ca.crt", "edgeban.crt", "edgeban.key")
	l.expect("a certificate", "192.0.2.1")
	for _, wrong := range []struct{ what, scheme, ca, cert, key, words string }{
		{"another unit", "https", "ca.crt", "agent.crt", "agent.key", "access denied (403"},
		{"another authority's", "https", "ca.crt", "stranger.crt", "stranger.key", "access denied (403"},
		{"another server", "https", "theirs.crt", "edgeban.crt", "edgeban.key", "no TLS connection: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"the system's authorities", "https", "", "edgeban.crt", "edgeban.key", "no TLS connection: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
	} {
		with(wrong.scheme, wrong.ca, wrong.cert, wrong.key)
		if said := l.synced(); !strings.Contains(said, "run skipped") || !strings.Contains(said, wrong.words) || !l.listed("192.0.2.1") {
			t.Errorf("%s: %s", wrong.what, said)
		}
	}
	l.env["EDGEBAN_CROWDSEC_KEY"] = testKey
	with("http", "", "", "")
	if said := l.synced(); !strings.Contains(said, "run skipped") || !strings.Contains(said, "Does it want https://?") {
		t.Errorf("http to https: %s", said)
	}
	for _, bad := range [][3]string{{"server.key", "", ""}, {"missing.crt", "", ""}, {"ca.crt", "edgeban.crt", "agent.key"}, {"ca.crt", "edgeban.crt", ""}} {
		with("https", bad[0], bad[1], bad[2])
		if status, said := l.try(); status != exitUsage {
			t.Errorf("%s: exit status %d: %s", bad, status, said)
		}
	}
	with("https", "ca.crt", "edgeban.crt", "edgeban.key")
	l.expect("the right ones again", "192.0.2.1")
}

package interop

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net"
	"testing"

	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// certificate is what a foreign server needs to listen, and who dials it to trust it.
type certificate struct {
	cert, key []byte // PEM
	sha256    string // in hex
}

func selfSigned(t *testing.T) certificate {
	t.Helper()
	c, err := endpoint.SelfSignedCertificate()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(c.Certificate[0])
	return certificate{
		cert:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}),
		key:    pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		sha256: hex.EncodeToString(sum[:]),
	}
}

// freePort returns an address on loopback that nobody has just now.
func freePort(t *testing.T) string {
	t.Helper()
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return free.LocalAddr().String()
}

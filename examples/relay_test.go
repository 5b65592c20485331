package examples

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/session"
)

func TestRelaySaysWhatIsWrong(t *testing.T) {
	_, address, _ := startRelay(t)
	dir := t.TempDir()
	missing, text := filepath.Join(dir, "missing.pem"), filepath.Join(dir, "text.pem")
	if err := os.WriteFile(text, []byte("not a certificate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code  int
		parts []string
		args  []string
	}{
		{2, []string{"-x", "relay -h"}, []string{"-x"}},
		{2, []string{"please"}, []string{"please"}},
		{2, []string{"-versions", "moq-lite-99"}, []string{"-versions", "moq-lite-99"}},
		{2, []string{"-cert", "-key"}, []string{"-cert", text}},
		{1, []string{missing, "no such file"}, []string{"-cert", missing, "-key", missing}},
		{1, []string{text, "PEM"}, []string{"-cert", text, "-key", text}},
		{1, []string{address, "in use"}, []string{"-listen", address}},
		{1, []string{"127.0.0.1:99999"}, []string{"-listen", "127.0.0.1:99999"}},
		{1, []string{"127.0.0.1 "}, []string{"-listen", "127.0.0.1 "}},
		{1, []string{filepath.Join(missing, "c")}, []string{"-capture", filepath.Join(missing, "c"), "-listen", "127.0.0.1:0"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			start(t, "relay", c.args...).oneLine(t, c.code, append(c.parts, "relay: ")...)
		})
	}
}

func TestHelpIsNotAnError(t *testing.T) {
	for _, name := range []string{"relay", "clock"} {
		p := start(t, name, "-h")
		if out, code := p.wait(t); code != 0 || !strings.Contains(out, "-versions") || p.stderr.Len() > 0 {
			t.Errorf("%s -h: exit code %d, %q, %s", name, code, out, &p.stderr)
		}
	}
}

func TestRelayOutlivesItsSessions(t *testing.T) {
	relay, address, _ := startRelay(t)
	for _, room := range []string{"/one", "/two"} { // what a killed publisher had announced stays for a while
		publisher := start(t, "clock", "publish", "-insecure", "moqt://"+address+room)
		subscriber := start(t, "clock", "subscribe", "-insecure", "https://"+address+room, "-count", "1")
		if _, code := subscriber.wait(t); code != 0 {
			t.Errorf("the subscriber ends with %d: %s", code, &subscriber.stderr)
		}
		if err := publisher.Process.Kill(); err != nil {
			t.Error(err)
		}
		publisher.wait(t)
	}
	relay.stop(t)
	if log := relay.stderr.String(); !strings.Contains(log, "(webtransport, moq-lite-05) ended\n") {
		t.Errorf("the relay logs %q", log)
	}
}

func TestPathsAreRoots(t *testing.T) {
	_, address, _ := startRelay(t)
	publisher := start(t, "clock", "publish", "-insecure", "https://"+address+"/a")
	same := start(t, "clock", "subscribe", "-insecure", "https://"+address+"//a/", "-count", "1")
	elsewhere := start(t, "clock", "subscribe", "-insecure", "https://"+address+"/b", "-count", "1")
	if out, code := same.wait(t); code != 0 || out == "" {
		t.Errorf("the same path: exit code %d, %q, %s", code, out, &same.stderr)
	}
	if err := elsewhere.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if out, code := elsewhere.wait(t); code != 0 || out != "" {
		t.Errorf("another path: exit code %d, %q, %s", code, out, &elsewhere.stderr)
	}
	publisher.stop(t)
}

func TestRelayWithACertificateOfItsOwn(t *testing.T) {
	certificate, err := session.SelfSignedCertificate()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, address, fingerprint := startRelay(t,
		"-cert", write("cert.pem", "CERTIFICATE", certificate.Certificate[0]),
		"-key", write("key.pem", "PRIVATE KEY", key))
	if sum := sha256.Sum256(certificate.Certificate[0]); fingerprint != hex.EncodeToString(sum[:]) {
		t.Errorf("the relay prints %s for %x", fingerprint, sum)
	}

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + address + "/certificate.sha256")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || strings.TrimSpace(string(body)) != fingerprint {
		t.Errorf("/certificate.sha256 is %q, %v", body, err)
	}
}

func TestRelayRecords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session.pcapng")
	relay, address, _ := startRelay(t, "-capture", file)
	publisher := start(t, "clock", "publish", "-insecure", "https://"+address, "-count", "1")
	if _, code := publisher.wait(t); code != 0 {
		t.Errorf("the publisher ends with %d: %s", code, &publisher.stderr)
	}
	relay.stop(t)
	recorded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(recorded, []byte{0x0a, 0x0d, 0x0d, 0x0a}) || !bytes.Contains(recorded, []byte("SERVER_TRAFFIC_SECRET_0 ")) {
		t.Errorf("%d bytes, and no pcapng with secrets", len(recorded))
	}

	_, busy, _ := startRelay(t)
	unused := file + ".unused"
	start(t, "relay", "-listen", busy, "-capture", unused).oneLine(t, 1, busy)
	if _, err := os.Stat(unused); err == nil {
		t.Error("a relay that could not start left a file behind")
	}
}

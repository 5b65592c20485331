package interop

import (
	"os/exec"
	"testing"
)

// chromium returns a starter for a role in a page of Chromium.
func chromium(role string) starter { return program("chromium.mjs", role) }

// needChromium skips a test where there is no Chromium, and says so: install.sh installs Debian's where it can.
func needChromium(t *testing.T) {
	t.Helper()
	needPeers(t)
	file, err := exec.LookPath("chromium")
	if err != nil {
		t.Skipf("NOT RUN: no browser: %v; on Debian, apt-get install chromium", err)
	}
	t.Setenv("MOQRX_CHROMIUM", file)
}

// TestBrowser has a page publish to, and subscribe from, sessions of this module. The page
// trusts the certificate by its hash.
func TestBrowser(t *testing.T) {
	needChromium(t)
	binary := buildRelay(t.Context(), t)
	for _, version := range []string{"moq-lite-03", "moq-lite-04", "moq-lite-05"} {
		t.Run(version, func(t *testing.T) {
			r := startRelay(t, binary, "-versions", version)
			t.Run("go to browser", func(t *testing.T) {
				transfer(t, version, r.plan(version), publisher("https"), chromium("subscribe"))
			})
			t.Run("browser to go", func(t *testing.T) {
				transfer(t, version, r.plan(version), chromium("publish"), subscriber("moqt"))
			})
		})
	}
}

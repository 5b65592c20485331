package cli

import (
	"bytes"
	"strings"
	"testing"
)

func TestSaysThatAFileIsNoKeyLog(t *testing.T) {
	_, keys := split(t)
	const warning = `: no secrets of QUIC in it; want a TLS key log, with lines like "CLIENT_TRAFFIC_SECRET_0 <client random> <secret>" in hexadecimal`
	for name, c := range map[string]struct {
		content []byte
		warns   bool
	}{
		"a capture":                        {unzip(t), true},
		"text":                             {[]byte("these are not the keys\n"), true},
		"secrets of older TLS":             {[]byte("CLIENT_RANDOM " + strings.Repeat("00", 32) + " " + strings.Repeat("11", 48) + "\n"), true},
		"a key log":                        {keys, false},
		"a key log that nothing is in yet": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			log := write(t, "keys.log", c.content)
			code, out, errOut := run(t, nil, "-k", log, demoFile)
			if code != 0 || !strings.Contains(out, "#4 ") || strings.Contains(errOut, "moqdump: "+log+warning+"\n") != c.warns {
				t.Errorf("-k: exit %d, %s", code, errOut)
			}
			var o, e bytes.Buffer
			env := &env{out: &o, err: &e, getenv: func(string) string { return log }}
			if code := env.main(t.Context(), []string{demoFile}); code != 0 || strings.Contains(e.String(), "moqdump: $SSLKEYLOGFILE: "+log+warning+"\n") != c.warns {
				t.Errorf("$SSLKEYLOGFILE: exit %d, %s", code, &e)
			}
		})
	}
}

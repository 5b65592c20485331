package talk

import (
	"bytes"
	"context"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRecordsBothDirectionsAndTheSecrets(t *testing.T) {
	server := func(_ context.Context, c Conn) error { return c.Close(0, "") }
	client := func(_ context.Context, c Conn) error {
		<-c.Done()
		return nil
	}
	for name, record := range map[string]func(Options, Script, Script) (*Recording, error){"quic": QUIC, "webtransport": WebTransport} {
		rec, err := record(Options{}, server, client)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		up, down := 0, 0
		for _, p := range rec.Packets {
			if rec.FromServer(p) {
				down++
			} else {
				up++
			}
		}
		if up < 2 || down < 2 || !bytes.Contains(rec.Keys, []byte("SERVER_TRAFFIC_SECRET_0 ")) {
			t.Errorf("%s: %d and %d packets, secrets %q", name, up, down, rec.Keys)
		}
	}
}

package transport_test

import (
	"testing"
	"time"

	"github.com/moqrx/moqrx/session/transport"
)

func TestSendRate(t *testing.T) {
	for _, c := range []struct {
		window uint64
		rtt    time.Duration
		want   uint64
		ok     bool
	}{
		{30_000, 40 * time.Millisecond, 6_000_000, true},
		{1 << 40, time.Millisecond, 8000 << 40, true},
		{0, time.Millisecond, 0, false},
		{30_000, 0, 0, false},
	} {
		if got, ok := transport.SendRate(c.window, c.rtt); got != c.want || ok != c.ok {
			t.Errorf("SendRate(%d, %v) = %d, %v, want %d, %v", c.window, c.rtt, got, ok, c.want, c.ok)
		}
	}
}

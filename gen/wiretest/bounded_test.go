package wiretest

import (
	"strings"
	"testing"
)

var kept []byte

// What is too much is seen at once when it is large, and soon when it is small.
func TestBoundedFindsWhatIsTooMuch(t *testing.T) {
	for _, tc := range []struct{ size, calls int }{{100_000, 1}, {5000, 100}, {30, 0}} {
		failed := false
		func() {
			r := &recorder{}
			defer func() {
				failed = recover() != nil
				if failed && !strings.Contains(r.failed, "at most 4096") {
					t.Error(r.failed)
				}
			}()
			for range max(tc.calls, 1000*(1-tc.calls)) {
				Bounded(r, 4096, func() { kept = make([]byte, tc.size) })
			}
		}()
		if failed != (tc.calls > 0) {
			t.Errorf("%d bytes in %d calls: failed %v", tc.size, tc.calls, failed)
		}
	}
}

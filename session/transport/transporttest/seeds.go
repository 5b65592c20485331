package transporttest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// SeedsVariable names seeds to run instead of those that a test runs by itself: one, or the first and the last
// of a range, as in MOQRX_SEEDS=1000-2000.
const SeedsVariable = "MOQRX_SEEDS"

// Seeds runs a test with the seeds 1 to n, or with those of [SeedsVariable]. Each is a subtest that has the seed in
// its name, so the name of what failed is what runs it again:
//
//	MOQRX_SEEDS=17 go test -run 'TestExchange/.*/seed=17$'
func Seeds(t *testing.T, n uint64, test func(t *testing.T, seed uint64)) {
	t.Helper()
	first, last := uint64(1), n
	if named := os.Getenv(SeedsVariable); named != "" {
		var err error
		if first, last, err = parseSeeds(named); err != nil {
			t.Fatalf("%s=%s: %v", SeedsVariable, named, err)
		}
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { test(t, seed) })
	}
}

func parseSeeds(s string) (first, last uint64, err error) {
	from, to, isRange := strings.Cut(s, "-")
	if first, err = strconv.ParseUint(from, 10, 63); err != nil || !isRange {
		return first, first, err
	}
	last, err = strconv.ParseUint(to, 10, 63)
	if err == nil && last < first {
		err = fmt.Errorf("the last seed is before the first")
	}
	return first, last, err
}

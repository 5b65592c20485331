package vectors

import (
	"encoding/hex"
	"errors"
	"math"
	"runtime"
	"testing"

	"github.com/moqrx/moqrx/gen/wire"
)

// seeds are the vectors of a family: number of the message, version, bytes.
func seeds(f *testing.F, isLite bool) {
	files, err := vectorFiles()
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range files {
		p, ok := protocolOf(v.Version)
		if !ok || p.lite != isLite || v.Hex == nil {
			continue
		}
		src, err := hex.DecodeString(*v.Hex)
		if err != nil {
			f.Fatal(err)
		}
		for i, m := range p.family.Messages {
			if m.Name == messageName(v.Message) {
				f.Add(uint8(i), uint8(p.version-p.family.Versions[0].Number), src)
			}
		}
	}
}

// leastAllocated is how many bytes f allocates. Others of the process may allocate at the same time,
// so that a large number is tried again.
func leastAllocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if least = min(least, after.TotalAlloc-before.TotalAlloc); least < 4096 {
			break
		}
	}
	return least
}

// fuzzMessage parses any bytes as a message: an error of the package, or what can be appended. What is
// allocated is bound by what there is.
func fuzzMessage(t *testing.T, p protocol, which uint8, src []byte) {
	name := p.family.Messages[int(which)%len(p.family.Messages)].Name
	c := p.codec(name)
	n, err := c.parse(src)
	if got, most := leastAllocated(func() { n, err = c.parse(src) }), uint64(64*len(src)+4096); got > most {
		t.Errorf("%s on %d allocates %d bytes for %d", name, p.version, got, len(src))
	}
	if err != nil {
		var e *wire.Error
		if !errors.As(err, &e) || n != 0 || e.Offset > len(src) {
			t.Errorf("%s on %d: %d bytes taken with error %v", name, p.version, n, err)
		}
		return
	}
	if _, err := c.append(nil); err != nil {
		t.Errorf("%s on %d cannot be appended: %v", name, p.version, err)
	}
}

func FuzzLite(f *testing.F) { fuzzFamily(f, true) }

func FuzzTransport(f *testing.F) { fuzzFamily(f, false) }

func fuzzFamily(f *testing.F, isLite bool) {
	seeds(f, isLite)
	fam := families[isLite]
	f.Fuzz(func(t *testing.T, which, version uint8, src []byte) {
		v := fam.Versions[int(version)%len(fam.Versions)]
		fuzzMessage(t, protocol{fam, v.Number, isLite}, which, src)
	})
}

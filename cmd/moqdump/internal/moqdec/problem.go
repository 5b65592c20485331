package moqdec

import (
	"errors"
	"strings"

	"github.com/moqrx/moqrx/spec/tree"
)

// dumpSpan is how many bytes before and after an error are shown.
const dumpSpan = 16

// problem turns an error of the decoder into one with a place in the stream. off is the offset of b.
func problem(e *tree.Error, off uint64, b []byte) *Problem {
	at := min(e.Offset, len(b))
	p := &Problem{
		Field: strings.TrimPrefix(e.Message+"."+e.Field, "."), Offset: off + uint64(at), Expected: e.Expected, Found: e.Found,
		Dump: dump(b, at), DumpAt: off + uint64(max(0, at-dumpSpan)),
	}
	if e.Field == "" {
		p.Field = ""
	}
	if errors.Is(e, tree.ErrUnsupported) && p.Expected == "" {
		p.Expected = "what " + e.Version + " has"
	}
	return p
}

// dump copies the bytes around an offset.
func dump(b []byte, at int) []byte {
	return append([]byte(nil), b[max(0, at-dumpSpan):min(len(b), at+dumpSpan)]...)
}

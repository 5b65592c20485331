package vectors

import (
	"strings"

	"github.com/moqrx/moqrx/gen/wire"
)

// treatment is how a vector is run.
type treatment int

const (
	asWritten  treatment = iota
	decodeOnly           // what is read need not come out as the same bytes
	mustReject           // against what the vector says
	bytesOnly            // its fields are not compared
)

// exceptions are rules, each with the reason why vectors that it fits are not run as written.
var exceptions = []struct {
	reason    string
	fits      func(p protocol, v *vector) bool
	treatment treatment
}{
	{
		"an encoder's deviation, as the vector itself says: the draft's decoder has to refuse it",
		func(_ protocol, v *vector) bool { return strings.HasPrefix(v.SpecCheck, "rejected") },
		mustReject,
	},
	{
		"paths are normalised on both sides, so one with extra slashes does not come out as it came in",
		func(p protocol, v *vector) bool { return p.lite && hasLoosePath(v.Fields) },
		decodeOnly,
	},
	{
		"varints longer than necessary are read, and written short",
		func(p protocol, v *vector) bool { return strings.Contains(v.Message+v.Note, "non-minimal") },
		decodeOnly,
	},
	{
		"draft 14 knows group orders 1 and 2 in SUBSCRIBE_OK; one collection of vectors has 0",
		func(p protocol, v *vector) bool {
			return !p.lite && p.version == 14 && v.Message == "SUBSCRIBE_OK" && sameNumber(v.Fields["group_order"], 0) == nil
		},
		mustReject,
	},
	{
		"one collection adds up the object ids of draft 16 without the one that the draft adds",
		func(p protocol, v *vector) bool {
			return !p.lite && p.version == 16 && v.Message == "SUBGROUP_STREAM" && strings.HasPrefix(v.Source, "moqtap/")
		},
		bytesOnly,
	},
}

func hasLoosePath(fields map[string]any) bool {
	for _, v := range fields {
		if s, ok := v.(string); ok && wire.NormalizePath(s) != s && !strings.ContainsAny(s, ":?") {
			return true
		}
	}
	return false
}

func treat(p protocol, v *vector) treatment {
	for _, e := range exceptions {
		if e.fits(p, v) {
			return e.treatment
		}
	}
	return asWritten
}

package vectors

import (
	"encoding/hex"
	"strings"

	"github.com/moqrx/moqrx/gen/named"
	"github.com/moqrx/moqrx/gen/wire"
)

// treatment is how a vector is run.
type treatment int

const (
	asWritten  treatment = iota
	decodeOnly           // what is read need not come out as the same bytes
	mustReject           // against what the vector says
	bytesOnly            // its fields are not compared
	ambiguous            // set aside: readers differ, or what to read is not all there
)

func (t treatment) String() string {
	return [...]string{"run as written", "run for decoding only", "must be rejected", "run without their fields", "set aside"}[t]
}

// exceptions are rules, each with the reason why vectors that it fits are not run as written.
var exceptions = []struct {
	reason    string
	fits      func(p *named.Protocol, v *vector) bool
	treatment treatment
}{
	{
		"the cluster extension is not in the text, but deployed",
		func(_ *named.Protocol, v *vector) bool { return v.Fields["HOP_PATH"] != nil },
		asWritten,
	},
	{
		"whether the end of a range has a payload length: the figures have it, most readers do not",
		func(_ *named.Protocol, v *vector) bool {
			return strings.HasPrefix(v.Note, "AMBIGUOUS: with the mandatory Object Payload Length") ||
				strings.HasPrefix(v.Note, "AMBIG payload length 0 after an end-of-range")
		},
		ambiguous,
	},
	{
		"the table of draft 15 has an object id on the datagram types 0x2c and 0x2d, the bits have not",
		func(p *named.Protocol, v *vector) bool {
			return !p.Lite() && p.Version == 15 && (v.Fields["type"] == "0x2c" || v.Fields["type"] == "0x2d")
		},
		ambiguous,
	},
	{
		"one collection has properties that are no key-value pairs",
		func(_ *named.Protocol, v *vector) bool { return v.Fields["extensions_hex"] == "6d657461" },
		mustReject,
	},
	{
		"a layout that some source has and no endpoint uses",
		func(_ *named.Protocol, v *vector) bool {
			return strings.Contains(v.Message, "dead varint-length") || strings.HasPrefix(v.Message, "SESSION_CLIENT")
		},
		mustReject,
	},
	{
		"whether a SETUP of moq-lite 01 and 02 may end before the count of its parameters: one reader takes it",
		func(_ *named.Protocol, v *vector) bool { return v.JS != nil && v.Note == "no parameter count" },
		ambiguous,
	},
	{
		"one implementation would write SUBSCRIBE_UPDATE on moq-lite 01 and 02 but never does, the other refuses it",
		func(p *named.Protocol, v *vector) bool {
			return p.Lite() && p.Version <= 2 && v.Message == "SUBSCRIBE_UPDATE"
		},
		mustReject,
	},
	{
		"an encoder's deviation, as the vector itself says: the draft's decoder has to refuse it",
		func(_ *named.Protocol, v *vector) bool { return strings.HasPrefix(v.SpecCheck, "rejected") },
		mustReject,
	},
	{
		"paths are normalised on both sides, so one with extra slashes does not come out as it came in",
		func(p *named.Protocol, v *vector) bool { return p.Lite() && hasLoosePath(v.Fields) },
		decodeOnly,
	},
	{
		"varints longer than necessary are read, and written short",
		func(p *named.Protocol, v *vector) bool {
			return strings.Contains(v.Message+v.Note, "non-minimal") || v.Message == "varint" && isLong(p, v.text())
		},
		decodeOnly,
	},
	{
		"one collection adds up the object ids of draft 16 without the one that the draft adds",
		func(p *named.Protocol, v *vector) bool {
			return !p.Lite() && p.Version == 16 && v.Message == "SUBGROUP_STREAM" && strings.HasPrefix(v.Source, "moqtap/")
		},
		bytesOnly,
	},
	{
		"recorded in pieces of which some are missing, with no whole recording to fill them in",
		func(_ *named.Protocol, v *vector) bool { return v.gaps },
		ambiguous,
	},
}

// isLong tells whether a varint is longer than its value needs.
func isLong(p *named.Protocol, text string) bool {
	src, _ := hex.DecodeString(text)
	x, n := p.Vi().Parse(src)
	return n > 0 && n > p.Vi().Len(x)
}

func hasLoosePath(fields map[string]any) bool {
	for _, v := range fields {
		if s, ok := v.(string); ok && wire.NormalizePath(s) != s && !strings.ContainsAny(s, ":?") {
			return true
		}
	}
	return false
}

// treat finds the rule for a vector; it is -1 where there is none.
func treat(v *vector) (how treatment, rule int) {
	p, err := named.Find(v.Version)
	if err != nil {
		return asWritten, -1
	}
	for i, e := range exceptions {
		if e.fits(p, v) {
			return e.treatment, i
		}
	}
	return asWritten, -1
}

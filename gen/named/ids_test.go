package named

import (
	"encoding/hex"
	"testing"
)

// The ids of a stream end where a varint of the draft does, also where the sum leads there (drafts 14 to 16: 62 bits;
// from 17 on: 64). Both decoders say so.
func TestIDsEndWithTheVarint(t *testing.T) {
	const (
		header  = "100705" + "80" // SUBGROUP_HEADER
		most62  = "ffffffffffffffff"
		most64  = "ffffffffffffffffff"
		below62 = "fffffffffffffffe"
		below64 = "fffffffffffffffffe"
		payload = "0161"
	)
	fetched := func(first string) string { // an object, and one with the id after it
		return "05021c01" + first + "80" + payload + "00" + payload
	}
	type sample struct {
		version, label, hex string
		accept              bool
	}
	var samples []sample
	for _, version := range []string{"draft-14", "draft-15", "draft-16", "draft-17", "draft-18", "draft-22"} {
		most, below := most64, below64
		if version < "draft-17" {
			most, below = most62, below62
		}
		samples = append(samples,
			sample{version, "SUBGROUP_STREAM", header + most + payload, true},
			sample{version, "SUBGROUP_STREAM", header + below + payload + "00" + payload, true},
			sample{version, "SUBGROUP_STREAM", header + below + payload + "01" + payload, false},
			sample{version, "SUBGROUP_STREAM", header + most + payload + "00" + payload, false},
			sample{version, "SUBGROUP_STREAM", header + "01" + payload + most + payload, false},
		)
		if version != "draft-14" {
			samples = append(samples,
				sample{version, "FETCH_STREAM", fetched(below), true},
				sample{version, "FETCH_STREAM", fetched(most), false},
			)
		}
	}
	for _, s := range samples {
		p, err := Find(s.version)
		if err != nil {
			t.Fatal(err)
		}
		src, err := hex.DecodeString(s.hex)
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Decode(s.label, src)
		if err != nil || (d.Err == nil) != s.accept {
			t.Errorf("%s %s %s: %v, %v", s.version, s.label, s.hex, d.Err, err)
		}
		if s.label == "SUBGROUP_STREAM" && (d.Tree.Err() == nil) != s.accept {
			t.Errorf("%s %s %s: the tree says %v", s.version, s.label, s.hex, d.Tree.Err())
		}
	}
}

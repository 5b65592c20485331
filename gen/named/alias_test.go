package named

import (
	"encoding/hex"
	"testing"
)

// The table of draft 18 has a type that its text has no message for. It is read as the one that took its place, and
// never written.
func TestTypesThatAreOnlyRead(t *testing.T) {
	for _, c := range []struct{ version, label, bytes, reencoded string }{
		{"draft-18", "PUBLISH_OK", "1e000100", "07000100"},
		{"draft-18", "REQUEST_OK", "1e00080208c0ea60010503", "0700080208c0ea60010503"},
		{"draft-18", "RESPONSE", "1e000100", "07000100"},
		{"draft-18", "REQUEST_OK", "07000100", "07000100"},
		{"draft-18", "REQUEST_OK", "1d000100", ""},
		{"draft-17", "PUBLISH_OK", "1e000100", "1e000100"},
		{"draft-17", "REQUEST_OK", "1e000100", ""},
		{"draft-19", "PUBLISH_OK", "1e000100", ""},
		{"draft-19", "RESPONSE", "1e000100", ""},
	} {
		p, err := Find(c.version)
		if err != nil {
			t.Fatal(err)
		}
		src, err := hex.DecodeString(c.bytes)
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Decode(c.label, src)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(d.Reencoded); got != c.reencoded || (d.Err == nil) != (c.reencoded != "") {
			t.Errorf("%s of %s, %s: %v, written as %s; want %s", c.label, c.version, c.bytes, d.Err, got, c.reencoded)
		}
		if (d.Tree.Err() == nil) != (d.Err == nil) {
			t.Errorf("%s of %s, %s: the codec says %v, the tree %v", c.label, c.version, c.bytes, d.Err, d.Tree.Err())
		}
	}
}

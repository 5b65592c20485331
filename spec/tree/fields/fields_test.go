package fields_test

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/spec"
	"github.com/moqrx/moqrx/spec/tree"
	"github.com/moqrx/moqrx/spec/tree/fields"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFields(t *testing.T) {
	for _, c := range []struct {
		load    func() (*spec.Family, error)
		version int
		message string
		text    string
		want    string
	}{
		{
			spec.Lite, 5, "SUBSCRIBE", "14010a726f6f6d2f616c6963650176800072000000",
			`{"broadcast":"room/alice","endGroup":null,"id":"1","maxLatency":12800,"ordered":false,"priority":128,"startGroup":null,"track":"v"}`,
		},
		{spec.Lite, 5, "SETUP", "070201010105012a", `{"origin":"42","probe":1}`},
		{spec.Transport, 20, "SUBSCRIBE_OK", "04000907010905030b023c01", `{"params":[{"id":"0x09","name":"LARGEST_OBJECT","value":[5,3]}],"properties":[{"id":"0x0b","value":"0x3c01"}],"track_alias":7}`},
	} {
		f, err := c.load()
		if err != nil {
			t.Fatal(err)
		}
		d, err := tree.New(f, c.version)
		if err != nil {
			t.Fatal(err)
		}
		src, err := hex.DecodeString(c.text)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := d.Message(c.message, src)
		if err != nil || tr.Err() != nil {
			t.Fatal(err, tr.Err())
		}
		got, err := json.Marshal(fields.Of(tr.Root, f, src))
		if err != nil || string(got) != c.want {
			t.Errorf("%s %x: %s, want %s (%v)", c.message, src, got, c.want, err)
		}
	}
}

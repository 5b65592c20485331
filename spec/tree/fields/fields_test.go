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
		{
			spec.Lite, 1, "CLIENT_SETUP", "20003103c0000000ff0dad02c0000000ff0dad01c0000000ff00000e03028000a45580040b5a01070b6d6f712d6c6974652d6a73",
			`{"params":[{"id":2,"name":"MAX_REQUEST_ID","varint":42069},{"id":"0x40b5a","name":"SOLICIT","varint":1},{"bytes":"moq-lite-js","id":7,"name":"MOQT_IMPLEMENTATION"}],` +
				`"type":"0x20","versions":["0xff0dad02","0xff0dad01","0xff00000e"]}`,
		},
		{spec.Lite, 4, "PROBE", "020028", `{"bitrate":null,"rtt":40}`},
		{spec.Lite, 2, "SUBSCRIBE_OK", "00", `{"type":null}`},
		{spec.Lite, 6, "ANNOUNCE_START", "000805616c6963650001", `{"cost":"1","hops":[],"suffix":"alice","type":0}`},
		{
			spec.Transport, 14, "CLIENT_SETUP", "20001501c0000000ff00000e02409d066772656173650205",
			`{"params":[{"id":"0x9d","name":null,"value":"grease"},{"id":"0x02","name":"MAX_REQUEST_ID","value":5}],"versions":[4278190094]}`,
		},
		{
			spec.Transport, 17, "SETUP", "af00000d070178c40b4e02812c01020401",
			`{"options":[{"id":"0x07","value":"x"},{"id":"0x40b55","value":"0x812c"},{"id":"0x40b56","value":2},{"id":"0x40b5a","value":1}]}`,
		},
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

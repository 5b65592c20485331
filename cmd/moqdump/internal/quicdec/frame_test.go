package quicdec

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go/quicvarint"
)

// frames holds one of every frame type, with what a decoder takes from it.
var frames = []struct {
	hex  string
	want frame
}{
	{"000000", frame{}},
	{"01", frame{typ: framePing}},
	{"02 0a 00 02 03 01 02 03 04", frame{typ: frameAck}},
	{"03 0a 00 00 03 01 02 03", frame{typ: frameAckECN}},
	{"04 05 4007 09", frame{typ: frameResetStream, stream: 5, code: 7, final: 9}},
	{"24 05 07 09 03", frame{typ: frameResetStreamAt, stream: 5, code: 7, final: 9, reliable: 3}},
	{"05 05 07", frame{typ: frameStopSending, stream: 5, code: 7}},
	{"06 02 03 616263", frame{typ: frameCrypto, offset: 2, data: []byte("abc")}},
	{"07 02 aabb", frame{typ: frameNewToken}},
	{"0a 04 02 6162", frame{typ: 0x0a, stream: 4, data: []byte("ab")}},
	{"0f 04 4100 02 6162", frame{typ: 0x0f, stream: 4, offset: 256, data: []byte("ab"), fin: true}},
	{"09 04 6162", frame{typ: 0x09, stream: 4, data: []byte("ab"), fin: true}},
	{"10 05", frame{typ: frameMaxData}},
	{"11 05 06", frame{typ: 0x11}},
	{"17 05", frame{typ: 0x17}},
	{"18 01 00 02 aabb 00112233445566778899aabbccddeeff", frame{typ: frameNewCID, data: []byte{0xaa, 0xbb}}},
	{"19 01", frame{typ: frameRetireCID}},
	{"1a 0011223344556677", frame{typ: framePathChallenge}},
	{"1c 0a 06 02 6869", frame{typ: frameClose, code: 10, stream: 6, data: []byte("hi")}},
	{"1d 0a 02 6869", frame{typ: frameCloseApp, code: 10, data: []byte("hi")}},
	{"1e", frame{typ: frameHandshakeDone}},
	{"1f", frame{typ: frameImmediateAck}},
	{"30 6869", frame{typ: frameDatagram, data: []byte("hi")}},
	{"31 02 6869", frame{typ: frameDatagramLen, data: []byte("hi")}},
	{"40af 01 02 03 04", frame{typ: frameAckFrequency}},
}

func TestParsesEveryFrame(t *testing.T) {
	for _, tc := range frames {
		b := unhex(tc.hex)
		got, n, err := parseFrame(b)
		if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(frame{})); diff != "" || err != nil || n != len(b) {
			t.Errorf("%s: %v, %d of %d bytes\n%s", tc.hex, err, n, len(b), diff)
		}
		for i := 1; i < len(b); i++ {
			_, n, err := parseFrame(b[:i])
			// Padding, and data up to the end of the packet, have no length of their own.
			if err == nil && (n != i || !slices.Contains([]uint64{framePadding, 0x09, frameDatagram}, got.typ)) {
				t.Errorf("%s cut to %d bytes: %v", tc.hex, i, err)
			}
		}
	}
	for in, want := range map[string]string{
		"21":                             "frame type 0x21 at byte 0 of the packet: unknown type, the rest of the packet is not decoded",
		"06 00 05 61":                    "frame type 0x6 at byte 0 of the packet: Crypto Data of 5 bytes, 1 are left",
		"02 00 00 ffffffffffffffff 00":   "frame type 0x2 at byte 0 of the packet: ACK Range is cut short",
		"0e 00 ffffffffffffffff 02 6162": "frame type 0xe at byte 0 of the packet: data beyond the largest stream offset",
	} {
		if _, _, err := parseFrame(unhex(in)); err == nil || err.Error() != want {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// bare is a connection that takes frames without packets around them.
func bare() (*Conn, *result) {
	r := &result{data: map[string][]byte{}, ends: map[string]string{}}
	r.d = New(&KeyLog{}, r.take)
	c := &Conn{d: r.d, opened: true}
	r.d.conns = []*Conn{c}
	return c, r
}

func streamFrame(id, off uint64, data string, fin bool) []byte {
	b := []byte{0x0e}
	if fin {
		b[0] = 0x0f
	}
	b = quicvarint.Append(b, id)
	b = quicvarint.Append(b, off)
	b = quicvarint.Append(b, uint64(len(data)))
	return append(b, data...)
}

func TestAMalformedFrameLeavesTheRestOfTheConnection(t *testing.T) {
	c, r := bare()
	at := time.Unix(0, 0)
	c.payload(at, ClientToServer, levelApp, append(streamFrame(0, 0, "one", false), 0x21, 0, 0))
	c.payload(at, ClientToServer, levelApp, streamFrame(0, 3, "two", true))
	if got := string(r.data["> bidi 0"]); got != "onetwo" || r.ends["> bidi 0"] != "fin" {
		t.Errorf("%q %s", got, r.ends["> bidi 0"])
	}
	want := []string{"kind 7 frame type 0x21 at byte 7 of the packet: unknown type, the rest of the packet is not decoded"}
	if diff := cmp.Diff(want, r.events); diff != "" {
		t.Error(diff)
	}
}

func TestAGapIsGivenUpAfterAWhile(t *testing.T) {
	c, r := bare()
	at := time.Unix(0, 0)
	c.payload(at, ServerToClient, levelApp, streamFrame(3, 10, "late", false))
	c.payload(at, ServerToClient, levelApp, streamFrame(7, 5, "", true)) // the FIN of a stream whose data is lost
	c.sweep(at.Add(maxGapAge - 1))
	if len(r.events) != 0 {
		t.Errorf("too early: %q", r.events)
	}
	c.sweep(at.Add(2 * maxGapAge))
	want := []string{"< uni 3: 10 bytes missing", "< uni 7: 5 bytes missing"}
	if diff := cmp.Diff(want, r.events); diff != "" {
		t.Error(diff)
	}
	if string(r.data["< uni 3"][10:]) != "late" || r.ends["< uni 7"] != "fin" {
		t.Errorf("%q %q", r.data, r.ends)
	}
}

func TestAResetWaitsForItsReliablePart(t *testing.T) {
	c, r := bare()
	at := time.Unix(0, 0)
	c.payload(at, ServerToClient, levelApp, unhex("24 03 07 09 04")) // reliable up to 4
	if r.ends["< uni 3"] != "" {
		t.Errorf("ended early: %s", r.ends["< uni 3"])
	}
	c.payload(at, ServerToClient, levelApp, streamFrame(3, 0, "head", false))
	c.payload(at, ServerToClient, levelApp, unhex("24 03 07 09 04")) // repeated
	c.payload(at, ServerToClient, levelApp, unhex("05 03 08 05 03 08"))
	if r.ends["< uni 3"] != "reset 7 at 4 of 9stop 8" || string(r.data["< uni 3"]) != "head" {
		t.Errorf("%q %q", r.data, r.ends)
	}
}

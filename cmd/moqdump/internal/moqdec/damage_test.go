package moqdec_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
	"github.com/moqrx/moqrx/gen/lite"
)

// The same for moq-transport as for moq-lite: what is wrong is said, with its place, and the rest comes out.
func TestReportsWhatIsWrongInMoqTransport(t *testing.T) {
	s := newScript("moqt-18")
	s.hex(up, 2, "af00 0000 10 0002 0000 07 0000") // SETUP, GOAWAY, and a message that is not for this stream
	s.hex(down, 3, "14 0000")
	// A malformed message inside its length, an unknown type, and a good one behind them.
	s.hex(up, 0, "03 000c 00 01046c697665 0161 01 1007")
	s.hex(up, 0, "02 0002 04 05")
	s.hex(up, 0, "3f 0003 616263")
	s.hex(up, 0, "02 0002 06 00")
	s.hex(down, 0, "04 0003 81 2c") // a length that goes on
	s.hex(down, 0, "00  0b 0003 02 01 00")
	// Streams of objects: of an unknown alias, cut in a payload, with a status that there is not, with a gap.
	s.hex(down, 7, "14 07 00 00 80  00 05 6162")
	s.fin(down, 7)
	s.hex(down, 11, "14 812c 01 00 80  00 00 07  00 02 6869")
	s.fin(down, 11)
	s.hex(down, 15, "14 812c 02 00 80  00 05 61")
	s.gap(down, 15, 2)
	s.hex(down, 15, "6162  00 01 63")
	s.gap(down, 15, 9)
	s.fin(down, 15)
	s.hex(down, 19, "14 812c 03 00 80  02 05 616263")
	s.event(quicdec.Event{Kind: quicdec.StreamReset, Dir: down, Stream: 19, Offset: 11, Code: 1})
	// Fetches: one that starts with a reference to nothing, and one with an end of a range.
	s.hex(down, 23, "05 04  20 00 01 61")
	s.hex(down, 27, "05 04  1f 05 02 03 80 01 61  810c 00 09")
	s.fin(down, 27)
	// A varint of a form that goes on, a stream type that there is not, and datagrams.
	s.hex(down, 31, "42 00")
	s.event(quicdec.Event{Kind: quicdec.Datagram, Dir: down, Data: unhex("10 00")})
	s.event(quicdec.Event{Kind: quicdec.Datagram, Dir: down})
	s.event(quicdec.Event{Kind: quicdec.StopSending, Dir: up, Stream: 19, Code: 0x12})
	// The capture ends within a message and within a payload.
	s.hex(up, 4, "03 0010 02")
	s.hex(down, 35, "14 812c 04 00 80  00 8400 616263")
	golden(t, "wrong-transport", s.end())
}

const (
	clientSetup = "20 0031 03c0000000ff0dad02c0000000ff0dad01c0000000ff00000e03028000a45580040b5a01070b6d6f712d6c6974652d6a73"
	setup14     = "21 0009 c0000000ff00000e 00"
	setup01     = "21 0009 c0000000ff0dad01 00"
)

// Sessions whose version is agreed on in messages wait for it, also where streams overtake it.
func TestFollowsTheVersionInSetup(t *testing.T) {
	s := newScript("moql")
	s.hex(down, 3, "14 05 00 00 80 00 01 61") // a subgroup of moq-transport-14
	s.hex(up, 0, clientSetup)
	s.hex(down, 0, setup14)
	if got := s.end(); !strings.Contains(got, "(moq-transport-14)") || !strings.Contains(got, "SUBGROUP_OBJECT") || strings.Contains(got, "!") {
		t.Errorf("moq-transport-14 is not recognized:\n%s", got)
	}
	s = newScript("moql")
	s.hex(up, 0, clientSetup)
	s.hex(down, 0, setup01)
	s.hex(up, 4, "02 06 00 01 61 01 62 05")
	s.hex(down, 4, "01 05")
	if got := s.end(); !strings.Contains(got, "SUBSCRIBE_OK       a:b  priority=5") || strings.Contains(got, "!") {
		t.Errorf("moq-lite-01 is not recognized:\n%s", got)
	}
}

// WebTransport without a sub-protocol leaves the version to SETUP as well.
func TestFollowsTheVersionInSetupOverWebTransport(t *testing.T) {
	s := newScript("h3")
	s.send(up, 0, h3(":method", "CONNECT", ":protocol", "webtransport", ":path", "/room"), false)
	s.send(down, 0, h3(":status", "200"), false)
	s.hex(up, 4, "4041 00"+clientSetup)
	s.hex(down, 4, setup01)
	s.hex(up, 8, "4041 00 02 06 00 01 61 01 62 05")
	s.hex(down, 8, "01 05")
	if got := s.end(); !strings.Contains(got, "(moq-lite-01)") || !strings.Contains(got, "SUBSCRIBE_OK       a:b  priority=5") || strings.Contains(got, "!") {
		t.Errorf("moq-lite-01 is not recognized:\n%s", got)
	}
}

// Without SERVER_SETUP the events do not wait for ever.
func TestGoesOnWithoutTheVersion(t *testing.T) {
	s := newScript("moql")
	s.hex(up, 4, "02 06 00 01 61 01 62 05")
	s.event(quicdec.Event{Kind: quicdec.Closed, Dir: up, App: true})
	if got := s.out.String(); !strings.Contains(got, "SUBSCRIBE          a:b") || strings.Index(got, "SUBSCRIBE") > strings.Index(got, "CONNECTION_CLOSE") {
		t.Errorf("what came before the close is not in front of it:\n%s", got)
	}
	s = newScript("moql")
	s.send(up, 4, bytes.Repeat([]byte("x"), 2<<20), false)
	if got := s.out.String(); !strings.Contains(got, "Stream Type") {
		t.Errorf("two megabytes without a version wait:\n%s", got)
	}
}

// What a relay has on moq-lite-02 comes in one message, which may have megabytes.
func TestReadsALongMessage(t *testing.T) {
	s := newScript("moql")
	s.hex(up, 0, "20 000a 01 c0000000ff0dad02 00")
	s.hex(down, 0, "21 0009 c0000000ff0dad02 00")
	s.hex(up, 4, "01 01 00")
	var names lite.AnnounceInit
	for i := range 4000 {
		names.Suffixes = append(names.Suffixes, fmt.Sprintf("%s/%d", strings.Repeat("x", 100), i))
	}
	b, err := names.Append(nil, lite.Version02)
	if err != nil {
		t.Fatal(err)
	}
	for piece := range slices.Chunk(b, 1200) {
		s.send(down, 4, piece, false)
	}
	if out := s.end(); !strings.Contains(out, "ANNOUNCE_INIT") || !strings.Contains(out, "bytes)") || strings.Contains(out, "! ") {
		t.Errorf("%.2000s", out)
	}
}

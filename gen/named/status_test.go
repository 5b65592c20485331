package named

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
)

// An object with a status has no properties. Draft 14 says so of objects that do not exist only.
func TestStatusHasNoProperties(t *testing.T) {
	for _, c := range []struct {
		version, message, hex string
		accept                bool
	}{
		{"draft-14", "OBJECT_DATAGRAM", "2107050380023c0401", false},
		{"draft-14", "OBJECT_DATAGRAM", "2107050380023c0403", true},
		{"draft-14", "OBJECT_DATAGRAM", "2107050380023c0400", true},
		{"draft-14", "OBJECT_DATAGRAM", "200705038001", true},
		{"draft-15", "OBJECT_DATAGRAM", "2107050380023c0401", false},
		{"draft-15", "OBJECT_DATAGRAM", "2107050380023c0403", false},
		{"draft-15", "OBJECT_DATAGRAM", "2107050380023c0400", true},
		{"draft-15", "OBJECT_DATAGRAM", "200705038003", true},
		{"draft-16", "OBJECT_DATAGRAM", "2107050380023c0403", false},
		{"draft-16", "OBJECT_DATAGRAM", "2107050380023c0400", true},
		{"draft-16", "OBJECT_DATAGRAM", "200705038003", true},
		{"draft-17", "OBJECT_DATAGRAM", "2107050380023c0403", false},
		{"draft-14", "FETCH_STREAM", "050201000280023c040001", false},
		{"draft-14", "FETCH_STREAM", "050201000280023c040003", true},
		{"draft-14", "FETCH_STREAM", "05020100028000" + "0001", true}, // an empty block
		{"draft-15", "FETCH_STREAM", "05023c010280023c040001", false},
		{"draft-15", "FETCH_STREAM", "05023c010280023c040003", false},
		{"draft-15", "FETCH_STREAM", "05023c010280023c040000", true},
		{"draft-15", "FETCH_STREAM", "05023c01028000" + "0003", true},
		{"draft-15", "FETCH_STREAM", "05021c0102800003", true},
	} {
		p, err := Find(c.version)
		if err != nil {
			t.Fatal(err)
		}
		src, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Decode(c.message, src)
		if err != nil || (d.Err == nil) != c.accept || c.accept && d.Consumed != len(src) {
			t.Errorf("%s %s %s: consumed %d, %v %v", c.version, c.message, c.hex, d.Consumed, d.Err, err)
		}
	}
}

// What breaks that rule ends the session as a violation of the protocol, and is not written either.
func TestStatusWithPropertiesEndsTheSession(t *testing.T) {
	datagram := []byte{0x21, 7, 5, 3, 128, 2, 0x3c, 4, 1}
	for _, c := range []struct {
		version moqt.Version
		object  interface {
			Parse([]byte, moqt.Version) (int, error)
			Append([]byte, moqt.Version) ([]byte, error)
		}
		src []byte
	}{
		{moqt.Version14, &moqt.ObjectDatagram{}, datagram},
		{moqt.Version15, &moqt.ObjectDatagram{}, datagram},
		{moqt.Version16, &moqt.ObjectDatagram{}, append(datagram[:8:8], 3)},
		{moqt.Version14, &moqt.FetchObject{}, []byte{1, 0, 2, 128, 2, 0x3c, 4, 0, 1}},
		{moqt.Version15, &moqt.FetchObject{First: true}, []byte{0x3c, 1, 2, 128, 2, 0x3c, 4, 0, 3}},
	} {
		_, err := c.object.Parse(c.src, c.version)
		var e *wire.Error
		if !errors.As(err, &e) || !errors.Is(err, wire.ErrMalformed) || e.Close != uint64(moqt.SessionErrorCodeProtocolViolation) {
			t.Errorf("%s %x: %+v", c.version, c.src, err)
		}
		if _, err := c.object.Append(nil, c.version); err == nil {
			t.Errorf("%s %x is written", c.version, c.src)
		}
	}
}

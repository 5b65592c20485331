package quicdec

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/talk"
)

func TestOpenStreamsAreBounded(t *testing.T) {
	c, r := bare()
	at := time.Unix(0, 0)
	for i := range uint64(maxStreams + 2) {
		c.payload(at.Add(time.Duration(i)), ServerToClient, levelApp, streamFrame(4*i+3, 1, "x", false))
	}
	if n := len(c.streams[ServerToClient].open); n != maxStreams-maxStreams/8+2 {
		t.Errorf("%d streams", n)
	}
	want := []string{"< uni 3: 1 bytes missing", "kind 8 <nil>", "< uni 7: 1 bytes missing", "kind 8 <nil>"}
	if diff := cmp.Diff(want, r.events[:4]); diff != "" {
		t.Error(diff)
	}
	if c.buffered != len(c.streams[ServerToClient].open) {
		t.Errorf("%d bytes counted", c.buffered)
	}
}

func TestWaitingPacketsAreBounded(t *testing.T) {
	rec := record(t, talk.Options{}, 10)
	r := decode(nil, nil)
	for _, p := range rec.Packets {
		r.d.Datagram(p.Time, p.Src, p.Dst, p.Data)
	}
	short := slices.IndexFunc(rec.Packets, func(p talk.Packet) bool { return p.Data[0]&0x80 == 0 })
	p := rec.Packets[short]
	p.Data = append(slices.Clone(p.Data), make([]byte, 1200)...)
	for range 2 * maxPending / len(p.Data) {
		r.d.Datagram(p.Time, p.Src, p.Dst, p.Data)
	}
	c := r.d.conns[0]
	if c.pendingBytes > maxPending || r.d.pendingBytes != c.pendingBytes || c.stats.dropped == 0 {
		t.Errorf("%d bytes wait, %d packets dropped", c.pendingBytes, c.stats.dropped)
	}
}

// seal makes a client's Initial packet for a connection id.
func seal(t testing.TB, dcid, frames []byte) []byte {
	t.Helper()
	secrets, err := initialSecrets(Version1, dcid)
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKeys(Version1, AES128GCM, secrets[ClientToServer])
	if err != nil {
		t.Fatal(err)
	}
	return sealLong(k, Version1, levelInitial, 0, dcid, nil, frames)
}

// sealLong makes a long header packet with a packet number of two bytes.
func sealLong(k *packetKeys, version uint32, lvl level, pn uint16, dcid, scid, frames []byte) []byte {
	bits := byte(lvl)
	if version == Version2 {
		bits++
	}
	b := binary.BigEndian.AppendUint32([]byte{0xc1 | bits<<4}, version)
	b = append(append(b, byte(len(dcid))), dcid...)
	b = append(append(b, byte(len(scid))), scid...)
	if lvl == levelInitial {
		b = append(b, 0) // no token
	}
	b = quicvarint.AppendWithLen(b, uint64(2+len(frames)+16), 2)
	pnOff := len(b)
	b = append(b, byte(pn>>8), byte(pn))
	nonce := k.iv
	nonce[10] ^= byte(pn >> 8)
	nonce[11] ^= byte(pn)
	b = k.aead.Seal(b, nonce[:], frames, b)
	mask := k.hp(b[pnOff+4 : pnOff+20])
	b[0] ^= mask[0] & 0x0f
	b[pnOff] ^= mask[1]
	b[pnOff+1] ^= mask[2]
	return b
}

func TestConnectionsAreBounded(t *testing.T) {
	r := decode(nil, nil)
	server := mustAddr("192.0.2.2:443")
	for i := range 2 * maxConns {
		client := mustAddr(fmt.Sprintf("192.0.2.1:%d", 1000+i))
		dcid := []byte(fmt.Sprintf("connection %d", i))
		at := time.Unix(int64(i), 0)
		r.d.Datagram(at, client, server, seal(t, dcid, make([]byte, 30)))
		r.d.Datagram(at, client, server, make([]byte, 30)) // kept for a connection without keys
	}
	s := r.d.Stats()
	if len(r.d.conns) != maxConns || s.Connections != 2*maxConns || s.Packets != 2*maxConns || len(r.d.Strange()) != 0 {
		t.Errorf("%d connections, %+v, %v", len(r.d.conns), s, r.d.Strange())
	}
	if len(r.d.routes) > 2*maxConns || len(r.d.newest) > 2*maxConns || len(r.d.anyPath) > 2*maxConns || len(r.d.lengths) > 2*maxConns {
		t.Errorf("%d routes, %d paths, %d ids", len(r.d.routes), len(r.d.newest), len(r.d.anyPath))
	}
	if r.d.pendingBytes != 30*maxConns || r.d.conns[0].Client.Port() != 1000+maxConns {
		t.Errorf("%d bytes wait, the oldest is %v", r.d.pendingBytes, r.d.conns[0].Client)
	}
}

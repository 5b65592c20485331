package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/moqrx/moqrx/cmd/internal/sample"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
)

// TestDissectorBearsDamagedCaptures changes the order of packets, and leaves out one within a payload: the
// messages are those that moqdump reads.
func TestDissectorBearsDamagedCaptures(t *testing.T) {
	script := writeDissector(t, "")
	whole := filepath.Join(t.TempDir(), "whole.pcapng")
	steps, err := sample.Transport(18)
	if err != nil {
		t.Fatal(err)
	}
	var long []byte
	for _, m := range []moqt.Message{
		&moqt.SubgroupHeader{TrackAlias: 300, GroupID: 20},
		&moqt.SubgroupObject{Payload: make([]byte, 40_000)},
		&moqt.SubgroupObject{PriorObjectID: wire.Some(uint64(0)), ObjectID: 1, Payload: []byte("behind")},
	} {
		if long, err = m.Append(long, moqt.Version18); err != nil {
			t.Fatal(err)
		}
	}
	steps = append(steps, sample.Step{FromServer: true, Stream: 27, Data: long, Fin: true})
	recordAll(t, whole, []talk{{sample.ALPN(18), steps}})
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	blocks := split(t, data)
	large := largePackets(blocks)
	if len(large) < 20 {
		t.Fatalf("a payload of 40000 bytes stands in %d packets", len(large))
	}
	early, late := large[len(large)/2], large[len(large)/2+2]
	damaged := map[string][][]byte{"reordered": slices.Clone(blocks), "lossy": slices.Delete(slices.Clone(blocks), early, early+1)}
	damaged["reordered"][early], damaged["reordered"][late] = blocks[late], blocks[early]
	moqdump := buildMoqdump(t)
	for name, list := range damaged {
		file := filepath.Join(t.TempDir(), name+".pcapng")
		save(t, file, string(bytes.Join(list, nil)))
		got, all := byStream(tshark(t, script, file, nil)), dumped(t, moqdump, file, nil)
		want, objects := byStream(all), 0
		for stream, list := range want {
			compareStream(t, name+" "+stream, got[stream], list)
		}
		for _, m := range all {
			if m.name == "SUBGROUP_OBJECT" {
				objects++
			}
		}
		if objects != 7 {
			t.Errorf("%s: moqdump reads %d objects of 7", name, objects)
		}
	}
}

// split takes a pcapng apart into its blocks.
func split(t *testing.T, data []byte) (blocks [][]byte) {
	t.Helper()
	for len(data) > 0 {
		n := binary.LittleEndian.Uint32(data[4:])
		if n < 12 || int(n) > len(data) {
			t.Fatal("this is no pcapng")
		}
		blocks = append(blocks, data[:n])
		data = data[n:]
	}
	return blocks
}

// largePackets are those that are full: nearly all of them of the payload.
func largePackets(blocks [][]byte) (at []int) {
	const packet, full = 6, 1200
	for i, b := range blocks {
		if binary.LittleEndian.Uint32(b) == packet && len(b) > full {
			at = append(at, i)
		}
	}
	return at
}

// TestDissectorIsLuaOfWireshark4 parses the dissector as Lua 5.4, which newer Wiresharks have; the other
// tests run it in the Lua of the tshark at hand.
func TestDissectorIsLuaOfWireshark4(t *testing.T) {
	luac, err := exec.LookPath("luac5.4")
	if err != nil {
		t.Skip("SKIPPED: there is no luac5.4 on the PATH, so that the dissector is not tried as Lua 5.4")
	}
	t.Chdir("../..")
	var out, errs bytes.Buffer
	if code := run([]string{"lua"}, &out, &errs); code != 0 {
		t.Fatal(&errs)
	}
	file := filepath.Join(t.TempDir(), "moq.lua")
	save(t, file, out.String())
	if text, err := exec.Command(luac, "-p", file).CombinedOutput(); err != nil {
		t.Errorf("luac5.4 says %s", text)
	}
}

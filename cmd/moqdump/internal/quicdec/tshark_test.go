package quicdec

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// captures are the committed ones and those of the folder that MOQRX_CAPTURES names.
func captures(t *testing.T) []string {
	t.Helper()
	files := []string{"testdata/chat.pcapng", "../cli/testdata/demo.pcapng.gz"}
	dir := os.Getenv("MOQRX_CAPTURES")
	if dir == "" {
		t.Log("MOQRX_CAPTURES does not name a folder of further captures")
		return files
	}
	more, err := filepath.Glob(filepath.Join(dir, "*.pcap*"))
	if err != nil || len(more) == 0 {
		t.Fatalf("no captures in %s: %v", dir, err)
	}
	return append(files, more...)
}

// keyFile is the key log beside a capture that has no secrets inside.
func keyFile(capture string) string {
	name := strings.TrimSuffix(strings.TrimSuffix(capture, "ng"), ".pcap") + ".keys"
	if _, err := os.Stat(name); err != nil {
		return ""
	}
	return name
}

// perConn collects the streams of every connection, and says why they are not whole, if so.
func perConn(t *testing.T, name string) (conns []*result, missing string) {
	t.Helper()
	packets, keys := load(t, name)
	if k := keyFile(name); k != "" {
		more, err := os.ReadFile(k)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, more...)
	}
	log := &KeyLog{}
	log.Add(keys)
	d := New(log, func(e Event) {
		if e.Kind == Opened {
			conns = append(conns, &result{data: map[string][]byte{}, ends: map[string]string{}})
		}
		conns[e.Conn.ID-1].take(e)
	})
	feed(d, packets)
	if s := d.Stats(); s.Failed+s.Waiting+s.Dropped+s.Cut != 0 || len(d.Strange()) != 0 || s.Packets < len(packets) {
		missing = fmt.Sprintf("%d packets, %+v, %v, %v", len(packets), s, d.Problems(), d.Strange())
	}
	for _, c := range conns {
		for _, e := range c.events {
			if strings.HasSuffix(e, "bytes missing") {
				missing += " " + e
			}
		}
	}
	return conns, missing
}

// wholeCaptures have all packets of their connections and all secrets. What else the folder
// holds may have been cut, lose packets, or start late: there only what both decoders have in
// full is compared.
var wholeCaptures = map[string]struct {
	suite  Suite
	alpn   string
	server int // bytes on streams from the server, as an independent proof of concept counted them
}{
	"v1-moqt18-dsb.pcapng": {AES128GCM, "moqt-18", 5105},
	"v1-moq00.pcapng":      {AES128GCM, "moq-00", 5109},
	"v1-chacha-dsb.pcapng": {ChaCha20, "moqt-18", 5105},
	"any.pcap":             {AES128GCM, "moqt-18", 5105},
	"wt-moqt18-dsb.pcapng": {AES128GCM, "h3", 579},
}

func isWhole(name string) bool {
	_, known := wholeCaptures[filepath.Base(name)]
	return known || !filepath.IsAbs(name)
}

// tshark is the second opinion: it shares no code with this package.
func TestStreamsAreThoseOfTshark(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed: streams are NOT compared with a second decoder")
	}
	for _, name := range captures(t) {
		conns, missing := perConn(t, name)
		switch {
		case missing != "" && isWhole(name):
			t.Errorf("%s: %s", name, missing)
		case missing != "":
			t.Logf("%s is NOT compared: %s", name, missing)
			continue
		}
		args := []string{"-q", "-r", name}
		if k := keyFile(name); k != "" {
			args = append(args, "-o", "tls.keylog_file:"+k)
		}
		type stream struct {
			conn int
			id   string
		}
		var asked []stream
		for i, c := range conns {
			if c.conns[0].ALPN == "h3" && strings.Contains(fmt.Sprint(c.ends), "reset") {
				continue // tshark 4.0 takes RESET_STREAM_AT for the frame it is not
			}
			for half := range c.data {
				s := stream{i, half[strings.LastIndexByte(half, ' ')+1:]}
				if !slices.Contains(asked, s) {
					asked = append(asked, s)
					args = append(args, "-z", fmt.Sprintf("follow,quic,raw,%d,%s", s.conn, s.id))
				}
			}
		}
		out, err := exec.Command("tshark", args...).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := compareFollowed(t, name, conns, out); isWhole(name) && (got != len(asked) || got == 0) {
			t.Errorf("%s: compared %d streams of %d", name, got, len(asked))
		}
	}
}

// compareFollowed reads what "follow" printed: for each stream its number, the two ends, and the
// bytes in hex, those of the second end after a tab.
func compareFollowed(t *testing.T, name string, conns []*result, out []byte) (streams int) {
	for block := range strings.SplitSeq(string(out), "Follow: quic,raw\n") {
		var conn int
		var id uint64
		lines := strings.Split(block, "\n")
		if _, err := fmt.Sscanf(lines[0], "Filter: quic.connection.number eq %d and quic.stream.stream_id eq %d", &conn, &id); err != nil {
			continue
		}
		streams++
		if conn >= len(conns) {
			t.Logf("%s: connection %d of tshark is NOT compared: we have %d", name, conn, len(conns))
			continue
		}
		c := conns[conn]
		client := strings.TrimPrefix(lines[1], "Node 0: ") == c.conns[0].Client.String()
		var got [2][]byte
		for _, line := range lines[3:] {
			text, second := strings.CutPrefix(line, "\t")
			data, err := hex.DecodeString(text)
			if err != nil {
				break // the rule below the block
			}
			dir := ClientToServer
			if second == client {
				dir = ServerToClient
			}
			got[dir] = append(got[dir], data...)
		}
		for dir, data := range got {
			want := c.data[halfName(Dir(dir), id)]
			if len(data) < len(want) && !isWhole(name) {
				t.Logf("%s connection %d %s stream %d is NOT compared: tshark has %d bytes of %d", name, conn, Dir(dir), id, len(data), len(want))
			} else if !bytes.Equal(data, want) {
				t.Errorf("%s connection %d %s stream %d: tshark has %d bytes, we have %d", name, conn, Dir(dir), id, len(data), len(want))
			}
		}
	}
	return streams
}

func TestNumbersOfTheSharedCaptures(t *testing.T) {
	dir := os.Getenv("MOQRX_CAPTURES")
	if dir == "" {
		t.Skip("MOQRX_CAPTURES does not name a folder of captures")
	}
	for name, want := range wholeCaptures {
		name = filepath.Join(dir, name)
		if _, err := os.Stat(name); err != nil {
			t.Logf("NOT checked: %v", err)
			continue
		}
		conns, missing := perConn(t, name)
		if missing != "" {
			t.Errorf("%s: %s", name, missing)
		}
		if len(conns) != 1 {
			t.Errorf("%s: %d connections", name, len(conns))
			continue
		}
		server := 0
		for half, data := range conns[0].data {
			if strings.HasPrefix(half, "<") {
				server += len(data)
			}
		}
		c := conns[0].conns[0]
		if server != want.server || c.Suite != want.suite || c.ALPN != want.alpn || c.Version != Version1 {
			t.Errorf("%s: %d bytes, %v, %q", name, server, c.Suite, c.ALPN)
		}
	}
}

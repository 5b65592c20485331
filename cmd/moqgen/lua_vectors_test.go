package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/spec"
)

// bareVector is a message of the vectors that the codecs read.
type bareVector struct {
	at, version, name string
	data              []byte
	want              map[string][]string // what the codec logs
}

// TestDissectorAgreesWithCodecs shows each vector that the codecs read to the dissector: the
// values are the same, and nothing is wrong. Each is then cut short by a byte, which it says.
func TestDissectorAgreesWithCodecs(t *testing.T) {
	more, err := os.ReadFile("testdata/bare.lua")
	if err != nil {
		t.Fatal(err)
	}
	script := writeDissector(t, string(more))
	vectors := readVectors(t)
	if len(vectors) < 100 {
		t.Fatalf("only %d vectors are read by the codecs", len(vectors))
	}
	for i, packet := range dissectBare(t, script, vectors) {
		v := vectors[i]
		got, notes := collect(packet)
		for _, n := range notes {
			t.Errorf("%s: %s %s %x: %s", v.at, v.version, v.name, v.data, n)
		}
		for key, values := range v.want {
			if !sameValues(got[key], values) {
				t.Errorf("%s: %s %s %x: %s is %q, the codec has %q", v.at, v.version, v.name, v.data, key, got[key], values)
			}
		}
	}
	t.Logf("%d vectors compared", len(vectors))
	var cut []bareVector
	for _, v := range vectors {
		if v.data = v.data[:len(v.data)-1]; len(v.data) > 0 && shorter(v) {
			cut = append(cut, v)
		}
	}
	for i, packet := range dissectBare(t, script, cut) {
		if _, notes := collect(packet); len(notes) == 0 {
			t.Errorf("%s: %s %s without its last byte, %x: the dissector finds nothing wrong", cut[i].at, cut[i].version, cut[i].name, cut[i].data)
		}
	}
	t.Logf("%d of them cut short", len(cut))
}

// sameValues compares what the dissector shows of a name with what is logged. A field that is
// not on the wire is zero in the log, a tuple is a list there and one text here, and a value
// whose name depends on the version has all of them there.
func sameValues(got, want []string) bool {
	if len(got) == 1 && got[0] == strings.Join(want, "/") {
		return true
	}
	zero := func(s string) bool {
		return s == "" || s == "0" || s == "false" || strings.HasPrefix(s, "0 (") || zeroNames()[s]
	}
	got, want = slices.DeleteFunc(slices.Clone(got), zero), slices.DeleteFunc(slices.Clone(want), zero)
	slices.Sort(got)
	slices.Sort(want)
	return slices.EqualFunc(got, want, func(got, want string) bool {
		return want == "true" || slices.ContainsFunc(strings.Split(want, " or "), func(one string) bool { return sameValue(got, one) })
	})
}

// zeroNames are the names that 0 has.
var zeroNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, f := range []*spec.Family{liteSpec(), transportSpec()} {
		for _, e := range f.Enums {
			for _, v := range e.Values {
				names[v.Name] = names[v.Name] || v.Value == 0
			}
		}
	}
	return names
})

// readVectors reads the vectors of single messages that the codecs parse to their end.
func readVectors(t *testing.T) []bareVector {
	t.Helper()
	dir := os.Getenv("MOQRX_VECTORS")
	if dir == "" {
		dir = "../../test/vectors/testdata"
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors in", dir, err)
	}
	var all []bareVector
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, len(data)+1)
		for n := 1; lines.Scan(); n++ {
			var line struct {
				Version, Message, Hex string
				Stream                any
			}
			if json.Unmarshal(lines.Bytes(), &line) != nil || line.Stream != nil {
				continue
			}
			b, err := hex.DecodeString(line.Hex)
			if err != nil || len(b) == 0 || len(b) > 60000 {
				continue
			}
			v := bareVector{at: fmt.Sprintf("%s:%d", filepath.Base(file), n), name: line.Message, data: b}
			if v.parse(line.Version) {
				all = append(all, v)
			}
		}
	}
	return all
}

// parse fills in what the codec logs; false for what no codec reads by itself.
func (v *bareVector) parse(version string) bool {
	var m interface{ LogValue() slog.Value }
	var n int
	var err error
	if number, no := lite.ParseVersion(version); no == nil {
		message := lite.NewMessage(v.name)
		if message == nil || needsStream(liteSpec(), v.name) {
			return false
		}
		m, v.version = message, number.String()
		n, err = message.Parse(v.data, number)
	} else if number, no := moqt.ParseVersion(version); no == nil {
		message := moqt.NewMessage(v.name)
		if message == nil || needsStream(transportSpec(), v.name) {
			return false
		}
		m, v.version = message, number.String()
		n, err = message.Parse(v.data, number)
	} else {
		return false
	}
	if err != nil || n != len(v.data) {
		return false
	}
	v.want = map[string][]string{}
	flatten(m.LogValue(), v.want)
	return true
}

// shorter tells whether the codec finds what is cut off.
func shorter(v bareVector) bool {
	whole := v
	return !whole.parse(v.version)
}

// The specs are read once.
var (
	liteSpec      = sync.OnceValue(func() *spec.Family { return mustRead(spec.Lite) })
	transportSpec = sync.OnceValue(func() *spec.Family { return mustRead(spec.Transport) })
)

func mustRead(load func() (*spec.Family, error)) *spec.Family {
	f, err := load()
	if err != nil {
		panic(err)
	}
	return f
}

// needsStream tells messages that cannot be read without those before them.
func needsStream(f *spec.Family, name string) bool {
	for _, b := range f.Message(name).Blocks {
		if slices.ContainsFunc(b.Fields, func(f *spec.Field) bool { return f.Given && f.Name != "Cluster" }) {
			return true
		}
	}
	return false
}

// flatten notes the values of a log by their names. The logs leave out the content of payloads
// and tokens, and name the types that no field is there for.
func flatten(v slog.Value, into map[string][]string) {
	for _, a := range v.Resolve().Group() {
		switch key, value := a.Key, a.Value.Resolve(); {
		case value.Kind() == slog.KindGroup:
			flatten(value, into)
		case key == "unknown" || key == "order" || strings.HasSuffix(key, "_count") || strings.HasSuffix(key, "_length") && value.Kind() == slog.KindInt64:
		default:
			into[key] = append(into[key], logged(reflect.ValueOf(value.Any()))...)
		}
	}
}

func logged(v reflect.Value) []string {
	switch v.Kind() {
	case reflect.Slice:
		var out []string
		for i := range v.Len() {
			out = append(out, logged(v.Index(i))...)
		}
		return out
	case reflect.String:
		s := v.String()
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < 32 || r == 127 }) {
			return []string{"0x" + hex.EncodeToString([]byte(s))}
		}
		return []string{s}
	}
	return []string{fmt.Sprint(v.Interface())}
}

// dissectBare shows the vectors to the dissector, one packet each.
func dissectBare(t *testing.T, script string, vectors []bareVector) []pdmlField {
	t.Helper()
	var b bytes.Buffer
	b.Write([]byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 147, 0, 0, 0})
	for i, v := range vectors {
		packet := append([]byte{byte(len(v.version))}, v.version...)
		packet = append(append(packet, byte(len(v.name))), v.name...)
		packet = append(packet, v.data...)
		for _, n := range []int{i, 0, len(packet), len(packet)} {
			b.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		}
		b.Write(packet)
	}
	file := filepath.Join(t.TempDir(), "bare.pcap")
	save(t, file, b.String())
	var doc pdml
	if err := xml.Unmarshal(runTshark(t, "-X", "lua_script:"+script, "-r", file, "-T", "pdml"), &doc); err != nil {
		t.Fatal(err)
	}
	var out []pdmlField
	for _, packet := range doc.Packets {
		out = append(out, pdmlField{Fields: packet.Protos})
	}
	if len(out) != len(vectors) {
		t.Fatalf("tshark shows %d packets of %d", len(out), len(vectors))
	}
	return out
}

// collect gathers the values that a packet shows, by name, and what is said to be wrong with it.
func collect(packet pdmlField) (fields map[string][]string, notes []string) {
	fields = map[string][]string{}
	packet.walk(func(f *pdmlField) {
		switch key, ours := strings.CutPrefix(f.Name, "moq."); {
		case f.Name == "_ws.expert.message" && strings.HasPrefix(f.Show, "Unknown type"): // the codecs keep it
		case f.Name == "_ws.expert.message" || f.Name == "_ws.lua.error":
			notes = append(notes, f.Show+f.Title)
		case ours && !strings.HasPrefix(key, "message"):
			for _, sort := range []string{"_text", "_uint", "_bytes", "_int", "_field"} {
				key = strings.TrimSuffix(key, sort)
			}
			value := f.Show
			if i := strings.LastIndex(f.Title, " ("); i > 0 && strings.HasSuffix(f.Title, ")") {
				value += f.Title[i:]
			}
			fields[key] = append(fields[key], value)
		}
	})
	return fields, notes
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// demoCapture is a recording of sessions; those over raw QUIC are what the dissector sees.
const demoCapture = "../moqdump/internal/cli/testdata/demo.pcapng.gz"

// shown is a message as tshark or moqdump shows it.
type shown struct {
	session int
	stream  string
	name    string
	fields  map[string][]string // by name; a value may have a second form: "1 (Active)"
	track   string
}

// TestDissectorAgreesWithMoqdump decodes captures with tshark and the generated dissector, and
// with moqdump and the generated codecs: the same messages in the same order on each stream,
// with the same values.
func TestDissectorAgreesWithMoqdump(t *testing.T) {
	script := writeDissector(t, "")
	captures := []string{unzip(t, demoCapture)}
	if dir := os.Getenv("MOQRX_CAPTURES"); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.pcap*"))
		if err != nil {
			t.Fatal(err)
		}
		captures = append(captures, more...)
	}
	moqdump := buildMoqdump(t)
	for i, capture := range captures {
		t.Run(filepath.Base(capture), func(t *testing.T) {
			var keys []string
			if file := strings.TrimSuffix(capture, filepath.Ext(capture)) + ".keys"; exists(file) {
				keys = []string{file}
			}
			if len(runTshark(t, "-r", capture, "-Y", "udp.length > 2000", "-T", "fields", "-e", "frame.number")) > 0 {
				t.Skip("SKIPPED: the sender's machine took this capture's large datagrams apart later, which Wireshark does not")
			}
			got := byStream(tshark(t, script, capture, keys))
			want := byStream(dumped(t, moqdump, capture, keys))
			if i == 0 && len(got) == 0 {
				t.Fatal("the dissector shows nothing")
			}
			messages := 0
			for stream, list := range want {
				compareStream(t, stream, got[stream], list)
				messages += len(list)
			}
			t.Logf("%d messages on %d streams compared; the dissector shows %d streams", messages, len(want), len(got))
		})
	}
}

// A second pass over a capture, as the windows of Wireshark do, shows what the first showed.
func TestDissectorReadsTheSameTwice(t *testing.T) {
	script, capture := writeDissector(t, ""), unzip(t, demoCapture)
	once := runTshark(t, "-X", "lua_script:"+script, "-r", capture, "-Y", "moq", "-V", "-O", "moq")
	twice := runTshark(t, "-2", "-X", "lua_script:"+script, "-r", capture, "-Y", "moq", "-V", "-O", "moq")
	if !bytes.Contains(once, []byte("Message: SUBSCRIBE")) {
		t.Error("the dissector shows nothing")
	}
	if !bytes.Equal(once, twice) {
		t.Error("two passes show something else than one")
	}
}

func TestDissectorIsDeterministic(t *testing.T) {
	t.Chdir("../..")
	var first, second, errs bytes.Buffer
	if run([]string{"lua"}, &first, &errs) != 0 || run([]string{"lua"}, &second, &errs) != 0 {
		t.Fatal(&errs)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("a second run gives another dissector")
	}
}

func compareStream(t *testing.T, stream string, got, want []shown) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d messages, moqdump has %d", stream, len(got), len(want))
		return
	}
	for i := range want {
		if got[i].name != want[i].name {
			t.Errorf("%s: message %d is %s, moqdump has %s", stream, i, got[i].name, want[i].name)
			return
		}
		for _, d := range differences(got[i], want[i]) {
			t.Errorf("%s: %s: %s", stream, got[i].name, d)
		}
	}
}

// ofStreams are fields of the lines of frames, objects and datagrams that the dissector has under another name.
var ofStreams = map[string]map[string]string{
	"FRAME":           {"bytes": "payload_length"},
	"SUBGROUP_OBJECT": {"bytes": "payload_length", "group": "object.group", "subgroup": "object.subgroup", "object": "object.object"},
	"FETCH_OBJECT": {
		"bytes": "payload_length", "group": "object.group", "subgroup": "object.subgroup", "object": "object.object", "priority": "object.priority",
	},
	"DATAGRAM":     {"group": "sequence"},
	"CLIENT_SETUP": {"supported_versions": "versions"}, // where it is moq-lite that is spoken, until the answer
	"SERVER_SETUP": {"selected_version": "version"},
}

// uncompared are fields of the dissector that moqdump counts, or shows as what their bits mean.
var uncompared = []string{"payload", "padding", "token_value", "type", "flags"}

// differences compares the fields. moqdump leaves out zeros, counts payloads and tokens, shows the track of a
// stream in a column of its own, and of frames and objects what their streams say of them.
func differences(got, want shown) []string {
	var out []string
	names := ofStreams[want.name]
	inner := want.name == "FRAME" || strings.HasSuffix(want.name, "_OBJECT")
	fields := map[string][]string{}
	for key, values := range want.fields {
		switch {
		case strings.HasPrefix(key, "0x") || strings.HasSuffix(key, "_length") || key == "meaning" || key == "missing":
		case names[key] != "" && got.fields[key] == nil:
			fields[names[key]] = values
		case want.name == "FRAME": // its place in its group and its time, which the dissector leaves to the reader
		case strings.HasSuffix(want.name, "DATAGRAM") && key == "bytes": // as the payload
		default:
			fields[key] = values
		}
	}
	for key, values := range fields {
		if len(values) == 0 && len(got.fields[key]) == 0 {
			continue
		}
		if !sameInAnyOrder(got.fields[key], values) {
			out = append(out, fmt.Sprintf("%s is %q, moqdump has %q", key, got.fields[key], values))
		}
	}
	column := []string{"broadcast", "track", "track_namespace", "track_name"}
	for key, values := range got.fields {
		hidden := inner || slices.Contains(uncompared, key) || want.track != "" && slices.Contains(column, key)
		zero := func(v string) bool { return v == "" || v == "0" || strings.HasPrefix(v, "0 (") }
		if fields[key] == nil && !hidden && slices.ContainsFunc(values, func(v string) bool { return !zero(v) }) {
			out = append(out, fmt.Sprintf("%s is %q, moqdump has no such field", key, values))
		}
	}
	for _, names := range [][2]string{{"broadcast", "track"}, {"track_namespace", "track_name"}} {
		if b, n := got.fields[names[0]], got.fields[names[1]]; b != nil && n != nil && want.track != b[0]+":"+n[0] {
			out = append(out, fmt.Sprintf("the track is %s, moqdump has %s", b[0]+":"+n[0], want.track))
		}
	}
	return out
}

// sameInAnyOrder is for values of one name from several parts of a message, which JSON sorts by name.
func sameInAnyOrder(got, want []string) bool {
	rest := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(rest, func(g string) bool { return sameValue(g, w) })
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return len(rest) == 0
}

func sameValue(got, want string) bool {
	plain, name, _ := strings.Cut(got, " (")
	return plain == want || got == want || strings.TrimSuffix(name, ")") == want
}

func byStream(list []shown) map[string][]shown {
	out := map[string][]shown{}
	for _, m := range list {
		key := fmt.Sprintf("session %d %s", m.session, m.stream)
		out[key] = append(out[key], m)
	}
	return out
}

func buildMoqdump(t *testing.T) string {
	t.Helper()
	moqdump := filepath.Join(t.TempDir(), "moqdump")
	if out, err := exec.Command("go", "build", "-o", moqdump, "../moqdump").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return moqdump
}

// notMessages are what moqdump shows of QUIC itself.
var notMessages = []string{"FIN", "RESET", "STOP_SENDING", "CONNECTION_CLOSE", "STREAM", "GAP"}

// dumped reads the messages of the raw QUIC sessions of a capture with moqdump.
func dumped(t *testing.T, moqdump, capture string, keys []string) []shown {
	t.Helper()
	args := []string{"-o", "json", capture}
	for _, k := range keys {
		args = append(args, "-k", k)
	}
	out, err := exec.Command(moqdump, args...).Output()
	if err != nil {
		t.Fatalf("moqdump %s: %v", capture, err)
	}
	var all []shown
	web := map[int]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var e struct {
			Type, Stream, From, Name, Track string
			Session                         int
			WebTransport                    bool
			Fields                          map[string]any
		}
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.UseNumber()
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.Type == "session" {
			web[e.Session] = e.WebTransport
		}
		if e.Type != "event" || web[e.Session] || slices.Contains(notMessages, e.Name) {
			continue
		}
		m := shown{session: e.Session, name: e.Name, track: e.Track, fields: map[string][]string{}}
		if m.stream = e.Stream; e.Stream != "dgram" {
			var kind string
			var id uint64
			if _, err := fmt.Sscan(e.Stream, &kind, &id); err != nil {
				t.Fatal(err)
			}
			opener := 0
			if (id%2 == 0) == (e.From == "client") {
				opener = 1
			}
			m.stream = fmt.Sprintf("stream %d opener %d", id, opener)
		}
		gather(m.fields, e.Fields)
		all = append(all, m)
	}
	return all
}

// gather notes the fields of an object and of those in it, by their own names.
func gather(into map[string][]string, fields map[string]any) {
	for key, value := range fields {
		if list, ok := value.([]any); ok && len(list) > 0 {
			if _, objects := list[0].(map[string]any); objects {
				for _, one := range list {
					gather(into, one.(map[string]any))
				}
				continue
			}
		}
		if inner, ok := value.(map[string]any); ok {
			gather(into, inner)
			continue
		}
		into[key] = append(into[key], values(value)...)
		if into[key] == nil {
			into[key] = []string{}
		}
	}
}

// values is a value of JSON as the dissector shows it.
func values(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case bool:
		if v {
			return []string{"1"}
		}
		return []string{"0"}
	case []any:
		var out []string
		for _, one := range v {
			out = append(out, values(one)...)
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}

package named

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/gen/wiretest"
	"github.com/moqrx/moqrx/spec/tree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

func TestLinesAreAnsweredOneByOne(t *testing.T) {
	in, err := os.ReadFile("testdata/lines.in")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Lines(bytes.NewReader(in), &out); !errors.Is(err, ErrLines) {
		t.Errorf("error %v, want %v", err, ErrLines)
	}
	name := filepath.Join("testdata", "lines.out")
	got := withoutVersions(out.Bytes())
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("not as in %s (%v), -update rewrites it:\n%s", name, err, got)
	}
}

// withoutVersions leaves the list of all versions out, which gets longer with each draft.
func withoutVersions(out []byte) []byte {
	return regexp.MustCompile(`known are (moq-lite-\d\S*, )+(moq-transport-\d\d, )+moq-transport-\d\d;`).ReplaceAll(out, []byte("known are all;"))
}

// What is too long is passed over, and the end of the input ends a line.
func TestALineThatIsTooLongDoesNotStopTheRest(t *testing.T) {
	r := bufio.NewReaderSize(strings.NewReader(strings.Repeat("x", 100)+"\r\n"+"a\r\n\n"+strings.Repeat("y", 50)+"b"), 16)
	for _, want := range []struct {
		line string
		err  error
	}{{"", errLong}, {"a\r\n", nil}, {"\n", nil}, {"", errLong}, {"", io.EOF}} {
		if line, err := readLine(r, 40); string(line) != want.line || !errors.Is(err, want.err) {
			t.Errorf("%q %v, want %q %v", line, err, want.line, want.err)
		}
	}
	var out strings.Builder
	line := `{"version":"lite-05","message":"GROUP","hex":"020105"}`
	if err := Lines(strings.NewReader("x\r\n"+line+"\r\n\r\n"+line), &out); !errors.Is(err, ErrLines) || strings.Count(out.String(), `"consumed":3`) != 2 {
		t.Errorf("%v: %s", err, &out)
	}
}

func TestVersionsHaveManyNames(t *testing.T) {
	for name, want := range map[string]string{
		"lite-05": "moq-lite-05", "moq-lite-05": "moq-lite-05", "lite-05-wip (0.1.18)": "moq-lite-05",
		"lite-06": "moq-lite-06-wip", "moq-lite-06": "moq-lite-06-wip", "LITE-06-WIP": "moq-lite-06-wip", "draft-lcurley-moq-lite-05": "moq-lite-05", "draft-lcurley-moq-lite-06": "moq-lite-06-wip",
		"draft-18": "moq-transport-18", "moqt-18": "moq-transport-18", "moq-transport-18": "moq-transport-18", "draft-ietf-moq-transport-18": "moq-transport-18",
		"moq-00": "moq-transport-14", "lite-01/02": "moq-lite-01", "any": "any", "": "", "draft-13": "",
		"moq-lite-05-wip": "", "lite-05-wip": "", "lite-05-wip (0.2)": "moq-lite-05", "moq-lite-04-wip": "", "lite-04-wip": "", "draft-18-wip": "", "lite-06-wip-wip": "", "moq-lite-06-wip (net 0.3.4)": "moq-lite-06-wip",
		"lite": "", "draft-18-19": "",
	} {
		p, err := Find(name)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is %s", name, p.Name())
		case want != "" && (err != nil || p.Name() != want):
			t.Errorf("%q is not %s: %v", name, want, err)
		}
	}
	_, err := Find("moq-lite-05-wip")
	for _, known := range []string{"moq-lite-01", "moq-lite-05", "moq-lite-06-wip", "moq-transport-14", "moq-transport-18", "moq-transport-22", "draft-18", "lite-05"} {
		if err == nil || !strings.Contains(err.Error(), known) {
			t.Errorf("an unknown version: %v, which has no %s", err, known)
		}
	}
	if got := Versions("lite-01/02"); len(got) != 2 || got[1] != "lite-02" {
		t.Errorf("lite-01/02 is %q", got)
	}
}

// What is wrong with a line is said in words of JSON, and with what would be right.
func TestLinesThatAreWrongAreToldWhatIsWanted(t *testing.T) {
	const object = "an object with version, message and hex"
	for _, c := range []struct{ in, want, not string }{
		{`[]`, object, "named."},
		{`"x"`, object, "named."},
		{`null`, object, ""},
		{`{"version":"lite-05","message":"GROUP","hex":"","given":[]}`, "has to be an object", "map["},
		{`{"version":"lite-05","message":"GROUP","hex":"","given":{"x":-1}}`, "has to be a whole number from 0 on", "uint64"},
		{`{"version":5,"message":"GROUP","hex":""}`, "has to be a string", ""},
		{`{"version":"any","message":"SUBSCRIBE","hex":"00"}`, `"any" lists the versions only for bytes given as arguments`, ""},
		{`{"version":"draft-18","message":"subscribe","hex":"00"}`, "did you mean SUBSCRIBE?", ""},
		{`{"version":"draft-18","message":"subgroup_stream","hex":"00"}`, "did you mean SUBGROUP_STREAM?", ""},
		{`{"version":"lite-05","message":"Subscribe-Update (x)","hex":"00"}`, "did you mean SUBSCRIBE_UPDATE?", ""},
		{`{"version":"draft-18","message":"nothing","hex":"00"}`, "no such message: nothing", "did you mean"},
		{`{"version":"draft-18","message":"NOTHING","hex":"00"}`, "no such message: NOTHING", "did you mean"},
	} {
		var out strings.Builder
		err := Lines(strings.NewReader(c.in), &out)
		var a Answer
		if e := json.Unmarshal([]byte(out.String()), &a); e != nil || a.Error == nil {
			t.Errorf("%s: %v, %v: %s", c.in, err, e, &out)
		} else if got := a.Error.Reason; !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s: %s; want %s, and no %q", c.in, got, c.want, c.not)
		}
	}
}

func TestAByteOrderMarkIsNoPartOfTheFirstLine(t *testing.T) {
	line := `{"version":"lite-05","message":"GROUP","hex":"020105"}`
	var out strings.Builder
	if err := Lines(strings.NewReader("\ufeff"+line+"\r\n"+line), &out); err != nil || strings.Count(out.String(), `"consumed":3`) != 2 {
		t.Errorf("%v: %s", err, &out)
	}
	if err := Lines(strings.NewReader(line+"\n\ufeff"+line), &out); !errors.Is(err, ErrLines) {
		t.Errorf("a mark in the middle: %v", err)
	}
}

// What a message alone does not say is what takes all of its bytes, unless it is given.
func TestReadings(t *testing.T) {
	p, err := Find("draft-18")
	if err != nil {
		t.Fatal(err)
	}
	src := []byte{0, 4, 0x10, 0xc2, 0xbf, 0x20, 5, 'h', 'e', 'l', 'l', 'o'}
	d, err := p.Decode("SUBGROUP_OBJECT", src)
	if err != nil || d.Err != nil || d.Consumed != len(src) || d.Fields["payload"] != "hello" || !bytes.Equal(d.Reencoded, src) {
		t.Errorf("%+v %v", d, err)
	}
	d, err = p.Decode("SUBGROUP_OBJECT", src, tree.Given{Field: "Has Properties", Set: true})
	if err != nil || d.Err != nil || d.Consumed != 6 {
		t.Errorf("given that there are no properties: %+v %v", d, err)
	}
}

// An object of a fetch stream that refers to one that is not there is refused, though each by itself is fine.
func TestStreamsAreMoreThanTheirMessages(t *testing.T) {
	p, err := Find("draft-20")
	if err != nil {
		t.Fatal(err)
	}
	whole := []byte{5, 8, 0x1f, 5, 1, 2, 0x80, 1, 'x', 0, 1, 'y'}
	d, err := p.Decode("FETCH_STREAM", whole)
	if err != nil || d.Err != nil || len(d.Messages) != 3 || !bytes.Equal(d.Reencoded, whole) {
		t.Errorf("%+v %v", d, err)
	}
	d, err = p.Decode("FETCH_STREAM", append([]byte{5, 8}, whole[9:]...))
	if err != nil || d.Err == nil || d.Failure().Offset != 5 {
		t.Errorf("a reference to nothing: %+v %v", d, err)
	}
}

// Of many objects that are as short as can be, each is answered with all that it has.
func TestDenseStreamsAreToldWhole(t *testing.T) {
	for _, c := range []struct {
		version, stream string
		head, object    []byte
	}{
		{"draft-20", "FETCH_STREAM", []byte{5, 8, 0x1f, 5, 1, 2, 0x80, 1, 'x'}, []byte{0, 1, 'y'}},
		{"draft-18", "SUBGROUP_STREAM", []byte{0x10, 1, 2, 3}, []byte{0, 1, 'y'}},
		{"lite-04", "GROUP_STREAM", []byte{0, 2, 1, 2}, []byte{1, 'y'}},
	} {
		p, err := Find(c.version)
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Decode(c.stream, append(c.head, bytes.Repeat(c.object, 100)...))
		if err != nil || d.Err != nil {
			t.Errorf("%s %s: %v %v", c.version, c.stream, err, d.Err)
			continue
		}
		list, _ := d.Fields["objects"].([]any)
		if c.stream == "GROUP_STREAM" {
			list, _ = d.Fields["frames"].([]any)
		}
		if len(list) < 100 {
			t.Errorf("%s %s: %d objects: %v", c.version, c.stream, len(list), d.Fields)
		}
		for i, o := range list {
			if o.(map[string]any)["payload"] == nil {
				t.Errorf("%s %s: object %d is %v", c.version, c.stream, i, o)
				break
			}
		}
	}
}

// Any input is answered: each line with one line of JSON.
func FuzzLines(f *testing.F) {
	in, err := os.ReadFile("testdata/lines.in")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(in) {
		f.Add(line)
	}
	lines := func(t testing.TB, in []byte) {
		var out bytes.Buffer
		if err := Lines(bytes.NewReader(in), &out); err != nil && !errors.Is(err, ErrLines) {
			t.Fatal(err)
		}
		for line := range bytes.Lines(out.Bytes()) {
			if !json.Valid(line) {
				t.Fatalf("answer %q", line)
			}
		}
	}
	// The buffers are no matter of the input. A line of one byte is answered in a sentence.
	none := wiretest.Allocated(func() { lines(f, nil) })
	f.Fuzz(func(t *testing.T, in []byte) {
		wiretest.Bounded(t, none+16<<10+1024*uint64(len(in)), func() { lines(t, in) })
	})
}

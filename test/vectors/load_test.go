package vectors

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vector is one line of any format.
type vector struct {
	at   string // file and line
	gaps bool   // it is the last piece of one direction of a stream, and the pieces lead nowhere

	Version     string         `json:"version"`
	Message     string         `json:"message"`
	Fields      map[string]any `json:"fields"`
	Hex         *string        `json:"hex"`
	Source      string         `json:"source"`
	Note        string         `json:"note"`
	Error       string         `json:"error"`
	EncodeError string         `json:"encode_error"`
	DecodeError string         `json:"decode_error"`
	Canonical   *bool          `json:"canonical"`
	SpecCheck   string         `json:"spec_check"`

	// A disputed input.
	JS   *verdict `json:"js"`
	Rust any      `json:"rust"` // a verdict, or a remark

	// A session, whole or in chunks.
	Kind        string  `json:"kind"`
	Stream      *int    `json:"stream"`
	Opener      string  `json:"opener"`
	OpenerHex   *string `json:"opener_hex"`
	OpenerEnd   string  `json:"opener_end"`
	AcceptorHex *string `json:"acceptor_hex"`
	AcceptorEnd string  `json:"acceptor_end"`
	From        string  `json:"from"`
	Event       string  `json:"event"`
}

// verdict is what one implementation makes of a disputed input.
type verdict struct {
	OK    bool `json:"ok"`
	Value any  `json:"value"`
}

// text is the bytes of the vector, or a dash.
func (v *vector) text() string {
	if v.Hex == nil {
		return "-"
	}
	return *v.Hex
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// canonical tells whether what is decoded has to be encoded as the same bytes; verdicts say nothing of that.
func (v *vector) canonical() bool { return (v.Canonical == nil || *v.Canonical) && v.JS == nil }

// directory is where the vectors are.
func directory() string {
	if dir := os.Getenv("MOQRX_VECTORS"); dir != "" {
		return dir
	}
	return "testdata"
}

// load reads all vectors, file by file in the order of their names.
func load(t *testing.T) []*vector {
	t.Helper()
	all, err := vectorFiles(directory())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// complete tells whether the vectors are more than those in testdata, which are a part of all that there are.
func complete() bool {
	all, err := vectorFiles(directory())
	part, partErr := vectorFiles("testdata")
	return err == nil && partErr == nil && len(all) > len(part)
}

func vectorFiles(dir string) ([]*vector, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no *.jsonl in %s", dir)
	}
	slices.Sort(files)
	var all []*vector
	for _, file := range files {
		list, err := read(file)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

func read(file string) ([]*vector, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list []*vector
	scan := bufio.NewScanner(bytes.NewReader(data))
	scan.Buffer(nil, 64<<20)
	for line := 1; scan.Scan(); line++ {
		if strings.TrimSpace(scan.Text()) == "" {
			continue
		}
		v := &vector{at: fmt.Sprintf("%s:%d", filepath.Base(file), line)}
		d := json.NewDecoder(bytes.NewReader(scan.Bytes()))
		d.UseNumber()
		if err := d.Decode(v); err != nil {
			return nil, fmt.Errorf("%s: %w", v.at, err)
		}
		list = append(list, v)
	}
	return list, scan.Err()
}

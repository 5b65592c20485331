package hex

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec/tree"
)

// ErrLines says that some lines could not be read; the output tells of each.
var ErrLines = errors.New("some lines could not be read")

// MaxLine is the longest line that Lines takes, in bytes.
const MaxLine = 64 << 20

// input is one line.
type input struct {
	Version string            `json:"version"`
	Message string            `json:"message"`
	Hex     *string           `json:"hex"`
	Given   map[string]uint64 `json:"given"` // fields that are not on the wire, by their name in the spec
}

// result is the answer to one line.
type result struct {
	OK          bool     `json:"ok"`
	Line        int      `json:"line,omitempty"`   // of a line that could not be read
	Fields      any      `json:"fields,omitempty"` // an object, also when it is empty
	Consumed    *int     `json:"consumed,omitempty"`
	Reencoded   *string  `json:"reencoded,omitempty"`
	EncodeError string   `json:"encode_error,omitempty"`
	Error       *failure `json:"error,omitempty"`
}

// failure says why bytes were not accepted.
type failure struct {
	Kind   string `json:"kind"` // short, malformed, unsupported; input for a line that could not be read
	Offset int    `json:"offset"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// Lines answers each line of in with a line on out, in the same order and as they come. Empty lines are passed
// over. It fails with [ErrLines] in the end when there were lines that it could not read, and at once when in
// or out do.
func Lines(in io.Reader, out io.Writer) error {
	r := bufio.NewScanner(in)
	r.Buffer(nil, MaxLine)
	w := bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	bad := false
	for line := 1; r.Scan(); line++ {
		if len(bytes.TrimSpace(r.Bytes())) == 0 {
			continue
		}
		res, err := answer(r.Bytes())
		if err != nil {
			bad = true
			res = &result{Line: line, Error: &failure{Kind: "input", Reason: fmt.Sprintf("line %d: %v", line, err)}}
		}
		if err := cmp.Or(enc.Encode(res), w.Flush()); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	if bad {
		return ErrLines
	}
	return nil
}

// answer decodes one line. The error says why it could not be read.
func answer(line []byte) (*result, error) {
	var in input
	if err := json.Unmarshal(line, &in); err != nil {
		return nil, err
	}
	switch {
	case in.Version == "":
		return nil, errors.New("no version")
	case in.Message == "":
		return nil, errors.New("no message")
	case in.Hex == nil:
		return nil, errors.New("no hex")
	}
	src, err := hex.DecodeString(*in.Hex)
	if err != nil {
		return nil, err
	}
	p, err := find(in.Version)
	if err != nil {
		return unsupported("version", err), nil
	}
	var given []tree.Given
	for name, v := range in.Given {
		given = append(given, tree.Given{Field: name, Value: v, Set: true})
	}
	d, err := p.decode(in.Message, src, given)
	if err != nil {
		return unsupported("message", err), nil
	}
	return d.result(), nil
}

func unsupported(field string, err error) *result {
	return &result{Error: &failure{Kind: "unsupported", Field: field, Reason: err.Error()}}
}

func (d *decoded) result() *result {
	if d.err != nil {
		return &result{Error: failureOf(d.err)}
	}
	res := &result{OK: true, Fields: d.fields, Consumed: &d.consumed}
	if d.encodeErr != nil {
		res.EncodeError = d.encodeErr.Error()
		return res
	}
	text := hex.EncodeToString(d.reencoded)
	res.Reencoded = &text
	return res
}

// kinds names the ways to fail.
var kinds = []struct {
	err  error
	name string
}{
	{wire.ErrShort, "short"},
	{tree.ErrShort, "short"},
	{wire.ErrUnsupported, "unsupported"},
	{tree.ErrUnsupported, "unsupported"},
}

func failureOf(err error) *failure {
	f := &failure{Kind: "malformed", Reason: err.Error()}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			f.Kind = k.name
		}
	}
	var w *wire.Error
	var t *tree.Error
	switch {
	case errors.As(err, &w):
		f.Offset, f.Field = w.Offset, w.Field
	case errors.As(err, &t):
		f.Offset, f.Field = t.Offset, t.Field
	}
	return f
}

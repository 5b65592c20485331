package named

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec/tree"
)

// ErrLines says that some lines could not be read; the output tells of each.
var ErrLines = errors.New("some lines could not be read")

// MaxLine is the longest line that Lines reads, in bytes. A longer one is answered and passed over.
const MaxLine = 64 << 20

// request is one line.
type request struct {
	Version string            `json:"version"`
	Message string            `json:"message"`
	Hex     *string           `json:"hex"`
	Given   map[string]uint64 `json:"given"` // fields that are not on the wire, by their name in the spec
}

// Answer is what Lines says to one line.
type Answer struct {
	OK          bool     `json:"ok"`
	Line        int      `json:"line,omitempty"`   // its number, if it could not be read
	Fields      any      `json:"fields,omitempty"` // an object, also when it is empty
	Consumed    *int     `json:"consumed,omitempty"`
	Reencoded   *string  `json:"reencoded,omitempty"`
	EncodeError string   `json:"encode_error,omitempty"`
	Error       *Failure `json:"error,omitempty"`
}

// Failure says why bytes were not accepted, or could not be read.
type Failure struct {
	Kind   string `json:"kind"`   // short, malformed, unsupported
	Offset int    `json:"offset"` // of the byte at which it went wrong
	Field  string `json:"field"`  // path of the field, of what is short the one in which the bytes end; version, message or hex where that of the line is meant
	Reason string `json:"reason"`
}

// Lines answers each line of in, an object with version, message and hex, with a line on out, in the same order
// and as they come. Empty lines are passed over. It fails with [ErrLines] in the end when there were lines that it
// could not read, and at once when in or out do. A byte order mark at the start is skipped.
func Lines(in io.Reader, out io.Writer) error {
	r := bufio.NewReaderSize(in, 1<<16)
	w := bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	bad := false
	for number := 1; ; number++ {
		line, err := readLine(r, MaxLine)
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, errLong) {
			return err
		}
		if err == nil && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var a *Answer
		if err == nil {
			a, err = answer(line)
		}
		if err != nil {
			bad = true
			a = unreadable(number, err)
		}
		if err := cmp.Or(enc.Encode(a), w.Flush()); err != nil {
			return err
		}
	}
	if bad {
		return ErrLines
	}
	return nil
}

var errLong = fmt.Errorf("longer than %d bytes", MaxLine)

// readLine reads up to the next end of a line. One that is longer than limit is skipped.
func readLine(r *bufio.Reader, limit int) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > limit {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			return nil, errLong
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		default:
			return line, err
		}
	}
}

// inputError is about a part of a line.
type inputError struct {
	field string
	error
}

func unreadable(number int, err error) *Answer {
	f := &Failure{Kind: "malformed", Reason: fmt.Sprintf("line %d: %v", number, err)}
	var in inputError
	if errors.As(err, &in) {
		f.Field = in.field
	}
	return &Answer{Line: number, Error: f}
}

// answer decodes one line. The error says why it could not be read.
func answer(line []byte) (*Answer, error) {
	var in *request
	var wrong *json.UnmarshalTypeError
	if err := json.Unmarshal(line, &in); errors.As(err, &wrong) {
		return nil, inputError{wrong.Field, fmt.Errorf("a JSON %s, where it has to be %s", wrong.Value, wanted(wrong.Type))}
	} else if err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	switch {
	case in == nil:
		return nil, fmt.Errorf("a JSON null, where it has to be %s", wanted(reflect.TypeFor[request]()))
	case in.Version == "":
		return nil, inputError{"version", errors.New("no version")}
	case in.Message == "":
		return nil, inputError{"message", errors.New("no message")}
	case in.Hex == nil:
		return nil, inputError{"hex", errors.New("no hex")}
	}
	src, err := digits(*in.Hex)
	if err != nil {
		return nil, inputError{"hex", err}
	}
	p, err := Find(in.Version)
	if err != nil {
		return unsupported("version", err), nil
	}
	var given []tree.Given
	for name, v := range in.Given {
		given = append(given, tree.Given{Field: name, Value: v, Set: true})
	}
	d, err := p.Decode(in.Message, src, given...)
	if p.Any && errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("%w; %q lists the versions only for bytes given as arguments: name one here", err, Any)
	}
	if err != nil {
		return unsupported("message", err), nil
	}
	return d.answer(), nil
}

// wanted is a type as JSON has it.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct:
		return "an object with version, message and hex"
	case reflect.Map:
		return "an object of numbers"
	case reflect.Uint64:
		return "a whole number from 0 on"
	default:
		return "a " + t.String()
	}
}

var blanks = strings.NewReplacer(" ", "", "\t", "", "\n", "", "\r", "")

// digits reads hexadecimal in either case, with or without 0x in front and blanks between.
func digits(text string) ([]byte, error) {
	s := blanks.Replace(text)
	if len(s) >= 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		s = s[2:]
	}
	b, err := hex.DecodeString(s)
	if errors.Is(err, hex.ErrLength) {
		return nil, fmt.Errorf("an odd number of hexadecimal digits, %d: one is missing or too many", len(s))
	}
	if err != nil {
		return nil, fmt.Errorf("not hexadecimal: %w", err)
	}
	return b, nil
}

func unsupported(field string, err error) *Answer {
	return &Answer{Error: &Failure{Kind: "unsupported", Field: field, Reason: err.Error()}}
}

func (d *Decoded) answer() *Answer {
	if d.Err != nil {
		return &Answer{Error: d.Failure()}
	}
	a := &Answer{OK: true, Fields: d.Fields, Consumed: &d.Consumed}
	if d.EncodeErr != nil {
		a.EncodeError = d.EncodeErr.Error()
		return a
	}
	text := hex.EncodeToString(d.Reencoded)
	a.Reencoded = &text
	return a
}

// kinds names the ways to fail; what is neither is malformed.
var kinds = []struct {
	err  error
	name string
}{
	{wire.ErrShort, "short"},
	{tree.ErrShort, "short"},
	{wire.ErrUnsupported, "unsupported"},
	{tree.ErrUnsupported, "unsupported"},
}

// Failure says why the bytes were not accepted, or is nil.
func (d *Decoded) Failure() *Failure {
	if d.Err == nil {
		return nil
	}
	f := &Failure{Kind: "malformed", Reason: d.Err.Error()}
	for _, k := range kinds {
		if errors.Is(d.Err, k.err) {
			f.Kind = k.name
		}
	}
	var w *wire.Error
	var t *tree.Error
	switch {
	case errors.As(d.Err, &w):
		f.Offset, f.Field = w.Offset, w.Field
	case errors.As(d.Err, &t):
		f.Offset, f.Field = t.Offset, t.Field
	}
	if f.Field == "" && f.Kind == "short" {
		f.Field = d.lastField()
	}
	return f
}

// lastField is the field in which the bytes end: a length in front said that there are more, and the codec, which
// waits for them, has not looked.
func (d *Decoded) lastField() string {
	if d.Tree.Cut != "" {
		return d.Tree.Cut
	}
	name := ""
	for n := range d.Tree.Root.Children() {
		if n.Field != nil {
			name = n.Name
		}
	}
	return name
}

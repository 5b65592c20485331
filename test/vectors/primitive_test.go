package vectors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/gen/wire"
)

// runPrimitive runs a vector of a part that messages are made of.
func runPrimitive(t *testing.T, v *vector) error {
	vi := wire.RFC9000
	if p, ok := protocolOf(v.Version); ok {
		vi = p.vi()
	} else if v.Version != "any" {
		return errNotYet
	}
	if v.Hex == nil {
		return runRefusedPrimitive(v)
	}
	src := v.bytes(t)
	kind, _, _ := strings.Cut(v.Message, "(")
	if rest, ok := strings.CutPrefix(v.Message, "StreamType."); ok {
		return runStreamType(v, rest, src)
	}
	out, n, err := primitive(vi, kind, v.Fields["value"], src)
	if v.Error != "" {
		if err == nil {
			return fmt.Errorf("decoded, but has to be rejected")
		}
		return nil
	}
	if err != nil {
		return err
	}
	if n != len(src) {
		return fmt.Errorf("%d of %d bytes consumed", n, len(src))
	}
	// Some encoders never write the longer forms of a varint, or only those.
	if v.canonical() && isMinimal(vi, kind, src) && !bytes.Equal(out, src) {
		return fmt.Errorf("encoded as %x", out)
	}
	return nil
}

// runRefusedPrimitive runs a vector that says an encoder refuses this value.
func runRefusedPrimitive(v *vector) error {
	n, err := strconv.ParseInt(fmt.Sprint(v.Fields["value"]), 10, 64)
	if v.Message != "zigzag" || err != nil {
		return errNotYet
	}
	if wire.Zigzag(n) <= wire.MaxVarint {
		return fmt.Errorf("%d fits, but has to be refused", n)
	}
	return nil
}

// isMinimal tells whether src, if it is a varint, is as short as its value allows.
func isMinimal(vi wire.Vi, kind string, src []byte) bool {
	if kind == "u8" || kind == "u16be" || kind == "bool" {
		return true
	}
	x, n := vi.Parse(src)
	return n == vi.Len(x)
}

// primitive decodes src, compares it with the value wanted, and encodes it again.
func primitive(vi wire.Vi, kind string, want any, src []byte) (out []byte, n int, err error) {
	number := func() (uint64, error) {
		x, size := vi.Parse(src)
		n = size
		if n <= 0 {
			return 0, vi.Fault(src)
		}
		return x, nil
	}
	var x uint64
	switch kind {
	case "varint":
		if x, err = number(); err == nil {
			out, err = vi.Append(nil, x), sameNumber(want, x)
		}
	case "zigzag":
		if x, err = number(); err == nil {
			out = vi.Append(nil, wire.Zigzag(wire.Unzigzag(x)))
			if got := wire.Unzigzag(x); fmt.Sprint(got) != fmt.Sprint(want) {
				err = fmt.Errorf("is %d, want %v", got, want)
			}
		}
	case "option_plus_one":
		if x, err = number(); err == nil {
			o := wire.OptionOf(x)
			out = vi.Append(nil, wire.OptionValue(o, vi.Max()))
			if o.Set {
				err = sameNumber(want, o.Value)
			} else if want != nil {
				err = fmt.Errorf("is absent, want %v", want)
			}
		}
	case "string":
		var s string
		var e *wire.Error
		if s, n, e = vi.ParseString(src, len(src)); e != nil {
			return nil, n, e
		}
		if out, e = vi.AppendString(nil, s, len(src)); e != nil {
			return nil, n, e
		}
		err = sameBytes(want, []byte(s))
	case "u8", "bool":
		out, n, err = src, 1, sameNumber(want, uint64(src[0]))
	case "u16be":
		u, size, e := wire.ParseU16(src)
		if e != nil {
			return nil, size, e
		}
		out, n, err = binary.BigEndian.AppendUint16(nil, u), size, sameNumber(want, uint64(u))
	default:
		err = errNotYet
	}
	return out, n, err
}

// runStreamType looks a stream type up in the spec: "bidi.Subscribe" has type 2.
func runStreamType(v *vector, name string, src []byte) error {
	kind, stream, _ := strings.Cut(name, ".")
	if message := map[string]string{"ClientCompat": "CLIENT_SETUP", "ServerCompat": "SERVER_SETUP"}[stream]; message != "" {
		return sameNumber(v.Fields["id"], families[true].Message(message).Blocks[0].Codes[0].Value)
	}
	for _, s := range families[true].Streams {
		if s.Kind == kind && s.Name == stream {
			if !bytes.Equal(wire.RFC9000.Append(nil, s.Code), src) {
				return fmt.Errorf("is 0x%x", s.Code)
			}
			return sameNumber(v.Fields["id"], s.Code)
		}
	}
	return errNotYet
}

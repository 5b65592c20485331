package named

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec/tree"
)

// primitives read a part that messages are made of: its value as JSON has it, how many bytes it took, and what
// is written for it.
var primitives = map[string]func(vi wire.Vi, src []byte) (value any, n int, again []byte, e *wire.Error){
	"varint": func(vi wire.Vi, src []byte) (any, int, []byte, *wire.Error) {
		x, n, e := number(vi, src)
		return strconv.FormatUint(x, 10), n, vi.Append(nil, x), e
	},
	"zigzag": func(vi wire.Vi, src []byte) (any, int, []byte, *wire.Error) {
		x, n, e := number(vi, src)
		return strconv.FormatInt(wire.Unzigzag(x), 10), n, vi.Append(nil, wire.Zigzag(wire.Unzigzag(x))), e
	},
	"option_plus_one": func(vi wire.Vi, src []byte) (any, int, []byte, *wire.Error) {
		x, n, e := number(vi, src)
		o := wire.OptionOf(x)
		again := vi.Append(nil, wire.OptionValue(o))
		if !o.Set {
			return nil, n, again, e
		}
		return o.Value, n, again, e
	},
	"string": func(vi wire.Vi, src []byte) (any, int, []byte, *wire.Error) {
		s, n, e := vi.ParseString(src, len(src))
		if e != nil {
			return nil, n, nil, e
		}
		again, e := vi.AppendString(nil, s, len(src))
		return s, n, again, e
	},
	"u8": func(_ wire.Vi, src []byte) (any, int, []byte, *wire.Error) {
		if len(src) == 0 {
			return nil, 0, nil, wire.Short(1, 0)
		}
		return src[0], 1, src[:1], nil
	},
	"bool": func(_ wire.Vi, src []byte) (any, int, []byte, *wire.Error) {
		switch {
		case len(src) == 0:
			return nil, 0, nil, wire.Short(1, 0)
		case src[0] > 1:
			return nil, 0, nil, wire.MalformedNumber("0 or 1", uint64(src[0]))
		}
		return src[0] == 1, 1, src[:1], nil
	},
	"u16be": func(_ wire.Vi, src []byte) (any, int, []byte, *wire.Error) {
		x, n, e := wire.ParseU16(src)
		return x, n, binary.BigEndian.AppendUint16(nil, x), e
	},
}

func number(vi wire.Vi, src []byte) (uint64, int, *wire.Error) {
	x, n := vi.Parse(src)
	if n <= 0 {
		return 0, 0, vi.Fault(src)
	}
	return x, n, nil
}

// primitive decodes the bytes of a primitive; it gives nil when the label is not that of one.
func (p *Protocol) primitive(label string, src []byte) *Decoded {
	kind, _, _ := strings.Cut(label, "(")
	kind = strings.TrimSpace(kind)
	key, wanted := "value", ""
	if rest, ok := strings.CutPrefix(kind, "StreamType."); ok {
		key, wanted, kind = "id", rest, "varint"
	}
	read := primitives[kind]
	if read == nil {
		return nil
	}
	value, n, again, e := read(p.Vi(), src)
	if wanted != "" && e == nil {
		value, _ = p.Vi().Parse(src)
		if code, ok := p.streamType(wanted); !ok || code != value {
			e = wire.Malformed("the type of a stream "+wanted, "0x"+strconv.FormatUint(value.(uint64), 16))
		}
	}
	root := &tree.Node{Name: kind, Size: n, Value: value}
	d := &Decoded{Name: kind, Source: src, Tree: &tree.Tree{Root: root}}
	if e != nil {
		e = e.In(p.Name(), kind)
		root.Size, root.Value = 0, nil
		root.Err = &tree.Error{Kind: e.Kind, Version: e.Version, Message: kind, Size: len(src), Expected: e.Expected, Found: e.Found}
		d.Tree.Errors, d.Err = []*tree.Error{root.Err}, e
		return d
	}
	d.Consumed, d.Reencoded, d.Fields = n, again, map[string]any{key: value}
	if kind == "zigzag" {
		x, _ := p.Vi().Parse(src)
		d.Fields["unsigned"] = strconv.FormatUint(x, 10)
	}
	return d
}

// streamType looks the type of a stream up: "bidi.Subscribe" has type 2. The stream on which
// moq-lite 01 and 02 agree on a version starts with the type of a message.
func (p *Protocol) streamType(name string) (uint64, bool) {
	kind, stream, _ := strings.Cut(name, ".")
	if message := map[string]string{"ClientCompat": "CLIENT_SETUP", "ServerCompat": "SERVER_SETUP"}[stream]; message != "" {
		if m := p.Family.Message(message); m != nil {
			return m.Blocks[0].Codes[0].Value, true
		}
	}
	for _, s := range p.Family.Streams {
		if s.Kind == kind && s.Name == stream && s.Typed {
			return s.Code, true
		}
	}
	return 0, false
}

package vectors

import (
	"regexp"
	"strings"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/spec"
)

// protocol is one version of one family: its spec, and its codecs.
type protocol struct {
	family  *spec.Family
	version int
	lite    bool
}

// codec is an empty message of a protocol.
type codec struct {
	parse  func(src []byte) (int, error)
	append func(dst []byte) ([]byte, error)
	value  any // pointer to the generated struct
}

var families = map[bool]*spec.Family{}

func init() {
	for isLite, load := range map[bool]func() (*spec.Family, error){true: spec.Lite, false: spec.Transport} {
		f, err := load()
		if err != nil {
			panic(err)
		}
		families[isLite] = f
	}
}

// protocolOf finds the protocol of a version name; ok is false when no spec has it.
func protocolOf(name string) (p protocol, ok bool) {
	if v, err := lite.ParseVersion(name); err == nil {
		return protocol{families[true], int(v), true}, true
	}
	if v, err := moqt.ParseVersion(name); err == nil {
		return protocol{families[false], int(v), false}, true
	}
	return protocol{}, false
}

// has tells whether the version has the message.
func (p protocol) has(message string) bool {
	if m := p.family.Message(message); m != nil {
		return m.On().Has(p.version)
	}
	return false
}

// codec gives an empty message, or nil when the family has none of that name.
func (p protocol) codec(message string) *codec {
	if p.lite {
		m := lite.NewMessage(message)
		if m == nil {
			return nil
		}
		v := lite.Version(p.version)
		return &codec{
			func(src []byte) (int, error) { return m.Parse(src, v) },
			func(dst []byte) ([]byte, error) { return m.Append(dst, v) }, m,
		}
	}
	m := moqt.NewMessage(message)
	if m == nil {
		return nil
	}
	v := moqt.Version(p.version)
	return &codec{
		func(src []byte) (int, error) { return m.Parse(src, v) },
		func(dst []byte) ([]byte, error) { return m.Append(dst, v) }, m,
	}
}

var upperWord = regexp.MustCompile(`^[A-Z][A-Z_]+\b`)

// messageName takes the name of a message out of a label such as "FRAME (no timestamp)" or
// "ANNOUNCE update": the capitals in front; and what is known of the names in prose.
func messageName(label string) string {
	switch {
	case strings.Contains(label, "(whole"):
		return "STREAM"
	case label == "ANNOUNCE (endedId)" || label == "ANNOUNCE end by id":
		return "ANNOUNCE_END"
	case label == "ANNOUNCE update":
		return "ANNOUNCE_UPDATE"
	}
	if name := upperWord.FindString(label); name != "" {
		return name
	}
	return label
}

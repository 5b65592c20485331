package named

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/spec"
	"github.com/moqrx/moqrx/spec/tree"
)

// Protocol is one version of a family, with both of its decoders.
type Protocol struct {
	Family  *spec.Family
	Version int  // its number in the spec
	Any     bool // what holds in all versions: only primitives are decoded

	decoder *tree.Decoder
}

// protocols are all versions of a family, oldest first.
type protocols []*Protocol

func (l protocols) find(version int) *Protocol {
	for _, p := range l {
		if p.Version == version {
			return p
		}
	}
	return nil
}

// families are made when they are first needed.
var families = sync.OnceValues(func() (list [2]protocols, err error) {
	for i, load := range []func() (*spec.Family, error){spec.Lite, spec.Transport} {
		f, err := load()
		if err != nil {
			return list, err
		}
		for _, v := range f.Versions {
			d, err := tree.New(f, v.Number)
			if err != nil {
				return list, err
			}
			list[i] = append(list[i], &Protocol{Family: f, Version: v.Number, decoder: d.Detailed()})
		}
	}
	return list, nil
})

// Any is the name of the version that Protocol.Any stands for.
const Any = "any"

// Versions splits the name of several versions: "lite-01/02" is lite-01 and lite-02.
func Versions(name string) []string {
	first, rest, several := strings.Cut(name, "/")
	if !several {
		return []string{name}
	}
	list := []string{first}
	stem := first[:strings.LastIndex(first, "-")+1]
	for number := range strings.SplitSeq(rest, "/") {
		list = append(list, stem+number)
	}
	return list
}

// Find finds a version by any of its names: those of the generated packages and those of the drafts, with a remark in
// parentheses. A -wip name is that of the version which is still called so. What was deployed under the -wip name of
// a version before its release is not that version, and unknown, unless a remark says whose it is.
func Find(name string) (*Protocol, error) {
	list, err := families()
	if err != nil {
		return nil, err
	}
	first := Versions(name)[0]
	if first == Any {
		p := *list[0].find(int(lite.Version05))
		p.Any = true
		return &p, nil
	}
	for _, try := range spellings(first) {
		if v, err := lite.ParseVersion(try); err == nil {
			return list[0].find(int(v)), nil
		}
		if v, err := moqt.ParseVersion(try); err == nil {
			return list[1].find(int(v)), nil
		}
	}
	return nil, fmt.Errorf("unknown version %q: known are %s; in short lite-05, draft-18 or moqt-18", name, known(list))
}

// known lists the names of all versions.
func known(list [2]protocols) string {
	var names []string
	for _, family := range list {
		for _, p := range family {
			names = append(names, p.Name())
		}
	}
	return strings.Join(names, ", ")
}

var remark = regexp.MustCompile(`\s*\(.*\)$`)

// spellings are the names that a version may be meant by, the exact one first.
func spellings(name string) []string {
	bare := remark.ReplaceAllString(name, "")
	short := strings.ToLower(strings.TrimSpace(bare))
	short = strings.ReplaceAll(short, "_", "-")
	for _, prefix := range []string{"draft-lcurley-", "draft-ietf-"} {
		short = strings.TrimPrefix(short, prefix)
	}
	if bare != name { // recordings name who wrote the bytes, of messages that are the same in both
		return []string{name, short, strings.TrimSuffix(short, "-wip")}
	}
	return []string{name, short}
}

// Lite tells whether it is a version of moq-lite.
func (p *Protocol) Lite() bool { return p.Family.Name == "lite" }

// Name is the name that errors have for it.
func (p *Protocol) Name() string {
	if p.Any {
		return Any
	}
	return p.Family.Version(p.Version).Name
}

// Vi is the varint of the version.
func (p *Protocol) Vi() wire.Vi {
	if p.Any {
		return wire.RFC9000
	}
	return map[string]wire.Vi{"rfc9000": wire.RFC9000, "vi64-no7": wire.Vi64No7, "vi64": wire.Vi64}[p.Family.Version(p.Version).Vi]
}

// Has tells whether the version has the message.
func (p *Protocol) Has(message string) bool {
	m := p.Family.Message(message)
	return m != nil && m.On().Has(p.Version)
}

// Codec is a message of the generated code, for one version.
type Codec struct {
	Value  any // pointer to the generated struct
	Parse  func(src []byte) (int, error)
	Append func(dst []byte) ([]byte, error)
}

// Codec gives an empty message, or nil when the family has none of that name.
func (p *Protocol) Codec(message string) *Codec {
	if p.Lite() {
		v := lite.Version(p.Version)
		if m := lite.NewMessage(message); m != nil {
			return &Codec{m, func(b []byte) (int, error) { return m.Parse(b, v) }, func(b []byte) ([]byte, error) { return m.Append(b, v) }}
		}
		return nil
	}
	v := moqt.Version(p.Version)
	if m := moqt.NewMessage(message); m != nil {
		return &Codec{m, func(b []byte) (int, error) { return m.Parse(b, v) }, func(b []byte) ([]byte, error) { return m.Append(b, v) }}
	}
	return nil
}

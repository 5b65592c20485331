package spec

import "slices"

// Family is one protocol with its versions: the checked content of one spec file.
type Family struct {
	Name  string // "lite"; also the Go package
	Title string // "draft-lcurley-moq-lite"
	Doc   string
	Pos   Pos

	Framing Framing // of messages that do not say "unframed"
	MaxBody int     // the longest body of a message, in bytes
	Close   uint64  // code with which a session ends after a malformed message

	Versions   []*Version // by number
	Streams    []*Stream
	Enums      []*Enum
	Registries []*Registry
	Structs    []*Message
	Messages   []*Message
	Choices    []*Choice
}

// Framing is how a message says where it ends.
type Framing string

// The framings. A message with a code has the code, as a varint, in front of the length.
const (
	LengthVi  Framing = "vi"   // a varint
	LengthU16 Framing = "u16"  // two bytes, big endian
	Unframed  Framing = "none" // its fields tell
)

// Version is one version of a family.
type Version struct {
	Number int
	Name   string   // "moq-lite-05"
	ALPN   string   // "moq-lite-05"
	Also   []string // other names that people and files use
	Vi     string   // kind of varint: rfc9000, vi64-no7, vi64
	Code   uint64   // that stands for it in a list of versions, or 0
	Alias  int      // number of the version with the same bytes, or -1
	Pos    Pos
}

// Stream is a stream type, or the place of messages on a stream without a type.
type Stream struct {
	Name    string
	Kind    string // "uni" or "bidi"
	Typed   bool   // whether Code is on the wire
	Code    uint64
	Opener  string // who opens it: "client", "server", "publisher", "subscriber" or "either"
	On      Set
	Refused Set // versions that name it but in which no endpoint accepts it
	Doc     string
	Pos     Pos
}

// Enum names the values of a field.
type Enum struct {
	Name   string
	Base   string // "u8" or "vi"
	Closed bool   // whether other values are malformed
	Refs   []Ref
	Values []*EnumValue
	Doc    string
	Pos    Pos
}

// EnumValue is one named value.
type EnumValue struct {
	Name  string
	Value uint64
	On    Set
	Doc   string
	Pos   Pos
}

// Message is a message or a struct: one name, whose layouts do not overlap in versions.
type Message struct {
	Name   string // "SUBSCRIBE"; structs are in lower case
	Doc    string
	Pos    Pos
	Blocks []*Block
}

// On is all versions that have m.
func (m *Message) On() Set {
	var s Set
	for _, b := range m.Blocks {
		s |= b.On
	}
	return s
}

// BodyLimit is the longest body of a message that is laid out as b, in bytes. One whose length has two bytes
// needs none.
func (f *Family) BodyLimit(b *Block) int {
	if b.MaxBody != 0 {
		return b.MaxBody
	}
	return f.MaxBody
}

// Block is one layout of a message.
type Block struct {
	On      Set
	Codes   []Code
	Aliases []Code // types that are read as it too, and never written
	Framing Framing
	MaxBody int  // the longest body in bytes, or 0 for that of the family
	Hot     bool // on the path of every frame: its codec must not allocate
	Places  []Place
	// Replaces names the messages that had one of Codes in the same place in other versions.
	Replaces []string
	Refs     []Ref // sections of the drafts that describe it
	Fields   []*Field
	Refuse   []*Refusal
	Doc      string
	Pos      Pos
}

// Types are all that it may begin with.
func (b *Block) Types() []Code { return append(slices.Clip(b.Codes), b.Aliases...) }

// Ref is the section of the draft that describes something in some versions.
type Ref struct {
	Section string // "10.9"
	On      Set
	Pos     Pos
}

// Code is the type code of a message in some versions.
type Code struct {
	Value uint64
	On    Set
	Pos   Pos
}

// Place says where a message may stand and who sends it.
type Place struct {
	Stream string // name of a Stream, or "datagram"
	Role   string // "opener", "acceptor", "either"; "" for datagrams
	First  bool   // it is what its sender starts with
	On     Set
	Pos    Pos
}

// Kind is the type of a field.
type Kind struct {
	Name string // vi u8 u16 flag string bytes path option zigzag list tuple data rest tail tail-vi tail-u8 tally id-delta params struct
	Ref  string // list: element kind; data, id-delta: a field; params: registry; struct: struct
	// Sized puts a length in bytes in front.
	Sized bool
	// Filling is a list without a count, which goes on to the end.
	Filling bool
	// Inline puts the items of a registry directly into the message.
	Inline bool
	// Scope is what the items of a registry are checked against.
	Scope    string
	NonEmpty bool // tuple: no element may be empty
	// List bounds, or the limit of a string in Max.
	Low, High uint64
	Max       uint64 // 0: as long as fits
	MaxWith   string // an earlier field whose bytes count too
	Pos       Pos
}

// Field is one line of a layout, or one item of a registry.
type Field struct {
	Name      string
	Kind      Kind
	On        Set
	If        *Cond
	Limit     *Limit
	Enum      string
	Bits      []*Bit
	NotBelow  string // an earlier field, which this one must not be below
	DeltaOf   string // an earlier field; the sum must not overflow
	HalfOf    string // an earlier field, half of which this one must not be above
	Broken    uint64 // code with which a session ends after a value that breaks these rules; 0: that of the family
	Given     bool   // not on the wire: the caller sets it before parse and append
	Droppable bool   // left out in silence where the version cannot carry it
	Streamed  bool   // bulk that a caller may read by itself, after NAME_HEADER
	Quiet     bool   // left out of logs where it is zero
	Unit      string
	Doc       string
	Pos       Pos
}

// Limit bounds a number, both ends included.
type Limit struct{ Low, High uint64 }

// Bit is a part of a bit field.
type Bit struct {
	Mask  uint64
	Name  string // "" for bits of a fixed value
	Fixed uint64 // value of fixed bits, shifted down
	Limit *Limit
	Enum  string
	On    Set
	Doc   string
	Pos   Pos
}

// Cond is a condition on an earlier field: that it is one of Values, or, without values,
// that it is set (not zero, not false, not empty).
type Cond struct {
	Field  string
	Not    bool
	Values []Limit
	Pos    Pos
}

// Refusal is a combination of values that is malformed.
type Refusal struct {
	On     Set
	Conds  []*Cond
	Reason string
	Pos    Pos
}

// Registry is a set of typed items in a key-value list.
type Registry struct {
	Name    string
	Doc     string
	Pos     Pos
	Refs    []Ref
	Layouts []ListLayout
	Unknown Policies
	// UnknownOnce refuses a second item of an unknown type.
	UnknownOnce bool
	Misplaced   Policies
	Repeated    Policies
	// Close is the code with which a session ends after a value that is not of its type, in the
	// versions of CloseOn; elsewhere it is that of the family.
	Close   uint64
	CloseOn Set
	Items   []*Item
}

// ListLayout is how a key-value list is written in some versions.
type ListLayout struct {
	Extent string // "counted", or "filling" what holds it
	Form   string // "tlv", "kvp", "kvp-delta", "typed"
	Max    uint64 // number of items
	On     Set
	Pos    Pos
}

// Policies say in which versions something is refused; in the others it is kept.
type Policies struct{ Refuse Set }

// Item is one type of a registry.
type Item struct {
	Field
	ID     uint64
	Repeat bool
	Close  uint64 // of a session after a value that is not of this type; 0: as the registry says
	Scopes []Scope
}

// Scope is a message that may carry an item.
type Scope struct {
	Message string
	On      Set
	Pos     Pos
}

// Choice is a set of messages that stand in the same place and are told apart by their code.
type Choice struct {
	Name   string
	On     Set
	Stream string
	Role   string
	Doc    string
	Pos    Pos
}

// All is the set of all versions of f.
func (f *Family) All() Set {
	var s Set
	for _, v := range f.Versions {
		s = s.With(v.Number)
	}
	return s
}

// Version finds a version by number, or gives nil.
func (f *Family) Version(number int) *Version {
	for _, v := range f.Versions {
		if v.Number == number {
			return v
		}
	}
	return nil
}

// Message finds a message by name, or gives nil.
func (f *Family) Message(name string) *Message { return find(f.Messages, name) }

// Struct finds a struct by name, or gives nil.
func (f *Family) Struct(name string) *Message { return find(f.Structs, name) }

// Registry finds a registry by name, or gives nil.
func (f *Family) Registry(name string) *Registry { return find(f.Registries, name) }

// Enum finds an enum by name, or gives nil.
func (f *Family) Enum(name string) *Enum { return find(f.Enums, name) }

// Stream finds a stream by name in the versions of on, or gives nil.
func (f *Family) Stream(name string, on Set) *Stream {
	for _, s := range f.Streams {
		if s.Name == name && s.On&on != 0 {
			return s
		}
	}
	return nil
}

func (m *Message) name() string  { return m.Name }
func (r *Registry) name() string { return r.Name }
func (e *Enum) name() string     { return e.Name }

func find[T interface {
	comparable
	name() string
}](list []T, name string) T {
	for _, x := range list {
		if x.name() == name {
			return x
		}
	}
	var none T
	return none
}

// Layout finds the block of m that holds in version n, or gives nil.
func (m *Message) Layout(n int) *Block {
	for _, b := range m.Blocks {
		if b.On.Has(n) {
			return b
		}
	}
	return nil
}

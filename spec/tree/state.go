package tree

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/moqrx/moqrx/spec"
)

// What a tree may cost, in bytes of memory.
const (
	costPerByte     = 60
	detailedPerByte = 500
	costFree        = 1980 // beside costPerByte; what is left of 4 KB is for the state
	nodeCost        = 96
	valueCost       = 32
	pastCost        = 48
	indexCost       = 16
	errorCost       = 600
)

// Remarks.
var (
	cutOff     = "cut off"
	absent     = "absent"
	normalized = "without the slashes that mean nothing"
	notWritten = "not written: how many numbers follow"
)

// step is one on the way to a field: into a part by its name, or into the element of a list.
type step struct {
	name  string
	index uint64
}

func (to step) text() string {
	if to.name != "" {
		return to.name
	}
	var room [22]byte
	return string(append(strconv.AppendUint(append(room[:0], '['), to.index, 10), ']'))
}

// value is what conditions and deltas know of a field.
type value struct {
	name  string
	n     uint64
	set   bool
	given bool // not on the wire
}

// past is a value of a message before, or of the caller when from is empty.
type past struct {
	value
	from string
}

// state is one decode at work.
type state struct {
	*Decoder
	src []byte
	off int
	enclosure
	msg   string // the message being decoded
	scope string // what the items of lists are checked against
	path  []step

	values  []value // of the fields of the message and struct at hand
	base    int     // where those of the struct at hand start
	history []past  // of the messages before on the stream, and what was given

	place  bool     // what is decoded is a place, and
	before []string // these are the messages that were on it
	heads  bool     // payloads are left to the caller: this many bytes of
	bulk   uint64   // the last message
	whole  bool     // which ends where it says
	need   uint64   // how many bytes it takes to get beyond the first that are missing
	choice string   // what the messages that may come next are called

	at     *Node // whose parts are being decoded
	last   *Node // the last of these
	tree   *Tree
	budget int       // bytes of memory
	room   [16]value // what an object of a fetch has
	steps  [4]step
}

// keep adds a value of the struct at hand.
func (s *state) keep(v value) {
	if len(s.values) == cap(s.values) {
		s.budget -= 2 * cap(s.values) * valueCost
	}
	s.values = append(s.values, v)
}

// recall adds a value for messages further on the stream.
func (s *state) recall(v past) {
	switch {
	case s.history == nil:
		s.history = make([]past, 0, 6) // what an object of a fetch hands on
	case len(s.history) == cap(s.history):
		s.budget -= 2 * cap(s.history) * pastCost
	}
	s.history = append(s.history, v)
}

// add makes a node at the current offset. When there are too many, they share one.
func (s *state) add(name string, f *spec.Field) *Node {
	if s.at.Name == Omitted {
		return s.at
	}
	if s.budget < nodeCost {
		if s.last != nil && s.last.Name == Omitted {
			return s.last
		}
		name, f = Omitted, nil
	}
	s.budget -= nodeCost
	n := &Node{Offset: s.off, Name: name, Field: f}
	if s.last == nil {
		s.at.first = n
	} else {
		s.last.next = n
	}
	s.last = n
	return n
}

// leaf adds a node of the next size bytes and moves behind them.
func (s *state) leaf(name string, f *spec.Field, size int) *Node {
	n := s.add(name, f)
	s.off += size
	n.Size = s.off - n.Offset
	return n
}

// enter adds a node with parts; leave ends it.
func (s *state) enter(name string, f *spec.Field) (n, outer *Node) {
	outer = s.at
	n = s.add(name, f)
	s.at, s.last = n, nil
	return n, outer
}

func (s *state) leave(n, outer *Node) {
	n.Size = s.off - n.Offset
	s.at, s.last = outer, n
}

// number sets the value of a node.
func (s *state) number(n *Node, v uint64) {
	if n.Name == Omitted {
		return
	}
	if n.Value = v; v > 255 {
		s.budget -= 8
	}
}

func (n *Node) remark(text *string) {
	if n.Name != Omitted {
		n.note = text
	}
}

// flag sets a value that is true or false, which costs nothing.
func (n *Node) flag(v bool) {
	if n.Name != Omitted {
		n.Value = v
	}
}

// raw sets bytes as the value of a node.
func (s *state) raw(n *Node, b []byte) {
	if n.Name != Omitted {
		n.Value = b
		s.budget -= 24
	}
}

// text sets a string as the value of a node, or bytes that are none.
func (s *state) text(n *Node, b []byte) {
	switch {
	case n.Name == Omitted:
	case utf8.Valid(b):
		n.Value = string(b)
		s.budget -= 16 + len(b)
	default:
		s.raw(n, b)
	}
}

// push goes one step down the path of the field.
func (s *state) push(to step) { s.path = append(s.path, to) }
func (s *state) pop()         { s.path = s.path[:len(s.path)-1] }

// fail notes an error about size bytes at off. Bytes that are missing where it is known that
// they are missing are no news.
func (s *state) fail(n *Node, kind error, off, size int, expected, found string) {
	if errors.Is(kind, ErrShort) {
		switch s.extent {
		case cut:
			n.remark(&cutOff)
			if s.tree.Cut == "" {
				s.tree.Cut = s.field()
			}
			return
		case closed:
			kind = ErrMalformed
		}
	}
	if s.full() {
		return
	}
	s.budget -= errorCost
	e := &Error{
		Kind: kind, Version: s.version.Name, Message: s.msg, Field: s.field(),
		Offset: off, Size: min(size, len(s.src)-off), Expected: expected, Found: found,
	}
	s.tree.Errors = append(s.tree.Errors, e)
	if n.Err == nil {
		n.Err = e
	}
}

// full tells whether there are too many errors to keep another, and counts it if so. The first is
// always kept.
func (s *state) full() bool {
	if s.budget >= errorCost || len(s.tree.Errors) == 0 {
		return false
	}
	s.tree.Further++
	return true
}

// field is the path: names with dots, numbers in brackets.
func (s *state) field() string {
	var b strings.Builder
	for i, to := range s.path {
		if i > 0 && to.name != "" {
			b.WriteByte('.')
		}
		b.WriteString(to.text())
	}
	return b.String()
}

// short notes that need bytes were expected at off and fewer are there.
func (s *state) short(n *Node, off int, need uint64) {
	if s.need == 0 {
		s.need = uint64(off) + min(need, math.MaxInt32)
	}
	if s.extent != cut && s.full() {
		return
	}
	s.fail(n, ErrShort, off, s.end-off, bytesText(need), strconv.Itoa(s.end-off))
}

func (s *state) malformed(n *Node, off, size int, expected, found string) {
	s.fail(n, ErrMalformed, off, size, expected, found)
}

func bytesText(n uint64) string {
	if n == 1 {
		return "1 byte"
	}
	return strconv.FormatUint(n, 10) + " bytes"
}

func hexText(n uint64) string { return "0x" + strconv.FormatUint(n, 16) }

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// set notes the value of a field for the conditions behind it.
func (s *state) set(name string, n uint64, set bool) {
	s.keep(value{name: name, n: n, set: set})
}

// get finds the value of a field of the struct at hand. One that is not there is not set.
func (s *state) get(name string) value {
	for i := len(s.values) - 1; i >= s.base; i-- {
		if s.values[i].name == name {
			return s.values[i]
		}
	}
	return value{}
}

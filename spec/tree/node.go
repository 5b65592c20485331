package tree

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/moqrx/moqrx/spec"
)

// Names of nodes that no spec has.
const (
	Undecoded = "Undecoded" // bytes behind an error, up to the end of what encloses it
	Omitted   = "Omitted"   // values of which there were too many to list
	Type      = "Type"      // the code of a message or of an item
	Length    = "Length"    // of a message or a part, in bytes
	Count     = "Count"     // of a list
	Unknown   = "Unknown"   // an item that the version does not define
)

// The ways to fail, for errors.Is.
var (
	ErrShort       = errors.New("short")       // the bytes end too early
	ErrMalformed   = errors.New("malformed")   // no further bytes can make it right
	ErrUnsupported = errors.New("unsupported") // the version has no such message
)

// Node is a run of bytes with a meaning.
type Node struct {
	Offset int // in the bytes that were given
	Size   int // in bytes; 0 for what is not written by itself
	Name   string
	// Value is what the bytes say: uint64, int64, bool, string, or []byte that aliases them; nil for
	// what has parts, and for an option that is absent.
	Value any
	Err   *Error      // the first that is about this node
	Field *spec.Field // the line of the spec; nil where there is none
	Code  uint64      // type of an item; of an id, its distance as written

	note        *string // of the spec or of this package: a node is small
	first, next *Node
}

// Note is the name of the value, or a remark; empty when there is none.
func (n *Node) Note() string {
	if n.note == nil {
		return ""
	}
	return *n.note
}

// Children goes over the parts of n, in their order.
func (n *Node) Children() iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		for c := n.first; c != nil && yield(c); c = c.next {
		}
	}
}

// Child finds a part by its name, or gives nil.
func (n *Node) Child(name string) *Node {
	for c := range n.Children() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// All goes over n and everything below it, depth first, with the depth below n.
func (n *Node) All() iter.Seq2[int, *Node] {
	return func(yield func(int, *Node) bool) { n.walk(0, yield) }
}

func (n *Node) walk(depth int, yield func(int, *Node) bool) bool {
	if !yield(depth, n) {
		return false
	}
	for c := range n.Children() {
		if !c.walk(depth+1, yield) {
			return false
		}
	}
	return true
}

// End is the offset behind n.
func (n *Node) End() int { return n.Offset + n.Size }

// Tree is what the bytes are.
type Tree struct {
	Root *Node // its Size is what was taken: for a message perhaps not all of the bytes
	// Errors are in the order in which they were met. The first is the one that a strict
	// decoder gives; those behind it may follow from it.
	Errors []*Error
	// Cut is the path of the field in which the bytes end, where it is known from a length that more have to come;
	// empty where none is cut.
	Cut     string
	Further int // errors that were only counted
}

// Err is the first error, or nil.
func (t *Tree) Err() error {
	if len(t.Errors) == 0 {
		return nil
	}
	return t.Errors[0]
}

// Error is one thing that is wrong.
type Error struct {
	Kind     error // ErrShort, ErrMalformed or ErrUnsupported
	Version  string
	Message  string
	Field    string // path: "Hops[3]"; empty when the message as a whole is meant
	Offset   int    // of the bytes that are wrong
	Size     int    // how many are; 0 when what is wrong is that there are none
	Expected string
	Found    string
}

// Error is one line: where, what was expected, what was found.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(e.Version + " " + e.Message))
	b.WriteByte(':')
	if e.Field != "" {
		b.WriteString(" field " + e.Field)
	}
	if errors.Is(e.Kind, ErrUnsupported) && e.Expected == "" {
		b.WriteString(" not in this version")
		return b.String()
	}
	fmt.Fprintf(&b, " at offset %d: expected %s", e.Offset, e.Expected)
	if e.Found != "" {
		b.WriteString(", found " + e.Found)
	}
	return b.String()
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

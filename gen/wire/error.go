package wire

import (
	"errors"
	"strconv"
	"strings"
)

// The three ways to fail, for errors.Is.
var (
	// ErrShort: the bytes end before the value does. More bytes may make it whole.
	ErrShort = errors.New("short")
	// ErrMalformed: no further bytes can make it right. On append: the value cannot be
	// written in a form that a parser would accept.
	ErrMalformed = errors.New("malformed")
	// ErrUnsupported: the version has no such message, field, type or parameter.
	ErrUnsupported = errors.New("unsupported")
)

// Error is what every parse and append of the generated packages returns.
type Error struct {
	Kind     error  // ErrShort, ErrMalformed or ErrUnsupported
	Version  string // "moq-lite-05"
	Message  string // "SUBSCRIBE"
	Field    string // path of the field: "Hops[3]"; empty when the message as a whole is meant
	Offset   int    // byte offset in the source at which it went wrong; 0 on append
	Need     int    // with ErrShort: bytes of source known to be needed, more than there were; else 0
	Expected string // what should have been there: "5 bytes"
	Found    string // what was: "3"
	Close    uint64 // with ErrMalformed of a parse: the code with which the draft has the session closed

	ofValue bool // about a value that is whole, but not of its type
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
		if e.Found != "" {
			b.WriteString(" (" + e.Found + ")")
		}
		return b.String()
	}
	b.WriteString(" at offset " + strconv.Itoa(e.Offset) + ": expected " + e.Expected)
	if e.Found != "" {
		b.WriteString(", found " + e.Found)
	}
	return b.String()
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// At puts e, which is relative to a field, into what holds the field: off bytes further on,
// and with the name of the field in front of its path.
func (e *Error) At(field string, off int) *Error {
	e.Offset += off
	if e.Need != 0 {
		e.Need += off
	}
	switch {
	case e.Field == "" || field == "":
		e.Field = field + e.Field
	case e.Field[0] == '[':
		e.Field = field + e.Field
	default:
		e.Field = field + "." + e.Field
	}
	return e
}

// Closed says that e happened inside a length that the peer declared: what is short there
// will never get longer, so it is malformed.
func (e *Error) Closed() *Error {
	if errors.Is(e.Kind, ErrShort) {
		e.Kind, e.Need = ErrMalformed, 0
	}
	return e
}

// Closing sets the code with which a session should end for e, unless something closer to
// what went wrong has set it. Only what is malformed has one.
func (e *Error) Closing(code uint64) *Error {
	switch {
	case !errors.Is(e.Kind, ErrMalformed):
		e.Close = 0
	case e.Close == 0:
		e.Close = code
	}
	return e
}

// ClosingValue is Closing for the value of an item that is whole, as its own length says, but not what
// its type says. A value that the end of its message cuts off has the code of the message.
func (e *Error) ClosingValue(code uint64) *Error {
	if e.ofValue {
		return e.Closing(code)
	}
	return e
}

// wrongValue says that e is about a value that is whole, but not of its type.
func (e *Error) wrongValue() *Error {
	e.ofValue = true
	return e
}

// In names the version and message of e.
func (e *Error) In(version, message string) *Error {
	e.Version, e.Message = version, message
	return e
}

// Short is the error of bytes that end early: need of them were expected, have were found.
func Short(need, have int) *Error {
	return &Error{Kind: ErrShort, Need: need, Expected: plural(need, "byte"), Found: strconv.Itoa(have)}
}

// The errors that codecs make in many places are made out of line, so that the codecs stay small.

// Malformed is the error of a value that breaks a rule.
//
//go:noinline
func Malformed(expected, found string) *Error {
	return &Error{Kind: ErrMalformed, Expected: expected, Found: found}
}

// MalformedNumber is Malformed for a number that was found.
//
//go:noinline
func MalformedNumber(expected string, found uint64) *Error {
	return Malformed(expected, strconv.FormatUint(found, 10))
}

// MalformedCode is MalformedNumber for a type code, which people know in hexadecimal.
func MalformedCode(expected string, found uint64) *Error {
	return Malformed(expected, "0x"+strconv.FormatUint(found, 16))
}

// TooLarge is the error of a number that the varints of the version cannot carry.
//
//go:noinline
func TooLarge(found uint64) *Error {
	return MalformedNumber("a varint of at most 62 bits", found)
}

// Misplaced is the error of a field that is set though others say that it is not there.
//
//go:noinline
func Misplaced() *Error {
	return Malformed("it to be absent, as the fields before it say", "a value")
}

// Unsupported is the error of something that the version cannot carry.
//
//go:noinline
func Unsupported(found string) *Error {
	return &Error{Kind: ErrUnsupported, Found: found}
}

// Trailing is the error of a declared length that is longer than its fields.
func Trailing(extra int) *Error {
	return Malformed("the end", plural(extra, "byte")+" more")
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}

// Package spec holds the protocols as text, and reads them: [Parse] turns a spec file into a
// checked [Family], from which codecs, tests and documents are generated. The files of
// this project are embedded; see [Lite].
//
// # Notation
//
// A spec file reads like the figures of the drafts: one line for a field, with a column of
// version ranges (14, 14-16, 17+). Lines without a range hold in all versions of what they
// stand in. Names start with a capital, kinds with a small letter, codes are hexadecimal,
// versions decimal. A # starts a comment; those above and behind a declaration end up in
// the generated documentation.
//
//	family lite "draft-lcurley-moq-lite" {
//	  length vi max 65536                       # messages have a length, here a varint
//	  close 5                                   # ends a session after a malformed message
//	  04 05   name "moq-lite-%02d"  alpn "moq-lite-%02d"  vi rfc9000  code "0xff0dad%02x"
//	  06 = 05                                   # an alias: the same bytes
//	}
//	stream bidi Subscribe 0x2 by subscriber     # a stream type, and who opens such a stream
//	message SUBSCRIBE_END 0x1 05+ replaces SUBSCRIBE_DROP on Subscribe acceptor {   # which had the code before
//	  Group  vi
//	}
//	message SUBSCRIBE_DROP 0x1 03-04, 0x2 05+ on Subscribe acceptor {
//	  §7.7 03  §7.13 05-06                      # the sections of the drafts, for the documentation; here an alias is a version of its own
//	  Start  vi
//	  End    vi
//	}
//
// "message REQUEST_OK 0x7 15+ or 0x1e 18" is read from the second type too, and written with the first. A message
// without a code has no type on the wire, one that is unframed no length, one that is
// u16 a length of two bytes; "max 4096" is another bound of its length than that of the family; the codec of one
// that is hot is tested not to allocate. After
// "on" stands the stream and who sends: its opener, its acceptor, or either; or datagram. One that
// is first is what its sender starts with.
// Two blocks of one name with ranges that do not overlap are one message whose layout changed.
// "choice NAME 16+ on Request acceptor" makes a parser of all messages with a code that stand there.
//
// Kinds of fields:
//
//	vi u8 u16                   numbers; vi is the varint of the version
//	flag                        a byte, zero or not
//	option                      a varint: 0 is absent, else the value plus one
//	zigzag                      a varint that holds a signed number
//	string path bytes           a length and UTF-8, UTF-8 as a normalised path, anything
//	vi[..32] path[..]           a count and that many elements
//	tuple[1..32]                a count and that many lengths with bytes; nonempty forbids empty ones
//	data NAME                   bytes, whose number stood in the field NAME
//	rest                        bytes to the end; the result of a parse aliases them
//	tail                        bytes to the end, copied
//	tail-vi                     a varint that is absent where the message ends before it
//	tail-u8                     a byte that is absent there; what follows is there if it is
//	filling vi[1..]             elements up to the end, without a count
//	tally                       not on the wire: how many varints there are up to the end
//	id-delta NAME               a varint: the distance to the id before, less one; the id is one that a varint can hold
//	params NAME                 a key-value list of the registry NAME; inline puts it into the message
//	name                        a struct of that name
//	sized KIND                  the same behind its length in bytes
//
// What may follow a kind: a version range; in 1..4 (bounds of a number); max N (bounds of a
// length, and with FIELD of both together); as ENUM; if CONDITION on an earlier field; not below FIELD; delta of FIELD;
// half of FIELD (at most); broken CODE (ends a session after a breach of these); unit
// WORD; droppable (left out where the version has no such field); quiet (left out of logs where it is zero); streamed (bulk: a second
// message, NAME_HEADER, stops before it); bits { ... }. A given field is not on the
// wire: the user of the codec sets it. "refuse RANGE if A and B" rules out a combination.
//
// A registry says how its lists are written, then lists the items, each with its type and,
// after "for", the messages that may carry it:
//
//	params MessageParameters {
//	  counted kvp 14-15                         # or filling; tlv, kvp, kvp-delta, typed
//	  counted typed 17+
//	  unknown keep 14-15, refuse 16+
//	  close 0x6 14-16                           # after a value that is not of its type; also of an item
//	  FORWARD  0x10  u8 in 0..1  15+  for SUBSCRIBE
//	}
//
// # Limitations
//
// The notation has no arithmetic and no state. Delta-coded keys and ids are kinds of their
// own, which the wire package implements by hand.
package spec

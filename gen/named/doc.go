// Package named decodes bytes whose version and kind are known by name: a message, all that stands on a stream, or
// one of the primitives that messages are made of. It is the one place that brings names, generated codecs,
// tree decoders and JSON fields together; moqdump hex and the vectors of test/vectors go through it.
//
// # Usage
//
//	p, err := named.Find("draft-18")              // or moqt-18, moq-lite-05, lite-05, any
//	d, err := p.Decode("SUBSCRIBE", src)          // err is about the name
//	switch {
//	case d.Err != nil:                            // of the generated codec: *wire.Error or *tree.Error
//	default:
//		fmt.Println(d.Fields, d.Consumed, d.Reencoded)
//	}
//
// Whether bytes are accepted, and what they are when they are written again, is the word of the generated codecs;
// d.Tree says of each byte what it is, also where they are not accepted, and d.Fields are read from it as
// spec/tree/fields has them.
//
// # Labels
//
// A label is the name of a message (SUBSCRIBE) or of a choice between messages (SUBSCRIBE_RESPONSE, and UNKNOWN for
// all that may stand there), with or without a remark behind it: "FRAME (no timestamp)", "ANNOUNCE update",
// "CLIENT_SETUP (after the type byte)". SUBGROUP_STREAM, FETCH_STREAM and labels with "(whole" are all bytes of
// a stream from its type on. The primitives are varint, zigzag, option_plus_one, string, bool, u8 and u16be, and
// StreamType.bidi.NAME or StreamType.uni.NAME.
//
// What a message alone does not say about itself, such as whether the objects of its stream have properties, is what the
// caller gives; else the reading that takes all of the bytes.
//
// # Concurrency
//
// A [Protocol] is read-only; all functions may be called by several goroutines at once.
//
// # Limitations
//
// Of a stream only what its opener sends is walked. The groups of a fetch stream are taken as ascending, since the
// order stands only in the request: it decides (draft-18 and later) whether a difference leads out of the range of ids. A version that is several ("lite-01/02") is read as the first of them.
// What was deployed under the name of a version before its release, as moq-lite-05-wip, is unknown.
package named

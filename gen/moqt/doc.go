// Package moqt is the wire layer of moq-transport (draft-ietf-moq-transport, drafts 14 to 22),
// generated from spec/transport.moq: SETUP, SUBSCRIBE and SUBSCRIBE_OK with their parameters,
// filters and properties, and subgroup streams.
//
// # Usage
//
// Each message has one struct for all drafts; the draft is an argument of Append and Parse:
//
//	sub := moqt.Subscribe{RequestID: 2, TrackNamespace: []string{"room", "alice"}, TrackName: "video"}
//	sub.Parameters.SubscriberPriority = wire.Some(uint8(128))
//	buf, err := sub.Append(nil, moqt.Version18)
//
//	var header moqt.SubgroupHeader
//	n, err := header.Parse(buf, v)
//	object := moqt.SubgroupObject{HasProperties: header.Properties}
//	n, err = object.Parse(buf[n:], v)
//	object.PriorObjectID = wire.Some(object.ObjectID) // before the next one
//
// Errors are *wire.Error. A field that is set but that the draft cannot carry is an error of
// Append. What a reader has to keep though it has no field is in Unknown, and is written again.
//
// # Limitations
//
// So far the messages named above; the others are unknown to this package. Which parameter may stand in
// which message is checked as each draft says, but rules that span messages (request ids,
// aliases, token caches) belong to the session.
package moqt

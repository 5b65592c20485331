// Package fields gives decoded messages the names and shapes that test vectors use, so that what one
// program decodes can be compared with what another recorded.
//
//	t, err := d.Message("SUBSCRIBE", src)
//	fields.Of(t.Root, family, src) // {"request_id": 8, "namespace": ["room", "alice"], ...}
//
// Names are those of the draft in snake case, shortened where vectors do, see [Name]. Numbers are
// numbers, or text above 2^53, group bounds that are absent null, locations [group, object], lists of parameters
// [{"id": "0x02", "name": "DELIVERY_TIMEOUT", "value": 5000}]; bytes are text where they can be read, else 0x and
// hexadecimal. moq-lite has its own habits: items are fields of their message, ids that do not
// fit into the numbers of JSON are strings, and payloads are hexadecimal.
//
// # Limitations
//
// Collections of vectors differ among each other; these are the shapes of those that were derived from
// the drafts and, for moq-lite, of those that were recorded with its JavaScript endpoint.
package fields

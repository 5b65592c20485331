// Package priority ranks the groups that a session is sending, so that what its peer wants most goes first.
//
// # Usage
//
// A session has one [Queue]. Each subscription that it serves is a [Track] of it, each group stream in flight
// an [Item], which writes to the stream as its turn comes:
//
//	track := queue.Track(priority.Wish{Priority: 7})
//	item := track.Insert(group.Sequence())
//	defer item.Close()
//	item.Follow(func(rank uint8) { stream.SetPriority(...) })
//	_, err := item.Write(ctx, stream, payload)
//
// # Limitations
//
// Groups of equal priority are told apart by their number alone, whatever track they are of: there is no
// fairness between tracks. Only the first [Overflow] groups have a rank of their own.
//
// Writes of less than a packet return before anything is sent, so what many groups write at once is held back by
// little more than the priorities of the transport. The first thing to write after the path has become much slower
// finds up to a quarter of a mebibyte in front of it.
package priority

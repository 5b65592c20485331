// Package priority ranks the groups that a session is sending, so that what its peer wants most goes first.
//
// # Usage
//
// A session has one [Queue]. Each subscription that it serves is a [Track] of it, each group stream in flight
// an [Item]. A writer looks at the rank of its item and waits for it to change:
//
//	track := queue.Track(priority.Wish{Priority: 7})
//	item := track.Insert(group.Sequence())
//	defer item.Close()
//	changed := item.Changed()
//	stream.SetPriority(priority.SendOrder(item.Rank()))
//
// # Limitations
//
// Groups of equal priority are told apart by their number alone, whatever track they are of: there is no
// fairness between tracks. Only the first [Overflow] groups have a rank of their own.
package priority

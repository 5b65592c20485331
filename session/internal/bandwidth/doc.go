// Package bandwidth measures what a connection carries, and decides when a peer hears of it.
//
// [Sample] keeps the estimate of the transport in a [model.BandwidthProducer] while somebody reads it. A
// [Reporter] takes measurements every [Interval] and says which of them are worth a PROBE message of moq-lite.
//
// Nothing here starts goroutines: a session runs Sample in one of its own, and asks the Reporter from another.
package bandwidth

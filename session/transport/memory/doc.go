// Package memory connects two sessions of one process without a network.
//
// [Pair] returns the two ends of a connection. Streams, datagrams, limits and errors behave as
// they do over QUIC: a Write blocks when the window of the stream is full, a stream reaches
// the peer with its first byte, FIN or reset, the end of the connection discards what was not
// read. There are no goroutines and no timers in here, so a pair works inside a testing/synctest
// bubble and leaves nothing behind.
//
//	client, server := memory.Pair("moq-lite-05")
//	go serve(server)
//	stream, err := client.OpenUni(ctx)
//
// # Limitations
//
// Nothing is lost, reordered or delayed. Flow control is per stream, not per connection.
// Priorities do nothing, because no stream waits for another, and nothing is measured: the
// statistics are zero and the send rate is unknown.
package memory

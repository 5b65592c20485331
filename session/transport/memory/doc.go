// Package memory connects two sessions of one process without a network.
//
// [Pair] returns the two ends of a connection. Streams, datagrams, limits and errors behave as
// they do over QUIC: a Write blocks when the window of the stream or that of the connection is full, a stream
// reaches the peer with its first byte, FIN or reset, a reset takes what was not read with it, the end of the
// connection discards what is under way.
//
//	client, server := memory.Pair("moq-lite-05")
//	go serve(server)
//	stream, err := client.OpenUni(ctx)
//
// # Seeds
//
// By default everything arrives at once. With a seed, [Config] makes a connection on which it takes its time:
//
//	client, server := memory.Config{Protocol: "moq-lite-05", Seed: 17, DatagramLoss: 0.1}.Pair()
//
// Data is cut into pieces of many sizes. Each piece, FIN, reset, stop and datagram, and the close of the connection, is
// under way for a time between 0 and Config.Delay that is drawn from the seed. The pieces of one stream and its FIN keep
// their order. Everything else may overtake everything else: a reset the data before it, a stream the one that was
// opened before, the close of the connection what was sent last. A close has arrived when Closed of either end is closed.
// Credit for streams and bytes comes back at once.
//
// What is drawn for a step of a stream depends on the seed, the id of the stream, the direction and the number of the
// step, and for a datagram on the seed, the direction and its number, but not on what happens elsewhere on the
// connection. Two things never arrive in the same instant, so in a bubble of testing/synctest everything that one arrival
// causes has happened before the next. A test whose goroutines act in a fixed order therefore runs the same way each
// time. Goroutines that do things in the same instant still race, with or without a seed: which of two gets which stream
// id, how a write is cut at a window that others fill. transporttest.Seeds runs a test with many seeds and
// puts each into the name of its subtest.
//
// # Limitations
//
// Without a seed nothing is reordered or delayed, and there are no timers; with one, a single timer for each connection
// stops when both ends know of the close. There are no goroutines of its own. Nothing of a stream is ever lost.
// Priorities do nothing, because there is no bottleneck, and nothing is measured: the statistics are zero and the
// send rate is unknown.
package memory

// Package capfile reads packet captures as a stream of records: packets and TLS secrets, in
// the order in which they stand in the file.
//
// It reads pcap (both byte orders, microseconds and nanoseconds) and pcapng (both byte orders,
// every timestamp resolution, several sections and interfaces, Decryption Secrets Blocks),
// plain or gzipped. It reads forward only, and never further than the record it returns, so a
// pipe that is still being written gives each packet as soon as its bytes are there.
//
// Usage:
//
//	r, err := capfile.NewReader(file)
//	for {
//		rec, err := r.Next()
//		if err == io.EOF { break }
//		...
//	}
//
// Limitations: a block or packet larger than 16 MiB ends the reading; pcapng options other than
// the timestamp resolution and offset, and block types other than section, interface, packet
// (enhanced, simple, obsolete) and secrets, are passed over. A Reader is for one goroutine.
package capfile

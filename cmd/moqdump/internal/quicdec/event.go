package quicdec

import (
	"fmt"
	"time"
)

// Dir is the direction of a packet.
type Dir uint8

// The directions.
const (
	ClientToServer Dir = 0
	ServerToClient Dir = 1
)

// Other is the opposite direction.
func (d Dir) Other() Dir { return d ^ 1 }

func (d Dir) String() string {
	if d == ClientToServer {
		return "client to server"
	}
	return "server to client"
}

// Kind says what an Event tells.
type Kind uint8

// The kinds of event. Every connection starts with Opened and ends with Ended.
const (
	// Opened: the handshake is known as far as it will be; streams follow.
	Opened Kind = iota
	// StreamData: Data at Offset of Stream, in order and without repetition. Fin ends the stream.
	StreamData
	// StreamGap: Length bytes at Offset of Stream are not in the capture.
	StreamGap
	// StreamReset: the sender abandoned Stream with Code at final size Length; Offset bytes were seen.
	StreamReset
	// StopSending: the receiver of Stream asks for its end with Code. Dir is that of the request.
	StopSending
	// Datagram: Data is one datagram.
	Datagram
	// Closed: the end of the connection with Code and Reason; App tells whether the application said so.
	Closed
	// Malformed: Err says which frame of a packet could not be read; its packet's rest is lost.
	Malformed
	// StreamForgotten: Stream stays without an end, because too many others are open.
	StreamForgotten
	// Ended: nothing more comes for the connection.
	Ended
)

// Event is one thing that happened on a connection. Data is valid during the call only.
type Event struct {
	Kind   Kind
	Time   time.Time
	Conn   *Conn
	Dir    Dir
	Stream uint64
	Offset uint64
	Length uint64
	Data   []byte
	Fin    bool
	Code   uint64
	App    bool
	Reason string
	Err    error
}

// StreamName is how a stream is written: "bidi 0", "uni 3".
func StreamName(id uint64) string {
	if id&2 == 0 {
		return fmt.Sprintf("bidi %d", id)
	}
	return fmt.Sprintf("uni %d", id)
}

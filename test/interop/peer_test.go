package interop

import (
	"context"
	"testing"
)

// An event is what a peer tells about itself. Node peers write it as one line of JSON.
type event struct {
	Event     string  `json:"event"`
	Version   string  `json:"version"`
	Active    bool    `json:"active"`
	Track     string  `json:"track"`
	Group     uint64  `json:"group"`
	Frames    int     `json:"frames"`
	Index     int     `json:"index"`
	Size      int     `json:"size"`
	SHA256    string  `json:"sha256"`
	Timestamp float64 `json:"timestamp"` // Node's own clock has fractions
	Timescale uint64  `json:"timescale"`
	Message   string  `json:"message"`
}

// The events of peers. A publisher is ready, has sent, finished and left; a subscriber is
// ready and tells announcements, frames, groups at their end and tracks at their end, and what else the plan
// asks for.
const (
	eventReady    = "ready"
	eventSent     = "sent"
	eventFinished = "finished"
	eventLeft     = "left"
	eventAnnounce = "announce"
	eventFrame    = "frame"
	eventGroup    = "group"
	eventEnd      = "end"
	eventDatagram = "datagram"
	eventRefused  = "refused" // the track that nobody publishes
	eventFetched  = "fetched group"
	fetchedFrame  = "fetched frame"
	eventError    = "error"
	eventExit     = "exit" // made by the test when the peer has ended; Message holds a failure
)

// The commands to peers.
const (
	commandGo     = "go"     // publisher: send the groups of the plan
	commandFinish = "finish" // publisher: end the tracks
	commandFetch  = "fetch"  // subscriber: fetch the plan's group
	commandLeave  = "leave"  // publisher: end the broadcast
	commandClose  = "close"  // end
)

// A peer is one end of a run: a Node process or a session of this module.
type peer interface {
	// command tells the peer what to do next.
	command(word string) error
}

// starter starts a peer that tells its events to emit until its end, which is eventExit.
type starter func(ctx context.Context, t *testing.T, p plan, emit func(event)) peer

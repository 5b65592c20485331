package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// TestDissectorPutsPiecesTogether records a session whose requests and frames are longer than a
// packet.
func TestDissectorPutsPiecesTogether(t *testing.T) {
	script := writeDissector(t, "")
	name := strings.Repeat("very-", 600) + "long"
	capture := filepath.Join(t.TempDir(), "long.pcapng")
	recordSession(t, capture, name, [][]byte{bytes.Repeat([]byte("a"), 5000), []byte("b"), bytes.Repeat([]byte("c"), 20000)})

	got := byStream(tshark(t, script, capture, nil))
	want := byStream(dumped(t, buildMoqdump(t), capture, nil))
	for stream, list := range want {
		compareStream(t, stream, got[stream], list)
	}
	var names, lengths []string
	for _, list := range got {
		for _, m := range list {
			if m.name == "SUBSCRIBE" {
				names = append(names, m.fields["track"]...)
			}
			if m.name == "FRAME" {
				lengths = append(lengths, m.fields["payload_length"]...)
			}
		}
	}
	if len(names) != 1 || names[0] != name {
		t.Errorf("the dissector shows %d SUBSCRIBEs, %.40q; one was sent, for a track with a long name", len(names), names)
	}
	if strings.Join(lengths, " ") != "5000 1 20000" {
		t.Errorf("the dissector shows frames of %v bytes", lengths)
	}
}

// recordSession sends frames of one group from a server to a client over raw QUIC, and records it.
func recordSession(t *testing.T, capture, track string, frames [][]byte) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Create(capture)
	check(err)
	published, received := model.NewOrigin(), model.NewOrigin()
	broadcast, err := published.CreateBroadcast("room", model.Route{})
	check(err)
	producer, err := broadcast.CreateTrack(track, model.TrackInfo{})
	check(err)
	group, err := producer.AppendGroup()
	check(err)
	for _, f := range frames {
		check(group.WriteFrame(model.Frame{Payload: f}))
	}
	check(group.Finish())

	listener, err := session.Listen("127.0.0.1:0", session.WithCapture(file))
	check(err)
	accepted := make(chan error, 1)
	go func() {
		request, err := listener.Accept(t.Context())
		if err == nil {
			_, err = request.Accept(session.WithPublish(published.Consume()))
		}
		accepted <- err
	}()
	s, err := session.Dial(t.Context(), "moqt://"+listener.Addr().String()+"/",
		session.WithFingerprint(listener.CertificateSHA256()), session.WithConsume(received))
	check(err)
	check(<-accepted)
	room, err := received.Consume().Announced(t.Context(), "room")
	check(err)
	consumer, err := room.SubscribeTrack(track, model.Subscription{})
	check(err)
	read, err := consumer.NextGroup(t.Context())
	check(err)
	for range frames {
		_, err := read.ReadFrame(t.Context())
		check(err)
	}
	check(consumer.Close())
	check(s.Close())
	check(listener.Close())
	check(published.Close())
	check(received.Close())
	check(file.Close())
}

package quicdec

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/talk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// payload is n bytes that differ everywhere.
func payload(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return b
}

// halfName names one direction of a stream.
func halfName(dir Dir, id uint64) string {
	return map[Dir]string{ClientToServer: "> ", ServerToClient: "< "}[dir] + StreamName(id)
}

// result is what came out of a decoder, stream by stream.
type result struct {
	data   map[string][]byte
	ends   map[string]string
	events []string
	d      *Decoder
	conns  []*Conn
}

func (r *result) take(e Event) {
	name := halfName(e.Dir, e.Stream)
	switch e.Kind {
	case Opened:
		r.conns = append(r.conns, e.Conn)
	case StreamData:
		if have := uint64(len(r.data[name])); have != e.Offset {
			r.events = append(r.events, fmt.Sprintf("%s: data at %d after %d", name, e.Offset, have))
		}
		r.data[name] = append(r.data[name], e.Data...)
		if e.Fin {
			r.ends[name] += "fin"
		}
	case StreamGap:
		r.events = append(r.events, fmt.Sprintf("%s: %d bytes missing", name, e.Length))
		r.data[name] = append(r.data[name], make([]byte, e.Length)...)
	case StreamReset:
		r.ends[name] += fmt.Sprintf("reset %d at %d of %d", e.Code, e.Offset, e.Length)
	case StopSending:
		r.ends[name] += fmt.Sprintf("stop %d", e.Code)
	case Datagram:
		r.events = append(r.events, fmt.Sprintf("datagram %s", e.Data))
	case Closed:
		r.events = append(r.events, fmt.Sprintf("closed %d %q app %v", e.Code, e.Reason, e.App))
	case Ended:
	default:
		r.events = append(r.events, fmt.Sprintf("kind %d %v", e.Kind, e.Err))
	}
}

// decode runs packets through a decoder that has the keys from the start.
func decode(packets []talk.Packet, keys []byte) *result {
	r := &result{data: map[string][]byte{}, ends: map[string]string{}}
	log := &KeyLog{}
	log.Add(keys)
	r.d = New(log, r.take)
	feed(r.d, packets)
	return r
}

func feed(d *Decoder, packets []talk.Packet) {
	var last time.Time
	for _, p := range packets {
		d.Datagram(p.Time, p.Src, p.Dst, p.Data)
		last = p.Time
	}
	d.Flush(last)
}

// chat is a conversation with every kind of frame that a decoder shows, and enough packets for
// several key updates when size is large.
func chat(size int) (server, client talk.Script) {
	server = func(ctx context.Context, c talk.Conn) error {
		s, err := c.AcceptBidi(ctx)
		if err != nil {
			return err
		}
		ask, err := io.ReadAll(s)
		if err != nil {
			return err
		}
		// First, so that it is out before anything else; whether it arrives is another matter.
		if err := c.SendDatagram([]byte("over")); err != nil {
			return err
		}
		if _, err := s.Write(append([]byte("re: "), ask...)); err != nil {
			return err
		}
		s.Reset(7)
		u, err := c.OpenUni(ctx)
		if err != nil {
			return err
		}
		if _, err := u.Write(payload(1, size)); err != nil {
			return err
		}
		if err := u.Close(); err != nil {
			return err
		}
		<-c.Done()
		return nil
	}
	client = func(ctx context.Context, c talk.Conn) error {
		s, err := c.OpenBidi(ctx)
		if err != nil {
			return err
		}
		if _, err := s.Write([]byte("question")); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
		u, err := c.AcceptUni(ctx)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, u); err != nil {
			return err
		}
		s.Stop(9)
		return c.Close(3, "bye")
	}
	return server, client
}

func record(t testing.TB, o talk.Options, size int) *talk.Recording {
	t.Helper()
	server, client := chat(size)
	rec, err := talk.QUIC(o, server, client)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// checkChat compares what was decoded with what was said.
func checkChat(t *testing.T, r *result, size int) {
	t.Helper()
	if got := string(r.data["> bidi 0"]); got != "question" || r.ends["> bidi 0"] != "fin" {
		t.Errorf("client said %q %s", got, r.ends["> bidi 0"])
	}
	if !bytes.Equal(r.data["< uni 3"], payload(1, size)) || r.ends["< uni 3"] != "fin" {
		t.Errorf("server sent %d of %d bytes, %s", len(r.data["< uni 3"]), size, r.ends["< uni 3"])
	}
	if !slices.Contains(r.events, "datagram over") || !slices.Contains(r.events, `closed 3 "bye" app true`) {
		t.Errorf("events %q", r.events)
	}
	if s := r.d.Stats(); s.Failed+s.Waiting+s.Dropped != 0 || len(r.d.Strange()) != 0 {
		t.Errorf("%+v %v %v", s, r.d.Problems(), r.d.Strange())
	}
}

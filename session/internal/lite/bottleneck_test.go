package lite

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session/transport"
)

// slowConn is a connection whose unidirectional streams share a bottleneck, where they take turns.
type slowConn struct {
	transport.Conn
	slot   chan struct{}
	stuck  func(opened int) bool // the n-th stream takes nothing until it is reset; may be nil
	mu     sync.Mutex
	opened int
	levels []*slowStream
}

const (
	slowPacket = 1400
	slowTime   = 7 * time.Millisecond // for a packet: 200 kB/s
)

func (c *slowConn) OpenUni(ctx context.Context) (transport.SendStream, error) {
	s, err := c.Conn.OpenUni(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	slow := &slowStream{SendStream: s, c: c, stuck: c.stuck != nil && c.stuck(c.opened)}
	c.opened++
	c.levels = append(c.levels, slow)
	return slow, nil
}

type slowStream struct {
	transport.SendStream
	c     *slowConn
	stuck bool

	mu      sync.Mutex
	urgency uint8
}

func (s *slowStream) SetPriority(urgency uint8, _ bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urgency = urgency
}

func (s *slowStream) Write(p []byte) (n int, err error) {
	if s.stuck {
		<-s.Context().Done()
		return s.SendStream.Write(p)
	}
	for n < len(p) && err == nil {
		s.c.slot <- struct{}{}
		time.Sleep(slowTime)
		<-s.c.slot
		var m int
		m, err = s.SendStream.Write(p[n:min(len(p), n+slowPacket)])
		n += m
	}
	return n, err
}

// slow puts a bottleneck in front of what the engine sends.
func slow(stuck func(int) bool) (change func(*rigConfig), conn *slowConn) {
	conn = &slowConn{slot: make(chan struct{}, 1), stuck: stuck}
	return func(c *rigConfig) {
		c.transport.Window = 1 << 20
		c.wrap = func(own transport.Conn) transport.Conn {
			conn.Conn = own
			return conn
		}
	}, conn
}

// arrivals reads all group streams of an engine at once, and notes in which order they end.
type arrivals struct {
	mu    sync.Mutex
	ended []uint64 // sequences of finished groups
	codes map[uint64]uint64
}

func (r *rig) arrivals() *arrivals {
	a := &arrivals{codes: make(map[uint64]uint64)}
	go func() {
		for {
			s, err := r.peer.AcceptUni(r.t.Context())
			if err != nil {
				return
			}
			go a.read(s, r.v)
		}
	}()
	return a
}

func (a *arrivals) read(s transport.ReceiveStream, v genlite.Version) {
	in := newReader(s, v)
	var m genlite.Group
	if kind, err := in.uniType(); err != nil || kind != genlite.UniGroup || in.message(&m) != nil {
		return
	}
	_, err := io.Copy(io.Discard, s)
	var reset *transport.StreamError
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		a.ended = append(a.ended, m.Sequence)
	case errors.As(err, &reset) && reset.Remote:
		a.codes[m.Sequence] = reset.Code
	}
}

// want compares the order of the ends so far, and the codes of the groups that were reset.
func (a *arrivals) want(t *testing.T, ended []uint64, codes map[uint64]uint64) {
	t.Helper()
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	same := len(a.ended) == len(ended) && len(a.codes) == len(codes)
	for i := 0; same && i < len(ended); i++ {
		same = a.ended[i] == ended[i]
	}
	for sequence, code := range codes {
		got, ok := a.codes[sequence]
		same = same && ok && got == code
	}
	if !same {
		t.Errorf("groups %v have ended, and %v were reset; want %v and %v", a.ended, a.codes, ended, codes)
	}
}

// content is 100 kB: half a second on the bottleneck.
var content = strings.Repeat("x", 100_000)

// put writes a group with this number. The tracks of a test number their groups apart.
func put(t *testing.T, track *model.TrackProducer, sequence uint64) {
	t.Helper()
	g, err := track.CreateGroup(sequence)
	must(t, err)
	must(t, g.WriteFrame(model.Frame{Payload: []byte(content)}))
	must(t, g.Finish())
	synctest.Wait()
}

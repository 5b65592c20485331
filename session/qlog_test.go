package session_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// qlogFile is a trace in memory.
type qlogFile struct {
	bytes.Buffer
	client bool
	id     string
	closed chan struct{}
}

func (f *qlogFile) Close() error {
	close(f.closed)
	return nil
}

// qlogs are the traces of a test.
type qlogs struct {
	mu    sync.Mutex
	files []*qlogFile
}

func (q *qlogs) create(client bool, id string) (io.WriteCloser, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f := &qlogFile{client: client, id: id, closed: make(chan struct{})}
	q.files = append(q.files, f)
	return f, nil
}

// complete waits for the end of the traces and returns that of a side.
func (q *qlogs) complete(client bool) (found *qlogFile) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range q.files {
		<-f.closed
		if f.client == client {
			found = f
		}
	}
	return found
}

// qlogEvent is one record of a trace.
type qlogEvent struct {
	Time float64        `json:"time"`
	Name string         `json:"name"`
	Data map[string]any `json:"data"`
}

// parseQlog reads a trace strictly as RFC 7464 has it: each text between a record separator and a
// line feed.
func parseQlog(t *testing.T, b []byte) (head map[string]any, events []qlogEvent) {
	t.Helper()
	for i, record := range bytes.Split(b, []byte{0x1e}) {
		if i == 0 {
			if len(record) > 0 {
				t.Fatalf("%q before the first record separator", record)
			}
			continue
		}
		text, ok := bytes.CutSuffix(record, []byte{'\n'})
		if !ok || bytes.ContainsAny(text, "\n\x00") {
			t.Fatalf("record %d is not one line: %q", i, record)
		}
		if i == 1 {
			must(t, json.Unmarshal(text, &head))
			continue
		}
		var e qlogEvent
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		must(t, d.Decode(&e))
		events = append(events, e)
	}
	return head, events
}

// moqEvents are the events of sessions as lines, in order.
func moqEvents(events []qlogEvent) (lines []string) {
	for _, e := range events {
		if name, ok := strings.CutPrefix(e.Name, "moq:"); ok {
			text, _ := json.Marshal(e.Data) // keys in order
			lines = append(lines, name+" "+string(text))
		}
	}
	return lines
}

// The events of the session in TestQlogHasTheEventsOfASession, on both ends.
const (
	eventsOfTheClient = `
session_started {"origin":8,"path":"/room","transport":"memory","version":"moq-lite-05"}
setup {"origin":8,"owner":"local","path":"/room"}
setup {"origin":7,"owner":"remote","path":""}
announce_request {"owner":"local","prefix":""}
announce {"hops":0,"owner":"remote","path":"alice"}
subscribe {"broadcast":"alice","id":0,"owner":"local","priority":3,"track":"video"}
group_opened {"owner":"remote","sequence":0,"subscribe":0}
group_closed {"owner":"remote","sequence":0,"subscribe":0}
group_opened {"owner":"remote","sequence":1,"subscribe":0}
group_closed {"code":2,"owner":"remote","reason":"remote error: old (code 2)","sequence":1,"subscribe":0}
stream_error {"code":2,"reason":"remote error: old (code 2)","stream_id":11}
subscribe_ended {"code":73,"id":0,"owner":"local","reason":"remote error: app code=9 (code 73)"}
announce_ended {"owner":"remote","path":"alice"}
session_closed {"code":65,"owner":"local","reason":"app code=1: enough"}`
	eventsOfTheServer = `
session_started {"origin":7,"path":"","transport":"memory","version":"moq-lite-05"}
setup {"origin":8,"owner":"remote","path":"/room"}
setup {"origin":7,"owner":"local","path":""}
announce_request {"owner":"remote","prefix":""}
announce {"hops":0,"owner":"local","path":"alice"}
subscribe {"broadcast":"alice","id":0,"owner":"remote","priority":3,"track":"video"}
group_opened {"owner":"local","sequence":0,"subscribe":0}
group_closed {"owner":"local","sequence":0,"subscribe":0}
group_opened {"owner":"local","sequence":1,"subscribe":0}
group_closed {"code":2,"owner":"local","reason":"old","sequence":1,"subscribe":0}
stream_error {"code":13,"reason":"subscribe to track \"\\x1e\\\"smell\\n\": not found","stream_id":12}
stream_error {"code":13,"reason":"subscribe to track \"video\": not found","stream_id":16}
subscribe_ended {"code":73,"id":0,"owner":"remote","reason":"app code=9"}
stream_error {"code":73,"reason":"app code=9","stream_id":8}
announce_ended {"owner":"local","path":"alice"}
session_closed {"code":65,"owner":"remote","reason":"app code=1: enough"}`
)

func TestQlogHasTheEventsOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := model.NewOrigin(model.WithOriginID(7)), model.NewOrigin(model.WithOriginID(8))
		var q qlogs
		log := session.WithQlog(q.create)
		alice, track := publish(t, near, "alice", "video")
		c, s := connect(t, session.MoqLite05,
			with(session.WithConsume(far), session.WithPath("/room?jwt=secret"), log),
			with(session.WithPublish(near.Consume()), log))
		reader := subscribe(t, far, "alice", "video", model.Subscription{Priority: 3})
		synctest.Wait()
		group(t, track, "one")
		wantGroup(t, reader, 0, "one")
		g := get[*model.GroupProducer](t)(track.AppendGroup())
		must(t, g.WriteFrame(model.Frame{Payload: []byte("two")}))
		synctest.Wait()
		g.Abort(model.ErrOld)
		wantErr(t, "no such track", refused(t, far, "alice", "\x1e\"smell\n"), model.ErrNotFound)
		synctest.Wait()
		track.Abort(&model.Error{Code: model.AppCode(9)})
		synctest.Wait()
		must(t, alice.Finish())
		synctest.Wait()
		must(t, c.CloseWithError(&model.Error{Code: model.AppCode(1), Reason: "enough"}))
		<-s.Done()

		for client, want := range map[bool]string{true: eventsOfTheClient, false: eventsOfTheServer} {
			f := q.complete(client)
			head, events := parseQlog(t, f.Bytes())
			if head["file_schema"] != "urn:ietf:params:qlog:file:sequential" || !strings.Contains(fmt.Sprint(head), "#qlog-moq-00") {
				t.Errorf("head %v", head)
			}
			sameLines(t, fmt.Sprintf("client: %v", client), moqEvents(events), strings.Split(want[1:], "\n"))
		}
	})
}

// sameLines compares lines in any order: what happens on different streams has none.
func sameLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	seen := map[string]int{}
	for _, line := range got {
		seen[line]++
	}
	for _, line := range want {
		if seen[line]--; seen[line] < 0 {
			t.Errorf("%s: missing: %s", what, line)
		}
	}
	for line, n := range seen {
		if n > 0 {
			t.Errorf("%s: not expected: %s", what, line)
		}
	}
}

func TestQlogStandsBesideTheEventsOfQUIC(t *testing.T) {
	for _, scheme := range []string{"moqt", "https"} {
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			var server qlogs
			origin := model.NewOrigin()
			_, track := publish(t, origin, "alice", "video")
			l := relayed(t, origin, session.WithQlog(server.create))
			own := model.NewOrigin()
			s := get[*session.Session](t)(session.Dial(t.Context(), scheme+"://"+l.Addr().String(),
				session.WithFingerprint(l.CertificateSHA256()), session.WithConsume(own), session.WithQlog(session.QlogDir(dir))))
			reader := subscribe(t, own, "alice", "video", model.Subscription{})
			must(t, track.Used(t.Context()))
			group(t, track, "hello")
			wantGroup(t, reader, 0, "hello")
			must(t, s.Close())
			must(t, l.Close())

			f := server.complete(false)
			client := get[[]byte](t)(os.ReadFile(filepath.Join(dir, f.id+"_client.sqlog")))
			for side, b := range map[string][]byte{"server": f.Bytes(), "client": client} {
				_, events := parseQlog(t, b)
				names := map[string]bool{}
				for _, e := range events {
					names[e.Name] = true
				}
				want := []string{
					"transport:packet_sent", "transport:packet_received", "transport:connection_closed",
					"moq:session_started", "moq:announce", "moq:subscribe", "moq:group_opened", "moq:group_closed", "moq:session_closed",
				}
				if scheme == "https" {
					want = append(want, "http3:frame_created")
				}
				for _, name := range want {
					if !names[name] {
						t.Errorf("%s: no event %s among %d", side, name, len(events))
					}
				}
			}
		})
	}
}

func TestQlogOfARefusedSession(t *testing.T) {
	var q qlogs
	l := get[*session.Listener](t)(session.Listen("127.0.0.1:0", session.WithQlog(q.create)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		r, err := l.Accept(t.Context())
		if err == nil {
			err = r.Reject(&model.Error{Code: model.CodeUnauthorized, Reason: "not you"})
		}
		if err != nil {
			t.Error(err)
		}
	}()
	s := dialTo(t, l, "")
	wantErr(t, "the session", ending(t, s), model.ErrUnauthorized)
	<-done
	must(t, l.Close())
	_, events := parseQlog(t, q.complete(false).Bytes())
	want := `session_closed {"code":6,"owner":"local","reason":"unauthorized: not you"}`
	if got := moqEvents(events); len(got) == 0 || got[len(got)-1] != want {
		t.Errorf("events %q, the last should be %q", got, want)
	}
}

func TestQlogThatCannotBeWrittenHarmsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, create := range map[string]func(bool, string) (io.WriteCloser, error){
			"not made":    func(bool, string) (io.WriteCloser, error) { return nil, errors.New("no such directory") },
			"not written": func(bool, string) (io.WriteCloser, error) { return brokenFile{}, nil },
		} {
			near, far := model.NewOrigin(), model.NewOrigin()
			publish(t, near, "alice", "video")
			c, _ := connect(t, session.MoqLite05,
				with(session.WithConsume(far), session.WithQlog(create)), with(session.WithPublish(near.Consume())))
			b := get[*model.BroadcastConsumer](t)(far.Consume().Announced(t.Context(), "alice"))
			must(t, b.Close())
			if err := c.Close(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

type brokenFile struct{}

func (brokenFile) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }
func (brokenFile) Close() error              { return errors.New("the disk is full") }

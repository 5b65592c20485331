package lite

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	genlite "github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/session/transport"
)

// recording is one stream of a session that a foreign peer had with itself.
type recording struct {
	Version string   `json:"version"`
	Stream  int      `json:"stream"`
	Kind    string   `json:"kind"`
	Opener  string   `json:"opener"`
	Order   []string `json:"order"`
	Source  string   `json:"source"`
}

// completed says that steps of the stream are not recorded but follow from the rest of the session.
func (r recording) completed() bool { return strings.Contains(r.Source, "completed") }

// said is everything that one end wrote, in hex, with the end of its half behind.
func (r recording) said(who string) (data, end string) {
	for _, step := range r.Order {
		from, what, _ := strings.Cut(step, ":")
		switch {
		case from != who, what == "STOP_SENDING":
		case what == "FIN", what == "RESET":
			end = what
		default:
			data += what
		}
	}
	return data, end
}

func readLines[T any](t *testing.T, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	var all []T
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var v T
		must(t, json.Unmarshal(lines.Bytes(), &v))
		all = append(all, v)
	}
	return all
}

// recorded returns the streams of a version whose opener said something that begins with
// the hex.
func recorded(t *testing.T, v genlite.Version, kind, opener, begins string) []recording {
	t.Helper()
	var found []recording
	for _, r := range readLines[recording](t, "testdata/sessions.jsonl") {
		data, _ := r.said(opener)
		if "moq-"+r.Version == v.String() && r.Kind == kind && r.Opener == opener && strings.HasPrefix(data, begins) {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		t.Fatalf("%v: no %s stream of the %s begins with %s", v, kind, opener, begins)
	}
	return found
}

// tape collects what the other end says on a stream.
type tape struct {
	mu   sync.Mutex
	data []byte
	end  string
}

func record(s io.Reader) *tape {
	t := &tape{}
	go func() {
		for {
			b := make([]byte, 512)
			n, err := s.Read(b)
			t.mu.Lock()
			t.data = append(t.data, b[:n]...)
			switch {
			case errors.Is(err, io.EOF):
				t.end = "FIN"
			case err != nil:
				t.end = "RESET"
			}
			t.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return t
}

func (t *tape) said() (data, end string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return hex.EncodeToString(t.data), t.end
}

// want compares what was said with the recording, up to now or to the end.
func (t *tape) want(test *testing.T, what string, r recording, who string) {
	test.Helper()
	synctest.Wait()
	data, end := t.said()
	wantData, wantEnd := r.said(who)
	if data != wantData || end != wantEnd && wantEnd != "" {
		test.Errorf("%s: said %s %s, the recorded peer said %s %s", what, data, end, wantData, wantEnd)
	}
}

// performer plays one end of a recorded stream, step by step.
type performer struct {
	recording
	who   string
	next  int
	s     io.Writer
	heard *tape
}

// play writes what comes next, up to where the recorded peer waited for the other end.
func (p *performer) play(t *testing.T) {
	t.Helper()
	for p.next < len(p.Order) && p.mine() {
		p.say(t, 1)
	}
	for p.next < len(p.Order) && !p.mine() {
		p.next++
	}
}

func (p *performer) mine() bool { return strings.HasPrefix(p.Order[p.next], p.who) }

// say does the next steps of this end.
func (p *performer) say(t *testing.T, steps int) {
	t.Helper()
	for ; steps > 0; steps-- {
		switch _, what, _ := strings.Cut(p.Order[p.next], ":"); what {
		case "FIN":
			_ = p.s.(transport.SendStream).Close() // fails when the other end has stopped reading
		case "RESET":
			p.s.(transport.SendStream).Reset(0)
		case "STOP_SENDING":
			p.s.(transport.ReceiveStream).Stop(0)
		default:
			_, err := p.s.Write(unhex(t, what))
			must(t, err)
		}
		p.next++
	}
	synctest.Wait()
}

// uniTapes collects every unidirectional stream of an engine.
type uniTapes struct {
	mu    sync.Mutex
	tapes []*tape
}

func collectUni(r *rig) *uniTapes {
	u := &uniTapes{}
	go func() {
		for {
			s, err := r.peer.AcceptUni(r.t.Context())
			if err != nil {
				return
			}
			u.mu.Lock()
			u.tapes = append(u.tapes, record(s))
			u.mu.Unlock()
		}
	}()
	return u
}

// want checks that every recorded group stream was said, and nothing else but a SETUP.
func (u *uniTapes) want(t *testing.T, v genlite.Version) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	var got []string
	for _, tape := range u.tapes {
		if data, end := tape.said(); !strings.HasPrefix(data, "01") {
			got = append(got, data)
		} else if data != "01050105026222" || end != "FIN" {
			t.Errorf("SETUP %s %s", data, end)
		}
	}
	var want []string
	for _, rec := range recorded(t, v, "uni", "server", "00") {
		data, _ := rec.said("server")
		want = append(want, data)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("groups %q, the recorded peer sent %q", got, want)
	}
}

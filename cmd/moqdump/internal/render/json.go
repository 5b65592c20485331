package render

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"time"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/moqdec"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
)

// JSON writes one object a line, of type "session" or "event".
type JSON struct {
	enc   *json.Encoder
	start time.Time
	err   error
}

// NewJSON returns a writer of JSON lines.
func NewJSON(w io.Writer) *JSON {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &JSON{enc: enc}
}

// Err is the first error of the output.
func (j *JSON) Err() error { return j.err }

// Start sets the time that events are relative to. The first call counts.
func (j *JSON) Start(at time.Time) {
	if j.start.IsZero() {
		j.start = at
	}
}

func (j *JSON) write(v any) {
	if j.err == nil {
		j.err = j.enc.Encode(v)
	}
}

type jsonSession struct {
	Type         string   `json:"type"`
	Session      int      `json:"session"`
	Time         string   `json:"time"`
	Client       string   `json:"client"`
	Server       string   `json:"server"`
	QUIC         uint32   `json:"quic_version"`
	Suite        string   `json:"cipher_suite"`
	ALPN         string   `json:"alpn"`
	Guessed      bool     `json:"alpn_guessed,omitempty"`
	WebTransport bool     `json:"webtransport"`
	Protocol     string   `json:"protocol"`
	Offered      []string `json:"offered,omitempty"`
	SNI          string   `json:"sni,omitempty"`
	Path         string   `json:"path,omitempty"`
	Note         string   `json:"note,omitempty"`
}

// Session implements [moqdec.Sink].
func (j *JSON) Session(h moqdec.Header) {
	j.write(jsonSession{
		"session", h.Session, h.Time.Format(time.RFC3339Nano), h.Client.String(), h.Server.String(),
		h.QUIC, h.Suite.String(), h.ALPN, h.Guessed, h.WebTransport, h.Protocol, h.Offered, h.SNI, h.Path, h.Note,
	})
}

type jsonEvent struct {
	Type    string         `json:"type"`
	Session int            `json:"session"`
	Time    string         `json:"time"`
	Seconds float64        `json:"seconds"`
	From    string         `json:"from"`
	Stream  string         `json:"stream,omitempty"`
	Name    string         `json:"name"`
	Track   string         `json:"track,omitempty"`
	Fields  map[string]any `json:"fields,omitempty"`
	Latency *float64       `json:"latency_ms,omitempty"`
	Problem *jsonProblem   `json:"problem,omitempty"`
}

type jsonProblem struct {
	Text     string  `json:"text"`
	Field    string  `json:"field,omitempty"`
	Offset   *uint64 `json:"offset,omitempty"`
	Expected string  `json:"expected,omitempty"`
	Found    string  `json:"found,omitempty"`
	Bytes    string  `json:"bytes,omitempty"`
	BytesAt  *uint64 `json:"bytes_offset,omitempty"`
}

// Event implements [moqdec.Sink].
func (j *JSON) Event(e moqdec.Event) {
	out := jsonEvent{
		Type: "event", Session: e.Session, Time: e.Time.Format(time.RFC3339Nano), Seconds: e.Time.Sub(j.start).Seconds(),
		From: "client", Stream: e.Stream, Name: e.Name, Track: e.Track, Fields: fieldsMap(e.Fields),
	}
	if e.Dir == quicdec.ServerToClient {
		out.From = "server"
	}
	if e.Answer {
		ms := float64(e.Latency.Microseconds()) / 1000
		out.Latency = &ms
	}
	if p := e.Problem; p != nil {
		out.Problem = &jsonProblem{Text: p.Error(), Field: p.Field, Expected: p.Expected, Found: p.Found, Bytes: hex.EncodeToString(p.Dump)}
		if p.What == "" {
			out.Problem.Offset = &p.Offset
		}
		if len(p.Dump) > 0 {
			out.Problem.BytesAt = &p.DumpAt
		}
	}
	j.write(out)
}

// fieldsMap makes an object of fields: groups are objects, and what comes several times is a list.
func fieldsMap(fields []slog.Attr) map[string]any {
	if len(fields) == 0 {
		return nil
	}
	m := make(map[string]any, len(fields))
	several := make(map[string][]any)
	for _, f := range fields {
		v := f.Value.Any()
		if f.Value.Kind() == slog.KindGroup {
			v = fieldsMap(f.Value.Group())
		}
		if _, again := m[f.Key]; again {
			if several[f.Key] == nil {
				several[f.Key] = []any{m[f.Key]}
			}
			several[f.Key] = append(several[f.Key], v)
			v = several[f.Key]
		}
		m[f.Key] = v
	}
	return m
}

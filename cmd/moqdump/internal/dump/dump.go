package dump

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/capfile"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/moqdec"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/netpkt"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
)

// Output takes what is decoded.
type Output interface {
	moqdec.Sink
	// Start tells the time of the first packet.
	Start(t time.Time)
	// Err is the first error of writing, which ends a Run.
	Err() error
}

// Options vary a Run.
type Options struct {
	Keys *Keys // secrets known before; those of the capture are added. Nil for none.
	// First is the number of sessions that came before, so that numbers go on from capture to capture.
	First int
	// AfterRecord, if set, is called after each record of the capture, such as to flush the output.
	AfterRecord func() error
}

// Run decodes the capture that r holds. It blocks while r does. The error is that of an r that is
// no capture (see [capfile.ErrNotCapture]), or of the output; what ends a capture early is in the
// summary instead.
func Run(r io.Reader, out Output, opts Options) (Summary, error) {
	capture, err := capfile.NewReader(r)
	if err != nil {
		return Summary{}, err
	}
	p := newPipeline(out, opts)
	for {
		rec, err := capture.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			p.sum.Broken = err
			break
		}
		p.record(rec)
		if err := p.check(); err != nil {
			return p.summary(), err
		}
	}
	p.end()
	return p.summary(), p.check()
}

// pipeline is the state of a Run.
type pipeline struct {
	opts   Options
	out    *counter
	parser netpkt.Parser
	keys   *Keys
	quic   *quicdec.Decoder
	sum    Summary
	last   time.Time
	skips  map[string]int
}

func newPipeline(out Output, opts Options) *pipeline {
	p := &pipeline{opts: opts, out: &counter{Output: out}, keys: opts.Keys, skips: make(map[string]int)}
	if p.keys == nil {
		p.keys = &Keys{}
	}
	p.quic = quicdec.New(&p.keys.log, moqdec.New(p.out, opts.First).Take)
	return p
}

// counter counts what goes to the output.
type counter struct {
	Output
	sessions, events, problems int
}

func (c *counter) Session(h moqdec.Header) {
	c.sessions++
	c.Output.Session(h)
}

func (c *counter) Event(e moqdec.Event) {
	c.events++
	if e.Problem != nil {
		c.problems++
	}
	c.Output.Event(e)
}

func (p *pipeline) check() error {
	if err := p.out.Err(); err != nil {
		return err
	}
	if p.opts.AfterRecord != nil {
		return p.opts.AfterRecord()
	}
	return nil
}

func (p *pipeline) record(rec capfile.Record) {
	if rec.Secrets != nil {
		if rec.SecretsType != capfile.SecretsTLS {
			p.skips[fmt.Sprintf("secrets of type %#x", rec.SecretsType)]++
			return
		}
		p.keys.log.Add(rec.Secrets)
		p.quic.KeysChanged()
		return
	}
	p.sum.Packets++
	p.out.Start(rec.Time)
	p.last = rec.Time
	p.poll()
	d, err := p.parser.Parse(uint16(rec.Link), rec.Data)
	if err != nil {
		p.skips[err.Error()]++
		return
	}
	if d.Missing > 0 {
		p.sum.Cut++
	}
	p.quic.Datagram(rec.Time, d.Src, d.Dst, d.Payload)
}

// poll looks for further secrets in the key log while packets wait for them.
func (p *pipeline) poll() {
	if p.quic.Waiting() && p.keys.poll() {
		p.quic.KeysChanged()
	}
}

func (p *pipeline) end() {
	p.poll()
	p.quic.Flush(p.last)
}

// Summary is what came of a capture.
type Summary struct {
	Packets  int // in the capture
	Cut      int // of which the capture holds the beginning only
	QUIC     quicdec.Stats
	Sessions int
	Events   int
	Problems int   // events that report something wrong
	Broken   error // why the capture was not read to its end, or nil
	NotUDP   []Skip
	Strange  []quicdec.Strange
	Lost     []quicdec.Problem
}

// Skip counts packets that were not decoded, by the reason.
type Skip struct {
	Reason string
	Count  int
}

func (p *pipeline) summary() Summary {
	s := p.sum
	s.Sessions, s.Events, s.Problems = p.out.sessions, p.out.events, p.out.problems
	s.QUIC = p.quic.Stats()
	s.Strange = p.quic.Strange()
	s.Lost = p.quic.Problems()
	for _, reason := range slices.Sorted(maps.Keys(p.skips)) {
		s.NotUDP = append(s.NotUDP, Skip{reason, p.skips[reason]})
	}
	return s
}

// Lines says in words what was decoded and what was not: first the totals, then a line for each
// thing that was not.
func (s Summary) Lines() []string {
	out := []string{fmt.Sprintf("%s, %s decrypted, %s, %s",
		count(s.Packets, "packet"), count(s.QUIC.Packets, "QUIC packet"), count(s.Sessions, "session"), count(s.Events, "event"))}
	if s.Problems > 0 {
		out[0] += fmt.Sprintf(", %d with an error", s.Problems)
	}
	if s.Broken != nil {
		out = append(out, s.Broken.Error())
	}
	if s.Cut > 0 {
		out = append(out, fmt.Sprintf("%s cut short by the capture", count(s.Cut, "packet")))
	}
	for _, l := range s.Lost {
		out = append(out, fmt.Sprintf("%s → %s: %s not decoded: %s", l.Conn.Client, l.Conn.Server, count(l.Packets, "QUIC packet"), l.Reason))
	}
	for _, x := range s.Strange {
		where := ""
		if x.Src.IsValid() {
			where = fmt.Sprintf("%s → %s: ", x.Src, x.Dst)
		}
		out = append(out, fmt.Sprintf("%s%s not decoded: %s", where, count(x.Datagrams, "UDP datagram"), x.Reason))
	}
	for _, k := range s.NotUDP {
		out = append(out, fmt.Sprintf("%s without a UDP datagram: %s", count(k.Count, "packet"), k.Reason))
	}
	return out
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

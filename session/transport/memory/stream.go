package memory

import "context"

// send and receive are the two ends of a pipe, stream one end of two.
type (
	send    struct{ p *pipe }
	receive struct{ p *pipe }
	stream  struct {
		*send
		*receive
	}
)

func (s *send) Write(b []byte) (int, error) { return s.p.write(b) }
func (s *send) Close() error                { return s.p.close() }
func (s *send) Reset(code uint64)           { s.p.abort(code) }
func (s *send) SetPriority(uint8, bool)     {}
func (s *send) Context() context.Context    { return s.p.context() }
func (s *send) ID() uint64                  { return s.p.id }

func (r *receive) Read(b []byte) (int, error) { return r.p.read(b) }
func (r *receive) Stop(code uint64)           { r.p.stopSending(code) }
func (r *receive) ID() uint64                 { return r.p.id }

func (s *stream) ID() uint64 { return s.send.ID() }

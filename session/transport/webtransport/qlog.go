package webtransport

import "github.com/quic-go/quic-go/qlogwriter"

// QlogTrace is the trace of the connection below, or nil.
func (c *conn) QlogTrace() qlogwriter.Trace { return c.q.QlogTrace() }

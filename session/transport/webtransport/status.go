package webtransport

import (
	"fmt"
	"net/http"
)

// StatusError is a server that answered a request for a WebTransport session with another status
// than 200.
type StatusError struct {
	// StatusCode is the HTTP status.
	StatusCode int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("no WebTransport session: the server answered %d %s", e.StatusCode, http.StatusText(e.StatusCode))
}

// Permanent reports whether the same request will always get this answer (RFC 9110, section 15.5):
// all client errors but a timeout, too early, and too many.
func (e *StatusError) Permanent() bool {
	switch e.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	default:
		return e.StatusCode >= 400 && e.StatusCode < 500
	}
}

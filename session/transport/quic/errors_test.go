package quic

import (
	"errors"
	"testing"

	quicgo "github.com/quic-go/quic-go"

	"github.com/moqrx/moqrx/session/transport"
)

func TestLostConnectionIsNoClose(t *testing.T) {
	for _, cause := range []error{
		&quicgo.IdleTimeoutError{}, &quicgo.StatelessResetError{}, &quicgo.TransportError{ErrorCode: quicgo.FlowControlError},
	} {
		err := connError(cause)
		var closed *transport.ConnError
		if errors.As(err, &closed) || !errors.Is(err, cause) {
			t.Errorf("%v became %v", cause, err)
		}
	}
}

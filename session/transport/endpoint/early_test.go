package endpoint

import (
	"errors"
	"fmt"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/moqrx/moqrx/session/transport"
)

func TestCloseBeforeTheAnswerWasRead(t *testing.T) {
	h3 := func(remote bool, code uint64) error {
		return fmt.Errorf("http3: %w", &http3.Error{Remote: remote, ErrorCode: http3.ErrCode(code), ErrorMessage: "bad token"})
	}
	for wire, code := range map[uint64]uint64{transport.WireCode(6): 6, 6: 6, 0: 0, uint64(http3.ErrCodeNoError): 0} {
		got := closedEarly(h3(true, wire))
		if got == nil || *got != (transport.ConnError{Code: code, Reason: "bad token", Remote: true}) {
			t.Errorf("a close by the server with %#x: %+v", wire, got)
		}
	}
	for name, err := range map[string]error{
		"own":              h3(false, transport.WireCode(6)),
		"an error of HTTP": h3(true, uint64(http3.ErrCodeInternalError)),
		"anything else":    errors.New("lost"),
	} {
		if got := closedEarly(err); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

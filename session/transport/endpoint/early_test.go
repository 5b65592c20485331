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
	got := closedEarly(h3(true, transport.WireCode(6)))
	if got == nil || *got != (transport.ConnError{Code: 6, Reason: "bad token", Remote: true}) {
		t.Errorf("a close by the server: %+v", got)
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

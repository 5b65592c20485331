package webtransport

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/moqrx/moqrx/session/transport"
)

// capsuleClose is WT_CLOSE_SESSION: a code of four bytes, then the reason (draft-ietf-webtrans-http3-15, section 6).
// Another that peers send is WT_DRAIN_SESSION, 0x78ae: it asks for what the goaway of a MoQ session asks for, and is
// skipped like those of flow control, which is not negotiated.
const capsuleClose http3.CapsuleType = 0x2843

// maxReason is the largest reason of a close, in bytes.
const maxReason = 1024

// readClose reads capsules up to the one that closes the session. io.EOF is the end of the stream without one.
func readClose(r io.Reader) (*transport.ConnError, error) {
	for capsules := http3.NewCapsuleParser(r); ; {
		kind, value, err := capsules.Next()
		if err != nil {
			return nil, err
		}
		if kind != capsuleClose {
			if err := value.Discard(); err != nil {
				return nil, err
			}
			continue
		}
		size := value.Remaining()
		if size < 4 || size > 4+maxReason {
			return nil, fmt.Errorf("the close of a session has %d bytes", size)
		}
		b := make([]byte, size)
		if _, err := io.ReadFull(value, b); err != nil {
			return nil, err
		}
		return &transport.ConnError{Code: uint64(binary.BigEndian.Uint32(b)), Reason: string(b[4:]), Remote: true}, nil
	}
}

func appendClose(b []byte, code uint32, reason string) []byte {
	b = quicvarint.Append(b, uint64(capsuleClose))
	b = quicvarint.Append(b, uint64(4+len(reason)))
	return append(binary.BigEndian.AppendUint32(b, code), reason...)
}

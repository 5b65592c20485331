package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	quicgo "github.com/quic-go/quic-go"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// TestSessionEndsAlikeOnBothSides closes a session from either side, cleanly and with a code.
func TestSessionEndsAlikeOnBothSides(t *testing.T) {
	everyWay(t, func(t *testing.T, w way) {
		ctx := testContext(t)
		r := startRelay(t)
		for _, c := range []struct {
			cause error
			want  model.Code // 0 is a clean end
		}{
			{nil, model.CodeCancel},
			{model.ErrUnauthorized, model.CodeUnauthorized},
			{&model.Error{Code: 64 + 404, Reason: "not in this house"}, 64 + 404},
		} {
			for _, closer := range []string{"client", "server"} {
				t.Run(fmt.Sprintf("%s, code %d", closer, c.want), func(t *testing.T) {
					near := r.dial(ctx, t, w)
					far := accepted(ctx, t, r)
					if closer == "server" {
						near, far = far, near
					}
					if err := near.CloseWithError(c.cause); err != nil {
						t.Fatal(err)
					}
					wantEnd(ctx, t, near, c.want, false)
					wantEnd(ctx, t, far, c.want, true)
				})
			}
		}
	})
}

func accepted(ctx context.Context, t *testing.T, r *relay) *session.Session {
	t.Helper()
	select {
	case s := <-r.sessions:
		return s
	case <-ctx.Done():
		t.Fatal("the server accepts no session")
		return nil
	}
}

func wantEnd(ctx context.Context, t *testing.T, s *session.Session, code model.Code, remote bool) {
	t.Helper()
	err := s.Wait(ctx)
	if code == 0 {
		if err != nil || !errors.Is(s.Err(), io.EOF) {
			t.Errorf("remote %v: the session ended with %v and %v, want a clean end", remote, err, s.Err())
		}
		return
	}
	var end *session.Error
	if !errors.As(err, &end) || end.Code != code || end.Remote != remote {
		t.Errorf("the session ended with %v, want code %d, remote %v", err, code, remote)
	}
}

// TestRefusedSession is refused by the server before it starts.
func TestRefusedSession(t *testing.T) {
	everyWay(t, func(t *testing.T, w way) {
		ctx := testContext(t)
		listener, err := session.Listen("127.0.0.1:0", session.WithVersions(versions))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		done := make(chan error, 1)
		go func() {
			request, err := listener.Accept(ctx)
			if err == nil {
				err = request.Reject(model.ErrUnauthorized)
			}
			done <- err
		}()
		r := &relay{listener: listener}
		s, err := session.Dial(ctx, w.scheme+"://"+r.address()+"/",
			session.WithVersions(session.Versions{w.version}),
			session.WithFingerprint(listener.CertificateSHA256()),
		)
		if err == nil {
			defer func() { _ = s.Close() }()
			err = s.Wait(ctx) // a client does not wait to be accepted
		}
		var end *session.Error
		if !errors.As(err, &end) || end.Code != model.CodeUnauthorized || !end.Remote {
			t.Errorf("the session ended with %v, want code %d from the peer", err, model.CodeUnauthorized)
		}
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
	})
}

// TestVersionsWithoutOverlap connects ends that share no version.
func TestVersionsWithoutOverlap(t *testing.T) {
	ctx := testContext(t)
	listener, err := session.Listen("127.0.0.1:0", session.WithVersions(session.Versions{session.MoqLite05}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	r := &relay{listener: listener}
	for _, scheme := range []string{webTransport, rawQUIC} {
		s, err := session.Dial(ctx, scheme+"://"+r.address()+"/",
			session.WithVersions(session.Versions{session.MoqLite04}),
			session.WithFingerprint(listener.CertificateSHA256()),
		)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: connected with version %v", scheme, s.Version())
		} else if ctx.Err() != nil {
			t.Errorf("%s: the failure came only with the timeout: %v", scheme, err)
		}
	}
}

// TestStreamCodesOnRawQUIC looks at the numbers in the QUIC frames, which deployed peers map
// into the range of WebTransport.
func TestStreamCodesOnRawQUIC(t *testing.T) {
	ctx := testContext(t)
	r := startRelay(t)
	q := r.dialQUIC(ctx, t, way{session.MoqLite04, rawQUIC})
	s, err := q.OpenStreamSync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(join(varint(0x02), subscribeTo(0, "no/such/room", name))); err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, s)
	const unroutable = 0x52e4a40fa8fa // 30 in that range
	var end *quicgo.StreamError
	if !errors.As(err, &end) || end.ErrorCode != unroutable {
		t.Errorf("the stream ended with %v, want code %#x", err, uint64(unroutable))
	}
}

package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// What a publisher gives content up with has the code that model.CodeOf finds for it, also when it is
// an error of the application's own. It is no failure of the connection.
func TestReadersHearWhatContentWasGivenUpWith(t *testing.T) {
	for cause, code := range map[error]model.Code{
		errors.New("the encoder broke"):                 model.AppCode(0),
		context.DeadlineExceeded:                        model.CodeTimeout,
		fmt.Errorf("source: %w", context.Canceled):      model.CodeCancel,
		model.ErrEvicted:                                model.CodeEvicted,
		&session.Error{Code: model.CodeNotFound}:        model.CodeNotFound,
		fmt.Errorf("x: %w", &model.Error{Code: 64 + 7}): model.AppCode(7),
	} {
		t.Run(cause.Error(), func(t *testing.T) {
			forEachVersion(t, func(t *testing.T, v session.Version) {
				near, far := model.NewOrigin(), model.NewOrigin()
				alice, track := publish(t, near, "alice", "video")
				connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
				reader := subscribe(t, far, "alice", "video", model.Subscription{})
				synctest.Wait()
				g := get[*model.GroupProducer](t)(track.AppendGroup())
				must(t, g.WriteFrame(model.Frame{Payload: []byte("first")}))
				read := get[*model.GroupConsumer](t)(reader.RecvGroup(t.Context()))
				defer read.Close()
				_ = get[model.Frame](t)(read.ReadFrame(t.Context()))

				g.Abort(cause)
				_, err := read.ReadFrame(t.Context())
				wantErr(t, "the group", err, &model.Error{Code: code})
				track.Abort(cause)
				_, err = reader.RecvGroup(t.Context())
				wantErr(t, "the track", err, &model.Error{Code: code})

				requests := alice.Dynamic()
				defer requests.Close()
				go func() {
					if req, err := requests.RequestedTrack(t.Context()); err == nil {
						req.Reject(cause)
					}
				}()
				wantErr(t, "a track that is refused", refused(t, far, "alice", "audio"), &model.Error{Code: code})
			})
		})
	}
}

func TestFetchersHearWhatAGroupWasRefusedWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "alice", "video")
		group(t, track, "zero")
		requests := track.Dynamic()
		defer requests.Close()
		connect(t, session.MoqLite05, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		reader := subscribe(t, far, "alice", "video", model.Subscription{})
		wantGroup(t, reader, 0, "zero")
		go func() {
			if req, err := requests.RequestedGroup(t.Context()); err == nil {
				req.Reject(errors.New("the disk is full"))
			}
		}()
		_, err := reader.FetchGroup(t.Context(), 7, 0)
		wantErr(t, "the fetch", err, &model.Error{Code: model.AppCode(0)})
	})
}

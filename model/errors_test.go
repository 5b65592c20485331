package model_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/moqrx/moqrx/gen/moqt"
	"github.com/moqrx/moqrx/model"
)

func TestErrorCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code model.Code
	}{
		{nil, 0},
		{io.EOF, 0},
		{context.Canceled, 0},
		{context.DeadlineExceeded, 3},
		{io.ErrUnexpectedEOF, 5},
		{errors.New("the encoder broke"), 64},
		{model.ErrCancel, 0},
		{model.ErrVersion, 9},
		{model.ErrUnknownALPN, 21},
		{model.ErrLagged, 26},
		{model.ErrUnroutable, 30},
		{&model.Error{Code: model.CodeEvicted}, 31},
		{&model.Error{Code: model.AppCode(0)}, 64},
		{&model.Error{Code: model.AppCode(404)}, 468},
		{model.RemoteError(468), 468},
		{fmt.Errorf("track %q: %w", "a", model.ErrNotFound), 13},
		{fmt.Errorf("%w, after %w", model.ErrNotFound, context.Canceled), 13},
		{errors.Join(io.EOF, model.ErrWrongSize), 14},
	} {
		want(t, fmt.Sprint(c.err), model.CodeOf(c.err), c.code)
	}
}

func TestCodesArePinned(t *testing.T) {
	t.Run("16.22/383 each code keeps its number, which means something else in moq-transport", func(t *testing.T) {
		for want, e := range map[model.Code]*model.Error{
			0: model.ErrCancel, 2: model.ErrOld, 3: model.ErrTimeout, 4: model.ErrTransport, 5: model.ErrDecode, 6: model.ErrUnauthorized,
			9: model.ErrVersion, 10: model.ErrUnexpectedStream, 11: model.ErrBoundsExceeded, 12: model.ErrDuplicate, 13: model.ErrNotFound,
			14: model.ErrWrongSize, 15: model.ErrProtocolViolation, 16: model.ErrUnexpectedMessage, 17: model.ErrUnsupported, 18: model.ErrEncode,
			20: model.ErrInvalidRole, 21: model.ErrUnknownALPN, 24: model.ErrDropped, 25: model.ErrClosed, 26: model.ErrLagged,
			27: model.ErrFrameTooLarge, 29: model.ErrTimestampMismatch, 30: model.ErrUnroutable, 31: model.ErrEvicted,
		} {
			if model.CodeOf(e) != want || model.RemoteError(uint64(want)).Code != want {
				t.Errorf("%v has code %d, want %d", e, model.CodeOf(e), want)
			}
		}
		for code, want := range map[model.Code]model.Code{
			model.CodeRequiredExtension: 1, model.CodeTooManyParameters: 19, model.AppCode(0): 64, model.AppCode(404): 468, model.AppCode(65535): 65599,
		} {
			if code != want {
				t.Errorf("%v is %d, want %d", code, uint32(code), uint32(want))
			}
		}
		if uint64(model.CodeCancel) == uint64(moqt.StreamResetCodeCancelled) || uint64(model.CodeCancel) != uint64(moqt.StreamResetCodeInternalError) {
			t.Error("0 cancels here and is an internal error in moq-transport")
		}
	})
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]error{
		"timeout":                            model.ErrTimeout,
		"unauthorized: no token":             &model.Error{Code: 6, Reason: "no token"},
		"remote error: not found (code 13)":  model.RemoteError(13),
		"remote error: app code=3 (code 67)": model.RemoteError(67),
		"code=8":                             &model.Error{Code: 8},
		"code=99999":                         &model.Error{Code: 99999},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestErrorIs(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		target error
		is     bool
	}{
		{"a code sent by the peer", model.RemoteError(13), model.ErrNotFound, true},
		{"0 from the peer is a cancel", model.RemoteError(0), model.ErrCancel, true},
		{"another code", model.RemoteError(13), model.ErrCancel, false},
		{"a named error is its code", model.ErrLoop, model.ErrProtocolViolation, true},
		{"a code is not every named error of it", model.ErrProtocolViolation, model.ErrLoop, false},
		{"another kind of error", model.ErrCancel, io.EOF, false},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, "errors.Is", errors.Is(c.err, c.target), c.is) })
	}
	var e *model.Error
	want(t, "errors.As", errors.As(fmt.Errorf("x: %w", model.RemoteError(1<<40)), &e), true)
	want(t, "remote", e.Remote, true)
	want(t, "beyond 32 bits", e.Code, 1<<32-1)
}

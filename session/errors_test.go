package session_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// A relay refuses a client, or gives a track up, for the reason that its own session ended.
func TestTheErrorOfASessionHasACode(t *testing.T) {
	refused := &session.Error{Code: model.AppCode(404), Reason: "no such room", Remote: true}
	err := fmt.Errorf("upstream: %w", refused)
	if got := model.CodeOf(err); got != refused.Code {
		t.Errorf("CodeOf is %v, want %v", got, refused.Code)
	}
	var known *model.Error
	if !errors.As(err, &known) || *known != (model.Error{Code: refused.Code, Reason: refused.Reason, Remote: true}) {
		t.Errorf("as an error of the model: %+v", known)
	}
	violation := &session.Error{Code: model.CodeProtocolViolation, Reason: "SETUP twice"}
	for _, c := range []struct {
		target error
		is     bool
	}{
		{model.ErrProtocolViolation, true},
		{model.ErrNotFound, false},
		{model.ErrLoop, false}, // which is one violation of many
		{&session.Error{Code: model.CodeProtocolViolation}, true},
		{&session.Error{Code: model.CodeNotFound}, false},
	} {
		if errors.Is(violation, c.target) != c.is {
			t.Errorf("%v is %v: %v", violation, c.target, !c.is)
		}
	}
}

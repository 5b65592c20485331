package quic_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/session/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) { transporttest.Run(t, transporttest.Network("moqt")) }

package transporttest_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
	"github.com/moqrx/moqrx/session/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuiteRunsOverMemory(t *testing.T) {
	transporttest.Run(t, func(_ *testing.T, maxUni int) (client, server transport.Conn) {
		return memory.Config{Protocol: "moq-lite-05", MaxUniStreams: maxUni}.Pair()
	})
}

package memory_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
	"github.com/moqrx/moqrx/session/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	transporttest.Run(t, func(_ *testing.T, maxUni int) (client, server transport.Conn) {
		return memory.Config{Protocol: "moq-lite-05", MaxUniStreams: maxUni}.Pair()
	})
}

func TestConformanceWithSeeds(t *testing.T) {
	transporttest.Seeds(t, 25, func(t *testing.T, seed uint64) {
		transporttest.RunInBubbles(t, func(_ *testing.T, maxUni int) (client, server transport.Conn) {
			return memory.Config{Protocol: "moq-lite-05", MaxUniStreams: maxUni, Seed: seed}.Pair()
		})
	})
}

func TestWriteBlocksAtTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := memory.Config{Window: 10}.Pair()
		s, err := client.OpenUni(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done := false
		go func() {
			if _, err := io.WriteString(s, "0123456789abcde"); err != nil {
				t.Error(err)
			}
			done = true
		}()
		synctest.Wait()
		if done {
			t.Fatal("15 bytes went into a window of 10")
		}
		r, err := server.AcceptUni(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n, err := r.Read(make([]byte, 5)); n != 5 || err != nil {
			t.Fatalf("Read: %d, %v", n, err)
		}
		synctest.Wait()
		if !done {
			t.Fatal("the write is still blocked after 5 bytes were read")
		}
	})
}

func TestStreamsShareTheWindowOfTheConnection(t *testing.T) {
	for name, free := range map[string]func(s transport.SendStream, r transport.ReceiveStream){
		"read":    func(_ transport.SendStream, r transport.ReceiveStream) { _, _ = r.Read(make([]byte, 30)) },
		"reset":   func(s transport.SendStream, _ transport.ReceiveStream) { s.Reset(0) },
		"stopped": func(_ transport.SendStream, r transport.ReceiveStream) { r.Stop(0) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := memory.Config{Window: 80, ConnWindow: 100}.Pair()
				var streams [3]transport.SendStream
				var written [3]int
				for i := range streams {
					s, err := client.OpenUni(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					streams[i] = s
					go func() {
						n, _ := s.Write(make([]byte, 60))
						written[i] = n
					}()
					synctest.Wait() // they come one after the other
				}
				if written != [3]int{60, 0, 0} {
					t.Fatalf("written %v of 60 each into 100", written)
				}
				r, err := server.AcceptUni(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				free(streams[0], r)
				synctest.Wait()
				if written != [3]int{60, 60, 0} { // first come, first served
					t.Errorf("written %v", written)
				}
				_ = client.CloseWithError(0, "")
				synctest.Wait()
			})
		})
	}
}

func TestStreamIsUnknownBeforeItsFirstByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := memory.Pair("moq-lite-05")
		accepted := false
		go func() {
			if _, err := server.AcceptBidi(t.Context()); err == nil {
				accepted = true
			}
		}()
		s, err := client.OpenBidi(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if accepted {
			t.Error("the peer knows a stream that carried nothing")
		}
		if _, err := s.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !accepted {
			t.Error("the peer does not know a stream that carried a byte")
		}
	})
}

func TestBidiPlaceComesBackWhenThePeerHasFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := memory.Config{MaxBidiStreams: 1}.Pair()
		first, err := client.OpenBidi(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		second := errors.New("still waiting")
		go func() { _, second = client.OpenBidi(t.Context()) }()
		first.Reset(0)
		first.Stop(0)
		theirs, err := server.AcceptBidi(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := theirs.Read(make([]byte, 1)); err == nil {
			t.Fatal("read from a stream that was reset")
		}
		synctest.Wait()
		if second == nil {
			t.Fatal("a second stream was opened while the peer still holds half of the first")
		}
		theirs.Reset(0)
		synctest.Wait()
		if second != nil {
			t.Errorf("the second stream: %v", second)
		}
	})
}

func TestDatagramsBeyondTheQueueAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := memory.Pair("")
		for i := range byte(100) {
			if err := client.SendDatagram([]byte{i}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		got := 0
		go func() {
			for {
				if _, err := server.ReceiveDatagram(ctx); err != nil {
					return
				}
				got++
			}
		}()
		synctest.Wait()
		cancel()
		if got == 0 || got == 100 {
			t.Errorf("%d datagrams arrived", got)
		}
	})
}

func ExamplePair() {
	ctx := context.Background()
	client, server := memory.Pair("moq-lite-05")
	defer func() { _ = client.CloseWithError(0, "done") }()

	s, err := client.OpenUni(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.WriteString(s, "hello")
	_ = s.Close()

	r, err := server.AcceptUni(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := io.ReadAll(r)
	fmt.Println(string(data), err)
	// Output: hello <nil>
}

func ExampleConfig_Pair() {
	config := memory.Config{Protocol: "moq-lite-05", Seed: 17, Delay: time.Millisecond}
	client, server := config.Pair()
	defer func() { <-server.Closed() }()
	defer func() { _ = client.CloseWithError(0, "done") }()
	ctx := context.Background()
	for range 3 { // they may arrive in any order
		s, err := client.OpenUni(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		_, _ = io.WriteString(s, "hello")
		_ = s.Close()
	}
	for range 3 {
		r, err := server.AcceptUni(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		data, err := io.ReadAll(r)
		fmt.Println(string(data), err)
	}
	// Output:
	// hello <nil>
	// hello <nil>
	// hello <nil>
}

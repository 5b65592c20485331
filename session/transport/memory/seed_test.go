package memory_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/session/transport"
	"github.com/moqrx/moqrx/session/transport/memory"
)

// trace tells what a server notices, and when, of a client that does everything at once.
func trace(t *testing.T, config memory.Config) (told string) {
	synctest.Test(t, func(t *testing.T) {
		client, server := config.Pair()
		began := time.Now()
		events := make(chan string, 1000)
		note := func(format string, args ...any) {
			events <- fmt.Sprintf("%v %s\n", time.Since(began), fmt.Sprintf(format, args...))
		}
		go func() {
			for {
				r, err := server.AcceptUni(t.Context())
				if err != nil {
					return
				}
				note("stream %d", r.ID())
				go func() {
					data, err := io.ReadAll(r)
					note("stream %d: %s, %v", r.ID(), data, err)
				}()
			}
		}()
		go func() {
			for {
				p, err := server.ReceiveDatagram(t.Context())
				if err != nil {
					return
				}
				note("datagram %s", p)
			}
		}()
		for i := range 10 {
			s, err := client.OpenUni(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = fmt.Fprintf(s, "one %d, ", i)
			_, _ = fmt.Fprintf(s, "two %d", i)
			if i%3 == 0 {
				s.Reset(uint64(i))
			} else if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := client.SendDatagram([]byte{'0' + byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(config.Delay + time.Millisecond)
		_ = client.CloseWithError(0, "")
		<-server.Context().Done()
		note("closed")
		synctest.Wait()
		close(events)
		for e := range events {
			told += e
		}
	})
	return told
}

func TestASeedIsAnOrder(t *testing.T) {
	config := memory.Config{Delay: 5 * time.Millisecond}
	inOrder := trace(t, config)
	if !strings.HasPrefix(inOrder, "0s") || strings.Count(inOrder, "datagram") != 10 {
		t.Errorf("without a seed:\n%s", inOrder)
	}
	seen := make(map[string]uint64)
	for seed := range uint64(20) {
		config.Seed = seed + 1
		told := trace(t, config)
		if again := trace(t, config); again != told {
			t.Errorf("seed %d:\n%s\nand again:\n%s", config.Seed, told, again)
		}
		if other, twice := seen[told]; twice {
			t.Errorf("seeds %d and %d tell the same", other, config.Seed)
		}
		seen[told] = config.Seed
		for i := range 10 { // what was written in order arrives in order, and what ended well is whole
			whole := fmt.Sprintf("stream %d: one %d, two %d, <nil>\n", 2+4*i, i, i)
			if i%3 != 0 && !strings.Contains(told, whole) {
				t.Errorf("seed %d: no %q in\n%s", config.Seed, whole, told)
			}
		}
	}
}

func TestResetMayOvertakeData(t *testing.T) {
	before, after := 0, 0
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			client, server := memory.Config{Seed: seed + 1}.Pair()
			s, err := client.OpenUni(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = s.Write([]byte("x"))
			s.Reset(7)
			r, err := server.AcceptUni(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			n, err := r.Read(make([]byte, 1))
			var reset *transport.StreamError
			switch {
			case n == 1 && err == nil:
				after++
			case errors.As(err, &reset) && reset.Code == 7 && reset.Remote:
				before++
			default:
				t.Errorf("read %d, %v", n, err)
			}
		})
	}
	if before == 0 || after == 0 {
		t.Errorf("the reset came %d times before the data and %d times after", before, after)
	}
}

func TestShareOfDatagramsIsLost(t *testing.T) {
	for _, c := range []struct {
		loss      float64
		low, high int
	}{{0, 1000, 1000}, {0.3, 600, 800}, {1, 0, 0}} {
		synctest.Test(t, func(t *testing.T) {
			client, server := memory.Config{DatagramLoss: c.loss}.Pair()
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
			for range 1000 {
				if err := client.SendDatagram([]byte("x")); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			cancel()
			synctest.Wait()
			if got < c.low || got > c.high {
				t.Errorf("%d of 1000 arrived with a loss of %v", got, c.loss)
			}
		})
	}
}

func TestNothingIsUnderWayForLongerThanTheDelay(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			const delay = time.Second
			client, server := memory.Config{Seed: seed + 1, Delay: delay}.Pair()
			began := time.Now()
			s, err := client.OpenUni(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(s, strings.Repeat("x", 10_000))
			_ = s.Close()
			r, err := server.AcceptUni(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.ReadAll(r)
			if took := time.Since(began); took == 0 || took > delay+time.Millisecond {
				t.Errorf("seed %d: it took %v", seed+1, took)
			}
		})
	}
}

func TestTheOtherEndHearsOfTheCloseLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := memory.Config{Seed: 1}.Pair()
		_ = client.CloseWithError(3, "bye")
		if client.Context().Err() == nil || server.Context().Err() != nil {
			t.Error("not only this end has ended")
		}
		select {
		case <-client.Closed():
			t.Error("the close is over before it has arrived")
		default:
		}
		<-client.Closed()
		var e *transport.ConnError
		if !errors.As(context.Cause(server.Context()), &e) || !e.Remote || e.Code != 3 {
			t.Errorf("the other end has ended with %v", context.Cause(server.Context()))
		}
	})
}

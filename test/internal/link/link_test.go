package link

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moqrx/moqrx/test/internal/moqtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// path returns a client, a server that reads, and the link between them.
func path(t *testing.T, c Config) (client, server *net.UDPConn, l *Link) {
	t.Helper()
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	moqtest.Must(t, err)
	t.Cleanup(func() { moqtest.Must(t, server.Close()) })
	moqtest.Must(t, server.SetReadDeadline(time.Now().Add(10*time.Second)))
	l, err = New(server.LocalAddr(), c)
	moqtest.Must(t, err)
	t.Cleanup(func() { moqtest.Must(t, l.Close()) })
	client, err = net.DialUDP("udp4", nil, l.Addr().(*net.UDPAddr))
	moqtest.Must(t, err)
	t.Cleanup(func() { moqtest.Must(t, client.Close()) })
	moqtest.Must(t, client.SetReadDeadline(time.Now().Add(10*time.Second)))
	return client, server, l
}

func TestDatagramsPassBothWaysInOrderAndInTime(t *testing.T) {
	const delay = 20 * time.Millisecond
	client, server, l := path(t, Config{Bandwidth: 8_000_000, Delay: delay, Queue: 1 << 20})
	began := time.Now()
	const n = 100
	for i := range n {
		_, err := client.Write(binary.BigEndian.AppendUint32(make([]byte, 968), uint32(i)))
		moqtest.Must(t, err)
	}
	buf := make([]byte, 2000)
	var from *net.UDPAddr
	for i := range n {
		size, addr, err := server.ReadFromUDP(buf)
		moqtest.Must(t, err)
		if i == 0 && time.Since(began) < delay {
			t.Errorf("the first one came after %v", time.Since(began))
		}
		if got := binary.BigEndian.Uint32(buf[size-4:]); got != uint32(i) {
			t.Fatalf("datagram %d came in place %d", got, i)
		}
		from = addr
	}
	if took := time.Since(began); took < n*time.Millisecond+delay { // 1000 bytes take 1 ms
		t.Errorf("%d kB at 1 MB/s took %v", n, took)
	}
	began = time.Now()
	_, err := server.WriteToUDP([]byte("back"), from)
	moqtest.Must(t, err)
	size, err := client.Read(buf)
	moqtest.Must(t, err)
	if string(buf[:size]) != "back" || time.Since(began) < delay {
		t.Errorf("%q came back after %v", buf[:size], time.Since(began))
	}
	if up, down := l.Up(), l.Down(); up.Passed != n || up.Bytes != n*1000 || down.Passed != 1 {
		t.Errorf("counted %+v up, %+v down", up, down)
	}
}

func TestCutPathIsMended(t *testing.T) {
	client, server, l := path(t, Config{})
	l.SetDown(true)
	_, err := client.Write([]byte("lost"))
	moqtest.Must(t, err)
	for l.Up().Lost == 0 {
		moqtest.Must(t, server.SetReadDeadline(time.Now().Add(time.Millisecond)))
		if _, err := server.Read(make([]byte, 10)); err == nil {
			t.Fatal("something came through a path that is cut")
		}
	}
	l.SetDown(false)
	moqtest.Must(t, server.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = client.Write([]byte("found"))
	moqtest.Must(t, err)
	buf := make([]byte, 10)
	n, err := server.Read(buf)
	moqtest.Must(t, err)
	if string(buf[:n]) != "found" {
		t.Errorf("%q came", buf[:n])
	}
}

func TestCloseIsRepeatable(t *testing.T) {
	client, _, l := path(t, Config{Delay: time.Hour})
	_, err := client.Write([]byte("under way for ever"))
	moqtest.Must(t, err)
	moqtest.Must(t, l.Close())
	moqtest.Must(t, l.Close())
}

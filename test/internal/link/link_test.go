package link

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// path returns a client, a server that reads, and the link between them.
func path(t *testing.T, c Config) (client, server *net.UDPConn, l *Link) {
	t.Helper()
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	must(t, server.SetReadDeadline(time.Now().Add(10*time.Second)))
	l, err = New(server.LocalAddr(), c)
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	client, err = net.DialUDP("udp4", nil, l.Addr().(*net.UDPAddr))
	must(t, err)
	t.Cleanup(func() { must(t, client.Close()) })
	must(t, client.SetReadDeadline(time.Now().Add(10*time.Second)))
	return client, server, l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDatagramsPassBothWaysInOrderAndInTime(t *testing.T) {
	const delay = 20 * time.Millisecond
	client, server, l := path(t, Config{Bandwidth: 8_000_000, Delay: delay, Queue: 1 << 20})
	began := time.Now()
	const n = 100
	for i := range n {
		_, err := client.Write(binary.BigEndian.AppendUint32(make([]byte, 968), uint32(i)))
		must(t, err)
	}
	buf := make([]byte, 2000)
	var from *net.UDPAddr
	for i := range n {
		size, addr, err := server.ReadFromUDP(buf)
		must(t, err)
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
	must(t, err)
	size, err := client.Read(buf)
	must(t, err)
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
	must(t, err)
	for l.Up().Lost == 0 {
		must(t, server.SetReadDeadline(time.Now().Add(time.Millisecond)))
		if _, err := server.Read(make([]byte, 10)); err == nil {
			t.Fatal("something came through a path that is cut")
		}
	}
	l.SetDown(false)
	must(t, server.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = client.Write([]byte("found"))
	must(t, err)
	buf := make([]byte, 10)
	n, err := server.Read(buf)
	must(t, err)
	if string(buf[:n]) != "found" {
		t.Errorf("%q came", buf[:n])
	}
}

func TestCloseIsRepeatable(t *testing.T) {
	client, _, l := path(t, Config{Delay: time.Hour})
	_, err := client.Write([]byte("under way for ever"))
	must(t, err)
	must(t, l.Close())
	must(t, l.Close())
}

package capfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxBody bounds one packet or block. Packets are far smaller; secrets of long captures can
// reach megabytes.
const maxBody = 16 << 20

// LinkType is the kind of frame that a packet starts with, as the LINKTYPE registry numbers it.
type LinkType uint16

// SecretsTLS is the secrets type of a TLS key log (pcapng, Decryption Secrets Block).
const SecretsTLS = 0x544c534b

// Record is one packet or one block of secrets. Exactly one of the two is set: Secrets is nil
// for a packet. The byte slices are valid until the next call of Next.
type Record struct {
	Time   time.Time // when the packet was captured; the zero time for secrets and for simple packets
	Link   LinkType  // how Data starts
	Data   []byte    // the packet as captured
	Length int       // bytes of the packet on the wire; above len(Data) when it was cut short

	SecretsType uint32 // SecretsTLS for a key log
	Secrets     []byte
}

// ErrNotCapture is the cause of errors about input that is no capture file at all.
var ErrNotCapture = errors.New("not a pcap or pcapng capture")

// ErrTruncated is the cause of errors about a file that ends inside a record. What came before
// is complete.
var ErrTruncated = errors.New("the capture ends inside a record")

// FormatError says where a capture file stops making sense. It unwraps to ErrNotCapture,
// ErrTruncated, or the error of the reader below.
type FormatError struct {
	Offset int64  // bytes into the file (uncompressed) at which the record starts
	What   string // what was wrong there
	Err    error  // the cause, or nil when the bytes contradict the format
}

func (e *FormatError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("byte %d: %s", e.Offset, e.What)
	}
	if e.What == "" {
		return fmt.Sprintf("byte %d: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("byte %d: %v: %s", e.Offset, e.Err, e.What)
}

func (e *FormatError) Unwrap() error { return e.Err }

// Reader reads the records of one capture.
type Reader struct {
	in    *bufio.Reader
	off   int64 // bytes taken from in
	start int64 // offset of the record being read
	buf   []byte
	next  func(*Record) error
	err   error // sticky
}

// NewReader looks at the first bytes of r, which may block on a pipe, and returns a reader for
// what they announce. It fails with a *FormatError that unwraps to ErrNotCapture when that is no
// capture, and with io.EOF wrapped in one when there are no bytes at all.
func NewReader(r io.Reader) (*Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(4)
	if len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return nil, &FormatError{Err: ErrNotCapture, What: "gzip header: " + err.Error()}
		}
		in = bufio.NewReaderSize(unzipped, 64<<10)
		head, err = in.Peek(4)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, &FormatError{Err: ErrNotCapture, What: "gzip: " + err.Error()}
		}
	}
	if len(head) < 4 {
		return nil, shortHead(head, err)
	}
	c := &Reader{in: in}
	if err := c.start4(head); err != nil {
		return nil, err
	}
	return c, nil
}

func shortHead(head []byte, err error) error {
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case len(head) == 0:
		return &FormatError{Err: ErrNotCapture, What: "it is empty"}
	}
	return &FormatError{Err: ErrNotCapture, What: fmt.Sprintf("it is %d bytes long", len(head))}
}

// start4 picks the format by the magic number.
func (r *Reader) start4(magic []byte) error {
	if binary.BigEndian.Uint32(magic) == blockSection {
		ng := &pcapng{r: r}
		r.next = ng.next
		return nil
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(magic) {
		case magicMicro:
			return r.startPcap(order, time.Microsecond)
		case magicNano:
			return r.startPcap(order, time.Nanosecond)
		}
	}
	return &FormatError{Err: ErrNotCapture, What: fmt.Sprintf("it starts with % x", bytes.Clone(magic))}
}

// Next returns the next record, or io.EOF at the clean end of the file. Any other error is a
// *FormatError, or an error of the reader below wrapped in one; the same error then comes again.
// It blocks while a pipe has no complete record.
func (r *Reader) Next() (Record, error) {
	if r.err != nil {
		return Record{}, r.err
	}
	var rec Record
	if err := r.next(&rec); err != nil {
		r.err = err
		return Record{}, err
	}
	return rec, nil
}

// fail makes the error of the record at hand.
func (r *Reader) fail(format string, args ...any) error {
	return &FormatError{Offset: r.start, What: fmt.Sprintf(format, args...)}
}

// header reads n bytes (n small) that open a record: an end of file before the first is clean.
func (r *Reader) header(n int) ([]byte, error) {
	r.start = r.off
	if _, err := r.in.Peek(1); errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	return r.read(n)
}

// read returns the next n bytes, in a buffer that grows with the bytes that arrive and not with n.
func (r *Reader) read(n int) ([]byte, error) {
	const step = 64 << 10
	r.buf = r.buf[:0]
	for len(r.buf) < n {
		part := min(n-len(r.buf), step)
		at := len(r.buf)
		if cap(r.buf) < at+part {
			r.buf = append(r.buf, make([]byte, part)...)
		}
		r.buf = r.buf[:at+part]
		got, err := io.ReadFull(r.in, r.buf[at:])
		r.off += int64(got)
		if err != nil {
			r.buf = r.buf[:at+got]
			return r.buf, r.readError(err, int64(n-len(r.buf)))
		}
	}
	return r.buf, nil
}

// skip passes over n bytes.
func (r *Reader) skip(n int64) error {
	got, err := io.CopyN(io.Discard, r.in, n)
	r.off += got
	if err != nil {
		return r.readError(err, n-got)
	}
	return nil
}

func (r *Reader) readError(err error, missing int64) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &FormatError{
			Offset: r.start, Err: ErrTruncated,
			What: fmt.Sprintf("%d bytes of it are there, at least %d more were announced", r.off-r.start, missing),
		}
	}
	return &FormatError{Offset: r.start, Err: err}
}

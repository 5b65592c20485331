package dump

import (
	"fmt"
	"io"
	"os"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/quicdec"
)

// Keys are the secrets of one or more captures: those that stand in the captures themselves and
// those of a key log beside them, which may still be growing.
type Keys struct {
	log   quicdec.KeyLog
	file  *os.File // nil without one, or when it does not grow
	empty bool     // nothing was in the key log yet
}

// OpenKeys reads a key log. An empty name gives keys that start empty.
func OpenKeys(name string) (*Keys, error) {
	k := &Keys{empty: true}
	if name == "" {
		return k, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("open %s: is a directory", name)
	}
	if err == nil {
		var n int64
		n, err = io.Copy(&k.log, f)
		k.empty = n == 0
	}
	k.log.Add(nil) // the last line may lack its end
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return k, err
	}
	k.file = f
	return k, nil
}

// Sessions is the number of TLS sessions with secrets so far.
func (k *Keys) Sessions() int { return k.log.Sessions() }

// Foreign reports whether the key log has something in it, but no secrets of QUIC.
func (k *Keys) Foreign() bool { return !k.empty && k.Sessions() == 0 }

// poll takes what was added to the key log and reports whether there was anything.
func (k *Keys) poll() bool {
	if k.file == nil {
		return false
	}
	n, err := io.Copy(&k.log, k.file)
	return n > 0 && err == nil
}

// Close closes the key log.
func (k *Keys) Close() error {
	if k.file == nil {
		return nil
	}
	return k.file.Close()
}

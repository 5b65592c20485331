package tree

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// seed is the bytes of one vector, under the name that the vector has for its message.
type seed struct {
	version, message string
	src              []byte
}

func seeds(t testing.TB) []seed {
	t.Helper()
	dir := os.Getenv("MOQRX_VECTORS")
	if dir == "" {
		dir = "../vectors/testdata"
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors in %s (%v)", dir, err)
	}
	var list []seed
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		scan := bufio.NewScanner(bytes.NewReader(data))
		scan.Buffer(nil, 64<<20)
		for scan.Scan() {
			var v struct {
				Version, Message, Hex string
				OpenerHex             string `json:"opener_hex"`
				AcceptorHex           string `json:"acceptor_hex"`
			}
			if json.Unmarshal(scan.Bytes(), &v) != nil {
				continue // chunks of sessions have numbers for names
			}
			for _, text := range []string{v.Hex, v.OpenerHex, v.AcceptorHex} {
				if src, err := hex.DecodeString(text); err == nil && len(src) > 0 {
					list = append(list, seed{v.Version, v.Message, src})
				}
			}
		}
	}
	return list
}

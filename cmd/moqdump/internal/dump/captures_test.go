package dump

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/render"
)

// TestExplainsEveryByteOfTheCaptures decodes all captures of the directory in MOQRX_CAPTURES, with the key logs
// beside them: nothing is wrong with them, nothing of them stays undecoded, and what the streams of
// objects add up to is what their objects have.
func TestExplainsEveryByteOfTheCaptures(t *testing.T) {
	dir := os.Getenv("MOQRX_CAPTURES")
	if dir == "" {
		t.Skip("SKIPPED: MOQRX_CAPTURES names no directory with captures")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.pcap*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no captures in", dir, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) { explain(t, name) })
	}
}

func explain(t *testing.T, name string) {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var opts Options
	if keyFile := strings.TrimSuffix(name, filepath.Ext(name)) + ".keys"; fileExists(keyFile) {
		if opts.Keys, err = OpenKeys(keyFile); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = opts.Keys.Close() }()
	}
	var b bytes.Buffer
	sum, err := Run(f, render.NewJSON(&b), opts)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Problems > 0 || len(sum.Lines()) != 1 || sum.Sessions == 0 {
		t.Error(strings.Join(sum.Lines(), "\n"))
	}
	objects, ended := map[string]float64{}, map[string]float64{}
	names := map[string]int{}
	for line := range strings.Lines(b.String()) {
		var e struct {
			Type, Name, Stream, Note string
			Fields                   map[string]any
			Problem                  json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		size, _ := e.Fields["bytes"].(float64)
		switch {
		case e.Note != "" || e.Problem != nil || e.Name == "STREAM":
			t.Error(strings.TrimSpace(line))
		case strings.HasSuffix(e.Name, "_OBJECT"):
			objects[e.Stream] += size
		case e.Name == "FIN":
			ended[e.Stream] += size
		}
		names[e.Name]++
	}
	for stream, n := range objects {
		if total, ok := ended[stream]; ok && total != n {
			t.Errorf("%s: objects of %v bytes, and the end says %v", stream, n, total)
		}
	}
	t.Logf("%s; %v", sum.Lines()[0], names)
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

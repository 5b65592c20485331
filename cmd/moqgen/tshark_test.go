package main

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pdml is the part of tshark's XML that is read here.
type pdml struct {
	Packets []struct {
		Protos []pdmlField `xml:"proto"`
	} `xml:"packet"`
}

type pdmlField struct {
	Name   string      `xml:"name,attr"`
	Show   string      `xml:"show,attr"`
	Title  string      `xml:"showname,attr"`
	Fields []pdmlField `xml:"field"`
}

// walk visits f and what is below it.
func (f *pdmlField) walk(visit func(f *pdmlField)) {
	visit(f)
	for i := range f.Fields {
		f.Fields[i].walk(visit)
	}
}

// tshark reads the messages of a capture with the dissector.
func tshark(t *testing.T, script, capture string, keys []string) []shown {
	t.Helper()
	args := []string{"-X", "lua_script:" + script, "-r", capture, "-Y", "moq", "-T", "pdml"}
	for _, k := range keys {
		args = append(args, "-o", "tls.keylog_file:"+k)
	}
	var doc pdml
	if err := xml.Unmarshal(runTshark(t, args...), &doc); err != nil {
		t.Fatal(err)
	}
	var all []shown
	for _, packet := range doc.Packets {
		session := 0
		for _, proto := range packet.Protos {
			proto.walk(func(f *pdmlField) {
				switch f.Name {
				case "quic.connection.number":
					if _, err := fmt.Sscan(f.Show, &session); err != nil {
						t.Error(err)
					}
				case "_ws.lua.error", "_ws.expert.message":
					if proto.Name != "udp" { // which has guesses about ports: those of traceroute are free for everybody
						t.Errorf("tshark says %s", f.Title)
					}
				case "moq.message":
					all = append(all, message(f, session+1))
				}
			})
		}
	}
	return all
}

func message(f *pdmlField, session int) shown {
	m := shown{session: session, stream: "dgram", name: f.Show, fields: map[string][]string{}}
	stream := ""
	f.walk(func(f *pdmlField) {
		key, _ := strings.CutPrefix(f.Name, "moq.")
		switch {
		case key == "message.stream":
			stream = f.Show
		case key == "message.opener":
			m.stream = fmt.Sprintf("stream %s opener %s", stream, f.Show)
		case f.Name == "" || strings.HasPrefix(key, "message"):
		default:
			value := f.Show
			if i := strings.LastIndex(f.Title, " ("); i > 0 && strings.HasSuffix(f.Title, ")") {
				value += f.Title[i:]
			}
			m.fields[key] = append(m.fields[key], value)
		}
	})
	return m
}

// writeDissector generates the dissector, with more behind it, for a test that has tshark.
func writeDissector(t *testing.T, more string) string {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("SKIPPED: there is no tshark on the PATH, so that the dissector is not tried at all")
	}
	var out, errs bytes.Buffer
	if code := run([]string{"lua", "../../spec/lite.moq", "../../spec/transport.moq"}, &out, &errs); code != 0 {
		t.Fatal(&errs)
	}
	file := filepath.Join(t.TempDir(), "moq.lua")
	save(t, file, out.String()+more)
	return file
}

func runTshark(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("tshark", args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || strings.Contains(errs.String(), ".lua") {
		t.Fatalf("tshark %v: %v\n%s", args, err, &errs)
	}
	return out
}

func unzip(t *testing.T, path string) string {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	r, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(path), ".gz"))
	save(t, out, string(data))
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

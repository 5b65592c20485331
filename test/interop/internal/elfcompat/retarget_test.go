package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNewSymbolsBecomeTheirOldTwins(t *testing.T) {
	file := object(t, []symbol{
		{"strtol", "GLIBC_2.2.5"},
		{"__isoc23_strtol", "GLIBC_2.38"},
		{"__isoc23_sscanf", "GLIBC_2.38"},
		{"dlopen", "GLIBC_2.34"},
	})
	name := filepath.Join(t.TempDir(), "a.node")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := patchFile(name); err != nil {
		t.Fatal(err)
	}
	patched, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// debug/elf reads the tables on its own, so it is the judge.
	want := []string{
		"strtol@GLIBC_2.2.5",
		"strtol@GLIBC_2.2.5",
		"sscanf@GLIBC_2.2.5",
		"dlopen@GLIBC_2.34",
	}
	if got := imports(t, patched); !slices.Equal(got, want) {
		t.Errorf("imports are %q, want %q", got, want)
	}
	if renamed, err := retarget(patched); err != nil || len(renamed) != 0 {
		t.Errorf("a second run renamed %q with error %v, want nothing", renamed, err)
	}
}

func TestFileThatReallyNeedsTheNewLibraryIsLeftAlone(t *testing.T) {
	file := object(t, []symbol{
		{"strtol", "GLIBC_2.2.5"},
		{"strlcpy", "GLIBC_2.38"},
	})
	before := bytes.Clone(file)
	_, err := retarget(file)
	if err == nil || !strings.Contains(err.Error(), "strlcpy") {
		t.Errorf("error is %v, want one that names strlcpy", err)
	}
	if !bytes.Equal(file, before) {
		t.Error("the file was changed")
	}
}

func TestFileThatNeedsNothingNewIsLeftAlone(t *testing.T) {
	file := object(t, []symbol{{"strtol", "GLIBC_2.2.5"}})
	before := bytes.Clone(file)
	if renamed, err := retarget(file); err != nil || renamed != nil {
		t.Errorf("renamed %q with error %v, want nothing", renamed, err)
	}
	if !bytes.Equal(file, before) {
		t.Error("the file was changed")
	}
}

func TestDamagedFilesAreErrors(t *testing.T) {
	file := object(t, []symbol{
		{"strtol", "GLIBC_2.2.5"},
		{"__isoc23_strtol", "GLIBC_2.38"},
	})
	for end := range file {
		if _, err := retarget(bytes.Clone(file[:end])); err == nil {
			t.Errorf("the first %d of %d bytes were accepted", end, len(file))
		}
	}
	for i := range file {
		damaged := bytes.Clone(file)
		damaged[i] ^= 0xff
		_, _ = retarget(damaged) // must not panic; some bytes do not matter
	}
}

type symbol struct{ name, version string }

func imports(t *testing.T, file []byte) []string {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	found, err := f.ImportedSymbols()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range found {
		if s.Library != library {
			t.Errorf("%s comes from %q", s.Name, s.Library)
		}
		names = append(names, s.Name+"@"+s.Version)
	}
	return names
}

// object makes a shared object that holds nothing but the tables of its imports.
func object(t *testing.T, symbols []symbol) []byte {
	t.Helper()
	text := []byte{0}
	intern := func(s string) uint32 {
		offset := len(text)
		text = append(append(text, s...), 0)
		return uint32(offset)
	}
	var dynsym, versym, verneed bytes.Buffer
	put := func(b *bytes.Buffer, v any) {
		if err := binary.Write(b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	put(&dynsym, elf.Sym64{})
	put(&versym, uint16(0))
	var versions []string
	for _, s := range symbols {
		if !slices.Contains(versions, s.version) {
			versions = append(versions, s.version)
		}
		put(&dynsym, elf.Sym64{Name: intern(s.name), Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC)})
		put(&versym, uint16(2+slices.Index(versions, s.version)))
	}
	put(&verneed, [2]uint16{1, uint16(len(versions))})
	put(&verneed, [3]uint32{intern(library), verneedSize, 0})
	for i, v := range versions {
		next := uint32(vernauxSize)
		if i == len(versions)-1 {
			next = 0
		}
		put(&verneed, hash(v))
		put(&verneed, [2]uint16{0, uint16(2 + i)})
		put(&verneed, [2]uint32{intern(v), next})
	}
	return link(t, text, dynsym.Bytes(), versym.Bytes(), verneed.Bytes())
}

// hash is the hash of symbol names in the System V ABI.
func hash(name string) uint32 {
	var h uint32
	for i := range len(name) {
		h = h<<4 + uint32(name[i])
		if top := h & 0xf0000000; top != 0 {
			h ^= top >> 24
			h &^= top
		}
	}
	return h
}

// link lays the sections out behind an ELF header, the section headers last.
func link(t *testing.T, dynstr, dynsym, versym, verneed []byte) []byte {
	t.Helper()
	sections := []struct {
		name       string
		kind       elf.SectionType
		body       []byte
		link, info uint32
	}{
		{name: ""},
		{".dynsym", elf.SHT_DYNSYM, dynsym, 2, 1},
		{".dynstr", elf.SHT_STRTAB, dynstr, 0, 0},
		{".gnu.version", elf.SHT_GNU_VERSYM, versym, 1, 0},
		{".gnu.version_r", elf.SHT_GNU_VERNEED, verneed, 2, 1},
		{".shstrtab", elf.SHT_STRTAB, nil, 0, 0},
	}
	names := []byte{}
	headers := make([]elf.Section64, len(sections))
	for i, s := range sections {
		headers[i] = elf.Section64{Name: uint32(len(names)), Type: uint32(s.kind), Link: s.link, Info: s.info}
		names = append(append(names, s.name...), 0)
	}
	sections[len(sections)-1].body = names
	offset := 64
	var body bytes.Buffer
	for i, s := range sections {
		headers[i].Off, headers[i].Size = uint64(offset+body.Len()), uint64(len(s.body))
		body.Write(s.body)
	}
	header := elf.Header64{
		Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: 64,
		Shoff: uint64(offset + body.Len()), Shentsize: 64, Shnum: uint16(len(sections)),
		Shstrndx: uint16(len(sections) - 1),
	}
	copy(header.Ident[:], []byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)})
	var file bytes.Buffer
	for _, part := range []any{header, body.Bytes(), headers} {
		if err := binary.Write(&file, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

const (
	library    = "libc.so.6"
	newVersion = "GLIBC_2.38"
	prefix     = "__isoc23_"
)

// oldVersions names the first glibc version of each platform, which every glibc provides.
var oldVersions = map[elf.Machine]string{
	elf.EM_X86_64:  "GLIBC_2.2.5",
	elf.EM_AARCH64: "GLIBC_2.17",
}

// Sizes and offsets in the version tables, which are the same for 32-bit and 64-bit files
// (Linux Standard Base Core 5.0, section 10.7).
const (
	verneedSize = 16
	vernauxSize = 16
	symbolSize  = 24 // Elf64_Sym
)

// record is one Elf_Vernaux: a version that the file needs of a library.
type record struct {
	offset int // of the record in the file
	index  uint16
	hash   uint32
	name   uint32
}

// tables are the parts of a shared object that say what it imports.
type tables struct {
	data     []byte
	symbols  section
	strings  section
	versions section
	records  map[string]record
}

type section struct{ offset, size int }

// retarget edits data in place and returns the symbols that it renamed, none when the file
// does not need the new version. On an error data is unchanged.
func retarget(data []byte) ([]string, error) {
	t, machine, err := load(data)
	if err != nil {
		return nil, err
	}
	from, ok := t.records[newVersion]
	if !ok {
		return nil, nil
	}
	oldVersion, ok := oldVersions[machine]
	if !ok {
		return nil, fmt.Errorf("machine %v: only x86-64 and arm64 are known", machine)
	}
	to, ok := t.records[oldVersion]
	if !ok {
		return nil, fmt.Errorf("no import of %s to take the version from", oldVersion)
	}
	users, err := t.symbolsOf(from.index)
	if err != nil {
		return nil, err
	}

	var names []string
	for _, user := range users {
		names = append(names, user.name)
		offset := t.symbols.offset + user.index*symbolSize
		binary.LittleEndian.PutUint32(data[offset:], user.nameOffset+uint32(len(prefix)))
	}
	binary.LittleEndian.PutUint32(data[from.offset:], to.hash)
	binary.LittleEndian.PutUint32(data[from.offset+8:], to.name)
	return names, nil
}

// user is a symbol that wants a version.
type user struct {
	index      int
	nameOffset uint32
	name       string
}

// symbolsOf lists the symbols that want the version of an index, and fails when one of them
// has no older twin.
func (t *tables) symbolsOf(version uint16) ([]user, error) {
	var found []user
	for i := range t.symbols.size / symbolSize {
		if t.version(i) != version {
			continue
		}
		nameOffset := binary.LittleEndian.Uint32(t.data[t.symbols.offset+i*symbolSize:])
		name, err := t.text(nameOffset)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(name, prefix) {
			return nil, fmt.Errorf("imports %s of %s, which has no older twin", name, newVersion)
		}
		found = append(found, user{i, nameOffset, name})
	}
	return found, nil
}

// version is the index of the version that a symbol wants, without the hidden bit.
func (t *tables) version(symbol int) uint16 {
	return binary.LittleEndian.Uint16(t.data[t.versions.offset+symbol*2:]) & 0x7fff
}

func (t *tables) text(offset uint32) (string, error) {
	if int64(offset) >= int64(t.strings.size) {
		return "", fmt.Errorf("string offset %d is outside .dynstr", offset)
	}
	rest := t.data[t.strings.offset+int(offset) : t.strings.offset+t.strings.size]
	end := bytes.IndexByte(rest, 0)
	if end < 0 {
		return "", errors.New(".dynstr does not end with a zero byte")
	}
	return string(rest[:end]), nil
}

// load finds the tables and checks that they lie inside the file.
func load(data []byte) (*tables, elf.Machine, error) {
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = file.Close() }()
	if file.Class != elf.ELFCLASS64 || file.ByteOrder != binary.LittleEndian {
		return nil, 0, fmt.Errorf("%v %v: only 64-bit little-endian files are known", file.Class, file.Data)
	}
	find := func(name string) (section, error) {
		s := file.Section(name)
		if s == nil {
			return section{}, fmt.Errorf("no section %s", name)
		}
		if s.Offset > uint64(len(data)) || s.FileSize > uint64(len(data))-s.Offset {
			return section{}, fmt.Errorf("section %s ends outside the file", name)
		}
		return section{int(s.Offset), int(s.FileSize)}, nil
	}
	t := &tables{data: data}
	needs, err1 := find(".gnu.version_r")
	var err2, err3, err4 error
	t.symbols, err2 = find(".dynsym")
	t.strings, err3 = find(".dynstr")
	t.versions, err4 = find(".gnu.version")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, 0, err
	}
	if t.versions.size/2 < t.symbols.size/symbolSize {
		return nil, 0, errors.New(".gnu.version is shorter than .dynsym")
	}
	t.records, err = t.readRecords(needs)
	return t, file.Machine, err
}

// readRecords walks the two-level list of .gnu.version_r and returns the versions that are
// needed of the C library.
func (t *tables) readRecords(needs section) (map[string]record, error) {
	records := map[string]record{}
	at := func(offset, size int) ([]byte, error) {
		if offset < needs.offset || offset+size > needs.offset+needs.size {
			return nil, errors.New(".gnu.version_r points outside itself")
		}
		return t.data[offset : offset+size], nil
	}
	for need := needs.offset; ; {
		head, err := at(need, verneedSize)
		if err != nil {
			return nil, err
		}
		name, err := t.text(binary.LittleEndian.Uint32(head[4:]))
		if err != nil {
			return nil, err
		}
		aux := need + int(binary.LittleEndian.Uint32(head[8:]))
		for range binary.LittleEndian.Uint16(head[2:]) {
			body, err := at(aux, vernauxSize)
			if err != nil {
				return nil, err
			}
			r := record{
				offset: aux,
				hash:   binary.LittleEndian.Uint32(body),
				index:  binary.LittleEndian.Uint16(body[6:]),
				name:   binary.LittleEndian.Uint32(body[8:]),
			}
			version, err := t.text(r.name)
			if err != nil {
				return nil, err
			}
			if name == library {
				records[version] = r
			}
			aux += int(binary.LittleEndian.Uint32(body[12:]))
		}
		next := int(binary.LittleEndian.Uint32(head[12:]))
		if next == 0 {
			return records, nil
		}
		need += next
	}
}

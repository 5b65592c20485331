// Command elfcompat lets a prebuilt shared object that was linked against a newer glibc load
// on an older one.
//
// The WebTransport peer of the interop suite ships a binary that was linked where glibc is
// 2.38. It needs two functions of that version, __isoc23_strtol and __isoc23_sscanf: the C23
// forms of strtol and sscanf, which differ only in that they also read binary literals
// ("0b101"). Debian 12 has glibc 2.36, so its loader refuses the file, although everything
// else that the file needs is there.
//
// elfcompat makes the file ask for the plain functions of the platform's first glibc version
// instead. Three tables of the dynamic section say what a shared object imports, and no byte
// moves in any of them:
//
//   - .dynsym names the symbol by an offset into .dynstr. "strtol" is the tail of
//     "__isoc23_strtol", so the offset grows by the length of the prefix.
//   - .gnu.version gives each symbol the index of a required version. It stays.
//   - .gnu.version_r says which version that index is. The record of GLIBC_2.38 takes over
//     name and hash from the record of the first version.
//
// A file that imports anything else of GLIBC_2.38 is left alone with an error: then the file
// really needs the newer glibc. A file that does not need GLIBC_2.38 is left alone silently.
//
// Usage: elfcompat FILE (edited in place; work on a copy).
//
// Limitations: 64-bit little-endian files for x86-64 and arm64.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: elfcompat FILE")
		os.Exit(2)
	}
	if err := patchFile(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "elfcompat:", err)
		os.Exit(1)
	}
}

func patchFile(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	renamed, err := retarget(data)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(renamed) == 0 {
		return nil
	}
	if err := os.WriteFile(name, data, 0o755); err != nil {
		return err
	}
	for _, symbol := range renamed {
		fmt.Println("renamed", symbol)
	}
	return nil
}

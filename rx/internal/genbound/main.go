// Genbound writes the methods of rx's bound Observable that do nothing but name an operator of
// rxgo: the interface has 75 methods, and each of those would be the same few lines.
//
// The methods come from the interface as it is compiled in, so a new rxgo shows up as a diff.
// A method that rx writes by hand is on the list in generate.go, and rx does not compile when
// that list and the package disagree.
//
// Usage: genbound -o FILE
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "", "`file` to write")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	src, err := generate()
	if err == nil {
		err = os.WriteFile(*out, src, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "genbound:", err)
		os.Exit(1)
	}
}

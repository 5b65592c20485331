// Command moqgen generates Go codecs from a spec file.
//
//	moqgen spec/lite.moq                     # print the files, separated by -- NAME -- lines
//	moqgen -w -o gen/lite spec/lite.moq      # write them
//	moqgen -check -o gen/lite spec/lite.moq  # compare: exit code 1 and a diff when they differ
//
// Mistakes in a spec are reported as a compiler does, file:line:column: message, all that can
// be told at once. The exit code is 0, 1 when something is wrong with the spec, the files or
// their content, and 2 when it is the command line.
//
// # Limitations
//
// One spec at a time. With -w, generated files of the same spec that are no longer needed are
// removed from the directory; everything else in it stays as it is.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

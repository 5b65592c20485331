// Command moqgen generates Go codecs and documents from spec files.
//
//	moqgen spec/lite.moq      # print the files, each behind a line -- NAME --
//	moqgen -w spec/lite.moq   # write them to gen/lite
//	moqgen -check             # compare those of all specs in spec/ with what is there
//	moqgen docs -w            # write Markdown pages of all versions to docs
//	moqgen docs -diff 19 20   # print what changed between two versions
//	moqgen json               # print the checked specs for other tools
//	moqgen lua > moq.lua      # print a Wireshark dissector for sessions over raw QUIC
//
// Mistakes in a spec are reported as a compiler does, file:line:column: message, all that can
// be told at once. -check prints a diff. The exit code is 0, 1 when something is wrong with a
// spec, the files or their content, and 2 when it is the command line.
//
// # Limitations
//
// With -w, generated files of the same spec that are no longer needed are removed from the
// directory; everything else in it stays as it is.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// Package cli is the command line of moqdump: flags, files, output, exit codes.
//
// Main runs it and returns the exit code: 0, 1 when an input cannot be read or is no capture, 2 when
// the command line is wrong. What was decoded goes to standard output, the summary and every
// complaint to standard error, each complaint as one line.
//
// Limitations: single-dash long flags (-for 3s) are accepted for flags of more than one letter only.
package cli

// Package hostile holds peers that break rules, or strain what the rules permit, against a server
// with two well-behaved sessions: those must notice nothing, the memory must stay within a bound, and
// the offender must get the code that is due.
package hostile

// Package house keeps the rules that no single package can keep for itself: who may import
// whom, that every package says what it is for, and that what the README shows is true.
package house

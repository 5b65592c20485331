// Package dump runs a capture through all the layers of the decoder: file, link and IP, QUIC,
// HTTP/3, Media over QUIC, output.
//
// Run reads one capture to its end, or for as long as a pipe stays open, and returns a Summary that
// names everything that was not decoded.
//
// Limitations: one capture at a time; several vantage points of one connection are not merged.
package dump

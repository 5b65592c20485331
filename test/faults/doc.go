// Package faults breaks what sessions rest on, over real QUIC, and looks at what arrives and what stays
// behind.
package faults

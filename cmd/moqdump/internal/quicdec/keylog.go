package quicdec

import (
	"bytes"
	"encoding/hex"
)

// maxLine bounds a line of a key log. The longest label with a random and a secret of 48 bytes has
// about 200 characters.
const maxLine = 4096

// clientRandom names a TLS session in a key log.
type clientRandom [32]byte

func (r clientRandom) String() string { return hex.EncodeToString(r[:]) }

// secrets are the QUIC secrets of one TLS session. Each is nil until its line was read.
type secrets struct {
	early     []byte
	handshake [2][]byte // by Dir
	traffic   [2][]byte // by Dir
}

// KeyLog collects TLS secrets in the NSS key log format: lines of a label, a client random and a
// secret. It is an io.Writer so that a growing file can be copied into it piece by piece.
type KeyLog struct {
	sessions map[clientRandom]*secrets
	partial  []byte
}

// Write takes a piece of a key log. It keeps an incomplete last line for the next call, passes over
// lines that are not secrets of a QUIC session, and always succeeds.
func (k *KeyLog) Write(p []byte) (int, error) {
	n := len(p)
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			if len(k.partial)+len(p) <= maxLine {
				k.partial = append(k.partial, p...)
			}
			return n, nil
		}
		if len(k.partial) > 0 {
			k.line(append(k.partial, p[:min(end, maxLine)]...))
			k.partial = k.partial[:0]
		} else {
			k.line(p[:end])
		}
		p = p[end+1:]
	}
}

// Add takes a whole key log, such as a block of secrets in a capture, whose last line may lack
// its line end.
func (k *KeyLog) Add(p []byte) {
	_, _ = k.Write(p)
	_, _ = k.Write([]byte{'\n'})
}

// Sessions is the number of TLS sessions with secrets.
func (k *KeyLog) Sessions() int { return len(k.sessions) }

func (k *KeyLog) line(line []byte) {
	fields := bytes.Fields(line)
	if len(fields) != 3 {
		return
	}
	var random clientRandom
	if len(fields[1]) != 2*len(random) {
		return
	}
	if _, err := hex.Decode(random[:], fields[1]); err != nil {
		return
	}
	secret, err := hex.DecodeString(string(fields[2]))
	if err != nil || len(secret) == 0 || len(secret) > 64 {
		return
	}
	s := k.sessions[random]
	if s == nil {
		s = &secrets{}
	}
	switch string(fields[0]) {
	case "CLIENT_EARLY_TRAFFIC_SECRET":
		s.early = secret
	case "CLIENT_HANDSHAKE_TRAFFIC_SECRET":
		s.handshake[ClientToServer] = secret
	case "SERVER_HANDSHAKE_TRAFFIC_SECRET":
		s.handshake[ServerToClient] = secret
	case "CLIENT_TRAFFIC_SECRET_0":
		s.traffic[ClientToServer] = secret
	case "SERVER_TRAFFIC_SECRET_0":
		s.traffic[ServerToClient] = secret
	default:
		return
	}
	if k.sessions == nil {
		k.sessions = make(map[clientRandom]*secrets)
	}
	k.sessions[random] = s
}

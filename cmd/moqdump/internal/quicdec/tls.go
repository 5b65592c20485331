package quicdec

import (
	"crypto/sha256"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// TLS handshake messages and extensions that a decoder needs (RFC 8446).
const (
	tlsClientHello         = 1
	tlsServerHello         = 2
	tlsEncryptedExtensions = 8

	extServerName = 0
	extALPN       = 16
)

// maxHandshake bounds the handshake bytes kept per direction and level.
const maxHandshake = 64 << 10

// retryRandom marks a ServerHello as a HelloRetryRequest (RFC 8446 section 4.1.3).
var retryRandom = sha256.Sum256([]byte("HelloRetryRequest"))

// handshake puts the CRYPTO frames of one direction and level together.
type handshake struct {
	reassembler
	buf  []byte
	done bool // nothing of interest follows
}

// push adds a CRYPTO frame and calls message for every complete handshake message.
func (h *handshake) push(t time.Time, f *frame, message func(typ uint8, body []byte)) {
	if h.done || f.offset+uint64(len(f.data)) > maxHandshake {
		return
	}
	h.reassembler.push(t, f.offset, f.data, func(_ uint64, data []byte, gap uint64) {
		if data == nil {
			h.done = true // a lost piece of handshake cannot be made up for
			return
		}
		h.buf = append(h.buf, data...)
	})
	s := cryptobyte.String(h.buf)
	for !h.done {
		var typ uint8
		var body cryptobyte.String
		before := s
		if !s.ReadUint8(&typ) || !s.ReadUint24LengthPrefixed(&body) {
			s = before
			break
		}
		message(typ, body)
	}
	h.buf = h.buf[len(h.buf)-len(s):]
	if h.done {
		h.buf = nil
		h.discard()
	}
}

// clientHello is what the first message of a client tells.
type clientHello struct {
	random clientRandom
	sni    string
	alpn   []string
}

func parseClientHello(body cryptobyte.String) (h clientHello, ok bool) {
	var session, suites, compression, exts cryptobyte.String
	if !body.Skip(2) || !body.CopyBytes(h.random[:]) || !body.ReadUint8LengthPrefixed(&session) ||
		!body.ReadUint16LengthPrefixed(&suites) || !body.ReadUint8LengthPrefixed(&compression) {
		return h, false
	}
	if body.Empty() {
		return h, true
	}
	if !body.ReadUint16LengthPrefixed(&exts) {
		return h, false
	}
	eachExtension(exts, func(typ uint16, data cryptobyte.String) {
		switch typ {
		case extServerName:
			h.sni = parseServerName(data)
		case extALPN:
			h.alpn = parseALPN(data)
		}
	})
	return h, true
}

func eachExtension(exts cryptobyte.String, visit func(typ uint16, data cryptobyte.String)) {
	for !exts.Empty() {
		var typ uint16
		var data cryptobyte.String
		if !exts.ReadUint16(&typ) || !exts.ReadUint16LengthPrefixed(&data) {
			return
		}
		visit(typ, data)
	}
}

func parseServerName(data cryptobyte.String) string {
	var list, name cryptobyte.String
	var typ uint8
	if data.ReadUint16LengthPrefixed(&list) && list.ReadUint8(&typ) && typ == 0 && list.ReadUint16LengthPrefixed(&name) {
		return string(name)
	}
	return ""
}

func parseALPN(data cryptobyte.String) []string {
	var list cryptobyte.String
	var out []string
	if !data.ReadUint16LengthPrefixed(&list) {
		return nil
	}
	for !list.Empty() {
		var proto cryptobyte.String
		if !list.ReadUint8LengthPrefixed(&proto) {
			break
		}
		out = append(out, string(proto))
	}
	return out
}

// parseServerHello returns the cipher suite, or ok false for a HelloRetryRequest.
func parseServerHello(body cryptobyte.String) (suite Suite, ok bool) {
	var random [32]byte
	var session cryptobyte.String
	var id uint16
	if !body.Skip(2) || !body.CopyBytes(random[:]) || random == retryRandom ||
		!body.ReadUint8LengthPrefixed(&session) || !body.ReadUint16(&id) {
		return 0, false
	}
	return Suite(id), true
}

// parseEncryptedExtensions returns the protocol that the server chose, "" for none.
func parseEncryptedExtensions(body cryptobyte.String) (alpn string) {
	var exts cryptobyte.String
	if !body.ReadUint16LengthPrefixed(&exts) {
		return ""
	}
	eachExtension(exts, func(typ uint16, data cryptobyte.String) {
		if protos := parseALPN(data); typ == extALPN && len(protos) > 0 {
			alpn = protos[0]
		}
	})
	return alpn
}

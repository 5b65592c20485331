package quicdec

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
)

// QUIC versions.
const (
	Version1 = 0x00000001 // RFC 9000
	Version2 = 0x6b3343cf // RFC 9369
)

// Suite is a TLS 1.3 cipher suite.
type Suite uint16

// The suites that QUIC may use.
const (
	AES128GCM Suite = 0x1301
	AES256GCM Suite = 0x1302
	ChaCha20  Suite = 0x1303
)

func (s Suite) String() string {
	switch s {
	case AES128GCM:
		return "AES-128-GCM"
	case AES256GCM:
		return "AES-256-GCM"
	case ChaCha20:
		return "ChaCha20-Poly1305"
	}
	return "unknown cipher suite"
}

func (s Suite) hash() (func() hash.Hash, int) {
	if s == AES256GCM {
		return sha512.New384, 32
	}
	if s == ChaCha20 {
		return sha256.New, 32
	}
	return sha256.New, 16
}

var initialSalts = map[uint32][]byte{
	Version1: {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
	Version2: {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
}

// label prefixes of RFC 9001 section 5.1 and RFC 9369 section 3.3.2.
func keyLabel(version uint32, what string) string {
	if version == Version2 {
		return "quicv2 " + what
	}
	return "quic " + what
}

// expandLabel is HKDF-Expand-Label of RFC 8446 section 7.1 with an empty context.
func expandLabel(h func() hash.Hash, secret []byte, label string, n int) ([]byte, error) {
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(info, byte(6+len(label)))
	info = append(info, "tls13 "+label...)
	info = append(info, 0)
	return hkdf.Expand(h, secret, string(info), n)
}

// initialSecrets derives both Initial secrets from the destination connection id of the client's
// first Initial (RFC 9001 section 5.2).
func initialSecrets(version uint32, dcid []byte) ([2][]byte, error) {
	var out [2][]byte
	common, err := hkdf.Extract(sha256.New, dcid, initialSalts[version])
	if err != nil {
		return out, err
	}
	for dir, label := range [2]string{ClientToServer: "client in", ServerToClient: "server in"} {
		if out[dir], err = expandLabel(sha256.New, common, label, 32); err != nil {
			return out, err
		}
	}
	return out, nil
}

// headerKey gives the mask of header protection for a sample of 16 bytes.
type headerKey func(sample []byte) [5]byte

// packetKeys protect the packets of one direction at one encryption level.
type packetKeys struct {
	aead cipher.AEAD
	iv   [12]byte
	hp   headerKey
}

var errNoSuite = errors.New("unknown cipher suite")

// newKeys derives the keys of a secret.
func newKeys(version uint32, suite Suite, secret []byte) (*packetKeys, error) {
	h, keyLen := suite.hash()
	key, err := expandLabel(h, secret, keyLabel(version, "key"), keyLen)
	if err != nil {
		return nil, err
	}
	iv, err := expandLabel(h, secret, keyLabel(version, "iv"), 12)
	if err != nil {
		return nil, err
	}
	hp, err := expandLabel(h, secret, keyLabel(version, "hp"), keyLen)
	if err != nil {
		return nil, err
	}
	k := &packetKeys{iv: [12]byte(iv)}
	switch suite {
	case AES128GCM, AES256GCM:
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		if k.aead, err = cipher.NewGCM(block); err != nil {
			return nil, err
		}
		k.hp, err = aesHeaderKey(hp)
		return k, err
	case ChaCha20:
		if k.aead, err = chacha20poly1305.New(key); err != nil {
			return nil, err
		}
		k.hp = chachaHeaderKey(hp)
		return k, nil
	}
	return nil, errNoSuite
}

func aesHeaderKey(key []byte) (headerKey, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return func(sample []byte) (mask [5]byte) {
		var out [16]byte
		block.Encrypt(out[:], sample)
		return [5]byte(out[:5])
	}, nil
}

func chachaHeaderKey(key []byte) headerKey {
	return func(sample []byte) (mask [5]byte) {
		c, err := chacha20.NewUnauthenticatedCipher(key, sample[4:16])
		if err != nil {
			return mask // key and nonce have fixed lengths: cannot happen
		}
		c.SetCounter(binary.LittleEndian.Uint32(sample))
		c.XORKeyStream(mask[:], mask[:])
		return mask
	}
}

// nextSecret is the secret after a key update (RFC 9001 section 6.1).
func nextSecret(version uint32, suite Suite, secret []byte) ([]byte, error) {
	h, _ := suite.hash()
	return expandLabel(h, secret, keyLabel(version, "ku"), len(secret))
}

// header is a packet header with its protection removed.
type header struct {
	bytes []byte // the header up to the end of the packet number: the associated data
	pn    uint64
}

// phase is the key phase bit of a 1-RTT packet.
func (h header) phase() int { return int(h.bytes[0] >> 2 & 1) }

// unmask removes header protection (RFC 9001 section 5.4) into buf, without changing the packet.
// pnOff is where the packet number starts; expect is the packet number after the largest seen.
func unmask(hp headerKey, buf, packet []byte, pnOff int, expect uint64) (header, bool) {
	if len(packet) < pnOff+4+16 {
		return header{}, false
	}
	mask := hp(packet[pnOff+4 : pnOff+20])
	h := append(buf[:0], packet[:pnOff+4]...)
	if h[0]&0x80 != 0 {
		h[0] ^= mask[0] & 0x0f
	} else {
		h[0] ^= mask[0] & 0x1f
	}
	n := int(h[0]&3) + 1
	var pn uint64
	for i := range n {
		h[pnOff+i] ^= mask[1+i]
		pn = pn<<8 | uint64(h[pnOff+i])
	}
	return header{bytes: h[:pnOff+n], pn: fullNumber(pn, n, expect)}, true
}

// fullNumber restores a truncated packet number (RFC 9000 appendix A.3).
func fullNumber(pn uint64, size int, expect uint64) uint64 {
	window := uint64(1) << (8 * size)
	got := expect&^(window-1) | pn
	switch {
	case got+window/2 <= expect && got < 1<<62-window:
		return got + window
	case got > expect+window/2 && got >= window:
		return got - window
	}
	return got
}

// open authenticates and decrypts the packet that starts with h into dst.
func (k *packetKeys) open(dst, packet []byte, h header) ([]byte, bool) {
	sealed := packet[len(h.bytes):]
	if len(sealed) < k.aead.Overhead() {
		return nil, false
	}
	nonce := k.iv
	for i := range 8 {
		nonce[4+i] ^= byte(h.pn >> (56 - 8*i))
	}
	out, err := k.aead.Open(dst[:0], nonce[:], sealed, h.bytes)
	return out, err == nil
}

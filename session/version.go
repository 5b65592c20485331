package session

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moqrx/moqrx/gen/lite"
	"github.com/moqrx/moqrx/model"
)

// Version is a protocol version, by the 32-bit code that its drafts give it.
type Version uint32

// The versions that sessions speak (draft-lcurley-moq-lite). moq-lite-06 is not finished, and peers
// speak it in the form that is deployed under the name of moq-lite-06-wip, or not at all: it
// is not among the [DefaultVersions], and both sides have to ask for it.
const (
	MoqLite01    Version = 0xff0dad01
	MoqLite02    Version = 0xff0dad02
	MoqLite03    Version = 0xff0dad03
	MoqLite04    Version = 0xff0dad04
	MoqLite05    Version = 0xff0dad05
	MoqLite06WIP Version = 0xff0dad06
)

// spoken lists the versions in the order of preference.
var spoken = []struct {
	version Version
	wire    lite.Version
	optIn   bool
}{
	{MoqLite06WIP, lite.Version06Wip, true},
	{MoqLite05, lite.Version05, false},
	{MoqLite04, lite.Version04, false},
	{MoqLite03, lite.Version03, false},
	{MoqLite02, lite.Version02, false},
	{MoqLite01, lite.Version01, false},
}

// bySetup is the token for the versions that two sides agree on by SETUP.
const bySetup = "moql"

// String is the name of the version, such as "moq-lite-05".
func (v Version) String() string {
	if w, ok := v.wire(); ok {
		return w.String()
	}
	if v>>16 == 0xff00 {
		return fmt.Sprintf("moq-transport-%02d", uint32(v)&0xffff)
	}
	return fmt.Sprintf("version 0x%08x", uint32(v))
}

// wire is the version as the codecs know it.
func (v Version) wire() (lite.Version, bool) {
	for _, s := range spoken {
		if s.version == v {
			return s.wire, true
		}
	}
	return 0, false
}

// token is what a transport negotiates for the version.
func (v Version) token() string {
	w, _ := v.wire()
	return w.ALPN()
}

// ParseVersion finds a version by its name, such as "moq-lite-05" or, for short, "lite-05".
func ParseVersion(name string) (Version, error) {
	if w, err := lite.ParseVersion(name); err == nil {
		for _, s := range spoken {
			if s.wire == w {
				return s.version, nil
			}
		}
	}
	return 0, fmt.Errorf("unknown version %q: known are %s", name, allVersions())
}

// Versions is a set of versions in the order of preference. A server on raw QUIC chooses by its own
// order, one on WebTransport by the order of the client, and by that it also chooses among moq-lite-01
// and -02, which have one token.
type Versions []Version

// DefaultVersions are all that sessions speak and that are finished, the newest first.
func DefaultVersions() Versions {
	var set Versions
	for _, s := range spoken {
		if !s.optIn {
			set = append(set, s.version)
		}
	}
	return set
}

// allVersions are those too that nobody gets without asking for them.
func allVersions() Versions {
	set := make(Versions, len(spoken))
	for i, s := range spoken {
		set[i] = s.version
	}
	return set
}

// ParseVersions reads a list of names, separated by commas. A name that comes twice, or is
// unknown, is an error.
func ParseVersions(names string) (Versions, error) {
	var set Versions
	for name := range strings.SplitSeq(names, ",") {
		v, err := ParseVersion(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		set = append(set, v)
	}
	return set, set.check()
}

// String joins the names with commas, as ParseVersions reads them.
func (vs Versions) String() string {
	names := make([]string, len(vs))
	for i, v := range vs {
		names[i] = v.String()
	}
	return strings.Join(names, ",")
}

func (vs Versions) check() error {
	if len(vs) == 0 {
		return fmt.Errorf("no version to offer: known are %s", allVersions())
	}
	for i, v := range vs {
		if _, ok := v.wire(); !ok {
			return fmt.Errorf("unknown %s: known are %s", v, allVersions())
		}
		if slices.Contains(vs[:i], v) {
			return fmt.Errorf("version %s is listed twice", v)
		}
	}
	return nil
}

// protocols are the tokens that a transport negotiates for the set.
func (vs Versions) protocols() []string {
	var tokens []string
	for _, v := range vs {
		if t := v.token(); !slices.Contains(tokens, t) {
			tokens = append(tokens, t)
		}
	}
	return tokens
}

// bySetup are the versions of the set that two sides agree on by SETUP.
func (vs Versions) bySetup() Versions {
	return slices.DeleteFunc(slices.Clone(vs), func(v Version) bool { return v.token() != bySetup })
}

// codes are the versions as SETUP has them.
func (vs Versions) codes() []uint64 {
	codes := make([]uint64, len(vs))
	for i, v := range vs {
		codes[i] = uint64(v)
	}
	return codes
}

// negotiated is the version that a transport's token stands for, or 0 when SETUP has to tell: on a
// token for that, and on none. Then the set has a version of that kind.
func (vs Versions) negotiated(token string) (Version, error) {
	if token == "" || token == bySetup {
		if len(vs.bySetup()) == 0 {
			return 0, versionError("the peer wants to agree on moq-lite-01 or -02 by SETUP, which is none of %s", vs)
		}
		return 0, nil
	}
	for _, v := range vs {
		if v.token() == token {
			return v, nil
		}
	}
	err := versionError("the transport negotiated %q, which is none of %s", token, vs)
	if !slices.Contains(allVersions().protocols(), token) {
		err.Code = model.CodeUnknownALPN
	}
	return 0, err
}

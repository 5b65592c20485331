package session

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moqrx/moqrx/gen/lite"
)

// Version is a protocol version, by the 32-bit code that its drafts give it.
type Version uint32

// The versions that sessions speak (draft-lcurley-moq-lite).
const (
	MoqLite03 Version = 0xff0dad03
	MoqLite04 Version = 0xff0dad04
	MoqLite05 Version = 0xff0dad05
)

// spoken lists the versions in the order of preference.
var spoken = []struct {
	version Version
	wire    lite.Version
}{
	{MoqLite05, lite.Version05},
	{MoqLite04, lite.Version04},
	{MoqLite03, lite.Version03},
}

// String is the name of the version, such as "moq-lite-05".
func (v Version) String() string {
	if w, ok := v.wire(); ok {
		return w.String()
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

// ParseVersion finds a version by its name, such as "moq-lite-05" or, for short, "lite-05".
func ParseVersion(name string) (Version, error) {
	if w, err := lite.ParseVersion(name); err == nil {
		for _, s := range spoken {
			if s.wire == w {
				return s.version, nil
			}
		}
	}
	return 0, fmt.Errorf("unknown version %q: known are %s", name, DefaultVersions())
}

// Versions is a set of versions in the order of preference.
type Versions []Version

// DefaultVersions are all that sessions speak, the newest first.
func DefaultVersions() Versions {
	all := make(Versions, len(spoken))
	for i, s := range spoken {
		all[i] = s.version
	}
	return all
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
		return fmt.Errorf("no version to offer: known are %s", DefaultVersions())
	}
	for i, v := range vs {
		if _, ok := v.wire(); !ok {
			return fmt.Errorf("unknown %s: known are %s", v, DefaultVersions())
		}
		if slices.Contains(vs[:i], v) {
			return fmt.Errorf("version %s is listed twice", v)
		}
	}
	return nil
}

// protocols are the tokens that a transport negotiates for the set.
func (vs Versions) protocols() []string {
	tokens := make([]string, len(vs))
	for i, v := range vs {
		w, _ := v.wire()
		tokens[i] = w.ALPN()
	}
	return tokens
}

// negotiated is the version that a transport's token stands for.
func (vs Versions) negotiated(token string) (Version, error) {
	for i, t := range vs.protocols() {
		if t == token {
			return vs[i], nil
		}
	}
	if token == "moql" {
		return 0, versionError("the peer wants to agree on a version by SETUP (moq-lite-01 or -02), which is not supported: use one of %s", vs)
	}
	return 0, versionError("the transport negotiated %q, which is none of %s", token, vs)
}

package named

import (
	"regexp"
	"strings"
)

var upper = regexp.MustCompile(`^[A-Z][A-Z_]+\b`)

// streams are the labels for all that stands on a stream.
var streams = map[string]string{
	"SUBGROUP_STREAM": "Subgroup", "FETCH_STREAM": "Fetch", "GROUP_STREAM": "Group", "SETUP_STREAM": "Setup",
}

// prose are labels that name a message in other words.
var prose = map[string]string{
	"ANNOUNCE (endedId)": "ANNOUNCE_END",
	"ANNOUNCE end by id": "ANNOUNCE_END",
	"ANNOUNCE update":    "ANNOUNCE_UPDATE",
	"FETCH_DATA":         "FETCH_OBJECT",
}

// successors are messages that say what another said in earlier versions, or choices that it is one of.
var successors = map[string][]string{
	"ANNOUNCE":     {"ANNOUNCEMENT"},
	"SUBSCRIBE_OK": {"SUBSCRIBE_START"},
	"PUBLISH_OK":   {"REQUEST_OK"},
	"UNKNOWN":      {"CONTROL_MESSAGE", "REQUEST", "RESPONSE"},
}

// target is what a label stands for.
type target struct {
	name    string // of a message
	stream  string // or of a stream whose opener's bytes these are
	untyped bool   // the type of the message is left out
}

func targetOf(label string) target {
	label = strings.TrimSpace(label)
	name := upper.FindString(label)
	switch {
	case prose[label] != "":
		name = prose[label]
	case name == "":
		name = label
	}
	if stream := streams[name]; stream != "" {
		return target{stream: stream}
	}
	if strings.Contains(label, "(whole") {
		word, _, _ := strings.Cut(label, " ")
		return target{stream: strings.ToUpper(word[:1]) + strings.ToLower(word[1:])}
	}
	return target{name: name, untyped: strings.HasSuffix(label, "(after the type byte)")}
}

// Message is the name of the message that a label stands for: "FRAME" for "FRAME (no timestamp)". That of a stream
// is the label itself.
func Message(label string) string {
	if t := targetOf(label); t.stream == "" {
		return t.name
	}
	return label
}

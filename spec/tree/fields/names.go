package fields

import (
	"strings"

	"github.com/moqrx/moqrx/spec"
)

// short are the names that vectors shorten.
var short = map[string]string{
	"track_namespace":        "namespace",
	"track_namespace_prefix": "prefix",
	"track_namespace_suffix": "suffix",
	"track_name":             "name",
	"parameters":             "params",
	"track_properties":       "properties",
	"supported_versions":     "versions",
	"selected_version":       "version",
	"largest_location":       "largest",
	"start_location":         "start",
	"end_location":           "end",
	"reason_phrase":          "reason",
	"new_session_uri":        "uri",
	"connect_uri":            "uri",
}

// shortData are the names that vectors shorten for objects and their headers.
var shortData = map[string]string{
	"group_id":           "group",
	"subgroup_id":        "subgroup",
	"object_id":          "object",
	"group_id_delta":     "group",
	"object_id_delta":    "object",
	"publisher_priority": "priority",
}

// lite are the names of moq-lite that are not in snake case.
var lite = map[string]string{
	"max_latency": "maxLatency",
	"start_group": "startGroup",
	"end_group":   "endGroup",
	"error_code":  "error",
}

// texts are the fields of moq-lite whose numbers are strings.
var texts = map[string]bool{
	"SUBSCRIBE.id": true, "ANNOUNCE_END.id": true, "ANNOUNCE_UPDATE.id": true, "GROUP.subscribe": true, "DATAGRAM.subscribe": true,
	"SETUP.origin": true, "ANNOUNCE_OK.origin": true, "ANNOUNCE_REQUEST.exclude_hop": true,
	"ANNOUNCE.hops": true, "ANNOUNCE_START.hops": true, "ANNOUNCE_UPDATE.hops": true,
	"ANNOUNCE_START.cost": true, "ANNOUNCE_UPDATE.cost": true,
}

// Name is the name that vectors have for a field of a message.
func Name(f *spec.Family, message, field string) string {
	snake := strings.ToLower(strings.NewReplacer(" ", "_", "-", "_").Replace(field))
	list := short
	switch {
	case f.Name == "lite" && message == "TRACK_INFO" && snake == "max_latency":
		return "latencyMax"
	case f.Name == "lite" && snake == "parameters":
	case f.Name == "lite":
		list = lite
	case message == "OBJECT_DATAGRAM" && snake == "track_alias":
		return "alias"
	case snake == "properties" && isData(message):
		if message == "SUBGROUP_OBJECT" {
			return snake
		}
		return "ext"
	case snake == "object_id" && message == "SUBGROUP_OBJECT":
		return "delta"
	case isData(message) && shortData[snake] != "":
		list = shortData
	}
	if name := list[snake]; name != "" {
		return name
	}
	return snake
}

func isData(message string) bool {
	return strings.HasPrefix(message, "OBJECT") || strings.HasPrefix(message, "FETCH_OBJECT") || strings.HasPrefix(message, "SUBGROUP_")
}

package vectors

import "strings"

// normal is a name without what styles differ in.
func normal(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", " ", "", "-", "").Replace(name))
}

// synonyms are names that encoders have for a field, and those that answers have for it.
var synonyms = map[string]string{
	"alias":                 "trackalias",
	"connecturi":            "uri",
	"end":                   "endlocation",
	"endlocation":           "end",
	"error":                 "errorcode",
	"errorcode":             "error",
	"expiresms":             "expires",
	"ext":                   "properties",
	"extensionheaders":      "properties ext",
	"extensions":            "properties ext",
	"groupid":               "group",
	"hopid":                 "origin",
	"largestlocation":       "largest",
	"largestobjectlocation": "largest",
	"latencymax":            "maxlatency",
	"maxlatency":            "latencymax",
	"namespaceprefix":       "prefix",
	"namespacesuffix":       "suffix",
	"newsessionuri":         "uri",
	"objectid":              "object",
	"objectiddelta":         "delta",
	"objectstatus":          "status",
	"parameters":            "params",
	"payloadhex":            "payload",
	"priority":              "subscriberpriority publisherpriority",
	"properties":            "ext trackproperties",
	"publisherpriority":     "priority",
	"rangekind":             "flags",
	"reasonphrase":          "reason",
	"requestid":             "maxrequestid maximumrequestid",
	"selectedversion":       "version",
	"serializationflags":    "flags",
	"startlocation":         "start",
	"subgroupid":            "subgroup",
	"supportedversions":     "versions",
	"trackalias":            "alias",
	"trackextensions":       "properties",
	"trackname":             "name",
	"tracknamespace":        "namespace",
	"tracknamespaceprefix":  "prefix",
	"tracknamespacesuffix":  "suffix",
	"trackproperties":       "properties",

	// Labels for the type that stands in front.
	"datagramtype": "type",
	"headertype":   "type",
	"streamtypeid": "type",
}

// itemSynonyms are names that encoders use for an item of a list.
var itemSynonyms = map[string]string{
	"implementation":        "moqtimplementation",
	"subscriptionfilter":    "locationfilter",
	"filter":                "locationfilter",
	"objectdeliverytimeout": "deliverytimeout",
	"expiresms":             "expires",
	"largest":               "largestobject",
}

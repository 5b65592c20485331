package spec

// waiver is where the spec differs from the figure of a message on purpose.
type waiver struct {
	family   string
	from, to int
	message  string
	reason   string
	lines    []string
}

var waivers = []waiver{
	{"lite", 1, 2, "CLIENT_SETUP", "deployed endpoints use the exchange of moq-transport in place of SESSION_CLIENT", []string{"no figure"}},
	{"lite", 1, 2, "SERVER_SETUP", "deployed endpoints use the exchange of moq-transport in place of SESSION_SERVER", []string{"no figure"}},
	{"lite", 1, 2, "SESSION_CLIENT", "refused by deployed endpoints", []string{"only in the text"}},
	{"lite", 1, 2, "SESSION_SERVER", "refused by deployed endpoints", []string{"only in the text"}},
	{"lite", 1, 2, "SUBSCRIBE_UPDATE", "sent by no deployed endpoint, and an error to one of them", []string{"only in the text"}},
	{"lite", 1, 2, "ANNOUNCE_INIT", "the figure has its list in brackets", []string{"text: suffixes bytes if", "spec: suffixes list of bytes"}},
	{"lite", 1, 5, "ANNOUNCE", "deployed: a byte; the same for its few values", []string{"text: status vi", "spec: status u8"}},
	{"lite", 1, 2, "SUBSCRIBE", "deployed: a byte", []string{"text: priority vi", "spec: priority u8"}},
	{"lite", 1, 1, "SUBSCRIBE_OK", "deployed: a byte", []string{"text: priority vi", "spec: priority u8"}},
	{"lite", 5, 5, "WebSocket Binary", "the framing of another transport", []string{"only in the text"}},
	{"lite", 6, 6, "ANNOUNCE_REQUEST", "deployed without", []string{"text: ended vi"}},
	{"lite", 6, 6, "ANNOUNCE_START", "deployed without", []string{"text: epoch vi", "text: ended vi"}},
	{"lite", 6, 6, "ANNOUNCE_UPDATE", "deployed without", []string{"text: epoch vi", "text: ended vi"}},
	{"lite", 6, 6, "SUBSCRIBE", "deployed without", []string{"text: epoch vi"}},
	{"lite", 6, 6, "TRACK", "deployed without", []string{"text: epoch vi"}},
	{"lite", 6, 6, "TRACK_INFO", "deployed without", []string{"text: epoch vi"}},
	{"lite", 6, 6, "FETCH", "deployed without", []string{"text: epoch vi"}},
	{"moqt", 14, 22, "MOQT Control", "the frame of all control messages", []string{"only in the text"}},
	{"moqt", 14, 14, "filter", "its fields stand in the figures of the messages", []string{"no figure"}},
	{"moqt", 14, 14, "SUBGROUP_HEADER", "the range of the figure covers two values that the table leaves out", []string{"types [], in the text [0x16 0x17]"}},
	{
		"moqt", 15, 15, "SUBGROUP_HEADER", "the figure is that of 14; the table has the bit of the default priority",
		[]string{"types [0x30 0x31 0x32 0x33 0x34 0x35 0x38 0x39 0x3a 0x3b 0x3c 0x3d], in the text [0x16 0x17]"},
	},
	{
		"moqt", 15, 15, "OBJECT_DATAGRAM", "the figure lags behind the table, which has the bit of the default priority",
		[]string{"types [0x8 0x9 0xa 0xb 0xc 0xd 0xe 0xf 0x28 0x29 0x2c 0x2d], in the text []"},
	},
	{"moqt", 14, 14, "FETCH_OBJECT", "there is no bit for the headers: the figure leaves out an empty block, whose length stands all the same", []string{"text: properties bytes if", "spec: properties bytes"}},
	{"moqt", 17, 22, "hop_path", "an extension", []string{"no figure"}},
	{"moqt", 19, 22, "range_filter", "its figure has another notation", []string{"no figure"}},
	{"moqt", 19, 22, "property_filter", "its figure has another notation", []string{"no figure"}},
}

// figureKinds are the kinds of the figures in the words of the comparison.
var figureKinds = map[string]string{
	"i": "vi", "vi64": "vi", "8": "u8", "16": "u16", "..": "bytes", "...": "bytes", "tuple": "bytes", "Track Namespace": "bytes",
	"s": "bytes", "b": "bytes", "Location": "location", "Reason Phrase": "bytes",
}

// specKinds are the kinds of the spec in the words of the comparison.
var specKinds = map[string]string{
	"vi": "vi", "option": "vi", "zigzag": "vi", "tail-vi": "vi", "id-delta": "vi", "u8": "u8", "flag": "u8", "string": "bytes", "path": "bytes",
	"bytes": "bytes", "tuple": "bytes", "data": "bytes", "rest": "bytes", "tail": "bytes", "params": "bytes",
}

// fieldNames are the names of fields that the figures have otherwise.
var fieldNames = map[string]string{
	"lite subscribeid": "id", "lite GROUP.subscribeid": "subscribe", "lite DATAGRAM.subscribeid": "subscribe", "lite announceid": "id",
	"lite broadcastpath": "broadcast", "lite trackname": "track", "lite broadcastpathsuffix": "suffix", "lite ANNOUNCE_INIT.broadcastpathsuffix": "suffixes",
	"lite broadcastpathprefix": "prefix", "lite subscriberpriority": "priority", "lite subscriberordered": "ordered", "lite subscribermaxlatency": "maxlatency",
	"lite publisherpriority": "priority", "lite publisherordered": "ordered", "lite publishermaxlatency": "maxlatency",
	"lite groupstart": "startgroup", "lite groupend": "endgroup", "lite SUBSCRIBE_DROP.groupstart": "start", "lite SUBSCRIBE_DROP.groupend": "end",
	"lite SUBSCRIBE_DROP.startgroup": "start", "lite SUBSCRIBE_DROP.endgroup": "end", "lite groupsequence": "sequence", "lite FETCH.groupsequence": "group",
	"lite newsessionuri": "uri", "lite setupparameter": "parameters", "lite hopid": "hops", "lite ANNOUNCE_OK.hopid": "origin",
	"lite activecount": "active", "lite routecost": "cost", "lite announcestatus": "status", "lite ANNOUNCE.hops": "hopcount", "lite hopcount": "hopcount",
	"lite SUBSCRIBE_START.groupsequence": "group", "lite SUBSCRIBE_END.groupsequence": "group", "lite trackbitrate": "bitrate", "lite sessionbitrate": "bitrate",
	"moqt setupparameters": "parameters", "moqt setupoptions": "options", "moqt MAX_REQUEST_ID.requestid": "maxrequestid",
	"moqt reasonphrasevalue": "reasonphrase", "moqt errorreason": "reasonphrase", "moqt trackextensions": "trackproperties",
	"moqt extensionheaders": "properties", "moqt extensions": "properties", "moqt objectpayload": "payload", "moqt objectstatus": "status",
	"moqt paddingdata": "padding", "moqt filter.filtertype": "type", "moqt prefix.tracknamespacefield": "fields", "moqt serializationflags": "flags", "moqt SUBGROUP_OBJECT.objectiddelta": "objectid",
}

// otherFigures are the names that figures have for messages of the spec.
var otherFigures = map[string][]string{
	"filter": {"Subscription Filter", "Location Filter"}, "prefix": {"Track Namespace"},
	"ANNOUNCE_REQUEST": {"ANNOUNCE_PLEASE"}, "ANNOUNCE": {"ANNOUNCE_BROADCAST"}, "SESSION_INFO": {"SESSION_UPDATE"},
	"DATAGRAM": {"DATAGRAM Body"}, "SUBSCRIBE_START": {"SUBSCRIBE_OK"}, "PADDING_STREAM": {"PADDING STREAM"}, "PADDING_DATAGRAM": {"PADDING DATAGRAM"},
}

// firstFields are the first fields of layouts whose figure has no name.
var firstFields = map[string][]string{
	"SUBGROUP_OBJECT": {"Object ID Delta"},
	"FETCH_OBJECT":    {"Serialization Flags", "Group ID"},
}

// sameFigure are messages that the text describes as having the layout of another.
var sameFigure = map[string]string{
	"TRACK_STATUS": "SUBSCRIBE", "TRACK_STATUS_OK": "SUBSCRIBE_OK", "TRACK_STATUS_ERROR": "SUBSCRIBE_ERROR",
}

// otherTitles are words in the title of a section that describes something.
var otherTitles = map[string][]string{
	"property_filter": {"Range Filters"}, "SetupParameters": {"SETUP"}, "SetupOptions": {"Setup Parameters"},
	"MessageParameters": {"Version Specific Parameters"}, "TrackProperties": {"MOQT Properties", "Extension Headers"},
	"ObjectProperties": {"Object Extension Header"}, "SessionErrorCode": {"Termination"}, "StreamResetCode": {"Stream Reset Error Codes"},
	"RequestErrorCode": {"REQUEST_ERROR"}, "PublishDoneCode": {"PUBLISH_DONE"}, "SubscribeErrorCode": {"SUBSCRIBE_ERROR"},
	"PublishErrorCode": {"PUBLISH_ERROR"}, "FetchErrorCode": {"FETCH_ERROR"}, "PublishNamespaceErrorCode": {"PUBLISH_NAMESPACE_ERROR"},
	"SubscribeNamespaceErrorCode": {"SUBSCRIBE_NAMESPACE_ERROR"},
}

// tables are the sections with the tables of registries.
var tables = map[string]string{
	"Session Termination Error Codes": "SessionErrorCode", "REQUEST_ERROR Codes": "RequestErrorCode", "PUBLISH_DONE Codes": "PublishDoneCode",
	"Data Stream Reset Error Codes": "StreamResetCode", "Stream Reset Error Codes": "StreamResetCode", "SUBSCRIBE_ERROR Codes": "SubscribeErrorCode",
	"PUBLISH_ERROR Codes": "PublishErrorCode", "FETCH_ERROR Codes": "FetchErrorCode", "ANNOUNCE_ERROR Codes": "PublishNamespaceErrorCode",
	"SUBSCRIBE_NAMESPACE_ERROR Codes": "SubscribeNamespaceErrorCode", "Message Parameters": "MessageParameters", "Setup Options": "SetupOptions",
}

// otherCodes are lines in which the tables and the spec differ on purpose.
var otherCodes = map[string][]string{
	// One name each for what was renamed, so that a program has one field for it.
	"MessageParameters": {"0x2 DELIVERY_TIMEOUT", "0x2 OBJECT_DELIVERY_TIMEOUT", "0x21 LOCATION_FILTER", "0x21 SUBSCRIPTION_FILTER"},
}

package coverage

import "slices"

// A section is a subject of the list; its lines are numbered through.
type section struct {
	number      int // of 16.N
	first, last int
	subject     string
}

var sections = []section{
	{1, 1, 5, "identities and hop lists"},
	{2, 6, 24, "announcements"},
	{3, 25, 52, "scope and root"},
	{4, 53, 72, "waiting and broadcasts on demand"},
	{5, 73, 122, "routes and failover"},
	{6, 123, 137, "broadcasts"},
	{7, 138, 151, "sequences and ends of tracks"},
	{8, 152, 172, "reading order"},
	{9, 173, 184, "retention"},
	{10, 185, 192, "subscriptions"},
	{11, 193, 202, "datagrams"},
	{12, 203, 214, "fetch"},
	{13, 215, 236, "groups"},
	{14, 237, 246, "frames"},
	{15, 247, 264, "the byte budget"},
	{16, 265, 282, "resuming across sources"},
	{17, 283, 297, "paths"},
	{18, 298, 304, "time"},
	{19, 305, 312, "bandwidth and probes"},
	{20, 313, 337, "statistics"},
	{21, 338, 348, "priorities"},
	{22, 349, 387, "sessions"},
	{23, 388, 396, "bugs of others"},
}

// transportOnly are lines about sessions of moq-transport: track aliases, namespaces, PUBLISH and what else
// moq-lite has nothing of.
var transportOnly = []int{371, 372, 373, 374, 375, 377, 378, 379, 380, 381, 382, 395}

// Required tells whether a line is about the object model or about sessions of moq-lite, so that it has to be
// covered.
func Required(line int) bool {
	return line >= 1 && line <= 396 && !slices.Contains(transportOnly, line)
}

// exempt lines are not tested, each for a reason: the form that the model has in Go leaves nothing of
// them, or it decides otherwise.
var exempt = map[int]string{
	9:   "of equal sources of one publisher the newest serves, as after a reconnect; watchers see no event either way (lines 24 and 99)",
	11:  "when one of several sources of a publisher ends, the next one serves and watchers see nothing (line 24)",
	142: "a track may declare an end that lies in the future (lines 143 and 144), not only its highest sequence",
	154: "the cursors in order of arrival and of sequence are independent (line 155)",
	217: "a whole payload is one slice that all readers share, not a list of slices; ReadChunk is for those who stream",
	274: "no caller chooses where a source begins: it is the first group that is missing (line 267)",
	351: "a session is one handle, and whoever closes it ends it for all: it has no clones to count",
	352: "a session runs by itself: there is no driver that its caller has to poll",
	226: "a group is bounded by its bytes (line 227), not by the number of its frames",
}

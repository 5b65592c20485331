package bench

var contenders = []contender{
	{"plain", connectPlain},
	{"quic", connectMoqrx("moqt")},
	{"webtransport", connectMoqrx("https")},
}

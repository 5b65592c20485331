package bench

var contenders = []contender{
	{"plain", connectPlain},
}

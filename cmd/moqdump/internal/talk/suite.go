package talk

import (
	"sync"
	_ "unsafe" // for go:linkname
)

//go:linkname defaultSuites crypto/tls.defaultCipherSuitesTLS13
var defaultSuites []uint16

//go:linkname defaultSuitesNoAES crypto/tls.defaultCipherSuitesTLS13NoAES
var defaultSuitesNoAES []uint16

var suiteMu sync.Mutex

// useSuite makes TLS offer and choose one cipher suite only, until the returned function is called.
// crypto/tls has no setting for the suites of TLS 1.3; quic-go reaches them in the same way.
func useSuite(id uint16) (reset func()) {
	suiteMu.Lock()
	if id == 0 {
		return suiteMu.Unlock
	}
	a, b := defaultSuites, defaultSuitesNoAES
	defaultSuites, defaultSuitesNoAES = []uint16{id}, []uint16{id}
	return func() {
		defaultSuites, defaultSuitesNoAES = a, b
		suiteMu.Unlock()
	}
}

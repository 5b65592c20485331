package session

import (
	"crypto/tls"
	"io"
	"log/slog"
	"time"

	"github.com/moqrx/moqrx/gen/wire"
	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
	"github.com/moqrx/moqrx/session/internal/lite"
	"github.com/moqrx/moqrx/session/transport/endpoint"
)

// Option changes how a session or a listener is made. What does not apply is ignored: a
// fingerprint does nothing on a listener.
type Option func(*options)

type options struct {
	publish     *model.OriginConsumer
	consume     *model.OriginProducer
	versions    Versions
	tls         *tls.Config
	certificate *tls.Certificate
	insecure    bool
	fingerprint *[32]byte
	capture     *endpoint.Capture
	keyLog      io.Writer
	log         *slog.Logger
	limits      Limits
	stats       stats.Handle
	grace       time.Duration
	qlog        *endpoint.Qlog
	path        string
	link        lite.Link
	reconnect   reconnect
	offered     string // what the client offers, where a listener knows it
}

func newOptions(opts []Option) options {
	o := options{versions: DefaultVersions(), log: slog.New(slog.DiscardHandler)}
	return o.with(opts)
}

func (o options) with(opts []Option) options {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// WithPublish serves what c sees to the peer. The caller keeps the handle open for as long
// as the session lives.
func WithPublish(c *model.OriginConsumer) Option { return func(o *options) { o.publish = c } }

// WithConsume puts what the peer announces into p. The caller keeps the handle open for as
// long as the session lives.
func WithConsume(p *model.OriginProducer) Option { return func(o *options) { o.consume = p } }

// WithOrigin does both: the peer is served from the origin, and what it announces goes there.
// A server whose sessions all have the same origin is a relay.
func WithOrigin(p *model.OriginProducer) Option {
	return func(o *options) { o.publish, o.consume = p.Consume(), p }
}

// WithVersions restricts and orders the versions that are offered and accepted. One that is not
// finished has to be added to those that are:
//
//	session.WithVersions(append(session.Versions{session.MoqLite06WIP}, session.DefaultVersions()...))
func WithVersions(vs Versions) Option { return func(o *options) { o.versions = vs } }

// WithTLSConfig is the TLS configuration to start from. It is cloned; the application
// protocols in it are replaced.
func WithTLSConfig(c *tls.Config) Option { return func(o *options) { o.tls = c } }

// WithCertificate is the certificate of a listener. Without one, and without any in the TLS
// configuration, it makes its own as [SelfSignedCertificate] does.
func WithCertificate(c tls.Certificate) Option { return func(o *options) { o.certificate = &c } }

// WithInsecure makes a client accept any certificate. Only for tests.
func WithInsecure() Option { return func(o *options) { o.insecure = true } }

// WithFingerprint makes a client accept the one certificate whose DER encoding has this SHA-256
// hash, and no other, whatever it says about itself.
func WithFingerprint(sum [32]byte) Option { return func(o *options) { o.fingerprint = &sum } }

// WithCapture records every datagram on the UDP socket as pcapng, with the TLS secrets in it:
// whoever has the file reads the sessions. Each packet is written as it comes, and nothing after
// Close of the client's session or of the listener has returned, or Dial has failed. Clients and
// listeners that are given the same option share one file.
func WithCapture(w io.Writer) Option {
	c := endpoint.NewCapture(w)
	return func(o *options) { o.capture = c }
}

// WithKeyLog writes the TLS secrets in the format of NSS key logs.
func WithKeyLog(w io.Writer) Option { return func(o *options) { o.keyLog = w } }

// WithLogger takes what is odd but ends nothing. Without it, nothing is logged.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.log = l } }

// WithCost is what crossing the link to the peer costs: it is added to the cost of every broadcast
// that comes from the peer. The peer is told of it (moq-lite-05 and later), and from moq-lite-06 on adds the
// same to what it gets from here, unless it has a cost of its own. Without the option what the peer says
// counts, and 1 when it says nothing. Relays prefer the cheapest way to a broadcast, then the one with
// the fewest hops. What the links before this one cost is known only from moq-lite-06 on. The highest cost
// is 2^62-1, also of a sum.
func WithCost(cost uint64) Option {
	return func(o *options) { o.link.Cost = wire.Some(cost) }
}

// WithPeerOrigin says who a peer is that does not tell its origin id, as before moq-lite-04. What it
// announces is then known to be of the same publisher when it comes again after a reconnect, and is
// never announced back to it. A peer that tells its id is who it says.
func WithPeerOrigin(id model.OriginID) Option { return func(o *options) { o.link.Peer = id } }

// WithStats counts what the session carries in both directions, under the tier of h: announcements,
// subscriptions, groups, frames and bytes of each broadcast, and the session itself under the root
// of the origin that it was granted. A server chooses the tier with the request, by an option of
// [Request.Accept]. Without it nothing is counted.
func WithStats(h stats.Handle) Option { return func(o *options) { o.stats = h } }

// WithPath is what [Client] asks for on a connection that has no URL, as a URL path with an
// optional query. moq-lite-05 is the first version that can carry it.
func WithPath(path string) Option { return func(o *options) { o.path = path } }

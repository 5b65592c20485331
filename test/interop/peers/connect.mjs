// Connects with @moq/net over WebTransport alone. The certificate is pinned by its hash: the plan's, or for an
// http URL the one that the server tells at /certificate.sha256.
export async function connect({ Moq, plan, emit }) {
	const connection = await Moq.Connection.connect(new URL(plan.url), {
		websocket: { enabled: false },
		webtransport: {
			...(plan.certificate ? { serverCertificateHashes: [{ value: plan.certificate }] } : {}),
			...(plan.protocols ? { protocols: plan.protocols } : {}),
		},
	});
	emit("ready", { version: connection.version });
	return connection;
}

// A WebTransport server on quinn that sends back what it gets, once for one session: streams in both
// directions as they come, each unidirectional stream and each datagram in one of its own.
// "close" ends the session with code 7 and the reason "bye".

import { command, emit, plan, run, webtransport } from "./peer.mjs";

// Calls f with every item, until the end of the session.
async function each(readable, f) {
	for (const reader = readable.getReader(); ; ) {
		const { value, done } = await reader.read();
		if (done) return;
		f(value).catch(console.error);
	}
}

await run(async () => {
	const server = webtransport.Server.bind(plan.listen, Buffer.from(plan.cert), Buffer.from(plan.key));
	emit("ready");
	const request = await server.accept();
	console.log("asked for", await request.url);
	const session = await request.ok();
	each(session.incomingBidirectionalStreams, (s) => s.readable.pipeTo(s.writable));
	each(session.incomingUnidirectionalStreams, async (s) => s.pipeTo(await session.createUnidirectionalStream()));
	const datagrams = session.datagrams.writable.getWriter();
	each(session.datagrams.readable, (d) => datagrams.write(d));
	await command("close");
	session.close({ closeCode: 7, reason: "bye" });
	await session.closed;
});

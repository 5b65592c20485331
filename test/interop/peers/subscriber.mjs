// Waits for the plan's broadcast to be announced, subscribes to its tracks and tells about every
// frame: its place, its size, the SHA-256 of its payload and its timestamp.
//
// The plan may ask for more: the first track's datagrams, a track that nobody publishes, and one group by
// fetch.
//
// Commands: fetch (when the plan has one), close. Events: ready, announce (active or not), frame, group, end,
// datagram, refused, fetched frame, fetched group.

import { connect } from "./connect.mjs";

export async function subscribe(peer) {
	const { Moq, plan, command } = peer;
	const connection = await connect(peer);
	const path = Moq.Path.from(plan.broadcast);
	const announced = connection.announced();

	let active = false;
	while (!active) active = await announcement(peer, announced, path);
	const broadcast = connection.consume(path);
	const subscriptions = plan.tracks.map(({ name }) => [name, broadcast.track(name).subscribe()]);
	const tracks = subscriptions.map(([name, subscription]) => receive(peer, name, subscription));
	if (plan.datagrams) receiveDatagrams(peer, ...subscriptions[0]);
	if (plan.unknown) await refused(peer, broadcast.track(plan.unknown).subscribe());
	if (plan.fetch) await fetched(peer, broadcast.track(plan.fetch.track));
	await Promise.all(tracks);

	while (active) active = await announcement(peer, announced, path);
	await command("close");
	connection.close();
}

// The state of the broadcast after its next announcement.
async function announcement({ emit }, announced, path) {
	for (;;) {
		const event = await announced.next();
		if (!event) throw new Error("the announcements ended");
		if (event.path !== path) continue;
		emit("announce", { active: event.active });
		return event.active;
	}
}

async function receive(peer, track, subscriber) {
	const groups = [];
	for (;;) {
		const group = await subscriber.recvGroup();
		if (!group) break;
		groups.push(receiveGroup(peer, track, group)); // at once: a group waits for no other
	}
	await Promise.all(groups);
	peer.emit("end", { track });
}

async function receiveGroup({ emit, sha256 }, track, group) {
	const frames = [];
	for (;;) {
		const frame = await group.readFrame();
		if (!frame) break;
		// Nothing is awaited between frames: what is not read when the subscription ends is lost.
		frames.push({ frame, digest: sha256(frame.payload) });
	}
	for (const [index, { frame, digest }] of frames.entries()) {
		emit("frame", {
			track,
			group: group.sequence,
			index,
			size: frame.payload.byteLength,
			sha256: await digest,
			timestamp: frame.timestamp.value,
			timescale: frame.timestamp.scale,
		});
	}
	emit("group", { track, group: group.sequence, frames: frames.length });
}

async function receiveDatagrams({ emit, sha256 }, track, subscriber) {
	for (;;) {
		const datagram = await subscriber.recvDatagram();
		if (!datagram) return;
		emit("datagram", {
			track,
			index: datagram.timestamp.value,
			timescale: datagram.timestamp.scale,
			size: datagram.payload.byteLength,
			sha256: await sha256(datagram.payload),
		});
	}
}

// Tells how a subscription to a track that does not exist ended.
async function refused({ emit }, subscriber) {
	try {
		const group = await subscriber.recvGroup();
		if (group) throw new Error("there is a track that nobody publishes");
		emit("refused", { message: String((await subscriber.closed) ?? "") });
	} catch (err) {
		emit("refused", { message: String(err) });
	}
}

// Fetches a group that is over, once the test says that it is.
async function fetched(peer, track) {
	const { plan, command, emit } = peer;
	await command("fetch");
	const group = await track.fetchGroup(plan.fetch.group);
	await receiveGroup({ ...peer, emit: (event, fields) => emit(`fetched ${event}`, fields) }, track.name, group);
}

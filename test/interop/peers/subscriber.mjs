// Waits for the plan's broadcast to be announced, subscribes to its tracks and tells about every
// frame: its place, its size, the SHA-256 of its payload and its timestamp.
//
// Commands: close. Events: ready, announce (active or not), frame, group, end.

import { connect } from "./connect.mjs";

export async function subscribe(peer) {
	const { Moq, plan, command } = peer;
	const connection = await connect(peer);
	const path = Moq.Path.from(plan.broadcast);
	const announced = connection.announced();

	let active = false;
	while (!active) active = await announcement(peer, announced, path);
	const broadcast = connection.consume(path);
	const tracks = plan.tracks.map(({ name }) => receive(peer, name, broadcast.track(name).subscribe()));
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

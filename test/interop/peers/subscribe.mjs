// Waits for the plan's broadcast to be announced, subscribes to its tracks and tells about every
// frame: its place, its size, the SHA-256 of its payload and its timestamp.
//
// Commands: close. Events: ready, announce (active or not), frame, group, end.

import { command, connect, emit, Moq, plan, run, sha256 } from "./peer.mjs";

await run(async () => {
	const connection = await connect();
	const path = Moq.Path.from(plan.broadcast);
	const announced = connection.announced();

	let active = false;
	while (!active) active = await announcement(announced, path);
	const broadcast = connection.consume(path);
	const tracks = plan.tracks.map(({ name }) => receive(name, broadcast.track(name).subscribe()));
	await Promise.all(tracks);

	while (active) active = await announcement(announced, path);
	await command("close");
	connection.close();
});

// The state of the broadcast after its next announcement.
async function announcement(announced, path) {
	for (;;) {
		const event = await announced.next();
		if (!event) throw new Error("the announcements ended");
		if (event.path !== path) continue;
		emit("announce", { active: event.active });
		return event.active;
	}
}

async function receive(track, subscriber) {
	const groups = [];
	for (;;) {
		const group = await subscriber.recvGroup();
		if (!group) break;
		groups.push(receiveGroup(track, group)); // at once: a group waits for no other
	}
	await Promise.all(groups);
	emit("end", { track });
}

async function receiveGroup(track, group) {
	let frames = 0;
	for (;;) {
		const frame = await group.readFrame();
		if (!frame) break;
		emit("frame", {
			track,
			group: group.sequence,
			index: frames++,
			size: frame.payload.byteLength,
			sha256: sha256(frame.payload),
			timestamp: frame.timestamp.value,
			timescale: frame.timestamp.scale,
		});
	}
	emit("group", { track, group: group.sequence, frames });
}

// Publishes the plan's tracks. The first group of every track (sequence 0, one frame) is there
// from the start, so that a subscriber knows that it is attached before the rest is sent.
//
// Commands: go (send the rest, and the plan's datagrams on the first track), finish (end the tracks), leave (end the broadcast), close.
// Events: ready, sent, finished, left.

import { connect } from "./connect.mjs";

export async function publish(peer) {
	const { Moq, plan, command, emit, payload } = peer;
	const write = async (track, sizes) => {
		const group = track.producer.appendGroup();
		for (const [index, size] of sizes.entries()) {
			group.writeFrame({
				payload: await payload(track.name, group.sequence, index, size),
				timestamp: new Moq.Time.Timestamp(group.sequence * 1000 + index, track.timescale),
			});
		}
		group.close();
	};

	const connection = await connect(peer);
	const broadcast = new Moq.Broadcast.Producer();
	const tracks = plan.tracks.map((track) => {
		const timescale = Moq.Time.Timescale(track.timescale);
		const producer = broadcast.createTrack(track.name, { timescale, latencyMax: 60_000 });
		return { ...track, timescale, producer };
	});
	for (const track of tracks) await write(track, [1]);
	connection.publish(Moq.Path.from(plan.broadcast), broadcast);

	refuse(broadcast);

	await command("go");
	for (const track of tracks) {
		for (const sizes of track.groups) await write(track, sizes);
	}
	for (let i = 0; i < (plan.datagrams ?? 0); i++) {
		const { name, timescale, producer } = tracks[0];
		producer.appendDatagram(new Moq.Time.Timestamp(i, timescale), await payload(name, "datagram", i, 100 + i));
	}
	emit("sent");

	await command("finish");
	for (const track of tracks) track.producer.close();
	emit("finished");

	await command("leave");
	broadcast.close();
	emit("left");

	await command("close");
	connection.close();
}

// Refuses every track that is not in the plan.
async function refuse(broadcast) {
	for (;;) {
		const request = await broadcast.requested();
		if (!request) return;
		request.reject(new Error(`no track ${request.name}`));
	}
}

// The peer in Node: @moq/net over the WebTransport of @moq/web-transport.

import { createCipheriv, createHash } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { command, emit, modules, plan, role, run } from "./lines.mjs";
import * as roles from "./roles.mjs";

const load = (file) => import(pathToFileURL(join(modules, file)));

// The bytes of one frame: AES-128 in counter mode over zeros, with a key that names the frame.
// The test makes the same bytes on its own (payload in plan.go).
function payload(track, group, index, size) {
	const key = createHash("sha256").update(`${track}/${group}/${index}`).digest().subarray(0, 16);
	const stream = createCipheriv("aes-128-ctr", key, Buffer.alloc(16));
	return new Uint8Array(stream.update(Buffer.alloc(size)));
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

await run(async () => {
	const webtransport = await load("web-transport/src/index.ts");
	webtransport.install(); // before @moq/net looks for it
	const Moq = await load("node_modules/@moq/net/index.js");
	await roles[role]({ Moq, webtransport, plan, command, emit, payload, sha256 });
});

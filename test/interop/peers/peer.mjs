// What both peers share: the installed packages, the connection, and the line protocol.
//
// A peer is started as `node publish.mjs PLAN` or `node subscribe.mjs PLAN` with the plan as
// JSON (see plan in plan.go). It writes one JSON object per line to stdout, reads one command
// word per line from stdin, and ends by itself after "close" or when stdin ends. Everything
// that is meant for people, the log of @moq/net too, goes to stderr.

import { Console } from "node:console";
import { createCipheriv, createHash } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// @moq/net logs with console.debug, which would end up between the lines of stdout.
globalThis.console = new Console(process.stderr, process.stderr);

const modules = process.env.MOQRX_PEERS;
if (!modules) throw new Error("MOQRX_PEERS must name the folder that install.sh filled");
const load = (file) => import(pathToFileURL(join(modules, file)));

export const webtransport = await load("web-transport/src/index.ts");
webtransport.install(); // before @moq/net looks for it
export const Moq = await load("node_modules/@moq/net/index.js");

export const plan = JSON.parse(process.argv[2]);

// Tells the test what happened.
export function emit(event, fields = {}) {
	process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

// The commands of the test, in order. No peer outlives its test: the end of stdin ends it,
// whatever it does.
const input = createInterface({ input: process.stdin });
input.on("close", () => process.exit(1));
const lines = input[Symbol.asyncIterator]();

// Waits for one command.
export async function command(want) {
	const { value } = await lines.next();
	if (value !== want) throw new Error(`command ${value}, want ${want}`);
}

// Connects over WebTransport alone. The certificate is pinned by its hash: the plan's, or for an
// http URL the one that the server tells at /certificate.sha256.
export async function connect() {
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

// The bytes of one frame: AES-128 in counter mode over zeros, with a key that names the frame.
// The test makes the same bytes on its own (payload in plan.go).
export function payload(track, group, index, size) {
	const key = createHash("sha256").update(`${track}/${group}/${index}`).digest().subarray(0, 16);
	const stream = createCipheriv("aes-128-ctr", key, Buffer.alloc(16));
	return new Uint8Array(stream.update(Buffer.alloc(size)));
}

export function sha256(bytes) {
	return createHash("sha256").update(bytes).digest("hex");
}

// Runs a peer to its end: an error is told as an event and by the exit code.
export async function run(main) {
	try {
		await main();
	} catch (err) {
		emit("error", { message: String(err?.stack ?? err) });
		process.exitCode = 1;
	}
	// The native WebTransport keeps its threads, and with them the process, alive.
	process.stdout.write("", () => process.exit());
}

// The line protocol between a peer and its test. A peer is started as `node node.mjs ROLE PLAN` or
// `node chromium.mjs ROLE PLAN`, with publish or subscribe as the role and the plan as JSON (see plan in
// plan.go). It writes one JSON object per line to stdout, reads one command word per line from stdin, and
// ends by itself after "close" or when stdin ends. Everything that is meant for people, the log of @moq/net
// too, goes to stderr.

import { Console } from "node:console";
import { createInterface } from "node:readline";

// @moq/net logs with console.debug, which would end up between the lines of stdout.
globalThis.console = new Console(process.stderr, process.stderr);

export const role = process.argv[2];
export const plan = JSON.parse(process.argv[3]);

export const modules = process.env.MOQRX_PEERS;
if (!modules) throw new Error("MOQRX_PEERS must name the folder that install.sh filled");

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

// Runs a peer to its end: an error is told as an event and by the exit code.
export async function run(main) {
	try {
		await main();
	} catch (err) {
		emit("error", { message: String(err?.stack || err) });
		process.exitCode = 1;
	}
	// The native WebTransport keeps its threads, and with them the process, alive.
	process.stdout.write("", () => process.exit());
}

// The peer in a browser: @moq/net over the browser's own WebTransport. chromium.mjs gives the page its role, the
// plan and the two functions of the line protocol.

import * as Moq from "@moq/net";
import * as roles from "./roles.mjs";

const hex = (bytes) => Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, "0")).join("");

// The same bytes as in node.mjs.
async function payload(track, group, index, size) {
	const name = new TextEncoder().encode(`${track}/${group}/${index}`);
	const digest = await crypto.subtle.digest("SHA-256", name);
	const key = await crypto.subtle.importKey("raw", digest.slice(0, 16), "AES-CTR", false, ["encrypt"]);
	const counter = { name: "AES-CTR", counter: new Uint8Array(16), length: 128 };
	return new Uint8Array(await crypto.subtle.encrypt(counter, key, new Uint8Array(size)));
}

const sha256 = async (bytes) => hex(await crypto.subtle.digest("SHA-256", bytes));

// Events keep their order, for each is told when the one before has arrived.
let told = Promise.resolve();
const emit = (event, fields = {}) => {
	told = told.then(() => globalThis.tell(event, fields));
};

globalThis.play = async (role, plan) => {
	await roles[role]({ Moq, plan, command: globalThis.command, emit, payload, sha256 });
	await told;
};

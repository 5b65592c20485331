// Runs the peer in a page of Debian's Chromium, which playwright-core drives. The page is served on loopback
// with the packages beside it, so that nothing has to be bundled.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { command, emit, modules, plan, role, run } from "./lines.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const { chromium } = createRequire(join(modules, "package.json"))("playwright-core");

// Where the page finds the packages that @moq/net imports.
const imports = {
	"@moq/net": "/node_modules/@moq/net/index.js",
	"@moq/qmux": "/node_modules/@moq/qmux/index.js",
	"@moq/signals": "/node_modules/@moq/signals/index.js",
	"@moq/web-socket-stream": "/node_modules/@moq/web-socket-stream/index.js",
	"@zod/mini": "/node_modules/@zod/mini/index.js",
	"async-mutex": "/node_modules/async-mutex/index.mjs",
	bowser: "/node_modules/bowser/src/bowser.js",
	tslib: "/node_modules/tslib/tslib.es6.mjs",
	"zod/mini": "/node_modules/zod/mini/index.js",
};

const page = `<!doctype html><title>${role}</title>
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module" src="/peers/page.mjs"></script>`;

const server = createServer(async (request, response) => {
	const path = normalize(new URL(request.url, "http://localhost").pathname);
	if (path === "/") {
		response.setHeader("Content-Type", "text/html");
		response.end(page);
		return;
	}
	const file = path.startsWith("/peers/") ? join(here, path.slice("/peers/".length)) : join(modules, path);
	try {
		const text = await readFile(file);
		response.setHeader("Content-Type", extname(file) === ".json" ? "application/json" : "text/javascript");
		response.end(text);
	} catch (err) {
		response.writeHead(404).end(String(err));
	}
});

await run(async () => {
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	const browser = await chromium.launch({ executablePath: process.env.MOQRX_CHROMIUM, args: ["--no-sandbox"] });
	try {
		const tab = await browser.newPage();
		tab.on("console", (message) => console.error(message.text()));
		tab.on("pageerror", (err) => emit("error", { message: String(err.stack || err) }));
		await tab.exposeFunction("tell", emit);
		await tab.exposeFunction("command", command);
		await tab.goto(`http://127.0.0.1:${server.address().port}/`);
		await tab.waitForFunction(() => globalThis.play);
		await tab.evaluate(([role, plan]) => globalThis.play(role, plan), [role, plan]);
	} finally {
		await browser.close();
		server.close();
	}
});

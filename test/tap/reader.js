// node reader.js CHROMIUM PROFILE AXE PAGE...: what a screen reader is given of pages, and what is wrong with it.
//
// Chromium is spoken to through a pipe. For each page, in light and dark, at the widths of a desktop and of a phone, with all
// numbers unfolded, it prints "PAGE light 1280: wrong: ..." with the violations that axe-core finds (AXE is its file, or "none"),
// and the marks of pictures that have no title; then once the accessibility tree, a line for each node: "PAGE: role "name" (description)".

const {spawn} = require("child_process");
const {readFileSync} = require("fs");
const {basename, resolve} = require("path");

const [chromium, profile, axe, ...pages] = process.argv.slice(2);
const browser = spawn(chromium, ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", `--user-data-dir=${profile}`, "--remote-debugging-pipe"], {stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"]});
const [, , , to, from] = browser.stdio;

let last = 0, pending = "";
const waiting = new Map(), events = new Map();
from.on("data", (data) => {
	const parts = (pending + data).split("\0");
	pending = parts.pop();
	for (const {id, method, result, error} of parts.map((part) => JSON.parse(part))) {
		if (id) waiting.get(id)[error ? 1 : 0](error ? new Error(error.message) : result);
		else events.get(method)?.();
	}
});
browser.on("exit", () => { process.stderr.write("Chromium ended\n"); process.exit(3); });
setTimeout(() => process.exit(4), 300000).unref();

const send = (method, params = {}, sessionId) => new Promise((...settle) => {
	waiting.set(++last, settle);
	to.write(JSON.stringify({id: last, method, params, sessionId}) + "\0");
});

// In the page: groups of marks are named by Plot; axes, grids and base lines are none.
const untitled = () => [...document.querySelectorAll('svg[role="img"] g[aria-label]')]
	.filter((group) => !/axis|grid/.test(group.getAttribute("aria-label")) && group.getAttribute("aria-description") !== "base line")
	.flatMap((group) => [...group.querySelectorAll("path, rect, line, circle, text")].filter((mark) => !mark.querySelector(":scope > title")?.textContent)
		.map((mark) => `${mark.closest("section")?.id}: a ${group.getAttribute("aria-label")} has no title`));
const audit = () => axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"]})
	.then((found) => found.violations.flatMap((v) => v.nodes.map((node) => `${v.id} ${node.target} ${node.any.concat(node.all)[0]?.message ?? ""}`)));

// The nodes that are not left out, from the root; text is that of the node above it.
function reading(nodes) {
	const byId = new Map(nodes.map((node) => [node.nodeId, node])), lines = [];
	(function read(node) {
		const role = node.role?.value, name = node.name?.value ?? "", description = node.description?.value ?? "";
		if (!node.ignored && !["StaticText", "InlineTextBox", "none", "generic", "RootWebArea"].includes(role)) lines.push(`${role}${role === "heading" ? ` ${node.properties.find((p) => p.name === "level")?.value.value}` : ""} "${name}"${description ? ` (${description})` : ""}`);
		for (const id of node.childIds ?? []) if (byId.has(id)) read(byId.get(id));
	})(nodes[0]);
	return lines;
}

async function main() {
	const {targetId} = await send("Target.createTarget", {url: "about:blank"});
	const {sessionId} = await send("Target.attachToTarget", {targetId, flatten: true});
	const ask = (method, params) => send(method, params, sessionId);
	const evaluate = async (expression) => {
		const {result, exceptionDetails} = await ask("Runtime.evaluate", {expression, awaitPromise: true, returnByValue: true});
		if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
		return result.value;
	};
	await ask("Page.enable");
	await ask("Page.setBypassCSP", {enabled: true});
	for (const page of pages) {
		const name = basename(page, ".html");
		for (const [scheme, width] of [["light", 1280], ["dark", 360]]) {
			await ask("Emulation.setDeviceMetricsOverride", {width, height: 900, deviceScaleFactor: 1, mobile: false});
			await ask("Emulation.setEmulatedMedia", {features: [{name: "prefers-color-scheme", value: scheme}]});
			const loaded = new Promise((done) => events.set("Page.loadEventFired", done));
			await ask("Page.navigate", {url: `file://${resolve(page)}`});
			await loaded;
			await evaluate('document.querySelectorAll("details").forEach((d) => { d.open = true; })');
			const wrong = await evaluate(`(${untitled})()`);
			if (axe !== "none") {
				await evaluate(readFileSync(axe, "utf8"));
				wrong.push(...await evaluate(`(${audit})()`));
			}
			console.log(`${name} ${scheme} ${width}: ${wrong.length ? `wrong: ${[...new Set(wrong)].slice(0, 12).join("; ")}` : "nothing wrong"}`);
		}
		const {nodes} = await ask("Accessibility.getFullAXTree");
		for (const line of reading(nodes)) console.log(`${name}: ${line}`);
	}
	browser.removeAllListeners("exit");
	await send("Browser.close");
}
main().then(() => process.exit(0), (error) => { process.stderr.write(`${error.stack}\n`); process.exit(1); });

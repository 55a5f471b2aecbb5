// node page.mjs TITLE < report.json > report.html: one page that needs nothing else, and runs no script.

import {readFileSync} from "node:fs";
import {chart} from "./charts.mjs";
import {escape, format, prose} from "./format.mjs";

const report = JSON.parse(readFileSync(0, "utf8"));
const title = process.argv[2] || "Customers";
const style = readFileSync(new URL("style.css", import.meta.url), "utf8");

const aligned = (as) => (as === "text" || as === "date" ? "" : ' class="number"');

// The first column says what a row is of.
function table(picture) {
	const head = picture.columns.map(([, heading, as]) => `<th scope="col"${aligned(as)}>${escape(heading)}</th>`).join("");
	const cell = (tag, row, [name, , as]) => `<${tag}${aligned(as)}>${escape(format(row[name], as))}</${tag.slice(0, 2)}>`;
	const body = picture.rows.map((row) => `<tr>${picture.columns.map((column, i) => cell(i ? "td" : 'th scope="row"', row, column)).join("")}</tr>`).join("\n");
	const id = escape(picture.name);
	return `<div class="table" role="region" aria-labelledby="${id}-numbers" tabindex="0"><table><caption id="${id}-numbers">${escape(picture.title)}: the numbers</caption>`
		+ `<thead><tr>${head}</tr></thead>\n<tbody>${body}</tbody></table></div>`;
}

function section(picture) {
	const drawn = chart(picture, 640, report);
	const numbers = picture.rows?.length ? table(picture) : "";
	const id = escape(picture.name);
	return `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${escape(picture.title)}</h2>\n<p id="${id}-says">${prose(picture.sentence)}</p>\n`
		+ (drawn ? `<div class="wide">${drawn}</div><div class="narrow">${chart(picture, 340, report)}</div>\n` : "")
		+ (drawn && numbers ? `<details><summary>The numbers<span class="unseen"> of: ${escape(picture.title)}</span></summary>${numbers}</details>` : numbers) + "</section>";
}

const figures = report.figures.map(({label, value, format: as, note}) =>
	`<div><dt>${escape(label)}</dt><dd><b>${escape(format(value, as) || "–")}</b> <span>${prose(note ?? "")}</span></dd></div>`).join("\n");

process.stdout.write(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark"><title>${escape(title)}</title>
<style>
${style}</style></head>
<body><header><h1>${escape(title)}</h1><p>${report.as_of ? `as of ${escape(report.as_of)}` : "no customers yet"}</p></header>
<main><dl>${figures}</dl>
${report.model?.warnings ? `<p class="warning">${escape(report.model.warnings)}</p>\n` : ""}<div class="pictures">
${report.pictures.map(section).join("\n")}
</div></main>
<footer>Made by customer_centric. Values are in the currency of the orders; churn and value are what the model expects.</footer>
</body></html>
`);

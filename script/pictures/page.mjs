// node page.mjs TITLE < report.json > report.html: one page that needs nothing else, and runs no script.

import {readFileSync} from "node:fs";
import {chart} from "./charts.mjs";
import {escape, format, prose} from "./format.mjs";

const report = JSON.parse(readFileSync(0, "utf8"));
const title = process.argv[2] || "Customers";
const style = readFileSync(new URL("style.css", import.meta.url), "utf8");

const aligned = (as) => (as === "text" || as === "date" ? "" : ' class="number"');

function table(picture) {
	const head = picture.columns.map(([, heading, as]) => `<th scope="col"${aligned(as)}>${escape(heading)}</th>`).join("");
	const body = picture.rows.map((row) => `<tr>${picture.columns.map(([name, , as]) =>
		`<td${aligned(as)}>${escape(format(row[name], as))}</td>`).join("")}</tr>`).join("\n");
	return `<div class="table" role="region" aria-label="${escape(picture.title)}: the numbers" tabindex="0"><table><thead><tr>${head}</tr></thead>\n<tbody>${body}</tbody></table></div>`;
}

function section(picture) {
	const drawn = chart(picture, 640, report);
	const numbers = picture.rows?.length ? table(picture) : "";
	return `<section id="${escape(picture.name)}"><h2>${escape(picture.title)}</h2>\n<p>${prose(picture.sentence)}</p>\n`
		+ (drawn ? `<div class="wide">${drawn}</div><div class="narrow">${chart(picture, 340, report)}</div>\n` : "")
		+ (drawn && numbers ? `<details><summary>The numbers</summary>${numbers}</details>` : numbers) + "</section>";
}

const figures = report.figures.map(({label, value, format: as, note}) =>
	`<div><dt>${escape(label)}</dt><dd><b>${escape(format(value, as) || "–")}</b> <span>${prose(note ?? "")}</span></dd></div>`).join("\n");

process.stdout.write(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark"><title>${escape(title)}</title>
<style>
${style}</style></head>
<body><header><h1>${escape(title)}</h1><p>as of ${escape(report.as_of)}</p></header>
<main><dl>${figures}</dl>
${report.model?.warnings ? `<p class="warning">${escape(report.model.warnings)}</p>\n` : ""}<div class="pictures">
${report.pictures.map(section).join("\n")}
</div></main>
<footer>Made by customer_centric. Values are in the currency of the orders; churn and value are what the model expects.</footer>
</body></html>
`);

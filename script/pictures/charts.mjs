// One function for each picture: (rows, width, document of the report) => SVG, or a figure with a legend.
// Colours are variables of style.css, so that the page is right in light and in dark. Every mark has a title.

import * as Plot from "@observablehq/plot";
import {parseHTML} from "linkedom";
import {count, format, money, percent, short} from "./format.mjs";

const {document} = parseHTML("<html><body></body></html>");
const SEGMENTS = ["Champions", "Loyal", "Potential loyalists", "New", "Promising", "Need attention", "About to sleep", "At risk",
	"Can't lose them", "Hibernating", "Lost"];
const WIDE = 500;    // px; narrower pictures are for phones

// The built-in segments from best to worst, then the user's own, as they come.
function segmentOrder(names) {
	const own = [...new Set(names)].filter((name) => !SEGMENTS.includes(name) && name !== "(new)");
	return [...SEGMENTS.filter((name) => names.includes(name)), ...own, ...(names.includes("(new)") ? ["(new)"] : [])];
}

function draw(width, options) {
	return Plot.plot({document, width, style: {fontSize: "12px", fontFamily: "inherit", background: "none", overflow: "visible"}, ...options});
}

const names = (all) => 14 + 6.6 * Math.max(...all.map((name) => name.length));
const shades = ["var(--shade-1)", "var(--shade-2)", "var(--shade-3)", "var(--shade-4)", "var(--shade-5)"];
const onShades = ["var(--on-shade-1)", "var(--on-shade-2)", "var(--on-shade-3)", "var(--on-shade-4)", "var(--on-shade-5)"];
const base = {ariaDescription: "base line"};
const utc = (day) => new Date(`${day}T00:00:00Z`);

function segments(rows, width) {
	const whats = [["customers", "share_customers", "customers", "count"], ["revenue so far", "share_revenue", "revenue", "money"],
		["next year's value", "share_value", "value", "money"]].filter(([, share]) => rows.some((row) => row[share] !== null));
	const order = segmentOrder(rows.map((row) => row.segment));
	const bars = whats.flatMap(([what, share, value, as]) => rows.map((row) => ({segment: row.segment, what, share: row[share],
		title: `${row.segment}: ${percent(row[share] ?? 0)} of ${what} (${format(row[value], as)})`})));
	return draw(width, {
		height: 60 + 34 * order.length, marginLeft: names(order), marginRight: 20, marginBottom: 42,
		x: {percent: true, label: "share of the total (%)", grid: true, ticks: width < WIDE ? 4 : 8},
		y: {axis: null, domain: whats.map(([what]) => what), padding: 0}, fy: {domain: order, label: null, axis: "left", padding: 0.2},
		color: {domain: whats.map(([what]) => what), range: ["var(--grey)", "var(--blue)", "var(--orange)"], legend: true},
		marks: [Plot.barX(bars, {fy: "segment", y: "what", x: "share", fill: "what", title: "title", insetTop: 0.5}), Plot.ruleX([0], base)]
	});
}

// Which of five shades: by the square root, because value is concentrated.
const shadeOf = (value, most) => Math.min(4, Math.floor(5 * Math.sqrt(Math.max(value, 0) / most)));

function churn_value(rows, width) {
	const most = Math.max(...rows.map((row) => row.value));
	const labels = [0, 1, 2, 3, 4].map((i) => `${short(most * (i / 5) ** 2)}–${short(most * ((i + 1) / 5) ** 2)}`);
	const cells = rows.map((row) => ({...row, shade: labels[shadeOf(row.value, most)], on: onShades[shadeOf(row.value, most)],
		title: `churn ${percent(row.churn)} to ${percent(row.churn_until)}, value ${money(row.value_from)} to ${money(row.value_until)} each: `
			+ `${count(row.customers)} customers, ${money(row.value)} in all`}));
	const marks = [Plot.rect(cells, {x1: "churn", x2: "churn_until", y1: "value_from", y2: "value_until", fill: "shade", stroke: "var(--quiet)", strokeWidth: 0.5, title: "title", inset: 0.5})];
	if (width >= WIDE)
		marks.push(Plot.text(cells, {x: (d) => d.churn + 0.05, y: (d) => Math.sqrt(d.value_from * d.value_until), text: (d) => short(d.customers),
			fill: "on", fontSize: 10, pointerEvents: "none", title: "title"}));
	return draw(width, {
		height: 390, marginLeft: 52, marginBottom: 42, marginRight: 24, marginTop: 30,
		x: {label: "probability that the customer is gone →", domain: [0, 1], ticks: width < WIDE ? 5 : 10, tickFormat: (d) => percent(d)},
		y: {type: "log", label: "↑ value of next year, each", tickFormat: (d) => short(d), ticks: 5},
		color: {type: "ordinal", domain: labels, range: shades, legend: true, label: "value of all in the cell"},
		marks
	});
}

function c3(rows, width, report) {
	const cohorts = [...new Set(rows.map((row) => row.cohort))].sort();
	const starts = [...new Set(rows.map((row) => row.period))].sort().map(utc);
	// A period lasts until the next begins; the last, and one before a period without orders, as long as the longest of its kind.
	const gaps = starts.slice(1).map((day, i) => day - starts[i]), shortest = Math.min(...gaps, 31 * 864e5 * (gaps.length ? Infinity : 1));
	const longest = Math.max(...gaps.filter((gap) => gap < 1.2 * shortest), gaps.length ? 0 : shortest);
	const ends = new Map(starts.map((day, i) => [day.getTime(), new Date(day.getTime() + Math.min(gaps[i] ?? longest, longest))]));
	const shown = rows.map((row) => ({cohort: row.cohort, x1: utc(row.period), x2: ends.get(utc(row.period).getTime()), revenue: row.revenue,
		title: `from ${row.period}: ${money(row.revenue)} from ${count(row.customers)} customers of ${row.cohort}`}));
	return draw(width, {
		height: 320, marginLeft: 48, marginRight: 20, marginTop: 30, x: {type: "utc", label: null, ticks: width < WIDE ? 4 : 8}, y: {grid: true, label: "↑ revenue", tickFormat: (d) => short(d), ticks: 5},
		color: {type: "ordinal", domain: cohorts, scheme: "viridis", legend: true, label: "first order in"},
		marks: [Plot.rectY(shown, Plot.stackY({order: "cohort"}, {x1: "x1", x2: "x2", y: "revenue", fill: "cohort", stroke: "currentColor", strokeOpacity: 0.6, strokeWidth: 0.5, title: "title", insetLeft: 0.5, insetRight: 0.5})), Plot.ruleY([0], base)]
	});
}

function deciles(rows, width) {
	const title = (d) => `tenth ${d.decile}: ${money(d.revenue)} of ${count(d.customers)} customers, ${percent(d.share)} of all; each spent ${money(d.spent_from)} to ${money(d.spent_until)}`;
	return draw(width, {
		height: 310, marginLeft: 48, marginTop: 30, marginBottom: 42, x: {label: "tenth of the customers, the best first", type: "band", padding: 0.15, domain: rows.map((d) => d.decile)},
		y: {percent: true, grid: true, label: "↑ share of revenue (%)", ticks: 5, domain: [100 * Math.min(0, ...rows.map((d) => d.share)), 108 * Math.max(...rows.map((d) => d.share))]},
		marks: [Plot.barY(rows, {x: "decile", y: "share", fill: "var(--blue)", title}),
			Plot.text(rows, {x: "decile", y: (d) => Math.max(d.share, 0), text: (d) => count(100 * d.share), dy: -8, fontSize: 11, title}), Plot.ruleY([0], base)]
	});
}

function lorenz(rows, width) {
	const title = (d) => `the least ${percent(d.share_customers)} of the customers: ${percent(d.share_value)} of the revenue`;
	return draw(width, {
		height: 310, marginLeft: 48, marginRight: 24, marginTop: 30, marginBottom: 42, x: {percent: true, label: "share of customers, the least first (%) →", ticks: 5}, y: {percent: true, grid: true, label: "↑ share of revenue (%)", ticks: 5},
		marks: [Plot.line([[0, 0], [1, 1]], {stroke: "var(--grey)", strokeDasharray: "4,4", title: () => "if all spent the same"}),
			Plot.line(rows, {x: "share_customers", y: "share_value", stroke: "var(--blue)", strokeWidth: 2, title: () => "share of the revenue, by share of the customers"}),
			Plot.dot(rows, {x: "share_customers", y: "share_value", fill: "var(--blue)", r: 2.5, title}), Plot.ruleY([0], base)]
	});
}

function tracking(rows, width, report) {
	const at = (row) => utc(row.period_end);
	const series = [["expected", "expected"], ["seen", "actual"]];
	const title = (d) => `until ${d.period_end}: ${count(d.actual)} seen, ${format(d.expected, "number")} expected`;
	const step = Math.max(2, width / rows.length);
	const since = report.model?.calibration_until;
	return draw(width, {
		height: 320, marginLeft: 48, marginRight: 20, marginTop: 30, x: {type: "utc", label: null, ticks: width < WIDE ? 4 : 8}, y: {grid: true, zero: true, label: "↑ repeat transactions", tickFormat: (d) => short(d), ticks: 5},
		color: {domain: ["seen", "expected"], range: ["var(--blue)", "var(--orange)"], legend: true},
		marks: [
			...(since ? [Plot.ruleX([utc(since)], {stroke: "currentColor", strokeDasharray: "3,3", title: () => `fitted on the orders until ${since}`})] : []),
			...series.map(([what, column], i) => Plot.lineY(rows, {x: at, y: column, stroke: () => what, strokeWidth: 2.2 - i, strokeDasharray: i ? "5,3" : null,
				title: () => `repeat transactions ${what}`})),
			Plot.ruleX(rows, {x: at, stroke: "transparent", strokeWidth: step, title, pointerEvents: "all"}), Plot.ruleY([0], base)]
	});
}

function second_order(rows, width) {
	const title = (d) => `${count(d.week)} weeks after the first order ${percent(d.share)} have ordered again; ${count(d.at_risk)} customers were observed for so long without`;
	const again = () => "share of the customers who have ordered again, by weeks since the first order";
	return draw(width, {
		height: 310, marginLeft: 48, marginRight: 24, marginTop: 30, marginBottom: 42, x: {label: "weeks since the first order →", zero: true, ticks: width < WIDE ? 5 : 10}, y: {percent: true, grid: true, label: "↑ have ordered again (%)", domain: [0, Math.max(10, 100 * Math.max(...rows.map((d) => d.share)))], ticks: 5},
		marks: [Plot.areaY(rows, {x: "week", y: "share", fill: "var(--blue)", fillOpacity: 0.15, curve: "step-before", title: again}),
			Plot.lineY(rows, {x: "week", y: "share", stroke: "var(--blue)", strokeWidth: 2, curve: "step-before", title: again}),
			Plot.ruleX(rows, {x: "week", stroke: "transparent", strokeWidth: Math.max(2, width / rows.length), title, pointerEvents: "all"}), Plot.ruleY([0], base)]
	});
}

function moves(rows, width) {
	const order = segmentOrder(rows.flatMap((row) => [row.from_segment, row.to_segment]));
	const from = order.filter((name) => rows.some((row) => row.from_segment === name)), to = order.filter((name) => name !== "(new)");
	const total = new Map(from.map((name) => [name, rows.filter((row) => row.from_segment === name).reduce((sum, row) => sum + row.customers, 0)]));
	const limits = [0.05, 0.1, 0.25, 0.5], labels = ["under 5 %", "5–10 %", "10–25 %", "25–50 %", "over 50 %"];
	const cells = rows.map((row) => {
		const share = row.customers / total.get(row.from_segment), shade = limits.filter((limit) => share >= limit).length;
		return {...row, shade: labels[shade], on: onShades[shade], title: `${row.from_segment} → ${row.to_segment}: ${count(row.customers)} customers, ${percent(share)} of ${row.from_segment}`};
	});
	const left = names(from), bottom = names(to) * (width < WIDE ? 1 : 0.75);
	return draw(width, {
		height: bottom + 24 + 25 * from.length, marginLeft: left, marginBottom: bottom, marginTop: 12, marginRight: 24, padding: 0.04,
		x: {domain: to, label: null, tickRotate: width < WIDE ? -90 : -45, tickSize: 0}, y: {domain: from, label: null, tickSize: 0},
		color: {type: "ordinal", domain: labels, range: shades, legend: true, label: "of those who were there"},
		marks: [Plot.cell(cells, {x: "to_segment", y: "from_segment", fill: "shade", title: "title", stroke: (d) => d.from_segment === d.to_segment ? "currentColor" : "var(--quiet)", strokeWidth: (d) => d.from_segment === d.to_segment ? 1.5 : 0.5}),
			...(width < WIDE ? [] : [Plot.text(cells, {x: "to_segment", y: "from_segment", text: (d) => short(d.customers), fill: "on", fontSize: 10, title: "title"})])]
	});
}

const charts = {segments, churn_value, c3, deciles, lorenz, tracking, second_order, moves};

// The picture as text, or nothing where there is none by that name or nothing to draw.
export function chart(picture, width, report) {
	if (!charts[picture.name] || !picture.rows?.length) return "";
	const figure = charts[picture.name](picture.rows, width, report);
	const svg = figure.tagName.toLowerCase() === "svg" ? figure : [...figure.querySelectorAll("svg")].find((node) => node.parentNode === figure);
	svg.setAttribute("role", "img");
	// named by the heading of its section and described by the sentence below it; who cannot see the marks has the table
	svg.setAttribute("aria-labelledby", `${picture.name}-title`);
	svg.setAttribute("aria-describedby", `${picture.name}-says`);
	for (const part of svg.children) if (part.tagName.toLowerCase() !== "style") part.setAttribute("aria-hidden", "true");
	for (const swatch of figure.querySelectorAll("svg")) if (swatch !== svg) swatch.setAttribute("aria-hidden", "true");
	return figure.outerHTML;
}

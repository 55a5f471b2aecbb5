// How values are written, in pictures and tables: the formats that script/report.sql names.

const numbers = new Intl.NumberFormat("en-US", {maximumFractionDigits: 0});
const decimals = new Intl.NumberFormat("en-US", {maximumFractionDigits: 1});
const cents = new Intl.NumberFormat("en-US", {minimumFractionDigits: 2, maximumFractionDigits: 2});
const compact = new Intl.NumberFormat("en-US", {notation: "compact", maximumFractionDigits: 1});

// Nothing is written as "-0".
const positive = (text) => text.replace(/^-(0(?:\.0+)?)$/, "$1");

export const short = (value) => positive(compact.format(value));
export const count = (value) => positive(numbers.format(value));
export const percent = (value) => `${count(100 * value)} %`;
export const money = (value) => (Math.abs(value) < 100 ? cents : numbers).format(value);

export function format(value, as) {
	if (value === null || value === undefined) return "";
	switch (as) {
		case "count": return count(value);
		case "number": return decimals.format(value);
		case "percent": return percent(value);
		case "money": return money(value);
		default: return String(value);
	}
}

const entities = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"};
export const escape = (text) => String(text).replace(/[&<>"']/g, (c) => entities[c]);

// Text of which numbers and days are not broken over lines.
export const prose = (text) => escape(text).replaceAll(" %", "\u00a0%").replace(/\d{4}-\d\d-\d\d/g, '<span class="nowrap">$&</span>');

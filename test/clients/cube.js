// Cube on the scores: its PostgreSQL driver lists what is there, its scaffolding makes a data model of the view for BI tools, its
// compiler turns queries of that model into SQL, and the server answers them. No Cube server is started.
const {PostgresDriver} = require("@cubejs-backend/postgres-driver");
const {PostgresQuery, prepareCompiler, ScaffoldingTemplate} = require("@cubejs-backend/schema-compiler");

let done = 0, failed = 0;
function check(what, is, expected) {
	const right = JSON.stringify(is) === JSON.stringify(expected);
	done += 1;
	failed += right ? 0 : 1;
	console.log(`${right ? "ok" : "not ok"} ${done} - ${what}${right ? "" : `: ${JSON.stringify(is)}, not ${JSON.stringify(expected)}`}`);
}

async function main() {
	const driver = new PostgresDriver({host: process.env.PGHOST, port: process.env.PGPORT, user: process.env.PGUSER, database: process.env.PGDATABASE});
	await driver.testConnection();
	const tables = await driver.tablesSchema(), columns = tables.public.customer_scores_bi ?? [];
	const type = (name) => columns.find((column) => column.name === name)?.type;
	check("the view for BI tools is listed, the materialized view is not", [columns.length > 20, tables.public.customer_scores], [true, undefined]);
	check("its columns have plain types", ["segment", "churn_prob", "clv_365d", "last_order_on"].map(type), ["text", "double precision", "double precision", "date"]);

	const [{fileName, content}] = new ScaffoldingTemplate(tables, driver).generateFilesByTableNames(["public.customer_scores_bi"]);
	const measures = content.slice(content.indexOf("measures:"), content.indexOf("dimensions:"));
	check("the scaffolding makes a model of it, with some measures", [/cube\(`CustomerScoresBi`/.test(content), [...measures.matchAll(/^ {4}(\w+): \{/gm)].map((match) => match[1])],
		[true, ["count", "orderCount", "expectedTransactionValue"]]);

	// What doc/clients.md says to add: sums of money are not found by their names.
	const added = "cube(`Customers`, {extends: CustomerScoresBi, measures: {spend: {sql: `total_spend`, type: `sum`}, nextYear: {sql: `clv_365d`, type: `sum`}}});";
	const {compiler, joinGraph, cubeEvaluator} = prepareCompiler({localPath: () => "", dataSchemaFiles: async () => [{fileName, content}, {fileName: "Customers.js", content: added}]});
	await compiler.compile();
	const ask = async (query) => {
		const [sql, values] = new PostgresQuery({joinGraph, cubeEvaluator, compiler}, {...query, timezone: "UTC"}).buildSqlAndParams();
		return driver.query(sql, values);
	};
	const direct = (sql) => driver.query(sql, []);
	const bySegment = await ask({measures: ["Customers.count", "Customers.spend"], dimensions: ["Customers.segment"], order: [{id: "Customers.segment"}]});
	check("customers and spend by segment", bySegment.map((row) => Object.values(row).map(String)),
		(await direct("SELECT segment, count(*) AS n, sum(total_spend) AS s FROM customer_scores GROUP BY segment ORDER BY segment")).map((row) => [row.segment, String(row.n), String(row.s)]));
	const lost = await ask({measures: ["Customers.count"], filters: [{member: "Customers.lifecycle", operator: "equals", values: ["lost"]}]});
	check("a filter", Object.values(lost[0]).map(String), [String((await direct("SELECT count(*) AS n FROM customer_scores WHERE lifecycle = 'lost'"))[0].n)]);
	await driver.release();
	console.log(`${done - failed} passed, ${failed} failed`);
	process.exit(failed ? 1 : 0);
}
main().catch((error) => { console.error(error); process.exit(2); });

-- The report of script/report.sql as a page of tables, for machines that have nothing to draw with. Needs the variables
-- "report_file", where its JSON is, and "title".

\set ON_ERROR_STOP on
\set report `cat :'report_file'`
WITH report AS MATERIALIZED (
	SELECT :'report'::json AS report
), cells AS (
	SELECT p.place AS picture, r.place AS row, c.place AS cell, c.place = 1 AS is_first, c.content ->> 2 IN ('text', 'date') AS is_text, CASE c.content ->> 2
			WHEN 'count' THEN to_char((r.content ->> (c.content ->> 0))::numeric, 'FM999,999,999,999,990')
			WHEN 'number' THEN to_char((r.content ->> (c.content ->> 0))::numeric, 'FM999,999,999,999,990.0')
			WHEN 'money' THEN to_char((r.content ->> (c.content ->> 0))::numeric, 'FM999,999,999,999,990.00')
			WHEN 'percent' THEN to_char(100 * (r.content ->> (c.content ->> 0))::numeric, 'FM999,999,990.0') || ' %'
			ELSE r.content ->> (c.content ->> 0) END AS value
	FROM report, json_array_elements(report -> 'pictures') WITH ORDINALITY AS p(content, place),
		json_array_elements(CASE json_typeof(p.content -> 'rows') WHEN 'array' THEN p.content -> 'rows' ELSE '[]' END) WITH ORDINALITY AS r(content, place),
		json_array_elements(p.content -> 'columns') WITH ORDINALITY AS c(content, place)
), rows AS (
	SELECT picture, row, xmlelement(name tr, xmlagg(CASE WHEN is_first THEN xmlelement(name th, xmlattributes('row' AS scope, CASE WHEN is_text THEN NULL ELSE 'number' END AS class), value)
		ELSE xmlelement(name td, xmlattributes(CASE WHEN is_text THEN NULL ELSE 'number' END AS class), value) END ORDER BY cell)) AS row_xml
	FROM cells GROUP BY picture, row
), sections AS (
	SELECT p.place, xmlelement(name section, xmlelement(name h2, p.content ->> 'title'), xmlelement(name p, p.content ->> 'sentence'),
		CASE WHEN EXISTS (SELECT FROM rows WHERE picture = p.place) THEN xmlelement(name table,
			xmlelement(name caption, (p.content ->> 'title') || ': the numbers'),
			(SELECT xmlelement(name thead, xmlelement(name tr, xmlagg(xmlelement(name th, xmlattributes('col' AS scope), c.content ->> 1) ORDER BY c.place))) FROM json_array_elements(p.content -> 'columns') WITH ORDINALITY AS c(content, place)),
			(SELECT xmlelement(name tbody, xmlagg(row_xml ORDER BY row)) FROM rows WHERE picture = p.place)) END) AS section
	FROM report, json_array_elements(report -> 'pictures') WITH ORDINALITY AS p(content, place)
)
SELECT '<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
	|| xmlelement(name title, :'title') || '
<style>body { font: 15px/1.45 system-ui, sans-serif; margin: 20px auto; max-width: 900px; padding: 0 12px } section { overflow: auto }
table { border-collapse: collapse; font-size: 13px } td, th { padding: 3px 10px 3px 0; border-bottom: 1px solid #8886; text-align: left } th[scope=row] { font-weight: normal } caption { text-align: left } .number { text-align: right }</style></head>
<body><main>' || xmlelement(name h1, :'title') || xmlelement(name p, coalesce('as of ' || (report ->> 'as_of'), 'no customers yet')) || (
		SELECT xmlelement(name ul, xmlagg(xmlelement(name li, format('%s: %s %s', f ->> 'label', CASE WHEN f ->> 'format' = 'text' THEN f ->> 'value'
			ELSE coalesce(to_char((f ->> 'value')::numeric, 'FM999,999,999,999,990'), '-') END, '(' || (f ->> 'note') || ')'))))
		FROM json_array_elements(report -> 'figures') AS f) || coalesce(xmlelement(name p, report -> 'model' ->> 'warnings')::text, '')
	|| (SELECT string_agg(section::text, E'\n' ORDER BY place) FROM sections) || E'\n</main></body></html>'
FROM report;

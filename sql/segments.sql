-- segment_of and segment_rules: names for RFM scores

-- What a failing statement says: code, message, detail, hint.
CREATE FUNCTION pg_temp.failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text; message text; detail text; hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', code, message, nullif(detail, ''), nullif(hint, ''));
END $$;

--
-- The built-in segments
--

SELECT score, segment_of(score) FROM unnest('{555,453,521,511,411,333,311,155,233,211,111,NULL}'::text[]) score;

-- The whole map: F goes up, M to the right.
SELECT r, f, string_agg(segment_of(format('%s%s%s', r, f, m)), ' | ' ORDER BY m) AS "M from 1 to 5"
FROM generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m
GROUP BY r, f ORDER BY r DESC, f DESC;

-- The rules behind it, in the order in which they are tried.
SELECT * FROM unnest(default_segment_rules());
-- They are a partition: each of the 125 codes belongs to exactly one rule.
SELECT count(*) AS codes, min(covering) AS fewest, max(covering) AS most
FROM (SELECT (SELECT count(*) FROM unnest(default_segment_rules()) u
		WHERE x <@ u.r AND y <@ u.f AND z <@ u.m) AS covering
	FROM generate_series(1, 5) x, generate_series(1, 5) y, generate_series(1, 5) z) c;
SELECT * FROM segment_rules_gaps(default_segment_rules());
-- As a value they give what is built in.
SELECT count(*) AS codes, bool_and(segment_of(code) = segment_of(code, default_segment_rules())) AS same
FROM (SELECT format('%s%s%s', r, f, m) FROM generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m) c(code);

-- How many codes each segment has.
SELECT segment_of(format('%s%s%s', r, f, m)) AS segment, count(*) AS codes
FROM generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m
GROUP BY 1 ORDER BY 2 DESC, min(r::text || f || m);

--
-- Rules of one's own
--

-- Rules are rows; as a value they can be kept and used anywhere.
CREATE TABLE acme_segments (segment text, r int4range, f int4range, m int4range);
INSERT INTO acme_segments VALUES
	('VIP', '[4,5]', '[4,5]', '[5,5]'),
	('Active', '[4,5]', NULL, NULL),
	('Win back', '[1,2]', '[3,5]', '[1,5]'),
	(NULL, '[1,5]', '[1,5]', '[1,5]');
SELECT segment_rules(segment, r, f, m) AS rules FROM acme_segments \gset
SELECT :'rules' AS rules;
SELECT score, segment_of(score, :'rules') FROM unnest('{555,554,111,131,NULL}'::text[]) score;
SELECT segment_of('555', NULL);

-- The most specific rule wins, that is the one that covers the fewest codes. A
-- range that is left open counts up to 9. Ties are broken by name in byte order.
SELECT segment_of('555', segment_rules(segment, r, NULL, NULL))
FROM (VALUES ('five', int4range '[5,5]'), ('four and more', '[4,)'), ('any', NULL), ('up to five', '(,5]')) v(segment, r);
SELECT segment_of('555', segment_rules(segment, r, f, NULL))
FROM (VALUES ('b', int4range '[5,5]', NULL::int4range), ('a', NULL, '[5,5]'), ('Z', '[5,5]', NULL)) v(segment, r, f);

-- What they leave open, and what they claim twice.
SELECT count(*) AS open FROM segment_rules_gaps(:'rules') WHERE segments = '{}';
SELECT * FROM segment_rules_gaps(:'rules') WHERE segments <> '{}' OR score LIKE '31%';
-- Two rules of one segment do not conflict.
SELECT count(*) FROM segment_rules_gaps((SELECT segment_rules('all', r, NULL, NULL) FROM (VALUES (int4range '[1,3]'), ('[2,5]')) v(r)));

-- Three levels: 27 codes; up to nine.
SELECT segment_rules(segment, r, NULL, NULL) AS thirds FROM (VALUES ('gone', int4range '[1,1]'), ('going', '[2,2]'), ('here', '[3,3]')) v(segment, r) \gset
SELECT count(*) FROM segment_rules_gaps(:'thirds', levels => 3);
SELECT segment_of('311', :'thirds'), segment_of('299', :'thirds'), segment_of('499', :'thirds');
SELECT count(*) FROM segment_rules_gaps(:'thirds', 9);
SELECT count(*) FROM segment_rules_gaps(:'thirds', NULL);

-- Change the built-in rules: take them as rows and put them together again.
SELECT segment_rules(CASE segment WHEN 'Champions' THEN 'Stars' ELSE segment END, r, f, m) AS renamed
FROM unnest(default_segment_rules()) \gset
SELECT segment_of('555', :'renamed'), segment_of('111', :'renamed');
SELECT count(*) FROM segment_rules_gaps(:'renamed');

-- Rules are a set. The order of rows makes no difference, and to say the same twice none either.
SELECT count(DISTINCT rules) AS different FROM (
	SELECT segment_rules(segment, r, f, m ORDER BY segment) FROM acme_segments
	UNION ALL SELECT segment_rules(segment, r, f, m ORDER BY segment DESC) FROM acme_segments
	UNION ALL SELECT segment_rules(segment, r, f, m) FROM (TABLE acme_segments UNION ALL TABLE acme_segments) x
	UNION ALL SELECT rollup(rules) FROM (SELECT segment_rules(segment, r, f, m) AS rules FROM acme_segments GROUP BY segment) x
	UNION ALL SELECT :'rules') x(rules);
SELECT rollup(rules) = :'rules' AS same FROM (VALUES (:'rules'::segment_rules), (NULL)) v(rules);
SELECT rollup(NULL::segment_rules), segment_rules(NULL, NULL, NULL, NULL);
SELECT segment, jsonb_array_length(rules::jsonb -> 'rules') AS rules_so_far
FROM (SELECT segment, segment_rules(segment, r, f, m) OVER (ORDER BY segment COLLATE "C") AS rules FROM acme_segments) x
ORDER BY segment COLLATE "C";

-- Parallel plans come to the same.
CREATE FUNCTION pg_temp.planned(query text, what text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON, COSTS OFF) ' || query INTO plan;
	RETURN plan::text LIKE '%' || what || '%';
END $$;
ALTER TABLE acme_segments SET (parallel_workers = 2);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT pg_temp.planned('SELECT segment_rules(segment, r, f, m) FROM acme_segments', '"Partial Mode": "Partial"');
SELECT segment_rules(segment, r, f, m) = :'rules' AS same FROM acme_segments;
SELECT segment_rules(segment, r, f, m) FROM acme_segments WHERE segment = 'nobody';
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

--
-- What can go wrong
--

\pset format unaligned
\pset fieldsep ' => '
SELECT statement, pg_temp.failure(statement) FROM (VALUES
	('SELECT segment_of(''655'')'),
	('SELECT segment_of(''055'')'),
	('SELECT segment_of(''55'')'),
	('SELECT segment_of(''5555'')'),
	('SELECT segment_of('''')'),
	('SELECT segment_of(repeat(''x'', 100))'),
	('SELECT segment_of(''550'', default_segment_rules())'),
	('SELECT segment_of(''best'', default_segment_rules())'),
	('SELECT segment_rules('''', NULL, NULL, NULL)'),
	('SELECT segment_rules(repeat(''x'', 256), NULL, NULL, NULL)'),
	('SELECT segment_rules(''VIP'', ''empty'', NULL, NULL)'),
	('SELECT segment_rules(''VIP'', NULL, ''[0,3]'', NULL)'),
	('SELECT segment_rules(''VIP'', NULL, NULL, ''[4,10]'')'),
	('SELECT segment_rules(''VIP'', ''(,0]'', NULL, NULL)'),
	('SELECT segment_rules(''VIP'', ''[10,)'', NULL, NULL)'),
	('SELECT segment_rules(i::text, NULL, NULL, NULL) FROM generate_series(1, 4097) i'),
	('SELECT segment_rules_gaps(default_segment_rules(), 1)'),
	('SELECT segment_rules_gaps(default_segment_rules(), 10)')) s(statement);
\pset format aligned

--
-- Text and binary
--

-- The text is JSON and reads back to equal rules, in whatever order.
SELECT default_segment_rules()::text::segment_rules = default_segment_rules() AS equal,
	default_segment_rules()::jsonb -> 'rules' -> 0 AS first_rule;
SELECT '{"rules": [{"m": [1, 9], "segment": "later"}, {"segment": "first \"one\"", "r": [2, 3], "f": null}, {"segment": "later"}]}'::segment_rules;
SELECT '{"rules": []}'::segment_rules AS none, segment_of('555', '{"rules": []}');

CREATE TABLE kept (id int, rules segment_rules);
INSERT INTO kept VALUES (1, :'rules'), (2, default_segment_rules()), (3, '{"rules": []}');
\copy kept TO 'results/segment_rules.bin' WITH (FORMAT binary)
CREATE TABLE kept_back (LIKE kept);
\copy kept_back FROM 'results/segment_rules.bin' WITH (FORMAT binary)
SELECT id, k.rules = b.rules AS equal FROM kept k JOIN kept_back b USING (id) ORDER BY id;
SELECT count(*), count(DISTINCT rules) FROM (TABLE kept UNION ALL TABLE kept_back) x;
-- The binary form is frozen: version, number of rules, and of each the ranges, the length of the name, and the name.
SELECT segment_rules_send('{"rules": [{"segment": "VIP", "r": [4, 5]}]}');

-- Literals that are none.
\pset format unaligned
SELECT left(pg_temp.failure('SELECT ''{''::segment_rules'), 5) AS code;
SELECT literal, pg_temp.failure(format('SELECT %L::segment_rules', literal)) FROM (VALUES
	('[]'),
	('{}'),
	('{"rules": {}}'),
	('{"rules": [], "levels": 5}'),
	('{"rules": [1]}'),
	('{"rules": [{}]}'),
	('{"rules": [{"segment": 1}]}'),
	('{"rules": [{"segment": ""}]}'),
	('{"rules": [{"segment": "VIP", "x": [1, 5]}]}'),
	('{"rules": [{"segment": "VIP", "r": 5}]}'),
	('{"rules": [{"segment": "VIP", "r": [5]}]}'),
	('{"rules": [{"segment": "VIP", "r": [0, 5]}]}'),
	('{"rules": [{"segment": "VIP", "f": [1, 10]}]}'),
	('{"rules": [{"segment": "VIP", "m": [5, 4]}]}'),
	('{"rules": [{"segment": "VIP", "m": [1.5, 4]}]}')) l(literal);
SELECT pg_temp.failure(format('SELECT %L::segment_rules', json_build_object('rules', json_agg(json_build_object('segment', i)))))
FROM generate_series(1, 4097) i;
SELECT pg_temp.failure(format('SELECT %L::segment_rules', format('{"rules": [{"segment": "%s"}]}', repeat('x', 256))));
\pset format aligned

-- Bytes from outside are not believed. Each of these is made by hand, written
-- as bytea and read as rules. First some that are right: version 1, two rules;
-- each has ranges of r, f and m, the length of its name, and the name.
CREATE TABLE received (rules segment_rules);
\set SHOW_CONTEXT never
\copy (SELECT '\x0100000002' || '\x010901090109'::bytea || '\x0000000162' || '\x010901090105'::bytea || '\x0000000161') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
SELECT rules FROM received;
-- version 0
\copy (SELECT '\x0000000000'::bytea) TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
-- 1,000 rules announced
\copy (SELECT '\x01000003e8'::bytea || '\x0109010901090000000162') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
-- 4,294,967,295 rules announced
\copy (SELECT '\x01ffffffff'::bytea || '\x0109010901090000000162') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
-- scores from 0
\copy (SELECT '\x0100000001'::bytea || '\x0009010901090000000162') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
-- scores up to 250
\copy (SELECT '\x0100000001'::bytea || '\x01fa010901090000000162') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
-- from 5 to 4
\copy (SELECT '\x0100000001'::bytea || '\x0504010901090000000162') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
-- a name without letters
\copy (SELECT '\x0100000001'::bytea || '\x01090109010900000000') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
-- a name of 2,147,483,648 bytes
\copy (SELECT '\x0100000001'::bytea || '\x0109010901098000000062') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
-- a byte left over
\copy (SELECT '\x0100000001'::bytea || '\x010901090109000000016262') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
\set SHOW_CONTEXT errors
SELECT count(*) FROM received;

DROP TABLE acme_segments, kept, kept_back, received;

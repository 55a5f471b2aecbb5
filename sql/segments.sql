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

SELECT score, segment_of(score) FROM unnest('{555,453,521,511,411,333,311,155,233,211,111,55-,21-,NULL}'::text[]) score;

-- The whole map: F goes up, M to the right.
SELECT r, f, string_agg(segment_of(format('%s%s%s', r, f, m)), ' | ' ORDER BY m) AS "M from 1 to 5"
FROM generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m
GROUP BY r, f ORDER BY r DESC, f DESC;

-- Without a monetary score, because all spend the same, recency and frequency decide.
SELECT r, string_agg(segment_of(format('%s%s-', r, f)), ' | ' ORDER BY f) AS "F from 1 to 5"
FROM generate_series(1, 5) r, generate_series(1, 5) f GROUP BY r ORDER BY r DESC;

-- The rules behind it, in the order in which they are tried. M is 0 where there is no monetary score.
SELECT * FROM unnest(default_segment_rules());

-- There are rules for three, four and five levels. A score says how many it has, if not five.
SELECT segment_of('333/3') AS three, segment_of('333/4') AS four, segment_of('333') AS five, segment_of('33-/3') AS "no money";
SELECT r, f, string_agg(segment_of(format('%s%s%s/3', r, f, m)), ' | ' ORDER BY m) AS "M -, 1, 2, 3"
FROM generate_series(1, 3) r, generate_series(1, 3) f, (VALUES ('-'), ('1'), ('2'), ('3')) v(m) GROUP BY r, f ORDER BY r DESC, f DESC;
SELECT r, f, string_agg(segment_of(format('%s%s%s/4', r, f, m)), ' | ' ORDER BY m) AS "M -, 1, 2, 3, 4"
FROM generate_series(1, 4) r, generate_series(1, 4) f, (VALUES ('-'), ('1'), ('2'), ('3'), ('4')) v(m) GROUP BY r, f ORDER BY r DESC, f DESC;
-- Scores of other tools do not say it: then it is told.
SELECT segment_of('333', levels => 3), segment_of('333', levels => 5), segment_of('333', levels => NULL);
-- From the numbers to the names, in thirds.
SELECT segment_of(rfm_score(i, i % 3, i % 5, 3) OVER ()) AS segment, count(*) FROM generate_series(1, 90) i GROUP BY i HAVING i < 4 ORDER BY 1;

-- They are a partition: each code, with a monetary score or without, belongs to exactly one rule.
SELECT levels, count(*) AS codes, min(covering) AS fewest, max(covering) AS most
FROM (SELECT levels, (SELECT count(*) FROM unnest(default_segment_rules(levels)) u
		WHERE x <@ u.r AND y <@ u.f AND (u.m IS NULL OR z <@ u.m)) AS covering
	FROM generate_series(3, 5) levels, generate_series(1, levels) x, generate_series(1, levels) y, generate_series(0, levels) z) c
GROUP BY levels ORDER BY levels;
SELECT levels, g.* FROM generate_series(3, 5) levels, segment_rules_check(default_segment_rules(levels)) g;
-- As a value they give what is built in.
SELECT levels, count(*) AS codes, bool_and(segment_of(code) = segment_of(code, default_segment_rules(levels))) AS same
FROM generate_series(3, 5) levels, generate_series(1, levels) r, generate_series(1, levels) f, generate_series(0, levels) m,
	LATERAL (SELECT r::text || f || CASE m WHEN 0 THEN '-' ELSE m::text END || CASE levels WHEN 5 THEN '' ELSE '/' || levels END) c(code)
GROUP BY levels ORDER BY levels;

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

-- The most specific rule wins, that is the one that covers the fewest codes. Ties
-- are broken by name in byte order.
SELECT segment_of('555', segment_rules(segment, r, NULL, NULL))
FROM (VALUES ('five', int4range '[5,5]'), ('four and more', '[4,)'), ('any', NULL), ('up to five', '(,5]')) v(segment, r);
SELECT segment_of('555', segment_rules(segment, r, f, NULL))
FROM (VALUES ('b', int4range '[5,5]', NULL::int4range), ('a', NULL, '[5,5]'), ('Z', '[5,5]', NULL)) v(segment, r, f);

-- What they leave open, and what they claim twice.
SELECT count(*) AS open FROM segment_rules_check(:'rules') WHERE segments = '{}';
SELECT * FROM segment_rules_check(:'rules') WHERE segments <> '{}' OR score LIKE '31%';
-- Two rules of one segment do not conflict.
SELECT count(*) FROM segment_rules_check((SELECT segment_rules('all', r, NULL, NULL) FROM (VALUES (int4range '[1,3]'), ('[2,5]')) v(r)));

-- Rules for three levels, or ten, say so. NULL means any score, and none; a monetary score of 0 is none.
SELECT segment_rules(segment, r, NULL, NULL, 3) AS thirds FROM (VALUES ('gone', int4range '[1,1]'), ('going', '[2,2]'), ('here', '[3,3]')) v(segment, r) \gset
SELECT :'thirds' AS thirds;
SELECT count(*) FROM segment_rules_check(:'thirds', levels => 3);
SELECT segment_of('311/3', :'thirds'), segment_of('23-/3', :'thirds'), segment_of(NULL, :'thirds');
SELECT segment_rules(segment, r, NULL, m, 10) AS tenths FROM (VALUES ('best', int4range '[10,10]', int4range '[10,10]'), ('no money', '[6,)', '[0,0]'), ('good', '[6,)', '(,10]')) v(segment, r, m) \gset
SELECT :'tenths' AS tenths;
SELECT segment_of('A9A/10', :'tenths'), segment_of('A99/10', :'tenths'), segment_of('A9-/10', :'tenths'), segment_of('5AA/10', :'tenths');
SELECT segments, count(*), min(score COLLATE "C"), max(score COLLATE "C") FROM segment_rules_check(:'tenths') GROUP BY 1 ORDER BY 1;
SELECT * FROM unnest(:'tenths'::segment_rules);
SELECT count(*) FROM segment_rules_check(NULL);

-- Change the built-in rules: take them as rows and put them together again.
SELECT segment_rules(CASE segment WHEN 'Champions' THEN 'Stars' ELSE segment END, r, f, m) AS renamed
FROM unnest(default_segment_rules()) \gset
SELECT segment_of('555', :'renamed'), segment_of('111', :'renamed');
SELECT count(*) FROM segment_rules_check(:'renamed');

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
	('SELECT segment_of(''-55'')'),
	('SELECT segment_of(''5-5'')'),
	('SELECT segment_of(''334/3'')'),
	('SELECT segment_of(''333/5'', 3)'),
	('SELECT segment_of(''333/3'', 5)'),
	('SELECT segment_of(''334'', 3)'),
	('SELECT segment_of(''333'', 1)'),
	('SELECT segment_of(''222/2'')'),
	('SELECT segment_of(''A93/10'')'),
	('SELECT segment_of(''A93'')'),
	('SELECT segment_of(''111/1'')'),
	('SELECT segment_of(''111/11'')'),
	('SELECT segment_of(''333/'')'),
	('SELECT segment_of(''333/3'', default_segment_rules())'),
	('SELECT segment_of(''333'', default_segment_rules(3))'),
	('SELECT default_segment_rules(6)'),
	('SELECT segment_rules(''VIP'', ''[6,7]'', NULL, NULL)'),
	('SELECT segment_rules(''VIP'', ''[0,3]'', NULL, NULL, 3)'),
	('SELECT segment_rules(''VIP'', ''[1,4]'', NULL, NULL, 3)'),
	('SELECT segment_rules(''VIP'', NULL, NULL, ''[-1,3]'', 3)'),
	('SELECT segment_rules(''VIP'', NULL, NULL, NULL, 1)'),
	('SELECT segment_rules(''VIP'', NULL, NULL, NULL, NULL)'),
	('SELECT segment_rules(''VIP'', NULL, NULL, NULL, l) FROM generate_series(3, 4) l'),
	('SELECT rollup(default_segment_rules(l)) FROM generate_series(3, 4) l'),
	('SELECT segment_of(''best'', default_segment_rules())'),
	('SELECT segment_rules('''', NULL, NULL, NULL)'),
	('SELECT segment_rules(''(gone)'', NULL, NULL, NULL)'),
	('SELECT segment_rules(repeat(''x'', 256), NULL, NULL, NULL)'),
	('SELECT segment_rules(''VIP'', ''empty'', NULL, NULL)'),
	('SELECT segment_rules(''VIP'', NULL, ''[0,3]'', NULL)'),
	('SELECT segment_rules(''VIP'', NULL, NULL, ''[4,10]'')'),
	('SELECT segment_rules(''VIP'', ''(,0]'', NULL, NULL)'),
	('SELECT segment_rules(''VIP'', ''[10,)'', NULL, NULL)'),
	('SELECT segment_rules(i::text, NULL, NULL, NULL) FROM generate_series(1, 4097) i'),
	('SELECT segment_rules_check(default_segment_rules(), 1)'),
	('SELECT segment_rules_check(default_segment_rules(), 10)')) s(statement);
\pset format aligned

--
-- Text and binary
--

-- The text is JSON and reads back to equal rules, in whatever order.
SELECT default_segment_rules()::text::segment_rules = default_segment_rules() AS equal,
	default_segment_rules()::jsonb -> 'rules' -> 0 AS first_rule;
SELECT '{"rules": [{"m": [1, 9], "segment": "later"}, {"segment": "first \"one\"", "r": [2, 3], "f": null}, {"segment": "later"}]}'::segment_rules;
SELECT '{"rules": []}'::segment_rules AS none, segment_of('555', '{"rules": []}');
SELECT bool_and(default_segment_rules(l)::text::segment_rules = default_segment_rules(l)) AS equal FROM generate_series(3, 5) l;
-- Without levels there are five, or nine if a score needs them; scores up to nine were the open end once.
SELECT '{"rules": [{"segment": "top", "r": [4, 9], "m": [1, 9]}]}'::segment_rules AS five, '{"rules": [{"segment": "top", "r": [6, 8], "m": [2, 9]}]}'::segment_rules AS nine;

CREATE TABLE kept (id int, rules segment_rules);
INSERT INTO kept VALUES (1, :'rules'), (2, default_segment_rules()), (3, '{"rules": []}'), (4, :'tenths'), (5, default_segment_rules(3));
\copy kept TO 'results/segment_rules.bin' WITH (FORMAT binary)
CREATE TABLE kept_back (LIKE kept);
\copy kept_back FROM 'results/segment_rules.bin' WITH (FORMAT binary)
SELECT id, k.rules = b.rules AS equal FROM kept k JOIN kept_back b USING (id) ORDER BY id;
SELECT count(*), count(DISTINCT rules) FROM (TABLE kept UNION ALL TABLE kept_back) x;
-- The binary form is frozen: version, levels, number of rules, and of each the ranges, the length of the name, and the name.
SELECT segment_rules_send('{"rules": [{"segment": "VIP", "r": [4, 5]}]}');

-- Literals that are none.
\pset format unaligned
SELECT left(pg_temp.failure('SELECT ''{''::segment_rules'), 5) AS code;
SELECT literal, pg_temp.failure(format('SELECT %L::segment_rules', literal)) FROM (VALUES
	('[]'),
	('{}'),
	('{"rules": {}}'),
	('{"rules": [], "levels": 11}'),
	('{"rules": [{"segment": "VIP", "m": [0, 4]}], "levels": 3}'),
	('{"rules": [1]}'),
	('{"rules": [{}]}'),
	('{"rules": [{"segment": 1}]}'),
	('{"rules": [{"segment": ""}]}'),
	('{"rules": [{"segment": "(gone)"}]}'),
	('{"rules": [{"segment": "(new)"}]}'),
	('{"rules": [{"segment": "(no segment)"}]}'),
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
-- as bytea and read as rules. First some that are right: version 1, which had no levels, two rules;
-- each has ranges of r, f and m, the length of its name, and the name.
CREATE TABLE received (rules segment_rules);
\set SHOW_CONTEXT never
\copy (SELECT '\x0100000002' || '\x010901090109'::bytea || '\x0000000162' || '\x010901090105'::bytea || '\x0000000161') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
SELECT rules FROM received;
-- version 2: three levels, one rule
\copy (SELECT '\x020300000001'::bytea || '\x0303010300030000000163') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
SELECT rules FROM received WHERE rules::jsonb ? 'levels';
-- one level
\copy (SELECT '\x020100000001'::bytea || '\x0101010101010000000163') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
-- scores beyond the levels
\copy (SELECT '\x020300000001'::bytea || '\x0304010300030000000163') TO 'results/segment_crafted.bin' WITH (FORMAT binary)
\copy received FROM 'results/segment_crafted.bin' WITH (FORMAT binary)
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

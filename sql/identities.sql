-- Identities: which identifiers belong to one customer.

-- Pairs make groups; the first identifier of a group stands for all.
CREATE SCHEMA same;
SET search_path = same, public;
CREATE TABLE pairs (id_a int, id_b int);
INSERT INTO pairs VALUES (1, 2), (2, 3), (4, 5), (7, 7), (8, NULL);
SELECT same_customer(id_a, id_b) FROM pairs;
SELECT id, canonical_id(groups, id) FROM (SELECT same_customer(id_a, id_b) AS groups FROM pairs) AS x, generate_series(1, 6) AS id;
SELECT u.* FROM (SELECT same_customer(id_a, id_b) AS groups FROM pairs) AS x, unnest(groups) AS u;

-- An alarm for groups that are too large: an identifier that many share is none.
SELECT g.* FROM (SELECT same_customer(id_a, id_b) AS groups FROM pairs) AS x, identity_groups(groups, max_size => 2) AS g;
SELECT identity_groups('{"groups": []}', 0);

-- Identifiers are text, bigint or uuid; whole numbers come first, by value, then texts by their bytes.
SELECT same_customer(a, b) FROM (VALUES ('10', '9'), ('b@x', '10'), ('B@x', 'a@x'), ('-5', '007'), ('-12', '-5'), ('', 'empty'), ('ü', 'z')) AS v(a, b);
SELECT same_customer(a, b), canonical_id(same_customer(a, b), uuid '00000000-0000-0000-0000-00000000000b')
FROM (VALUES (uuid '00000000-0000-0000-0000-00000000000B', uuid '00000000-0000-0000-0000-00000000000a')) AS v(a, b);
SELECT same_customer(a, b) FROM (VALUES (-9223372036854775808, 9223372036854775807)) AS v(a, b);
SELECT same_customer(repeat('x', 256), 'y');
SELECT canonical_id(same_customer('a'::text, '5'::text), 'a'), canonical_id(same_customer('a'::text, 'b'::text), 7::bigint), canonical_id(NULL, 'a');

-- The groups are the components of the graph of all pairs, in whatever order the pairs come, and however they are split.
CREATE TABLE edges AS SELECT i, (i * 7919) % 3000 AS a, (i * 104729) % 3000 AS b FROM generate_series(1, 1400) AS i;
CREATE TABLE components AS
WITH RECURSIVE neighbours AS (SELECT a, b FROM edges UNION SELECT b, a FROM edges),
	reached (id, other) AS (SELECT a, a FROM neighbours UNION SELECT id, b FROM reached JOIN neighbours ON a = other)
SELECT id, min(other) AS first, count(*) AS size FROM reached GROUP BY id;
SELECT count(*) > 1000 AS many, max(size) > 5 AS some_large, count(*) FILTER (WHERE canonical_id(groups, id) <> first) AS wrong
FROM components, (SELECT same_customer(a, b) AS groups FROM edges) AS x;
SELECT count(DISTINCT groups), max(pg_column_size(groups)) = min(pg_column_size(groups)) AS same_size FROM (
	SELECT same_customer(a, b ORDER BY i) AS groups FROM edges UNION ALL
	SELECT same_customer(b, a ORDER BY i DESC) FROM edges UNION ALL
	SELECT same_customer(a, b ORDER BY md5(i::text)) FROM edges, generate_series(1, 3) UNION ALL
	SELECT rollup(part) FROM (SELECT same_customer(a, b) AS part FROM edges GROUP BY i % 7) AS parts UNION ALL
	SELECT (SELECT same_customer(a, b) FROM edges WHERE i % 2 = 0) || (SELECT same_customer(a, b) FROM edges WHERE i % 2 = 1) UNION ALL
	SELECT same_customer(id, first) FROM components) AS x;
-- A group that grows with every row, and one of many pairs of the same few.
SELECT sum(id_count), max(id_count) FROM (SELECT same_customer(i, i + 1) AS groups FROM generate_series(1, 50000) AS i) AS x, identity_groups(groups);
SELECT pg_column_size(same_customer(i % 5, i % 3)) FROM generate_series(1, 50000) AS i;
-- As a running total over a window.
SELECT i, same_customer(a, b) OVER (ORDER BY i) FROM (VALUES (1, 1, 2), (2, 3, 4), (3, 2, 3)) AS v(i, a, b);

-- Text and binary are exact; broken ones are refused.
SELECT count(*) FROM (SELECT same_customer(a, b) AS groups FROM edges) AS x WHERE groups::text::customer_identities = groups AND groups::jsonb ? 'groups';
SELECT '{"groups": [["b", "a"], ["9", "10", "2"]]}'::customer_identities;
SELECT '{"groups": [["a"]]}'::customer_identities;
SELECT '{"groups": [["a", "b"], ["b", "c"]]}'::customer_identities;
SELECT '{"groups": [["a", "a"]]}'::customer_identities;
SELECT '{"groups": [["a", 5]]}'::customer_identities;
SELECT '{"groups": ["a"]}'::customer_identities;

-- Histories of one customer under several identifiers become one history.
CREATE TABLE histories (customer_id int, h purchase_history);
INSERT INTO histories VALUES (1, '{"orders": [["2026-01-01", 10]]}'), (3, '{"orders": [["2026-01-05", 20]]}'), (4, '{"orders": [["2026-01-06", 30]]}');
SELECT canonical_id(groups, customer_id) AS customer_id, rollup(h) AS h
FROM histories, (SELECT same_customer(id_a, id_b) AS groups FROM pairs) AS x GROUP BY 1 ORDER BY 1;

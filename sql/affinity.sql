-- The right thing: what goes together, what to recommend, and how good that is.

SET extra_float_digits = -9;

CREATE FUNCTION affinity_failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text; message text; detail text; hint text; result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN 'NO ERROR: ' || left(result, 100);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws('. ', code || ': ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;

--
-- What ten customers bought
--

CREATE TEMP TABLE baskets (customer_id int, items text[]);
INSERT INTO baskets VALUES (1, '{a,b,c}'), (2, '{a,b}'), (3, '{b,c,d}'), (4, '{a,d}'), (5, '{a,b,c,d}'), (6, '{e}'), (7, '{a,b}'), (8, '{a,e}'), (9, '{b,c}'), (10, '{a,b,e}');
CREATE TEMP TABLE together AS SELECT item_pairs(items) AS pairs FROM baskets;
TABLE together;
SELECT s.* FROM together, item_pairs_size(pairs) AS s;
SELECT p.* FROM together, item_popularity(pairs) AS p;
-- Ranked by the root of the log-likelihood ratio, which is negative for what avoids each other.
SELECT r.related_item, r.units, round(r.cosine::numeric, 8) AS cosine, round(r.lift::numeric, 8) AS lift, round(r.llr::numeric, 8) AS llr, round(r.score::numeric, 8) AS score FROM together, related_items(pairs, 'b') AS r;
SELECT by, string_agg(r.related_item || ' ' || round(r.score::numeric, 8), ', ' ORDER BY r.score DESC) AS ranked
FROM together, unnest('{cosine,shrunk,lift,llr}'::text[]) AS by, related_items(pairs, 'b', by) AS r GROUP BY by ORDER BY by;
-- Which share of those with c have b, and the reverse.
SELECT asymmetry, r.score FROM together, unnest('{0,0.5,1}'::float8[]) AS asymmetry, related_items(pairs, 'c', 'cosine', 1, asymmetry => asymmetry) AS r ORDER BY 1;
SELECT count(*) FROM together, related_items(pairs, 'unknown');
-- For two customers: what they have is left out, what nobody has with theirs has no score.
SELECT customer_id, r.item, round(r.score::numeric, 8) AS score, r.own, r.popularity, r.reason FROM together, baskets, recommend_items(pairs, items) AS r WHERE customer_id IN (2, 6) ORDER BY 1, 3 DESC;
-- With what they have, as often as they had it; popular things where nothing is related; what is out of stock left out; what is due first.
SELECT r.item, round(r.score::numeric, 6) AS score, r.own, round(r.related::numeric, 6) AS related, r.popularity, r.reason
FROM together, recommend_items(pairs, '{e}', '{3}', include_owned => true, weight => 2, popularity_weight => 0.01, unavailable => '{b}', due => '{c}') AS r;
SELECT string_agg(r.item, ', ') AS without_d FROM together, recommend_items(pairs, '{a,b}', limit_count => 2, unavailable => '{d,no such item}') AS r;
SELECT string_agg(r.item || ' ' || r.reason, ', ') AS due_again FROM together, recommend_items(pairs, '{a,b}', due => '{a}') AS r;
-- Popular in their segment, not in all.
SELECT r.item, r.popularity, r.reason FROM together, (SELECT item_pairs(items) AS popular FROM baskets WHERE customer_id IN (4, 6, 8)) AS s, recommend_items(pairs, '{}', limit_count => 3, popular => popular, popularity_weight => 1) AS r;
-- Calls with one value share what is unpacked of it; each gives what it gives alone.
SELECT count(*), bool_and(list = alone) AS same FROM (
	SELECT ARRAY(SELECT r.item || r.score FROM recommend_items(pairs, items) AS r) AS list, k FROM together, baskets, LATERAL (SELECT customer_id) AS x(k)) AS a JOIN (
	SELECT customer_id, (SELECT coalesce(array_agg(r.item || r.score), '{}') FROM recommend_items(pairs::text::item_pairs, items) AS r) AS alone FROM together, baskets) AS b ON k = customer_id;
SELECT string_agg(list, ' / ' ORDER BY n) FROM (SELECT n, (SELECT string_agg(r.related_item, '') FROM related_items(pairs, 'a') AS r) AS list
	FROM (SELECT 1, pairs FROM together UNION ALL SELECT 2, item_pairs('{a,z}'::text[]) UNION ALL SELECT 3, pairs FROM together) AS v(n, pairs)) AS x;

-- Items by number or uuid are their texts.
SELECT item_pairs(ARRAY[i, 2 * i, -i]::bigint[]) FROM generate_series(1, 2) AS i;
SELECT item_pairs(ARRAY['00000000-0000-0000-0000-00000000000a', '123e4567-e89b-12d3-a456-426614174000']::uuid[]);
-- Duplicates and NULL count once and not at all; larger units are skipped and counted.
SELECT item_pairs(items) FROM (VALUES ('{a,a,b,NULL}'::text[]), ('{NULL}'), ('{}'), (NULL), ('{{a,b},{c,a}}')) AS v(items);
SELECT item_pairs(items, 2) FROM baskets;
SELECT (item_pairs_size(item_pairs(ARRAY(SELECT i::bigint FROM generate_series(1, n) AS i)))).* FROM unnest('{1000,1001}'::int[]) AS n;

-- However units are ordered and split, the value is the same; so are text and bytes. Some items are
-- beyond the thousand whose pairs are counted in a triangle.
CREATE TEMP TABLE large AS
SELECT i AS customer_id, ARRAY(SELECT CASE WHEN k % 3 = 0 THEN (i * 7 + k) % 1500 ELSE (i * i * k + 17 * k * k) % 40 END FROM generate_series(1, i % 9) AS k)::bigint[] AS items FROM generate_series(1, 5000) AS i;
CREATE TEMP TABLE large_pairs AS SELECT item_pairs(items) AS pairs FROM large;
SELECT (item_pairs_size(pairs)).*, (SELECT item_pairs(items ORDER BY customer_id DESC) FROM large) = pairs AS ordered,
	(SELECT rollup(part ORDER BY k DESC) FROM (SELECT customer_id % 4, item_pairs(items) FROM large GROUP BY 1) AS x(k, part)) = pairs AS merged,
	pairs::text::item_pairs = pairs AS text, item_pairs_send(pairs::text::item_pairs) = item_pairs_send(pairs) AS sent, jsonb_array_length(pairs::jsonb -> 'items') AS items FROM large_pairs;
-- What a self-join counts.
SELECT bool_and(r.units = j.units) AS right, count(*) FROM large_pairs,
	(SELECT a, b, count(*) AS units FROM (SELECT customer_id, unnest(items) AS a FROM large GROUP BY 1, 2) AS x JOIN (SELECT customer_id, unnest(items) AS b FROM large GROUP BY 1, 2) AS y USING (customer_id) WHERE a <> b AND a < 20 GROUP BY 1, 2) AS j,
	LATERAL (SELECT units FROM related_items(pairs, j.a::text, limit_count => 10000) AS r WHERE r.related_item = j.b::text) AS r;

--
-- How good recommendations are
--

-- The first k are looked at: customer 1 gets one of two, at the second place; 2 both of theirs, one of them had before; 3 nothing; 4 has no next.
CREATE TEMP TABLE served (customer_id int, recommended text[], owned text[], next_items text[]);
INSERT INTO served VALUES (1, '{x,a,y}', '{b}', '{a,c}'), (2, '{a,b,c}', '{a}', '{a,b}'), (3, '{x}', '{}', '{a}'), (4, '{x}', '{a}', '{}'), (5, NULL, NULL, '{a,a,NULL}');
CREATE TEMP TABLE checked AS SELECT recommendation_check(recommended, owned, next_items, 2) AS recommendations FROM served;
SELECT q.* FROM checked, recommendation_quality(recommendations) AS q;
SELECT round((q.ndcg - (1 / log(2, 3) / (1 + 1 / log(2, 3)) + 1) / 4)::numeric, 8) AS difference, q.recall - (0.5 + 1) / 4 AS recall FROM checked, recommendation_quality(recommendations) AS q;
SELECT recommendations = (SELECT rollup(c ORDER BY k DESC) FROM (SELECT customer_id % 2, recommendation_check(recommended, owned, next_items, 2) FROM served GROUP BY 1) AS x(k, c)) AS merged,
	recommendations::text::recommendation_check = recommendations AS text, recommendation_check_send(recommendations::text::recommendation_check) = recommendation_check_send(recommendations) AS sent FROM checked;
TABLE checked;
-- A shop in which what goes together is known: bread with butter, beer with crisps, and noise. What is recommended is the other one.
CREATE TEMP TABLE pairs_of_shop AS
SELECT i, CASE WHEN assignment_place(i::text, 'which') < 0.5 THEN ARRAY['bread', 'butter'] ELSE ARRAY['beer', 'crisps'] END || ('noise ' || (assignment_place(i::text, 'noise') * 30)::int) AS items FROM generate_series(1, 2000) AS i;
SELECT q.recall > 0.99 AS found, q.explore_recall = q.recall AS explore FROM (SELECT recommendation_check(ARRAY(SELECT r.item FROM recommend_items(pairs, items[1:1], limit_count => 1) AS r), items[1:1], items[2:2], 1) AS c
	FROM pairs_of_shop, (SELECT item_pairs(items) AS pairs FROM pairs_of_shop WHERE i % 2 = 0) AS p WHERE i % 2 = 1) AS x, recommendation_quality(c) AS q;

-- What cannot be.
SELECT affinity_failure(format('SELECT %s FROM together', call)) FROM (VALUES (1, $$item_pairs('{a,b}'::text[], 1)$$), (2, $$item_pairs('{a,b}'::text[], NULL)$$), (3, $$item_pairs(ARRAY['', 'a'])$$), (4, $$item_pairs(ARRAY[repeat('x', 256)])$$),
	(5, $$related_items(pairs, 'a', 'jaccard')$$), (6, $$related_items(pairs, 'a', 'llr', 0)$$), (7, $$related_items(pairs, 'a', asymmetry => 1.5)$$), (8, $$related_items(pairs, 'a', shrink => -1)$$),
	(9, $$recommend_items(pairs, '{a}', '{1,2}')$$), (10, $$recommend_items(pairs, '{a}', weight => 'NaN')$$), (11, $$recommend_items(pairs, '{a}', popularity_weight => -1)$$), (12, $$recommendation_check('{a}', '{b}', '{a}', 0)$$),
	(13, $$recommendation_check('{a}', '{b}', '{a}', NULL)$$), (14, $$recommendation_quality(recommendation_check('{a}', '{b}', '{a}', 1) || recommendation_check('{a}', '{b}', '{a}', 2))$$)) AS v(n, call) ORDER BY n;
CREATE FUNCTION affinity_refused(literal text, type regtype) RETURNS text LANGUAGE sql RETURN affinity_failure(format('SELECT %L::%s', literal, type));
SELECT literal, affinity_refused(literal, 'item_pairs') FROM (VALUES ('{"units": 1, "items": [["a", 2]], "pairs": []}'), ('{"units": 2, "items": [["a", 2], ["a", 1]], "pairs": []}'), ('{"units": 2, "items": [["a", 0]], "pairs": []}'),
	('{"units": 2, "items": [["a", 2], ["b", 1]], "pairs": [[0, 1, 2]]}'), ('{"units": 2, "items": [["a", 2], ["b", 1]], "pairs": [[1, 0, 1]]}'), ('{"units": 2, "items": [["a", 2], ["b", 1]], "pairs": [[0, 2, 1]]}'),
	('{"units": 2, "items": [["a", 2], ["b", 1]], "pairs": [[0, 1, 1], [0, 1, 1]]}'), ('{"units": 2, "items": [["", 2]], "pairs": []}'), ('{"units": 5000000000, "items": [], "pairs": []}'), ('{"items": [], "pairs": []}')) AS v(literal);
SELECT '{"units": 3, "items": [["b", 2], ["a", 3], ["c", 1]], "pairs": [[0, 1, 2], [1, 2, 1]]}'::item_pairs AS put_in_order;
SELECT literal, affinity_refused(literal, 'recommendation_check') FROM (VALUES ('{"sums": [[0, 0, 1]]}'), ('{"sums": [[0, 1, 1], [8, 5, 1]]}'), ('{"sums": [[0, 0, 1], [1, 0, 4294967297], [8, 5, 1]]}'), ('{"sums": [[9, 0, 1]]}'), ('{"sums": [[0, 0, 1], [8, 1001, 1]]}')) AS v(literal);

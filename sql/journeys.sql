-- Journeys: what steps customers take, how far they come, and where they are lost.

SET datestyle = ISO;
SET timezone = 'UTC';
SET extra_float_digits = -9;

CREATE FUNCTION journeys_failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
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
-- How far customers came: published cases (times in seconds, sets of steps as bits)
--

CREATE TEMP TABLE vectors (id int, events jsonb, within int, steps int, mode text, flags text[], level int);
INSERT INTO vectors VALUES
	(1, '[[0,1],[1,0],[2,0],[3,0],[4,0],[5,0],[6,0],[7,0],[8,0]]', 10000, 1, 'clickhouse', '{}', 1),
	(2, '[[0,1],[1,2],[2,0],[3,0],[4,0],[5,0],[6,0],[7,0],[8,0]]', 10000, 2, 'clickhouse', '{}', 2),
	(3, '[[0,1],[1,2],[2,4],[3,0],[4,0],[5,0],[6,0],[7,0],[8,0]]', 10000, 3, 'clickhouse', '{}', 3),
	(4, '[[0,1],[1,2],[2,4],[3,0],[4,0],[5,0],[6,0],[7,0],[8,8]]', 10000, 4, 'clickhouse', '{}', 4),
	(5, '[[0,0],[1,0],[2,0],[3,1],[4,2],[5,4],[6,8],[7,16],[8,0]]', 2, 5, 'clickhouse', '{}', 3),
	(6, '[[0,0],[1,0],[2,0],[3,1],[4,2],[5,4],[6,8],[7,16],[8,0]]', 2, 5, 'once', '{}', 3),
	(7, '[[0,0],[1,0],[2,0],[3,1],[4,2],[5,4],[6,8],[7,16],[8,0]]', 2, 5, 'increase', '{}', 3),
	(8, '[[0,0],[1,0],[2,0],[3,1],[4,2],[5,4],[6,8],[7,16],[8,0]]', 3, 5, 'clickhouse', '{}', 4),
	(9, '[[0,0],[1,0],[2,0],[3,1],[4,2],[5,4],[6,8],[7,16],[8,0]]', 3, 5, 'once', '{}', 4),
	(10, '[[0,0],[1,0],[2,0],[3,1],[4,2],[5,4],[6,8],[7,16],[8,0]]', 3, 5, 'increase', '{}', 4),
	(11, '[[0,0],[1,0],[2,0],[3,1],[4,2],[5,4],[6,8],[7,16],[8,0]]', 4, 5, 'clickhouse', '{}', 5),
	(12, '[[0,0],[1,0],[2,0],[3,1],[4,2],[5,4],[6,8],[7,16],[8,0]]', 4, 5, 'once', '{}', 5),
	(13, '[[0,0],[1,0],[2,0],[3,1],[4,2],[5,4],[6,8],[7,16],[8,0]]', 4, 5, 'increase', '{}', 5),
	(14, '[[1,5],[2,7],[3,7],[4,15],[5,15],[6,15],[7,11],[8,10]]', 4, 4, 'clickhouse', '{}', 4),
	(15, '[[1,2],[2,0],[3,0],[4,0],[5,0],[6,0],[7,0],[8,1]]', 10000, 2, 'clickhouse', '{}', 1),
	(16, '[[0,1],[10,2],[20,4],[30,8],[40,16],[50,32],[51,32],[60,64],[70,0],[80,0]]', 10000, 7, 'clickhouse', '{dedup}', 6),
	(17, '[[0,1],[10,2],[20,4],[30,8],[40,16],[50,32],[51,32],[60,64],[70,0],[80,0]]', 10000, 7, 'clickhouse', '{}', 7),
	(18, '[[1,1],[2,2],[3,4]]', 86400, 3, 'clickhouse', '{}', 3),
	(19, '[[1,1],[2,2],[3,4]]', 86400, 3, 'clickhouse', '{strict_order}', 3),
	(20, '[[1,1],[2,2],[3,4]]', 86400, 3, 'clickhouse', '{strict_order,dedup}', 3),
	(21, '[[1,1],[2,2],[3,4]]', 86400, 3, 'once', '{}', 3),
	(22, '[[1,1],[2,0],[3,2],[4,4]]', 86400, 3, 'clickhouse', '{}', 3),
	(23, '[[1,1],[2,0],[3,2],[4,4]]', 86400, 3, 'clickhouse', '{strict_order}', 1),
	(24, '[[1,1],[2,0],[3,2],[4,4]]', 86400, 3, 'clickhouse', '{strict_order,dedup}', 1),
	(25, '[[1,1],[2,0],[3,2],[4,4]]', 86400, 3, 'once', '{}', 3),
	(26, '[[1,1],[2,1],[3,2],[4,2],[5,4],[6,4]]', 86400, 3, 'clickhouse', '{}', 3),
	(27, '[[1,1],[2,1],[3,2],[4,2],[5,4],[6,4]]', 86400, 3, 'clickhouse', '{strict_order}', 3),
	(28, '[[1,1],[2,1],[3,2],[4,2],[5,4],[6,4]]', 86400, 3, 'clickhouse', '{strict_order,dedup}', 2),
	(29, '[[1,1],[2,1],[3,2],[4,2],[5,4],[6,4]]', 86400, 3, 'once', '{}', 3),
	(30, '[[1,1],[2,1],[3,1],[4,1],[5,2],[6,2],[7,4],[8,4]]', 86400, 3, 'clickhouse', '{}', 3),
	(31, '[[1,1],[2,1],[3,1],[4,1],[5,2],[6,2],[7,4],[8,4]]', 86400, 3, 'clickhouse', '{strict_order}', 3),
	(32, '[[1,1],[2,1],[3,1],[4,1],[5,2],[6,2],[7,4],[8,4]]', 86400, 3, 'clickhouse', '{strict_order,dedup}', 2),
	(33, '[[1,1],[2,1],[3,1],[4,1],[5,2],[6,2],[7,4],[8,4]]', 86400, 3, 'once', '{}', 3),
	(34, '[[1,1],[2,1],[3,2],[4,2],[5,0],[6,4],[7,4]]', 86400, 3, 'clickhouse', '{}', 3),
	(35, '[[1,1],[2,1],[3,2],[4,2],[5,0],[6,4],[7,4]]', 86400, 3, 'clickhouse', '{strict_order}', 2),
	(36, '[[1,1],[2,1],[3,2],[4,2],[5,0],[6,4],[7,4]]', 86400, 3, 'clickhouse', '{strict_order,dedup}', 2),
	(37, '[[1,1],[2,1],[3,2],[4,2],[5,0],[6,4],[7,4]]', 86400, 3, 'once', '{}', 3),
	(38, '[[1,4],[2,4],[3,2],[4,2],[5,1],[6,1]]', 86400, 3, 'clickhouse', '{}', 1),
	(39, '[[1,4],[2,4],[3,2],[4,2],[5,1],[6,1]]', 86400, 3, 'clickhouse', '{strict_order}', 1),
	(40, '[[1,4],[2,4],[3,2],[4,2],[5,1],[6,1]]', 86400, 3, 'clickhouse', '{strict_order,dedup}', 1),
	(41, '[[1,4],[2,4],[3,2],[4,2],[5,1],[6,1]]', 86400, 3, 'once', '{}', 1),
	(42, '[[1,1],[2,4],[3,2]]', 10, 3, 'clickhouse', '{strict_order}', 1),
	(43, '[[1,1],[2,2],[3,4],[4,2],[5,8]]', 86400, 4, 'clickhouse', '{dedup}', 3),
	(44, '[[0,1],[1,2],[1,4],[1,8],[2,16]]', 10000, 5, 'clickhouse', '{}', 5),
	(45, '[[0,1],[1,2],[1,4],[1,8],[2,16]]', 10000, 5, 'increase', '{}', 2),
	(46, '[[0,1],[1,2],[1,4],[1,8],[2,16]]', 10000, 5, 'once', '{}', 5),
	(47, '[[0,0],[1,0],[1,0],[1,0],[2,7]]', 10000, 3, 'clickhouse', '{}', 3),
	(48, '[[0,0],[1,0],[1,0],[1,0],[2,7]]', 10000, 3, 'once', '{}', 1),
	(49, '[[0,0],[1,0],[1,0],[1,0],[2,7]]', 10000, 3, 'increase', '{}', 1),
	(50, '[[180,3],[220,3],[250,4]]', 200, 3, 'once', '{}', 3),
	(51, '[[100,3],[250,3]]', 200, 3, 'once', '{}', 2),
	(52, '[[200,4],[210,3],[230,4]]', 200, 3, 'once', '{}', 1),
	(53, '[[1,1],[2,2],[3,1],[4,4]]', 86400, 3, 'clickhouse', '{strict_order}', 3),
	(54, '[[1,1],[2,2],[3,1],[4,4]]', 86400, 3, 'once', '{}', 3),
	(55, '[[1,1],[2,2],[3,1],[4,2],[5,4]]', 86400, 3, 'clickhouse', '{strict_order}', 3),
	(56, '[[1,1],[2,2],[3,1],[4,2],[5,4]]', 86400, 3, 'once', '{}', 3),
	(57, '[[1,1],[2,2],[3,4],[4,2],[5,0]]', 86400, 3, 'clickhouse', '{strict_order}', 3),
	(58, '[[1,1],[2,2],[3,4],[4,2],[5,0]]', 86400, 3, 'once', '{}', 3),
	(59, '[[1,1],[2,4],[3,2]]', 86400, 3, 'clickhouse', '{strict_order}', 1),
	(60, '[[1,1],[2,4],[3,2]]', 86400, 3, 'once', '{}', 2),
	(61, '[[100,5],[200,2],[300,5],[400,8]]', 600, 4, 'once', '{}', 4),
	(62, '[[0,1],[5,2],[9,1],[11,4],[12,2],[14,4]]', 6, 3, 'once', '{}', 3),
	(63, '[[0,1],[10,2]]', 10, 2, 'once', '{}', 2),
	(64, '[[0,1],[11,2]]', 10, 2, 'once', '{}', 1),
	(65, '[[0,1],[1,2],[2,4],[3,2],[4,8]]', 100, 4, 'clickhouse', '{dedup}', 3),
	(66, '[[0,1],[1,2],[2,4],[3,0]]', 100, 3, 'once', '{}', 3),
	(67, '[[0,0],[1,4],[2,2],[3,1]]', 100, 3, 'once', '{}', 1),
	(68, '[[0,0],[1,4]]', 100, 3, 'once', '{}', 0);
CREATE TEMP TABLE levels AS
SELECT v.*, (SELECT journey(timestamptz 'epoch' + (e ->> 0)::int * interval '1 second',
		ARRAY(SELECT b FROM generate_series(1, 31) AS b WHERE (e ->> 1)::bigint >> (b - 1) & 1 = 1)) FROM jsonb_array_elements(events) AS e) AS journey
FROM vectors AS v;
SELECT mode, flags, count(*), count(*) FILTER (WHERE journey_level(journey, within * interval '1 second', mode, steps, flags) IS DISTINCT FROM level) AS wrong
FROM levels GROUP BY 1, 2 ORDER BY 1, 2;
SELECT id, level, journey_level(journey, within * interval '1 second', mode, steps, flags) AS found FROM levels
WHERE journey_level(journey, within * interval '1 second', mode, steps, flags) IS DISTINCT FROM level;
-- Where each step must be later than the one before, a later start must not hide an earlier one:
-- ClickHouse's strict_increase says 2 of the first of these, and 1 of the second.
CREATE TEMP TABLE hidden (n int, journey journey);
INSERT INTO hidden
SELECT 1, journey(timestamptz 'epoch' + t * interval '1 second', 1 + s) FROM unnest('{1,2,2,2,3,3,3,4,4,4}'::int[], '{0,1,2,3,1,2,3,1,2,3}'::int[]) AS v(t, s);
INSERT INTO hidden SELECT 2, journey(timestamptz 'epoch' + t * interval '1 second', s) FROM (VALUES (1, 1), (2, 1), (2, 2)) AS v(t, s);
SELECT n, journey_level(journey, '1 day', 'increase', 4) AS increase, journey_level(journey, '1 day') AS once, journey_level(journey, '1 day', 'clickhouse', 4) AS clickhouse FROM hidden ORDER BY n;

--
-- One customer: visited (1), searched (2), asked (3), ordered (4), received (5), reviewed (6)
--

CREATE TEMP TABLE events (customer_id int, at timestamptz, step int);
INSERT INTO events VALUES (1, '2026-03-01 10:00', 1), (1, '2026-03-01 10:04:30', 2), (1, '2026-03-01 10:05', 1), (1, '2026-03-01 10:07:00.25', 2), (1, '2026-03-01 10:30', 4),
	(1, '2026-03-02 09:00', 3), (1, '2026-03-02 09:20', 4), (1, '2026-03-05 16:00', 5), (2, '2026-03-01 23:59', 2), (2, NULL, 1), (2, '2026-03-01', NULL), (3, '2026-03-04', 1);
CREATE TEMP TABLE journeys AS SELECT customer_id, journey(at, step) AS journey FROM events GROUP BY 1;
TABLE journeys ORDER BY 1;
SELECT customer_id, journey_level(journey, '7 days') AS week, journey_level(journey, '1 hour') AS hour, journey_level(journey, '0') AS at_once, journey_level(journey, '7 days', steps => 2) AS two FROM journeys ORDER BY 1;
-- The chain that came farthest, in the time: the later visit of the same morning counts.
SELECT t.* FROM journeys, journey_times(journey, '7 days') AS t WHERE customer_id = 1;
SELECT t.* FROM journeys, journey_times(journey, '1 hour', 'increase') AS t WHERE customer_id = 1;
-- Each attempt by itself: the time runs from its first visit, and the next begins with the first visit after it, or after the last step.
SELECT e.* FROM journeys, journey_entries(journey, '1 hour') AS e WHERE customer_id = 1;
SELECT e.* FROM journeys, journey_entries(journey, '3 minutes', 'increase') AS e WHERE customer_id = 1;
SELECT e.* FROM journeys, journey_entries(journey, '1 hour', steps => 2) AS e WHERE customer_id = 1;
-- Who drops off, comes back and gets farther: customers who visit up to three times and get one step farther each time.
SELECT level AS left_after, count(*) AS left, count(again) AS came_back, count(*) FILTER (WHERE again > level) AS got_farther
FROM (SELECT customer, entry, level, lead(level) OVER (PARTITION BY customer ORDER BY entry) AS again
	FROM (SELECT customer, journey(timestamptz '2026-03-01' + visit * interval '1 day' + step * interval '1 minute', step) AS journey
		FROM generate_series(1, 60) AS customer, generate_series(1, 1 + customer % 3) AS visit, generate_series(1, least(4, 1 + customer % 2 + visit)) AS step GROUP BY 1) AS j,
	journey_entries(journey, '1 hour', steps => 4)) AS e WHERE entry = 1 GROUP BY 1 ORDER BY 1;
-- Few events and many, in order and not, in one process or merged: the same bytes. (Many grow in another form.)
SELECT n, upward = downward AND upward = shuffled AND upward = merged AS same, (SELECT sum((e ->> 2)::int) FROM jsonb_array_elements(upward::jsonb -> 'events') AS e) AS events
FROM (VALUES (1), (2), (11), (12), (13), (40), (150), (1000)) AS sizes(n), LATERAL (SELECT journey(t, s ORDER BY i) AS upward, journey(t, s ORDER BY i DESC) AS downward, journey(t, s ORDER BY i * 7919 % 1009) AS shuffled
	FROM generate_series(1, n) AS i, LATERAL (SELECT timestamptz '2026-01-01' + i / 3 * interval '1.25 hours', 1 + i % 3) AS v(t, s)) AS j,
	LATERAL (SELECT rollup(part ORDER BY k DESC) AS merged FROM (SELECT i % 4 AS k, journey(timestamptz '2026-01-01' + i / 3 * interval '1.25 hours', 1 + i % 3) AS part FROM generate_series(1, n) AS i GROUP BY 1) AS parts) AS m ORDER BY n;
SELECT sum(jsonb_array_length(running::jsonb -> 'events')) AS events FROM (SELECT journey(timestamptz '2026-01-01' + i * interval '-1 hour', 1) OVER (ORDER BY i) AS running FROM generate_series(1, 40) AS i) AS w;
-- In any order, from any parts; text, binary and jsonb exact; whatever the settings.
SELECT bool_and(j.journey = k.journey) AS ordered FROM journeys AS j JOIN (SELECT customer_id, journey(at, step ORDER BY at DESC, step) AS journey FROM events GROUP BY 1) AS k USING (customer_id);
SELECT (SELECT journey(at, step) FROM events) = rollup(journey ORDER BY customer_id DESC) AS merged, bool_and(journey::text::journey = journey) AS text,
	bool_and(journey_send(journey::text::journey) = journey_send(journey)) AS sent, bool_and(journey::jsonb ? 'events') AS json FROM journeys;
SET timezone = 'Asia/Tokyo';
SET datestyle = 'SQL, DMY';
SELECT journey, journey::text::journey = journey AS exact FROM journeys WHERE customer_id = 2;
RESET datestyle;
SET timezone = 'UTC';
SELECT journey, journey::text::journey = journey AS exact FROM (SELECT journey(t, 32) FROM (VALUES ('4713-11-24 00:00:00+00 BC'::timestamptz), ('294276-12-31 23:59:59.999999+00')) AS v(t)) AS x(journey);
SELECT journey(at, steps) FROM (VALUES (timestamptz '2026-03-01', '{1, 2, NULL, 1}'::int[]), ('2026-03-01', '{}'), ('2026-03-02', NULL)) AS v(at, steps);
SELECT journey(at, 1) FILTER (WHERE false) IS NULL AS none, num_nulls(journey_level(NULL, '1 day'), journey_level('{"events": []}', NULL)) AS nulls FROM events;
SELECT journey_level('{"events": []}', '1 day') AS nowhere, (SELECT count(*) FROM journey_times('{"events": []}', '1 day')) AS times, (SELECT count(*) FROM journey_entries('{"events": []}', '1 day')) AS entries;

--
-- Many customers: how far, how long, and where they are lost
--

-- A thousand of each segment: of ten, two only visit, three search, two order, three review; a step takes as many minutes as the customer's number in the hundred.
CREATE TEMP TABLE many AS
SELECT segment, i AS customer_id, (SELECT journey(timestamptz '2026-03-01' + (i % 100) * (s - 1) * interval '1 minute', s) FROM generate_series(1, (ARRAY[1,1,2,2,2,3,3,4,4,4])[1 + i % 10]) AS s) AS journey
FROM unnest('{Loyal,New}'::text[]) AS segment, generate_series(1, 1000) AS i WHERE segment = 'Loyal' OR i % 2 = 0;
INSERT INTO many VALUES ('New', 0, NULL), ('New', 0, '{"events": []}');
SELECT segment, f.* FROM (SELECT segment, journey_funnel(journey, '1 day') AS funnel FROM many GROUP BY 1) AS x, funnel_steps(funnel) AS f ORDER BY segment, step;
-- What is read is what percentile_disc says, to one part in 500.
SELECT bool_and(abs(extract(epoch FROM median_step) - median) <= median / 500) AS step, bool_and(abs(extract(epoch FROM p90_total) - p90) <= p90 / 500) AS total
FROM (SELECT journey_funnel(journey, '1 day') AS funnel FROM many) AS x, funnel_steps(funnel) AS f JOIN (
	SELECT step AS s, percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM since_previous)) AS median, percentile_disc(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM since_first)) AS p90
	FROM many, journey_times(journey, '1 day') GROUP BY 1) AS t ON s = step WHERE step > 1;
-- Before, during and after the purchase.
SELECT p.* FROM (SELECT journey_funnel(journey, '1 day', 'increase') AS funnel FROM many) AS x, funnel_phases(funnel, '{before,during,after}', '{2,3,4}') AS p;
SELECT f.step, f.reached, f.share_of_all, f.share_of_previous, f.median_step FROM funnel_steps('{"customers": []}', 2) AS f;
-- In any order, from any parts, as text and as bytes.
SELECT (SELECT journey_funnel(journey, '1 day' ORDER BY customer_id DESC) FROM many) = rollup(funnel) AS merged, bool_and(funnel::text::journey_funnel = funnel) AS text,
	bool_and(journey_funnel_send(funnel::text::journey_funnel) = journey_funnel_send(funnel)) AS sent, bool_and(funnel || '{"customers": []}' = funnel) AS empty
FROM (SELECT customer_id % 7, journey_funnel(journey, '1 day') AS funnel FROM many GROUP BY 1) AS x;
SELECT journey_funnel(journey, '1 hour') FROM journeys;
-- However long steps take, a value has few entries.
SELECT pg_column_size(journey_funnel(journey, '1000 days')) < 20000 AS small FROM (
	SELECT journey(timestamptz '2026-01-01' + s * (1000000 + i * 100) * interval '1 millisecond', s) AS journey FROM generate_series(1, 10000) AS i, generate_series(1, 4) AS s GROUP BY i) AS x;

-- What cannot be.
SELECT journeys_failure(format('SELECT %s', call)) FROM (VALUES (1, $$journey(timestamptz '2026-01-01', 0)$$), (2, $$journey(timestamptz '2026-01-01', 33)$$), (3, $$journey(timestamptz '2026-01-01', '{1, 40}'::int[])$$),
	(4, $$journey(timestamptz 'infinity', 1)$$), (5, $$journey_level('{"events": []}', '1 month')$$), (6, $$journey_level('{"events": []}', '-1 day')$$), (7, $$journey_level('{"events": []}', '1 day', 'strict')$$),
	(8, $$journey_level('{"events": []}', '1 day', 'once', 0)$$), (9, $$journey_level('{"events": []}', '1 day', 'once', 3, '{dedup}')$$), (10, $$journey_level('{"events": []}', '1 day', 'clickhouse', 3, '{reentry}')$$),
	(11, $$journey_times('{"events": []}', '1 day', 'clickhouse')$$), (12, $$journey_funnel('{"events": []}', NULL::interval)$$), (13, $$journey_funnel('{"events": []}', '1 day', NULL)$$),
	(14, $$funnel_steps('{"customers": []}', 33)$$), (15, $$funnel_phases('{"customers": []}', '{a,b}', '{1}')$$), (16, $$funnel_phases('{"customers": []}', '{a,b}', '{2,2}')$$),
	(18, $$journey_entries('{"events": []}', '1 day', 'clickhouse')$$), (19, $$journey_entries('{"events": []}', '1 day', 'once', 33)$$),
	(17, $$funnel_steps(journey_funnel('{"events": []}', '1 day') || journey_funnel('{"events": []}', '2 days'))$$)) AS v(n, call) ORDER BY n;
CREATE FUNCTION journeys_refused(literal text, type regtype) RETURNS text LANGUAGE sql RETURN journeys_failure(format('SELECT %L::%s', literal, type));
SELECT literal, journeys_refused(literal, 'journey') FROM (VALUES ('{"events": [["2026-03-01T12:00:00Z", 1]]}'), ('{"events": [["2026-03-01T12:00:00", 1, 1]]}'), ('{"events": [["2026-03-01T12:00:00.5Z", 1, 1]]}'),
	('{"events": [["2026-03-01T12:00:00.000000Z", 1, 1]]}'), ('{"events": [["2026-03-01T12:00:00Z", 4294967296, 1]]}'), ('{"events": [["2026-03-01T12:00:00Z", 1, 0]]}'), ('{"events": [["294277-01-01T00:00:00Z", 1, 1]]}')) AS v(literal);
SELECT literal, journeys_refused(literal, 'journey_funnel') FROM (VALUES ('{"customers": [[0, 1, 1]]}'), ('{"customers": [[0, 0, 1]]}'), ('{"customers": [[3, 0, 1]]}'), ('{"customers": [[0, 0, 1], [1, 5, 1], [2, 2, 1]]}'),
	('{"customers": [[1, 5, 1], [2, 0, 1], [8, 0, 1], [9, 1025, 1], [10, 1025, 1]]}'), ('{"customers": [[1, 5, 1], [2, 0, 1], [8, 0, 1], [9, 1028, 2], [10, 1028, 1]]}'), ('{"customers": [[200, 0, 1]]}')) AS v(literal);
SELECT '{"customers": [[1, 5, 1], [2, 0, 1], [8, 0, 1], [9, 1028, 1], [10, 1028, 1]]}'::journey_funnel;

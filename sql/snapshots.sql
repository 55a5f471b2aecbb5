-- Snapshots: what changed of customers from day to day, and what it cost.

SET datestyle = ISO;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SCHEMA shop;
CREATE TABLE shop.scores (customer_id text PRIMARY KEY, segment text, lifecycle text, clv_365d float8, as_of date);
INSERT INTO shop.scores VALUES ('ann', 'Loyal', 'active', 200, '2026-01-01'), ('bob', 'Champions', 'active', 800, '2026-01-01'),
	('cem', 'New', 'new', 40, '2026-01-01'), ('dee', NULL, NULL, NULL, '2026-01-01');
SELECT create_snapshots('shop.snap', 'shop.scores');
SELECT relname, relkind, obj_description(oid, 'pg_class') IS NOT NULL AS commented FROM pg_class
WHERE relnamespace = 'shop'::regnamespace AND relname ~ '^snap' AND relkind IN ('r', 'v') ORDER BY relname;

-- The first snapshot keeps all customers; the next only those that changed. A value that moves a little is no change.
SELECT take_snapshot('shop.snap');
SELECT take_snapshot('shop.snap', '2026-01-02') AS nothing_changed;
UPDATE shop.scores SET as_of = '2026-01-03', clv_365d = clv_365d * 0.9;
UPDATE shop.scores SET segment = 'At risk', lifecycle = 'slipping', clv_365d = 90 WHERE customer_id = 'ann';
UPDATE shop.scores SET lifecycle = 'active' WHERE customer_id = 'cem';
INSERT INTO shop.scores VALUES ('eve', 'New', 'new', 50, '2026-01-03');
SELECT take_snapshot('shop.snap');
SELECT customer_id, changed_on, present, segment, lifecycle, clv, previous_segment, previous_clv, previous_changed_on FROM shop.snap ORDER BY customer_id, changed_on;
SELECT * FROM shop.snap_customers ORDER BY customer_id;
SELECT as_of, customers, changes FROM shop.snap_days ORDER BY as_of;

-- The day again, corrected: as if the first had not been.
UPDATE shop.scores SET segment = 'Lost', lifecycle = 'lost', clv_365d = 10 WHERE customer_id = 'ann';
DELETE FROM shop.scores WHERE customer_id = 'eve';
SELECT take_snapshot('shop.snap');
SELECT take_snapshot('shop.snap') AS again;
SELECT * FROM shop.snap_customers ORDER BY customer_id;
SELECT customer_id, changed_on, segment FROM shop.snap WHERE changed_on = '2026-01-03' ORDER BY customer_id;
SELECT as_of, customers, changes FROM shop.snap_days ORDER BY as_of;

-- Values that have doubled or halved, customers who are gone, and who come back.
UPDATE shop.scores SET clv_365d = CASE customer_id WHEN 'bob' THEN 350 WHEN 'cem' THEN 71 WHEN 'dee' THEN 5 ELSE clv_365d END, as_of = '2026-01-04';
SELECT take_snapshot('shop.snap');
SELECT customer_id, segment, segment_changed_on, clv, changed_on FROM shop.snap_customers ORDER BY customer_id;
DELETE FROM shop.scores WHERE customer_id IN ('bob', 'cem');
SELECT take_snapshot('shop.snap', '2026-01-05');
SELECT take_snapshot('shop.snap', '2026-01-06') AS still_gone;
INSERT INTO shop.scores VALUES ('cem', 'Loyal', 'active', 80, '2026-01-07');
SELECT take_snapshot('shop.snap', '2026-01-07');
SELECT * FROM shop.snap_customers ORDER BY customer_id;

-- The moves that cost most: the alert of the morning.
SELECT * FROM shop.snap_moves ORDER BY value_lost DESC, changed_on;
-- Who moved between two days, new and gone customers among them.
SELECT snapshot_transitions('shop.snap', '2026-01-01', '2026-01-07');
SELECT snapshot_transitions('shop.snap', '2026-01-02', '2026-01-02'), snapshot_transitions('shop.snap', '2025-01-01', '2026-01-01') AS all_new,
	snapshot_transitions('shop.snap', '2025-01-01', '2025-01-01') AS nothing;

-- A year of snapshots of scores that change like those of a shop: what is kept of them stays small.
CREATE TABLE shop.orders AS SELECT customer_id, ordered_at, amount
FROM simulate_orders(1000, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);
CREATE TABLE shop.year AS SELECT * FROM (SELECT customer_id::bigint, NULL::text AS segment, NULL::text AS lifecycle, NULL::float8 AS clv, NULL::date AS as_of FROM shop.orders LIMIT 0) AS x;
SELECT create_snapshots('shop."Nightly"', 'shop.year');
CREATE PROCEDURE shop.night(day date) LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE shop.year;
	INSERT INTO shop.year
	WITH h AS (SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM shop.orders WHERE ordered_at::date <= day GROUP BY 1),
		c AS (SELECT rfm_cuts(recency_days(h, day), order_count(h), total_spend(h)) AS c FROM h)
	SELECT customer_id, segment_of(rfm_score(recency_days(h, day), order_count(h), total_spend(h), c)), lifecycle_of(h, m, day), clv_estimate(h, m, as_of => day), day
	FROM h, c, (SELECT '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model AS m) AS m;
	PERFORM take_snapshot('shop."Nightly"');
END $$;
DO $$ BEGIN FOR i IN 0 .. 51 LOOP CALL shop.night(date '2025-01-01' + 7 * i); END LOOP; END $$;
SELECT count(*) AS snapshots, round(sum(changes) / (max(customers)::numeric), 1) AS rows_per_customer FROM shop."Nightly_days";
-- All of it takes the space of a few of the 52 nights, kept whole.
CREATE TABLE shop.whole AS TABLE shop.year;
ALTER TABLE shop.whole ADD PRIMARY KEY (customer_id);
VACUUM FULL shop."Nightly_current";
SELECT sum(pg_total_relation_size(part::regclass)) / pg_total_relation_size('shop.whole') < 4.5 AS few
FROM unnest(ARRAY['shop."Nightly_current"', 'shop."Nightly_states"', 'shop."Nightly_moves"', 'shop."Nightly_days"']) AS part;
-- What is kept is right: the state of each day comes out of the changes.
SELECT count(*) FILTER (WHERE s.segment IS DISTINCT FROM y.segment OR s.lifecycle IS DISTINCT FROM y.lifecycle) AS wrong, count(*) > 900 AS all_of_them
FROM shop.year AS y LEFT JOIN (SELECT DISTINCT ON (customer_id) * FROM shop."Nightly" ORDER BY customer_id, changed_on DESC) AS s USING (customer_id);
SELECT count(*) FILTER (WHERE c IS DISTINCT FROM (h.customer_id, h.segment, h.segment_changed_on, h.previous_segment, h.lifecycle, h.lifecycle_changed_on,
	h.previous_lifecycle, h.clv, h.changed_on)) AS differing FROM shop."Nightly_customers" AS c
JOIN (SELECT DISTINCT ON (customer_id) * FROM shop."Nightly" ORDER BY customer_id, changed_on DESC) AS h USING (customer_id);
-- The last day taken again: all is taken back, and comes out as it was.
CREATE TABLE shop.before AS SELECT * FROM shop."Nightly";
SELECT take_snapshot('shop."Nightly"') > 20 AS changes;
SELECT count(*) FILTER (WHERE b IS DISTINCT FROM h) AS differing, count(*) > 2000 AS all_of_them FROM shop.before AS b FULL JOIN shop."Nightly" AS h USING (customer_id, changed_on);
SELECT count(*) > 5 AS segments, round(sum(share)::numeric, 9) AS shares, min(status) AS status
FROM steady_state(snapshot_transitions('shop."Nightly"', '2025-10-01', '2025-12-24'), smooth => true);

-- Scores of create_customer_scores, of any kind of customer_id; without a lifecycle, a value or a day.
CREATE TABLE shop.bare AS SELECT '00000000-0000-0000-0000-000000000001'::uuid AS customer_id, 'A'::varchar(9) AS segment;
SELECT create_snapshots('shop.plain', 'shop.bare');
SELECT take_snapshot('shop.plain', '2026-01-01'), take_snapshot('shop.plain', '2026-01-01'), take_snapshot('shop.plain', '2026-01-02');
TABLE shop.plain_customers;
SELECT take_snapshot('shop.plain');

-- Scores made by hand: what is no value is kept as none and counted, and hides no change of other customers.
SET client_min_messages = notice;
CREATE TABLE shop.by_hand (customer_id numeric, segment text, clv_365d numeric, as_of date);
INSERT INTO shop.by_hand VALUES (1, 'Loyal', 100, '2026-01-01'), (2, 'Loyal', 'NaN', '2026-01-01'), (3, 'Lost', 'Infinity', 'infinity'), (4, 'Lost', 1e300, '2026-01-01'),
	(5, 'Lost', '1e-400', '2026-01-01'), (NULL, 'Lost', 5, '2026-01-01');
SELECT create_snapshots('shop.hand', 'shop.by_hand');
SELECT take_snapshot('shop.hand');
UPDATE shop.by_hand SET clv_365d = 300, as_of = '2026-01-02' WHERE customer_id = 1;
UPDATE shop.by_hand SET clv_365d = 3 WHERE customer_id = 3;
SELECT take_snapshot('shop.hand') AS two_have_changed;
SELECT customer_id, clv, previous_clv FROM shop.hand WHERE changed_on = '2026-01-02' ORDER BY customer_id;
-- Values as large as they come, whose sum of squares is beyond a double.
CREATE TABLE shop.large AS SELECT i AS customer_id, 'A' AS segment, 1e100::float8 AS clv FROM generate_series(1, 3) AS i;
SELECT create_snapshots('shop.larger', 'shop.large');
SELECT take_snapshot('shop.larger', '2026-01-01');
UPDATE shop.large SET clv = -1e100 WHERE customer_id = 1;
SELECT take_snapshot('shop.larger', '2026-01-02');
SELECT customer_id, clv, previous_clv FROM shop.larger WHERE changed_on = '2026-01-02';

-- A customer with several rows is named, also where they are alike or differ in writing only, and nothing is taken.
INSERT INTO shop.by_hand VALUES (1.00, 'Lost', 5, '2026-01-02');
SELECT take_snapshot('shop.hand', '2026-01-03');
DELETE FROM shop.by_hand WHERE scale(customer_id) > 0 OR customer_id IS NULL;
UPDATE shop.by_hand SET clv_365d = 7, as_of = '2026-01-03';
SELECT take_snapshot('shop.hand');
INSERT INTO shop.by_hand SELECT b.* FROM shop.by_hand AS b, generate_series(1, 2);
SELECT take_snapshot('shop.hand', '2026-01-04') AS three_alike;
DELETE FROM shop.by_hand WHERE ctid NOT IN (SELECT min(ctid) FROM shop.by_hand GROUP BY customer_id);
SELECT take_snapshot('shop.hand', '2026-01-04') AS nothing_changed;

-- Scores that stand at another day than the snapshot.
SELECT take_snapshot('shop.hand', '2026-01-10') AS seven_days;
SELECT take_snapshot('shop.hand', '2026-01-11') AS eight_days;

-- Tables and views of another role could run anything with the caller's rights: they are refused.
CREATE ROLE regress_snapshots_other;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_snapshots_other;
ALTER TABLE shop.hand_days OWNER TO regress_snapshots_other;
SELECT take_snapshot('shop.hand');
ALTER TABLE shop.hand_days OWNER TO CURRENT_USER;
ALTER VIEW shop.hand_source OWNER TO regress_snapshots_other;
SELECT take_snapshot('shop.hand');
ALTER VIEW shop.hand_source OWNER TO CURRENT_USER;
ALTER VIEW shop.hand_source RENAME TO elsewhere;
SELECT take_snapshot('shop.hand');
DROP OWNED BY regress_snapshots_other;
DROP ROLE regress_snapshots_other;

-- Customers in types of the user's own.
CREATE TYPE shop.who AS ENUM ('b', 'a');
CREATE TABLE shop.enums AS SELECT 'b'::shop.who AS customer_id, 'a'::shop.who AS segment, 1 AS clv;
CREATE CAST (shop.who AS text) WITH INOUT AS IMPLICIT;
SELECT create_snapshots('shop.of_enums', 'shop.enums');
SELECT take_snapshot('shop.of_enums', '2026-01-01');
UPDATE shop.enums SET segment = 'b';
SELECT take_snapshot('shop.of_enums', '2026-01-02');
TABLE shop.of_enums_customers;
SELECT snapshot_transitions('shop.of_enums', '2026-01-01', '2026-01-02');
CREATE TYPE shop.pair AS (a int, b int);
CREATE TABLE shop.pairs AS SELECT ROW(1, 2)::shop.pair AS customer_id, 'x' AS segment, 'y' AS clv;
SELECT create_snapshots('shop.of_pairs', 'shop.pairs');
ALTER TABLE shop.pairs DROP clv, ADD as_of text;
SELECT create_snapshots('shop.of_pairs', 'shop.pairs');
ALTER TABLE shop.pairs DROP as_of;
SELECT create_snapshots('shop.of_pairs', 'shop.pairs');
SELECT take_snapshot('shop.of_pairs', '2026-01-01'), take_snapshot('shop.of_pairs', '2026-01-02') AS the_same;
CREATE TYPE shop.span AS RANGE (subtype = int);
CREATE TABLE shop.spans AS SELECT '[1,2]'::shop.span AS customer_id, 'x' AS segment;
SELECT create_snapshots('shop.of_spans', 'shop.spans');

-- Snapshots go on when the scores are replaced, with whatever storage and horizon; who may read their view may still.
SET client_min_messages = warning;
CREATE ROLE regress_snapshots_reader;
SELECT create_customer_scores('shop.cs', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd');
SELECT create_snapshots('shop.of_cs', 'shop.cs'), create_snapshots('shop.of_bi', 'shop.cs_bi');
GRANT SELECT ON shop.of_cs_source TO regress_snapshots_reader;
SELECT take_snapshot('shop.of_cs') AS first, take_snapshot('shop.of_bi') AS of_bi;
SELECT create_customer_scores('shop.cs', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', horizon_days => 7, replace => true);
SELECT take_snapshot('shop.of_cs', '2026-01-02') > 100 AS values_of_a_week, take_snapshot('shop.of_bi', '2026-01-02') > 100 AS of_bi;
SELECT create_customer_scores('shop.cs', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', storage => 'table', replace => true);
SELECT take_snapshot('shop.of_cs', '2026-01-03') > 100 AS values_of_a_year, take_snapshot('shop.of_bi', '2026-01-03') > 100 AS of_bi,
	has_table_privilege('regress_snapshots_reader', 'shop.of_cs_source', 'SELECT') AS may_read;
-- They go on without lifecycle and as_of, which is said.
SELECT create_customer_scores('shop.cs', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', columns => '{customer_id, segment, clv_365d, as_of}'::text[], storage => 'table', replace => true);
SELECT create_customer_scores('shop.cs', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', columns => '{customer_id, segment}'::text[], storage => 'table', replace => true);
SELECT create_customer_scores('shop.cs', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', storage => 'table', replace => true);
SELECT create_customer_scores('shop.cs', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', columns => '{customer_id, segment, clv_365d}'::text[], storage => 'table', replace => true);
SELECT create_customer_scores('shop.cs', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', storage => 'table', replace => true);
-- They cannot go on without what they look at.
SELECT create_customer_scores('shop.cs', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', columns => 'clv_365d', replace => true);
SELECT take_snapshot('shop.of_cs', '2026-01-04') AS nothing_changed;
-- Scores that were dropped with the view: the view is made again for the snapshots there are.
DROP VIEW shop.cs CASCADE;
SELECT take_snapshot('shop.of_cs', '2026-01-05');
SELECT create_customer_scores('shop.again', 'shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd');
SELECT create_snapshots('shop.of_cs', 'shop.bare');
SELECT create_snapshots('shop.of_cs', 'shop.again');
SELECT take_snapshot('shop.of_cs', '2026-01-05') AS nothing_changed, (SELECT count(*) FROM shop.of_cs_days) AS snapshots;
SELECT create_snapshots('shop.of_cs', 'shop.again');
DROP OWNED BY regress_snapshots_reader;
DROP ROLE regress_snapshots_reader;

-- A value that is not known before or after the move is no loss: such customers are counted. Who is gone is a loss of all.
CREATE TABLE shop.unknown (customer_id int, segment text, clv float8);
INSERT INTO shop.unknown VALUES (1, 'A', 100), (2, 'A', 60), (3, 'A', NULL), (4, 'C', 10), (5, 'D', 7);
SELECT create_snapshots('shop.unknowns', 'shop.unknown');
SELECT take_snapshot('shop.unknowns', '2026-01-01');
UPDATE shop.unknown SET segment = 'B', clv = CASE customer_id WHEN 2 THEN 20 WHEN 3 THEN 5 END WHERE customer_id < 4;
UPDATE shop.unknown SET segment = 'E', clv = NULL WHERE customer_id = 4;
DELETE FROM shop.unknown WHERE customer_id = 5;
SELECT take_snapshot('shop.unknowns', '2026-01-02');
INSERT INTO shop.unknown VALUES (5, 'D', 8);
SELECT take_snapshot('shop.unknowns', '2026-01-03');
SELECT * FROM shop.unknowns_moves ORDER BY changed_on, from_segment, to_segment;

-- A person is erased from what there is by name: what is written and read afterwards goes on.
DELETE FROM shop.unknown WHERE customer_id = 1;
DELETE FROM shop.unknowns_current WHERE customer_id = 1;
SELECT take_snapshot('shop.unknowns', '2026-01-03') AS again, take_snapshot('shop.unknowns', '2026-01-04') AS nothing_changed;
SELECT (SELECT count(*) FROM shop.unknowns WHERE customer_id = 1) + (SELECT count(*) FROM shop.unknowns_current WHERE customer_id = 1) AS rows_of_the_person,
	count(*) AS customers FROM shop.unknowns_customers;

-- Segments that could not be told from what the transitions say of themselves, or that they would refuse, are refused; none is there by NULL.
CREATE TABLE shop.named (customer_id int, segment text);
INSERT INTO shop.named VALUES (1, 'A'), (2, NULL), (NULL, '(gone)');
SELECT create_snapshots('shop.names', 'shop.named');
UPDATE shop.named SET segment = '' WHERE customer_id = 1;
SELECT take_snapshot('shop.names', '2026-01-01');
UPDATE shop.named SET segment = '(gone)' WHERE customer_id = 1;
SELECT take_snapshot('shop.names', '2026-01-01');
UPDATE shop.named SET segment = '(new)' WHERE customer_id = 1;
SELECT take_snapshot('shop.names', '2026-01-01');
UPDATE shop.named SET segment = repeat('ä', 128) WHERE customer_id = 1;
SELECT take_snapshot('shop.names', '2026-01-01');
SELECT count(*) FROM shop.names_days;
UPDATE shop.named SET segment = repeat('ä', 127) WHERE customer_id = 1;
SELECT take_snapshot('shop.names', '2026-01-01');
SELECT t.customers, t.to_segment = '(no segment)' AS without FROM unnest(snapshot_transitions('shop.names', '2025-12-31', '2026-01-01')) AS t ORDER BY without;

-- Columns that users add beside ours, whatever they are called, are left alone.
ALTER TABLE shop.names_current ADD COLUMN no int, ADD COLUMN day date, ADD COLUMN earlier int;
ALTER TABLE shop.names_states ADD COLUMN note text;
ALTER TABLE shop.names_moves ADD COLUMN note text;
ALTER TABLE shop.names_days ADD COLUMN note text;
ALTER TABLE shop.names_days DROP COLUMN note;
SELECT take_snapshot('shop.names', '2026-01-01') AS again;

-- Days before the first snapshot, and long after the last, say so.
SET client_min_messages = notice;
SELECT count(*) FROM unnest(snapshot_transitions('shop.names', '2025-01-15', '2026-01-01'));
SELECT count(*) FROM unnest(snapshot_transitions('shop.names', '2026-01-01', '2026-01-09'));
SET client_min_messages = warning;

-- Tables that are published, as all are by some tools, have what tells their rows apart: a snapshot can be taken again.
SET client_min_messages = error;
CREATE PUBLICATION regress_snapshots FOR TABLE shop.names_current, shop.names_states, shop.names_moves, shop.names_days;
UPDATE shop.named SET segment = 'B' WHERE customer_id = 1;
SELECT take_snapshot('shop.names', '2026-01-02'), (SELECT count(*) FROM shop.names_moves) AS moves;
UPDATE shop.named SET segment = 'C' WHERE customer_id = 1;
SELECT take_snapshot('shop.names', '2026-01-02') AS again;
SELECT from_segment IS NOT NULL AS moved, to_segment FROM shop.names_moves;
UPDATE shop.named SET segment = repeat('ä', 127) WHERE customer_id = 1;
SELECT take_snapshot('shop.names', '2026-01-02') AS and_back, (SELECT count(*) FROM shop.names_moves) AS moves;
DROP PUBLICATION regress_snapshots;
SET client_min_messages = warning;

-- Refused, with what to do.
SELECT take_snapshot('shop.plain', '2025-12-31');
SELECT take_snapshot('shop.plain', 'infinity');
SELECT take_snapshot('shop.scores');
SELECT take_snapshot(NULL);
SELECT create_snapshots('shop.snap', 'shop.scores');
-- Scores that take the name of others.
CREATE TABLE shop.swapped AS SELECT 1 AS customer_id, 'A' AS segment, date '2026-01-01' AS as_of;
SELECT create_snapshots('shop.of_swapped', 'shop.swapped');
SELECT take_snapshot('shop.of_swapped');
ALTER TABLE shop.swapped RENAME TO swapped_before;
CREATE TABLE shop.swapped AS SELECT 1 AS customer_id, 'B' AS segment, date '2026-01-02' AS as_of;
DROP VIEW shop.of_swapped_source;
SELECT create_snapshots('shop.of_swapped', 'shop.swapped');
SELECT take_snapshot('shop.of_swapped');
SELECT changed_on, from_segment, to_segment, customers FROM shop.of_swapped_moves ORDER BY 1;
SELECT create_snapshots('shop.other', 'shop.orders');
SELECT create_snapshots(repeat('x', 60), 'shop.scores');
SELECT create_snapshots(NULL, 'shop.scores');
CREATE TABLE shop.by_bits AS SELECT customer_id::bit(10) AS customer_id, 'New'::text AS segment, date '2026-01-01' AS as_of, 5.0::float8 AS clv_365d FROM generate_series(1, 3) AS customer_id;
SELECT create_snapshots('shop.of_bits', 'shop.by_bits');
SELECT snapshot_transitions('shop.snap', '2026-01-02', '2026-01-01');
DROP SCHEMA shop CASCADE;

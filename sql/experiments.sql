-- Does a campaign work? Who is in which group, what the treated did more than the
-- others, where, and how certain that is.

SET extra_float_digits = -5;

-- Assignment. A unit's place in an experiment is the first 53 bits of sha256 over the
-- experiment, the byte 1F and the unit; units below the control share are in control.
SELECT experiment, unit, assignment_place(unit, experiment) AS place,
	assignment_place(unit, experiment) = ((('x' || encode(substr(sha256(convert_to(experiment, 'UTF8') || '\x1f' || convert_to(unit, 'UTF8')), 1, 8), 'hex'))::bit(64) >> 11)::bigint / 2 ^ 53::float8) AS by_hand
FROM (VALUES ('spring', '1'), ('spring', '2'), ('spring', '4711'), ('spring', 'Å'), ('summer', '1')) AS v(experiment, unit);
SELECT assign_group('1', 'spring', 0.2517), assign_group('1', 'spring', 0.2518), assign_group('', 'spring', 0.5);
-- A tenth of a hundred thousand, and of these again a tenth in another experiment.
SELECT count(*) FILTER (WHERE spring = 'control') AS spring, count(*) FILTER (WHERE spring = 'control' AND summer = 'control') AS both
FROM (SELECT assign_group(i::text, 'spring', 0.1) AS spring, assign_group(i::text, 'summer', 0.1) AS summer FROM generate_series(1, 100000) AS i) AS x;
-- A wider share moves customers one way only.
SELECT count(*) FILTER (WHERE narrow = 'control' AND wide = 'treated') AS moved_out, count(*) FILTER (WHERE narrow = 'treated' AND wide = 'control') AS moved_in
FROM (SELECT assign_group(i::text, 'spring', 0.1) AS narrow, assign_group(i::text, 'spring', 0.2) AS wide FROM generate_series(1, 10000) AS i) AS x;
-- More than two groups, as for levels of spend.
SELECT width_bucket(assignment_place(i::text, 'levels'), 0, 1, 4) AS level, count(*) FROM generate_series(1, 10000) AS i GROUP BY 1 ORDER BY 1;
SELECT assign_group('1', '', 0.5);
SELECT assign_group('1', 'spring', 0);
SELECT assign_group('1', 'spring', 1);
SELECT assign_group('1', 'spring', 'NaN');
SELECT assign_group(NULL, 'spring', 0.5), assign_group('1', NULL, 0.5), assign_group('1', 'spring', NULL);

-- How many it takes, before: from 5 percent to 6.
SELECT * FROM experiment_size(0.05, 0.01);
SELECT * FROM experiment_size(base_rate => 0.05, effect => 0.01, power => 0.8, control_share => 0.5, level => 0.95);
SELECT * FROM experiment_size(0.05, -0.01, 0.9, 0.1);
SELECT * FROM experiment_size(0.5, 1e-12);
SELECT * FROM experiment_size(0.05, 0);
SELECT * FROM experiment_size(0.05, 0.95);
SELECT * FROM experiment_size(0, 0.1);
SELECT * FROM experiment_size(0.05, 0.01, 1);
SELECT * FROM experiment_size(0.05, 0.01, 0.01);

-- Four segments of an experiment, with a fifth of all in control.
CREATE TABLE counted (segment text, n_treated int, x_treated int, n_control int, x_control int);
INSERT INTO counted VALUES ('Champions', 2000, 300, 500, 70), ('Loyal', 3000, 270, 750, 60), ('At risk', 2500, 150, 600, 21), ('Lost', 4000, 60, 1000, 14);
-- The same as rows, one for each customer.
CREATE TABLE campaign AS
SELECT segment, 'treated' AS arm, i <= x_treated AS ordered FROM counted, generate_series(1, n_treated) AS i
UNION ALL SELECT segment, 'control', i <= x_control FROM counted, generate_series(1, n_control) AS i;
CREATE TABLE uplifts AS SELECT segment, uplift(arm = 'treated', ordered) AS u FROM campaign GROUP BY segment;
SELECT segment, e.* FROM uplifts, uplift_estimate(u, 0.95) AS e ORDER BY segment;
SELECT count(*), bool_and(u = uplift_of_counts(n_treated, x_treated, n_control, x_control)) AS counts, bool_and(u = as_number) AS numbers
FROM uplifts JOIN counted USING (segment) JOIN (SELECT segment, uplift(arm = 'treated', ordered::int) AS as_number FROM campaign GROUP BY 1) AS n USING (segment);
-- All together. The check of the sample ratio comes first: a fifth was to be control.
SELECT e.* FROM (SELECT rollup(u) AS u FROM uplifts) AS x, uplift_estimate(u, 0.95, control_share => 0.2) AS e;
SELECT srm_prob FROM (SELECT rollup(u) AS u FROM uplifts) AS x, uplift_estimate(u, 0.95, control_share => 0.25);
-- A customer or two in each group make no segment persuadable.
SELECT s.n_treated, s.n_control, s.shrunk, s.persuadable, s.status FROM uplift_shrunk((SELECT uplift_segments(g, u) FROM (VALUES ('A', uplift_of_counts(1, 1, 1, 0)), ('B', uplift_of_counts(9, 9, 1000, 0)), ('C', uplift_of_counts(10, 5, 10, 0))) AS v(g, u))) AS s;
-- The status keeps it where the warning is gone.
SELECT status, srm_prob < 0.001 AS mismatch, low FROM uplift_estimate(uplift_of_counts(10000, 500, 5000, 200), control_share => 0.5);
SELECT status FROM uplift_estimate(uplift_of_counts(10000, 500, 10000, 400), control_share => 0.5);
-- The any-time interval is for looking as often as one likes. It is narrowest around
-- tightest_at units, which is chosen before the first look.
SELECT tightest_at, (high - low) / 2 AS fixed, (high_any_time - low_any_time) / 2 AS any_time
FROM (SELECT uplift(i % 2 = 0, CASE WHEN i % 10 < 2 THEN 1 ELSE 0 END) AS u FROM generate_series(1, 5000) AS i) AS x,
	(VALUES (500), (5000), (50000)) AS v(tightest_at), uplift_estimate(u, 0.95, tightest_at => tightest_at) AS e;

-- What segments say of each other: shrinkage, how probable it is that treating a customer
-- is worth it (a response is worth 40, a letter costs 0.5), and whether they differ at all.
CREATE TABLE by_segment AS SELECT uplift_segments(segment, u) AS s FROM uplifts;
SELECT t.* FROM by_segment, uplift_shrunk(s, value_per_response => 40, cost => 0.5) AS t;
SELECT segment, persuadable FROM by_segment, uplift_shrunk(s, level => 0.75, value_per_response => 40, cost => 0.5);
-- An uplift of amounts is money already: what multiplies it is a margin.
CREATE TABLE of_amounts AS SELECT uplift_segments(segment, u) || (SELECT s FROM by_segment) AS s
FROM (SELECT 'Spend' AS segment, uplift(i % 2 = 0, i % 7 + (i % 2 = 0)::int) AS u FROM generate_series(1, 2000) AS i GROUP BY 1) AS x;
SELECT uplift_shrunk(s, value_per_response => 40, cost => 0.5) FROM of_amounts;
SELECT count(*) AS at_a_margin FROM of_amounts, uplift_shrunk(s, value_per_response => 0.4, cost => 0.5);
SELECT t.* FROM by_segment, uplift_heterogeneity(s) AS t;
SELECT t.segment, uplifts.u = t.u AS same FROM by_segment, unnest(s) AS t JOIN uplifts USING (segment) ORDER BY 1;

-- Spend, and spend of before the experiment, which explains most of it (CUPED): the
-- interval is as much narrower as the two correlate.
CREATE TABLE spends AS
SELECT i, i % 4 > 0 AS treated, 10 + (i * 7919) % 97 + CASE WHEN i % 4 > 0 THEN 2 ELSE 0 END + ((i * 104729) % 13) / 10.0 AS spend,
	(i * 7919) % 97 AS spend_before FROM generate_series(1, 4000) AS i;
SELECT 'without' AS covariate, e.* FROM (SELECT uplift(treated, spend) AS u FROM spends) AS x, uplift_estimate(u) AS e
UNION ALL SELECT 'with', e.* FROM (SELECT uplift(treated, spend, spend_before) AS u FROM spends) AS x, uplift_estimate(u) AS e;
-- Means, variances and Welch's interval, by the server.
SELECT abs(e.mean_treated - s.mean_treated) < 1e-11 AS treated, abs(e.mean_control - s.mean_control) < 1e-11 AS control,
	abs((e.high - e.low) / 2 / (1.645 * s.std_error) - 1) < 0.002 AS half_width
FROM (SELECT uplift(treated, spend) AS u, avg(spend) FILTER (WHERE treated) AS mean_treated, avg(spend) FILTER (WHERE NOT treated) AS mean_control,
		sqrt(variance(spend) FILTER (WHERE treated) / count(*) FILTER (WHERE treated) + variance(spend) FILTER (WHERE NOT treated) / count(*) FILTER (WHERE NOT treated)) AS std_error
	FROM spends) AS s, uplift_estimate(u) AS e;
-- Of numbers with a large mean nothing is lost.
SELECT (high - low) / 2 AS half_width FROM (SELECT uplift(treated, spend + 1e15) AS u FROM (SELECT treated, i % 2 AS spend FROM spends) AS x) AS y, uplift_estimate(u);
SELECT (high - low) / 2 AS half_width FROM (SELECT uplift(treated, spend - 3) AS u FROM (SELECT treated, i % 2 AS spend FROM spends) AS x) AS y, uplift_estimate(u);

-- A score's tiles, the best first: the Qini curve, and its area over that of random treatment.
CREATE TABLE tiles AS
SELECT uplift_segments(tile, uplift_of_counts(1000, treated, 250, control)) AS t
FROM (VALUES (1, 130, 20), (2, 95, 18), (3, 70, 15), (4, 52, 13), (5, 40, 11)) AS v(tile, treated, control);
SELECT c.* FROM tiles, qini_curve(t) AS c;
SELECT q.* FROM tiles, qini(t) AS q;
SELECT a.low < b.low OR a.low > b.low AS another_seed, a = c AS same_seed, d.low IS NULL AS no_draws
FROM tiles, qini(t, seed => 1) AS a, qini(t, seed => 2) AS b, qini(t, seed => 1) AS c, qini(t, draws => 0) AS d;
-- Ten comes after two.
SELECT array_agg(tile) FROM (SELECT uplift_segments(i, uplift_of_counts(10, 1, 10, 1)) AS t FROM generate_series(-1, 12) AS i) AS x, qini_curve(t);
SELECT qini_curve(s) FROM by_segment;
SELECT qini(s) FROM by_segment;
SELECT q.* FROM (SELECT uplift_segments(i, uplift_of_counts(10, 1, 0, 0)) AS t FROM generate_series(1, 3) AS i) AS x, qini(t) AS q;

-- The same units in any order and split are the same value to the byte, although sums of
-- such numbers are not.
CREATE TABLE terms AS SELECT i, i % 3 > 0 AS treated, (random() - 0.5) * 10 ^ (i % 20) AS y, random() AS x FROM generate_series(1, 3000) AS i;
SELECT sum(y ORDER BY y) = sum(y ORDER BY i) AS float_sums, uplift(treated, y ORDER BY y) = uplift(treated, y ORDER BY i) AS uplifts,
	uplift(treated, y, x ORDER BY y) = uplift(treated, y, x ORDER BY x) AS with_before FROM terms;
SELECT rollup(u) = (SELECT uplift(treated, y, x) FROM terms) AS split FROM (SELECT uplift(treated, y, x) AS u FROM terms GROUP BY i % 17) AS x;
SELECT a.u || b.u = (SELECT uplift(treated, y) FROM terms) AS joined
FROM (SELECT uplift(treated, y) AS u FROM terms WHERE i <= 1000) AS a, (SELECT uplift(treated, y) AS u FROM terms WHERE i > 1000) AS b;
SELECT bool_and(u = (SELECT uplift(treated, y) FROM terms WHERE i <= n)) AS running
FROM (SELECT i AS n, uplift(treated, y) OVER (ORDER BY i) AS u FROM terms) AS x WHERE n % 500 = 0;
SELECT rollup(s) = (SELECT uplift_segments(segment, u) FROM (SELECT i % 50 AS n, 'S' || i % 10 AS segment, uplift(treated, y) AS u FROM terms GROUP BY 1, 2) AS x) AS segments
FROM (SELECT n, uplift_segments(segment, u ORDER BY segment) AS s FROM (SELECT i % 50 AS n, 'S' || i % 10 AS segment, uplift(treated, y) AS u FROM terms GROUP BY 1, 2) AS y GROUP BY n) AS x;
-- What is not finished is a value like another.
CREATE AGGREGATE unfinished(boolean, float8) (SFUNC = uplift_add, STYPE = uplift);
SELECT unfinished(treated, y) = uplift(treated, y) AS equal, unfinished(treated, y)::text = uplift(treated, y)::text AS text FROM terms;
DROP AGGREGATE unfinished(boolean, float8);

-- Text, binary form and jsonb.
SELECT u FROM uplifts WHERE segment = 'Loyal';
SELECT uplift(treated, y, 0.5) FROM (VALUES (true, 0.1), (true, 0.2), (false, -0.3), (true, NULL)) AS v(treated, y);
SELECT bool_and(u::text::uplift = u AND u::jsonb::text::uplift = u) AS text FROM (SELECT uplift(treated, y) AS u FROM terms GROUP BY i % 7 UNION ALL SELECT uplift(treated, y, x) FROM terms UNION ALL SELECT u FROM uplifts) AS x;
SELECT s::text::uplift_segments = s AS text FROM by_segment;
CREATE TABLE originals AS SELECT uplift(treated, y) AS u, uplift_segments('Ü' || i % 7, uplift(treated, y)) OVER () AS s FROM terms GROUP BY i % 7;
\copy originals TO 'results/uplift.bin' WITH (FORMAT binary)
CREATE TABLE copies (LIKE originals);
\copy copies FROM 'results/uplift.bin' WITH (FORMAT binary)
SELECT count(*) FROM originals JOIN copies USING (u, s);

-- Bad data and bad input. Rows with NULL are skipped and counted; an arm without units
-- leaves no estimate, and the status says why.
SELECT e.* FROM (VALUES (uplift_of_counts(0, 0, 10, 3)), (uplift_of_counts(10, 3, 0, 0)), (uplift_of_counts(0, 0, 0, 0))) AS v(u), uplift_estimate(u) AS e;
SELECT status, n_treated, n_control, skipped, uplift FROM (SELECT uplift(treated, y) AS u FROM (VALUES (true, 2.5), (false, 3.5), (NULL, 1), (true, NULL)) AS v(treated, y)) AS x, uplift_estimate(u);
SELECT status FROM (SELECT uplift(i % 2 = 0, 2.5) AS u FROM generate_series(1, 10) AS i) AS x, uplift_estimate(u);
SELECT status, uplift, low < -0.1 AS low, high > 0.1 AS high FROM uplift_estimate(uplift_of_counts(10, 0, 10, 0));
SELECT t.* FROM (SELECT uplift_segments(segment, u) AS s FROM (VALUES ('a', uplift_of_counts(100, 10, 100, 5)), ('b', uplift_of_counts(100, 10, 0, 0)), (NULL, uplift_of_counts(1, 1, 1, 1)), ('c', NULL)) AS v(segment, u)) AS x, uplift_shrunk(s) AS t;
SELECT t.* FROM uplift_heterogeneity('{"segments": []}') AS t;
SELECT * FROM uplift_shrunk('{"segments": []}');
SELECT q.* FROM qini('{"segments": []}') AS q;
SELECT uplift(true, 'NaN'::float8);
SELECT uplift(true, 'Infinity'::float8);
SELECT uplift(true, 1e101::float8);
SELECT uplift(true, 1, '-Infinity'::float8);
SELECT uplift(true, 1) || uplift(true, 1, 2);
SELECT uplift_of_counts(10, 11, 10, 1);
SELECT uplift_of_counts(-1, 0, 10, 1);
SELECT uplift_segments('', uplift_of_counts(1, 1, 1, 1));
SELECT uplift_segments(repeat('x', 256), uplift_of_counts(1, 1, 1, 1));
SELECT uplift_estimate(uplift_of_counts(10, 1, 10, 1), 1);
SELECT uplift_estimate(uplift_of_counts(10, 1, 10, 1), control_share => 0);
SELECT uplift_estimate(uplift_of_counts(10, 1, 10, 1), tightest_at => 0);
SELECT uplift_estimate(NULL) IS NULL AS nothing;
SELECT uplift_estimate(uplift_of_counts(10, 1, 10, 1), NULL);
SELECT qini(t, draws => -1) FROM tiles;
SELECT uplift_shrunk(s, cost => 'NaN') FROM by_segment;
SELECT uplift_segments('a', u) || uplift_segments('a', v) FROM (SELECT uplift(true, 1) AS u, uplift(true, 1, 2) AS v) AS x;

DROP TABLE counted, campaign, uplifts, by_segment, spends, tiles, terms, originals, copies;

-- Outcomes as large or as small as they come have intervals as wide as those of others; what is beyond a double is no number and no "ok".
SELECT round((low / unit)::numeric, 6) AS low, round((high / unit)::numeric, 6) AS high, status
FROM (VALUES (1::float8), (1e99), (1e-80)) AS v(unit), LATERAL (SELECT uplift(i % 2 = 0, i * unit) AS u FROM generate_series(1, 10) AS i) AS x, LATERAL uplift_estimate(u) ORDER BY unit;
SELECT unit, segment, round((shrunk / unit)::numeric, 6) AS shrunk, round((low / unit)::numeric, 4) AS low, status
FROM (VALUES (1::float8), (1e97), (1e-80)) AS v(unit),
	LATERAL (SELECT uplift_segments(tile, u) AS s FROM (SELECT i % 3 AS tile, uplift(i % 2 = 0, (i * i % 17 + CASE WHEN i % 2 = 0 THEN i % 3 * 4 ELSE 0 END) * unit) AS u FROM generate_series(1, 600) AS i GROUP BY 1) AS x) AS y, LATERAL uplift_shrunk(s) ORDER BY unit, segment;
SELECT prob_worth, persuadable, status FROM uplift_shrunk((SELECT uplift_segments('a', u) FROM (SELECT uplift(i % 2 = 0, i * 1e99) AS u FROM generate_series(1, 10) AS i) AS x), 0.9, -1e300);

-- A measure from before that is the outcome itself, or comes from after it, explains all: there is nothing left to tell an effect from.
SELECT label, e.uplift, e.low, e.status FROM (SELECT 'the outcome twice' AS label, uplift(i % 2 = 0, i::float8, i::float8) AS u FROM generate_series(1, 100) AS i
	UNION ALL SELECT 'from after it', uplift(i % 2 = 0, i + (i % 2) * 3.0, i::float8) FROM generate_series(1, 100) AS i
	UNION ALL SELECT 'nearly', uplift(i % 2 = 0, i + (i % 7) * 1e-3, i::float8) FROM generate_series(1, 100) AS i) AS x, uplift_estimate(u) AS e ORDER BY label;

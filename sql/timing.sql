-- The right time: when an order is due, when a thing is needed again, which hour suits whom, and anniversaries.

SET datestyle = ISO;
SET timezone = 'UTC';
SET extra_float_digits = -9;

CREATE FUNCTION timing_failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text; message text; detail text; hint text; result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN 'NO ERROR: ' || left(result, 100);
EXCEPTION WHEN undefined_function THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws('. ', code || ': ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;

--
-- The next order: a window of days
--

CREATE TEMP TABLE fits AS SELECT '{"model": "pareto/nbd", "as_of": "2026-01-01", "timing": {"r": 0.5533, "alpha": 10.578, "s": 0.6062, "beta": 11.669}}'::clv_model AS m;
CREATE TEMP TABLE buyers AS SELECT n, h::purchase_history FROM (VALUES
	(1, '{"orders": [["2025-04-04", 10], ["2025-08-01", 10], ["2025-11-03", 10]]}'),
	(2, '{"orders": [["2025-12-01", 10], ["2025-12-08", 10], ["2025-12-16", 10], ["2025-12-22", 10]]}'),
	(3, '{"orders": [["2025-01-01", 10]]}'), (4, '{"orders": []}')) AS v(n, h);
SELECT n, due_window(h, m), due_window(h, m, 0.5), due_window(h, m, as_of => '2026-03-01') FROM buyers, fits ORDER BY n;
SELECT bool_and((due_window(h, m)).due_on = next_order_on(h, m)) AS median, count((due_window(h, m, NULL)).due_on) AS unknown FROM buyers, fits WHERE n < 3;
-- Nine of ten who order again do so within the window.
WITH lives AS MATERIALIZED (
	SELECT customer_id, purchase_history(ordered_at) FILTER (WHERE ordered_at < '2025-07-01') AS h, min(ordered_at) FILTER (WHERE ordered_at >= '2025-07-01') AS next
	FROM simulate_orders(20000, '{"model": "pareto/nbd", "timing": {"r": 2, "alpha": 8, "s": 0.6, "beta": 30}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-07-01', '2029-07-01', 1) GROUP BY 1
), windows AS MATERIALIZED (
	SELECT next, w.* FROM lives, due_window(h, '{"model": "pareto/nbd", "timing": {"r": 2, "alpha": 8, "s": 0.6, "beta": 30}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', 0.9, '2025-06-30') AS w WHERE next IS NOT NULL AND w.low_on IS NOT NULL)
SELECT count(*) > 1000 AS enough, avg((next BETWEEN low_on AND high_on)::int) BETWEEN 0.88 AND 0.92 AS covered, avg((next <= due_on)::int) BETWEEN 0.47 AND 0.53 AS median FROM windows;
SELECT timing_failure('SELECT due_window(h, m, 1) FROM buyers, fits');
SELECT timing_failure('SELECT due_window(h, m, ''NaN'') FROM buyers, fits');
SELECT timing_failure('SELECT due_window(3, 20, 200, m, 1.5, ''2025-06-30'') FROM fits');

--
-- Now or wait
--

-- CDNOW's first customer: two repeat transactions, the last after 30.43 weeks of 38.86. An experiment in a million says .008 in the lower half
-- of overdue_prob, and .020 in the upper, which they reach in a month.
CREATE TEMP TABLE first AS SELECT '{"model": "pareto/nbd", "as_of": "1997-09-30", "timing": {"r": 0.5532748711850597, "alpha": 10.577997408652447, "s": 0.6062269754463596, "beta": 11.668740967687988}}'::clv_model AS m,
	'{"orders": [["1997-01-01", 1], ["1997-03-01", 1], ["1997-08-02", 1]]}'::purchase_history AS h,
	uplift_segments(tile, uplift_of_counts(1000000000, responses, 1000000000, 100000000)) AS u FROM (VALUES (1, 108000000), (2, 120000000)) AS v(tile, responses);
SELECT round(order_prob(h, m, 31)::numeric, 6) AS comes_anyway, round(overdue_prob(h, m)::numeric, 6) AS overdue, round(overdue_prob(h, m, '1997-10-31')::numeric, 6) AS later FROM first;
SELECT act_on, round(value::numeric, 6) AS value, round(value_now::numeric, 6) AS value_now, act_on - date '1997-09-30' AS days FROM first, best_moment(h, m, u, 40, 0.5, 31);
-- It waits as long as that brings more, and not for less.
SELECT bool_and(b.value >= (effect * 40 - 0.5) * (1 - order_prob(h, m, d)) - 1e-6) AS best
FROM first, best_moment(h, m, first.u, 40, 0.5, 90) AS b, generate_series(1, 90) AS d, LATERAL (SELECT CASE WHEN overdue_prob(h, m, date '1997-09-30' + d) < 0.5 THEN 0.008 ELSE 0.020 END) AS t(effect);
-- With a season, too, in which Pareto/NBD and GG/NBD follow two clocks and BG/NBD one: what the best day brings is the most of what order_prob says of each.
CREATE TEMP TABLE seasonal AS SELECT name, (jsonb_build_object('model', name, 'as_of', '1997-09-30', 'timing', timing, 'season', season_of_factors('day', ARRAY(SELECT 1 + 0.4 * sin(i / 58.0) FROM generate_series(0, 365) AS i),
	ARRAY(SELECT date '1997-10-10' + 5 * i FROM generate_series(0, 11) AS i), array_fill(1.7::float8, ARRAY[12]))::jsonb))::text::clv_model AS m
FROM (VALUES ('pareto/nbd', '{"r": 0.55, "alpha": 10.6, "s": 0.6, "beta": 11.7}'::jsonb), ('gg/nbd', '{"r": 0.55, "alpha": 10.6, "b": 0.05, "s": 0.6, "beta": 1}'), ('bg/nbd', '{"r": 0.24, "alpha": 4.4, "a": 0.8, "b": 2.4}')) AS v(name, timing);
SELECT name, act_on IS NOT NULL AS acts, abs(b.value / most - 1) < 1e-9 AS is_the_most FROM seasonal AS s, first AS f, best_moment(f.h, s.m, f.u, 40, 0.5, 90) AS b,
	LATERAL (SELECT max((effect * 40 - 0.5) * (1 - order_prob(f.h, s.m, d))) AS most FROM generate_series(1, 90) AS d, LATERAL (SELECT shrunk AS effect FROM uplift_shrunk(f.u, 0.9) WHERE segment = CASE WHEN overdue_prob(f.h, s.m, date '1997-09-30' + d) < 0.5 THEN '1' ELSE '2' END) AS t) AS o ORDER BY name;
-- The time it takes grows with the days, not with their square: ten times as many take less than forty times as long.
DO $$ DECLARE began timestamptz; few interval; many interval; BEGIN
	PERFORM best_moment(h, s.m, u, 40, 0.5, 300) FROM first, seasonal AS s WHERE name = 'pareto/nbd';
	began := clock_timestamp();
	PERFORM best_moment(h, s.m, u, 40, 0.5, 300, date '1997-09-30' + i) FROM first, seasonal AS s, generate_series(1, 10) AS i WHERE name = 'pareto/nbd';
	few := clock_timestamp() - began;
	began := clock_timestamp();
	PERFORM best_moment(h, s.m, u, 40, 0.5, 3000, date '1997-09-30' + i) FROM first, seasonal AS s, generate_series(1, 10) AS i WHERE name = 'pareto/nbd';
	many := clock_timestamp() - began;
	IF many > 40 * few THEN RAISE WARNING '300 days take %, 3000 take %', few, many; END IF;
END $$;
SELECT act_on, value < 0 AS loss, value = value_now AS now_is_best FROM first, best_moment(h, m, u, 1, 0.5, 0);
SELECT timing_failure('SELECT best_moment(h, m, NULL, 40, 0.5) FROM first');
SELECT timing_failure('SELECT best_moment(h, m, uplift_segments(s, uplift_of_counts(10, 5, n, 0)), 40, 0.5) FROM first, (VALUES (''1'', 5), (''Loyal'', 5)) AS v(s, n) GROUP BY h, m');
SELECT timing_failure('SELECT best_moment(h, m, ''{"segments": []}'', 40, 0.5) FROM first');
SELECT timing_failure('SELECT best_moment(h, m, u, -1, 0.5) FROM first'), timing_failure('SELECT best_moment(h, m, u, 1, 0.5, 4000) FROM first');
-- An uplift of amounts is money already: what multiplies it is a margin.
CREATE TEMP TABLE amounts AS SELECT uplift_segments(tile, u) AS of_amounts FROM (
	SELECT tile, uplift(i % 2 = 0, CASE WHEN i % 2 = 0 AND i % 7 < tile THEN 40 ELSE (i % 5) * 3 END::float8) AS u FROM generate_series(1, 2) AS tile, generate_series(1, 2000) AS i GROUP BY 1) AS x;
SELECT timing_failure('SELECT best_moment(h, m, of_amounts, 40, 0.5) FROM first, amounts');
SELECT act_on, value > 1 AS worth FROM first, amounts, best_moment(h, m, of_amounts, 1, 0.5);
SELECT timing_failure('SELECT best_moment(h, m, u, ''NaN'', 0.5) FROM first'), timing_failure('SELECT best_moment(h, m, u, 40, -1) FROM first');
SELECT best_moment('{"orders": []}', m, u, 40, 0.5), best_moment(h, m, u, NULL, 0.5) FROM first;

--
-- Replenishment
--

-- A history of so many days between purchases, the first on 2026-01-01.
CREATE FUNCTION bought_after(VARIADIC gaps int[]) RETURNS purchase_history LANGUAGE sql RETURN
	(SELECT purchase_history(date '2026-01-01' + coalesce((SELECT sum(g)::int FROM unnest(gaps[:i]) AS g), 0), 1) FROM generate_series(0, cardinality(gaps)) AS i);
CREATE TEMP TABLE coffee AS SELECT n, h FROM (VALUES (1, bought_after(30, 29, 33)), (2, bought_after(28, 30)), (3, bought_after(45)), (4, bought_after(27, 30, 26, 29, 28)),
	(5, bought_after(20)), (6, bought_after(40, 43, 45, 42)), (7, bought_after(38, 39))) AS v(n, h);
CREATE TEMP TABLE needs AS SELECT replenishment(h) AS r FROM coffee;
SELECT round(sigma2::numeric, 10) AS sigma2, round(tau2::numeric, 10) AS tau2, round(mu0::numeric, 10) AS mu0, round(typical_days::numeric, 6) AS typical_days, customers, intervals, status
FROM needs, replenishment_params(r);
-- Medians 30.6, 29.1, 44.3, 28.0, 20.5, 42.3 and 38.3 days after the last purchase; who bought often is believed, who bought twice is drawn to the others.
SELECT n, last_order_on(h), w.*, w.due_on - last_order_on(h) AS days FROM coffee, needs, next_need_on(r, h, 0.8) AS w ORDER BY n;
-- A newcomer is like the others; who never bought it has no need.
SELECT w.*, due_on - date '2026-01-01' AS days FROM needs, next_need_on(r, '{"orders": [["2026-01-01", 1]]}', 0.8) AS w;
SELECT w.* FROM needs, next_need_on(r, '{"orders": []}', 0.8) AS w;
-- The same customers in any order and split are the same bytes.
SELECT rollup(p) = r AS same, (SELECT replenishment(h ORDER BY n DESC) FROM coffee) = r AS any_order, r::text::replenishment = r AS exact,
	replenishment_send(r::text::replenishment) = replenishment_send(r) AS exact_binary
FROM needs, (SELECT replenishment(h) AS p FROM coffee GROUP BY n % 3) AS x GROUP BY r;
SELECT replenishment(h), (replenishment(h) || replenishment(h)) FROM coffee WHERE n = 5;
-- What is not identified.
SELECT what, p.*, (next_need_on(r, bought_after(10, 10))).due_on FROM (SELECT 1 AS n, 'nobody bought twice' AS what, replenishment(bought_after(VARIADIC '{}')) AS r
	UNION ALL SELECT 2, 'one customer', replenishment(bought_after(30, 31))
	UNION ALL SELECT 3, 'nobody bought three times', replenishment(bought_after(i)) FROM generate_series(20, 30) AS i
	UNION ALL SELECT 4, 'by the clock', replenishment(bought_after(30, 30, 30)) FROM generate_series(1, 10) AS i
	UNION ALL SELECT 5, 'each by their own clock', replenishment(bought_after(i, i, i)) FROM generate_series(20, 40) AS i) AS x, replenishment_params(r) AS p ORDER BY x.n;
SELECT timing_failure('SELECT next_need_on(r, h, 0) FROM needs, coffee');
-- Nine of ten intervals fall into theirs: customers and their next purchases from the model itself (Box and Muller's normal numbers).
SELECT setseed(0.5) IS NOT NULL AS seeded;
CREATE TEMP TABLE lives AS
WITH people AS MATERIALIZED (SELECT i, 4.5 + 0.4 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) AS mu FROM generate_series(1, 4000) AS i),
	gaps AS MATERIALIZED (SELECT i, j, greatest(1, round(exp(mu + 0.25 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))))::int AS gap FROM people, generate_series(0, 6) AS j)
SELECT i, min(gap) FILTER (WHERE j = 0) AS next, bought_after(VARIADIC array_agg(gap ORDER BY j) FILTER (WHERE j BETWEEN 1 AND i % 7)) AS h FROM gaps GROUP BY i;
UPDATE lives SET h = bought_after(VARIADIC '{}') WHERE h IS NULL;
SELECT avg((last_order_on(h) + next BETWEEN low_on AND high_on)::int) BETWEEN 0.88 AND 0.92 AS covered, abs(p.tau2 - 0.16) < 0.015 AS tau2, abs(p.sigma2 - 0.0625) < 0.004 AS sigma2
FROM (SELECT replenishment(h) FROM lives) AS x(r), replenishment_params(r) AS p, lives, next_need_on(r, h) GROUP BY p.tau2, p.sigma2;
-- Where intervals are of two kinds, or customers are, few are near the typical one: poor_fit, and due days stay what they are.
SELECT kind, p.customers, round(p.typical_days) AS typical_days, p.status, (next_need_on(r, bought_after(30))).due_on IS NOT NULL AS has_day
FROM (SELECT 1 AS n, 'two packs, then long nothing' AS kind, replenishment(bought_after(1, 199, 1, 199, 1)) AS r FROM generate_series(1, 50)
	UNION ALL SELECT 2, 'small packs and large ones', replenishment(bought_after(VARIADIC (SELECT array_agg((CASE WHEN (i * 7 + j * j) % 5 < 2 THEN 90 ELSE 14 END * (0.8 + 0.05 * ((i + 3 * j) % 9)))::int ORDER BY j) FROM generate_series(1, 6) AS j))) FROM generate_series(1, 100) AS i
	UNION ALL SELECT 3, 'weekly and half-yearly customers', replenishment(bought_after(7 + i % 2 * 170 + i % 5, 6 + i % 2 * 180 + i % 3, 7 + i % 2 * 160)) FROM generate_series(1, 60) AS i
	UNION ALL SELECT 4, 'of the model itself', replenishment(h) FROM lives) AS x, replenishment_params(r) AS p ORDER BY n;
-- A value of before the shape was kept is read, and not judged.
SELECT v, status, v::replenishment::text = v AS same FROM (VALUES ('{"customers": [[1, 1, 196328, 1332640882, 588147, 237584802, 0, 0], [3, 2, 435000, 7, 1450000, 9, 3, 1]]}')) AS x(v), replenishment_params(v::replenishment);
SELECT p.status FROM (SELECT rollup(r) AS r FROM (SELECT replenishment(bought_after(1, 199, 1, 199, 1)) AS r FROM generate_series(1, 50)
	UNION ALL SELECT '{"customers": [[5, 2, 435000, 7, 1450000, 9, 3, 1]]}') AS x) AS y, replenishment_params(r) AS p;

--
-- Hours
--

-- Local times: 2026-03-02 is a Monday.
SELECT hour_profile(t), hour_profile(t, 'weekday'), hour_profile(t, 'daypart')
FROM (VALUES (timestamp '2026-03-02 00:00'), ('2026-03-02 05:59:59'), ('2026-03-02 06:00'), ('2026-03-08 23:59:59.999'), (NULL), ('0001-01-01 12:00 BC')) AS v(t);
-- A time with a zone has no hour of its own: it must be made local first.
SELECT timing_failure('SELECT hour_profile(now())');
-- Nor has a date, which would be its midnight; it has a weekday.
SELECT timing_failure(format('SELECT %s', call)) FROM (VALUES (1, $$hour_profile(date '2026-03-02')$$), (2, $$hour_profile(date '2026-03-02', 'daypart')$$), (3, $$hour_profile(date '2026-03-02', 'minute')$$),
	(4, $$hour_profile(date 'infinity', 'weekday')$$), (5, $$hour_profile(NULL::date)$$)) AS v(n, call) ORDER BY n;
SELECT hour_profile(day, 'weekday') = hour_profile(day::timestamp, 'weekday') AS same, hour_profile(day, 'weekday') AS profile FROM generate_series(date '1999-12-27', '2000-01-04', '1 day') AS t, LATERAL (SELECT t::date) AS d(day);
SELECT hour_profile(timestamptz '2026-03-02 23:30+00' AT TIME ZONE 'Europe/Oslo');

-- Events in the night, in the morning, in the afternoon and in the evening.
CREATE FUNCTION dayparts(VARIADIC events int[]) RETURNS hour_profile LANGUAGE sql RETURN
	(SELECT hour_profile(timestamp '2026-03-02 03:00' + (slot - 1) * interval '6 hours' + i * interval '1 day', 'daypart') FROM generate_subscripts(events, 1) AS slot, generate_series(1, events[slot]) AS i);
CREATE TEMP TABLE visitors AS SELECT n, p FROM (VALUES (1, dayparts(0, 3, 1, 8)), (2, dayparts(1, 0, 0, 0)), (3, dayparts(10, 2, 3, 1)), (4, dayparts(0, 0, 2, 2)), (5, dayparts(4, 4, 4, 4))) AS v(n, p);
CREATE TEMP TABLE priors AS SELECT hour_prior(p) AS prior FROM visitors;
SELECT prior, round(log_likelihood(prior)::numeric, 6) AS log_likelihood FROM priors;
SELECT slot, round(alpha::numeric, 4) AS alpha, round(share::numeric, 5) AS share FROM priors, hour_prior_params(prior);
-- One click is no preference; eight in the evening are.
SELECT n, slot, round(share::numeric, 5) AS share, round(lift::numeric, 5) AS lift FROM visitors, priors, best_hour(p, prior) ORDER BY n;
SELECT slot, round(share::numeric, 5) AS share, lift FROM priors, best_hour(NULL, prior);
SELECT slot, round(share::numeric, 5) AS share, round(lift::numeric, 5) AS lift FROM visitors, priors, best_hour(p, prior, 0.99) WHERE n = 1;
-- The same customers in any order and split are the same bytes.
SELECT rollup(q) = prior AS same, prior::text::hour_prior = prior AS exact, hour_prior_send(prior::text::hour_prior) = hour_prior_send(prior) AS exact_binary
FROM priors, (SELECT hour_prior(p) AS q FROM visitors GROUP BY n % 2) AS x GROUP BY prior;
SELECT bool_and(a.p || b.p = b.p || a.p), bool_and(a.p::text::hour_profile = a.p) FROM visitors AS a, visitors AS b;
SELECT rollup(p) FROM visitors;
-- Nobody, and who has no event.
SELECT prior, best_hour(NULL, prior), log_likelihood(prior), (SELECT count(*) FROM hour_prior_params(prior)) FROM (SELECT hour_prior('{"by": "hour", "events": []}'::hour_profile)) AS x(prior);
-- Where all are alike, own events count for next to nothing; where nobody is like another, for everything.
SELECT kind, slot, share > 0.9 AS sure, lift > 1 AS preferred FROM (SELECT 'alike' AS kind, hour_prior(dayparts(5, 5, 5, 5)) AS prior FROM generate_series(1, 50) AS i
	UNION ALL SELECT 'unlike', hour_prior(CASE i % 4 WHEN 0 THEN dayparts(9, 0, 0, 0) WHEN 1 THEN dayparts(0, 9, 0, 0) WHEN 2 THEN dayparts(0, 0, 9, 0) ELSE dayparts(0, 0, 0, 9) END) FROM generate_series(1, 50) AS i) AS x,
	best_hour(dayparts(0, 0, 3, 0), prior) ORDER BY kind;
-- What cannot be.
SELECT timing_failure($$SELECT hour_profile(timestamp '2026-01-01', 'minute')$$), timing_failure($$SELECT hour_profile(timestamp 'infinity')$$);
SELECT timing_failure($$SELECT hour_profile(timestamp '2026-01-01', x) FROM (VALUES ('hour'), ('weekday')) AS v(x)$$);
SELECT timing_failure($$SELECT best_hour('{"by": "hour", "events": []}', prior) FROM priors$$), timing_failure($$SELECT best_hour(NULL, prior, 1) FROM priors$$);
SELECT timing_failure($$SELECT hour_prior('{"by": "hour", "events": [[3, 3000000000]]}'::hour_profile)$$);

--
-- Anniversaries
--

SELECT "on", as_of, next_anniversary("on", as_of) FROM (VALUES
	(1, date '2020-05-17', date '2026-05-16'), (2, '2020-05-17', '2026-05-17'), (3, '2020-05-17', '2026-05-18'), (4, '2024-02-29', '2026-01-01'), (5, '2024-02-29', '2026-03-01'),
	(6, '2024-02-29', '2027-03-01'), (7, '2024-02-29', '2028-02-29'), (8, '2024-02-29', '2024-02-29'), (9, '2030-01-01', '2026-01-01'), (10, '2020-12-31', '2026-12-31'),
	(11, '0005-02-29 BC', '0001-01-01'), (12, '5874897-06-01', '5874897-06-01')) AS v(n, "on", as_of) ORDER BY n;
SELECT timing_failure($$SELECT next_anniversary('infinity', '2026-01-01')$$), timing_failure($$SELECT next_anniversary('2026-01-01', '-infinity')$$), next_anniversary(NULL, '2026-01-01') IS NULL AS unknown;

-- What is no value.
CREATE FUNCTION timing_refused(literal text, type regtype) RETURNS text LANGUAGE sql RETURN timing_failure(format('SELECT %L::%s', literal, type));
SELECT literal, timing_refused(literal, 'replenishment') FROM (VALUES ('{"customers": [[1, 0, 1, 0, 1, 0, 0, 0]]}'), ('{"customers": [[0, 1, 1, 0, 1, 0, 0, 0]]}'),
	('{"customers": [[1, 1, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]}'), ('{"customers": [[1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]}'),
	('{"customers": [[1, 1, 1500000, 0, 1, 0, 0, 0]]}'), ('{"customers": [[1, 1, 1, 4294967297, 1, 0, 0, 0]]}'), ('{"customers": [[1, 1, 1, 0, 40000000, 0, 0, 0]]}'), ('{"customers": [[1, 1]]}')) AS v(literal);
SELECT literal, timing_refused(literal, 'hour_profile') FROM (VALUES ('{"events": []}'), ('{"by": "minute", "events": []}'), ('{"by": 1, "events": []}'), ('{"by": "weekday", "events": [[0, 1]]}'),
	('{"by": "weekday", "events": [[8, 1]]}'), ('{"by": "hour", "events": [[24, 1]]}'), ('{"by": "daypart", "events": [[5, 1]]}')) AS v(literal);
SELECT literal, timing_refused(literal, 'hour_prior') FROM (VALUES ('{"by": "hour", "customers": [[0, 1, 1]]}'), ('{"by": "hour", "customers": [[0, 1, 2], [24, 2, 1]]}'), ('{"by": "hour", "customers": [[0, 1, 1], [24, 2, 1]]}'),
	('{"by": "hour", "customers": [[0, 0, 1], [24, 1, 1]]}'), ('{"by": "hour", "customers": [[0, 2147483648, 1], [24, 2147483648, 1]]}'), ('{"by": "daypart", "customers": [[0, 1, 1], [24, 1, 1]]}')) AS v(literal);

-- Events in customers' lives: what they change, what changed by itself, and which of them were missed.

SET datestyle = ISO;
SET timezone = 'UTC';
SET extra_float_digits = -9;

CREATE FUNCTION events_failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
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
-- A study: a hundred customers moved house, each with five matched customers who did not
--

-- Of 180 days before and 90 after: 40 orders in 18,000 days and 45 in 9,000; matched 200 in 90,000 and 105 in 45,000.
CREATE TEMP TABLE movers AS
SELECT i AS customer_id, date '2025-06-01' + i AS moved_on,
	(SELECT purchase_history(date '2025-06-01' + i + d) FROM unnest(CASE WHEN i <= 40 THEN '{-100}'::int[] ELSE '{}' END || CASE WHEN i <= 45 THEN '{10}'::int[] ELSE '{}' END || '{-195,-14,90}') AS d) AS history,
	ARRAY(SELECT (SELECT purchase_history(date '2025-06-01' + i + d)
		FROM unnest(CASE WHEN i <= 40 THEN '{-100}'::int[] ELSE '{}' END || CASE WHEN i <= 21 THEN '{89}'::int[] ELSE '{}' END || '{-195}') AS d) FROM generate_series(1, 5)) AS matched
FROM generate_series(1, 100) AS i;
CREATE TEMP TABLE moves AS SELECT event_study(history, moved_on, matched, 180, 90, 14) AS study FROM movers;
-- Besides what is counted of all, the orders of each customer with an event (5, 6) and of each who is matched (7, 8), by a hash of the history.
SELECT jsonb_path_query_array(study::jsonb, 'strict $.counts[*] ? (@[0] < 5)') AS study FROM moves;
SELECT n -> 0 AS counted, count(*) AS customers, sum((n ->> 2)::int) AS orders, max((n ->> 1)::bigint) < 9007199254740992 AS exact_in_json FROM moves, jsonb_array_elements(study::jsonb -> 'counts') AS n WHERE (n ->> 0)::int > 4 GROUP BY 1 ORDER BY 1;
SELECT customers, matched, round(rate_before::numeric, 8) AS before, round(rate_after::numeric, 8) AS after, rate_ratio, round(ratio_low::numeric, 8) AS ratio_low, round(ratio_high::numeric, 8) AS ratio_high,
	matched_ratio, round(effect::numeric, 8) AS effect, round(low::numeric, 8) AS low, round(high::numeric, 8) AS high, round(p::numeric, 8) AS p, left_out, status,
	round(low_by_customer::numeric, 6) AS low_by_customer, round(high_by_customer::numeric, 6) AS high_by_customer, round(p_by_customer::numeric, 6) AS p_by_customer FROM moves, event_effect(study, 0.95);
-- Around the event, in steps that begin on its day. The order of the gap (people act in advance) is seen, and compared with nothing.
SELECT from_day, until_day, orders, round(rate::numeric, 6) AS rate, round(matched_rate::numeric, 6) AS matched_rate, round(rate_ratio::numeric, 4) AS ratio, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high
FROM moves, event_curve(study, 45);
SELECT sum(orders) = 185 AS all_orders, min(from_day), max(until_day), count(*) FROM moves, event_curve(study);
-- One matched customer each, or nobody: what the season does would then count as the event's.
SELECT customers, matched, rate_ratio, matched_ratio, round(effect::numeric, 6) AS effect, status FROM (SELECT event_study(history, moved_on, matched[1], 180, 90, 14) FROM movers) AS x(study), event_effect(study);
SELECT customers, matched, rate_ratio, matched_ratio, round(effect::numeric, 6) AS effect, status FROM (SELECT event_study(history, moved_on, 180, 90, 14) FROM movers) AS x(study), event_effect(study);
-- Events whose days after are not over yet are left out, and so is who had none.
SELECT customers, left_out FROM (SELECT event_study(history, moved_on, 180, 90, 14, date '2025-09-01') FROM movers) AS x(study), event_effect(study);
SELECT customers, left_out FROM (SELECT event_study(h, e, m, 180, 90, 14, NULL) FROM (SELECT history, moved_on, matched[1] FROM movers UNION ALL VALUES (NULL::purchase_history, date '2025-01-01', NULL::purchase_history), ('{"orders": []}', NULL, NULL)) AS v(h, e, m)) AS x(study), event_effect(study);
-- Where there are no orders, a half is added to all counts, and said.
SELECT what, rate_ratio, ratio_low, ratio_high, round(effect::numeric, 6) AS effect, round(p::numeric, 4) AS p, status FROM (VALUES (1, 'none before', '{"counts": [[0, 42950197248, 10], [1, 109501, 3], [2, 109495, 5], [2, 109505, 5], [3, 0, 10]]}'),
	(2, 'none after', '{"counts": [[0, 42950197248, 10], [1, 109491, 3]]}'), (3, 'no orders', '{"counts": [[0, 42950197248, 10]]}'), (4, 'nobody', '{"counts": []}')) AS v(n, what, v), event_effect(v::event_study) ORDER BY n;
-- In any order, from any parts; text, binary and jsonb.
SELECT (SELECT event_study(history, moved_on, matched, 180, 90, 14 ORDER BY customer_id DESC) FROM movers) = study AS ordered, study::text::event_study = study AS text, event_study_send(study::text::event_study) = event_study_send(study) AS sent,
	(SELECT rollup(part ORDER BY k DESC) FROM (SELECT customer_id % 7, event_study(history, moved_on, matched, 180, 90, 14) FROM movers GROUP BY 1) AS x(k, part)) = study AS merged, study::jsonb ? 'counts' AS json FROM moves;

-- What was drawn is found: the event doubles the rate, the season adds a half for all.
CREATE TEMP TABLE drawn AS
SELECT i AS customer_id, i % 4 > 0 AS matched, (SELECT purchase_history(date '2025-01-01' + d) FROM generate_series(-200, 99) AS d
	WHERE assignment_place(i || ' ' || d, 'drawn') < 0.02 * CASE WHEN d < 0 THEN 1 WHEN i % 4 > 0 THEN 1.5 ELSE 3 END) AS history FROM generate_series(1, 1200) AS i;
SELECT status, low < 2 AND 2 < high AS holds, high / low < 1.3 AS sharp, p < 0.001 AS seen FROM (
	SELECT event_study(coalesce(d.history, '{"orders": []}'), '2025-01-01', ARRAY(SELECT coalesce(m.history, '{"orders": []}') FROM drawn AS m WHERE m.matched AND m.customer_id BETWEEN d.customer_id - 3 AND d.customer_id), 180, 100, 20) AS study
	FROM drawn AS d WHERE NOT d.matched) AS x, event_effect(study);

-- Customers differ in how often they order, and leave: then orders are no Poisson counts, and only the errors by customer hold. Of 60 shops
-- without any effect 9 in 10 have an interval with 1 in it, and the other intervals do not.
CREATE TEMP TABLE real AS SELECT shop, customer_id, purchase_history(ordered_at) AS h FROM generate_series(1, 60) AS shop,
	LATERAL simulate_orders(300, '{"model": "pareto/nbd", "timing": {"r": 0.8, "alpha": 4, "s": 0.8, "beta": 20}}', '2024-01-01', '2026-01-01', seed => shop) GROUP BY 1, 2;
CREATE INDEX ON real (shop);
SELECT avg((1 BETWEEN low_by_customer AND high_by_customer)::int) BETWEEN 0.8 AND 0.97 AS holds, avg((p_by_customer < 0.05)::int) <= 0.12 AS level, avg((1 BETWEEN low AND high)::int) < 0.8 AS poisson_does_not,
	avg((status = 'overdispersed')::int) > 0.6 AS said
FROM (SELECT e.shop, event_study(e.h, e.event_on, ARRAY(SELECT m.h FROM real AS m WHERE m.shop = e.shop AND m.customer_id % 4 <> 0
		AND orders_between(m.h, e.event_on - 194, e.event_on - 14) = orders_between(e.h, e.event_on - 194, e.event_on - 14) ORDER BY assignment_place(m.customer_id || ' ' || e.customer_id, 'x') LIMIT 3), 180, 90, 14) AS study
	FROM (SELECT shop, customer_id, h, date '2025-03-01' + (customer_id * 7919 % 150)::int AS event_on FROM real WHERE customer_id % 4 = 0) AS e
	WHERE orders_between(h, event_on - 194, event_on - 14) > 0 GROUP BY 1) AS x, event_effect(study);
-- The same matched customers for many events say less than as many others: of 60 shops with a dozen for all events the intervals by customer still
-- hold in 9 of 10, and are wider than where as many are drawn anew for each. One who is there twice counts twice.
SELECT avg((1 BETWEEN e.low_by_customer AND e.high_by_customer)::int) BETWEEN 0.8 AND 0.97 AS holds, avg(e.high_by_customer / e.low_by_customer) > 1.2 * avg(o.high_by_customer / o.low_by_customer) AS wider
FROM (SELECT e.shop, event_study(e.h, e.event_on, ARRAY(SELECT m.h FROM real AS m WHERE m.shop = e.shop AND m.customer_id % 4 = 1 ORDER BY assignment_place(m.customer_id::text, 'few'), m.customer_id LIMIT 12), 180, 90, 14) AS few,
		event_study(e.h, e.event_on, ARRAY(SELECT m.h FROM real AS m WHERE m.shop = e.shop AND m.customer_id % 4 <> 0 ORDER BY assignment_place(m.customer_id || ' ' || e.customer_id, 'many'), m.customer_id LIMIT 12), 180, 90, 14) AS many
	FROM (SELECT shop, customer_id, h, date '2025-03-01' + (customer_id * 7919 % 150)::int AS event_on FROM real WHERE customer_id % 4 = 0) AS e GROUP BY 1) AS x, event_effect(few) AS e, event_effect(many) AS o;
-- Who counts in one event only adds nothing, and the same events twice are as certain as once: customers with several events are one, too.
CREATE TEMP TABLE once AS SELECT event_study(h, date '2025-03-01' + (customer_id * 7919 % 150)::int, 180, 90, 14) AS own, event_study(h, date '2025-03-01' + (customer_id * 7919 % 150)::int, ARRAY[h, h], 180, 90, 14) AS twice FROM real WHERE shop = 1;
SELECT round((ln(t.high_by_customer / t.low_by_customer) / ln(o.high_by_customer / o.low_by_customer))::numeric, 1) AS width_of_twice FROM once, event_effect(own) AS o, event_effect(own || own) AS t;
SELECT round((e.high_by_customer / e.low_by_customer)::numeric, 6) AS of_one_against_themselves FROM once, event_effect(twice) AS e;
DROP TABLE once;
-- Values of earlier versions do not know it.
SELECT low_by_customer, status FROM event_effect('{"counts": [[0, 42950197248, 100], [1, 109491, 60], [1, 109501, 40], [2, 109495, 50], [2, 109505, 50], [3, 0, 100]]}');

-- Complaints that were solved in time against those that were not, each against who had none: those who complain buy more than others.
SELECT round(solved_effect::numeric, 6) AS solved, round(unsolved_effect::numeric, 6) AS unsolved, round(recovery::numeric, 6) AS recovery, round(low::numeric, 6) AS low, round(high::numeric, 6) AS high, round(p::numeric, 6) AS p, status
FROM moves, recovery_effect(study, '{"counts": [[0, 42950197248, 100], [1, 109491, 60], [1, 109501, 40], [2, 109495, 50], [2, 109505, 50], [3, 0, 100]]}');
SELECT recovery IS NULL AS unknown, status FROM moves, recovery_effect(study, '{"counts": []}');
-- Who is matched in both studies adds nothing to the error of their ratio; who is counted on opposite sides adds more. Of 60 shops without
-- any effect the intervals still hold in 9 of 10.
CREATE TEMP TABLE both_sides AS
SELECT e.shop, event_study(h, event_on, few, 180, 90, 14) FILTER (WHERE customer_id % 8 = 0) AS solved, event_study(h, event_on, few, 180, 90, 14) FILTER (WHERE customer_id % 8 = 4) AS unsolved,
	event_study(h, event_on, others, 180, 90, 14) FILTER (WHERE customer_id % 8 = 4) AS unsolved_apart
FROM (SELECT shop, customer_id, h, date '2025-03-01' + (customer_id * 7919 % 150)::int AS event_on FROM real WHERE customer_id % 4 = 0) AS e
	JOIN (SELECT shop, array_agg(h ORDER BY customer_id) FILTER (WHERE n <= 12) AS few, array_agg(h ORDER BY customer_id) FILTER (WHERE n > 12) AS others
		FROM (SELECT *, row_number() OVER (PARTITION BY shop ORDER BY assignment_place(customer_id::text, 'few'), customer_id) AS n FROM real WHERE customer_id % 4 = 1) AS m WHERE n <= 24 GROUP BY 1) AS m USING (shop)
GROUP BY 1;
SELECT avg((1 BETWEEN s.low_by_customer AND s.high_by_customer)::int) BETWEEN 0.8 AND 0.97 AS holds, avg((1 BETWEEN a.low_by_customer AND a.high_by_customer)::int) BETWEEN 0.8 AND 0.99 AS holds_apart,
	avg(ln(s.high_by_customer / s.low_by_customer)) < 0.8 * avg(ln(a.high_by_customer / a.low_by_customer)) AS narrower
FROM both_sides, recovery_effect(solved, unsolved) AS s, recovery_effect(solved, unsolved_apart) AS a;
DROP TABLE both_sides;

-- Events without a match are left out and counted, also where the match is NULL; where some have far more matches than others it is said.
CREATE FUNCTION studied(i int, ordered float8, after float8) RETURNS purchase_history LANGUAGE sql RETURN
	(SELECT coalesce(purchase_history(date '2025-06-01' + d, 1), '{"orders": []}') FROM generate_series(-200, 100) AS d WHERE assignment_place(i || ' ' || d, 'studied') < ordered * CASE WHEN d < 0 THEN 1 ELSE after END);
CREATE TABLE unmatched AS SELECT i, studied(i, 0.02, CASE WHEN i % 2 = 1 THEN 6 ELSE 1 END) AS h, studied(i + 1000, 0.02, 1) AS m FROM generate_series(1, 200) AS i;
SELECT form, e.customers, e.matched, e.left_out, round(e.effect::numeric, 2) AS effect, e.p_by_customer < 0.05 AS sure, e.status
FROM (SELECT 'array' AS form, event_study(h, '2025-06-01', CASE WHEN i % 2 = 0 THEN ARRAY[m, NULL] END, 180, 90, 14) AS s FROM unmatched UNION ALL SELECT 'empty', event_study(h, '2025-06-01', CASE WHEN i % 2 = 0 THEN ARRAY[m] WHEN i % 4 = 1 THEN '{}' ELSE '{NULL}' END, 180, 90, 14) FROM unmatched
	UNION ALL SELECT 'single', event_study(h, '2025-06-01', CASE WHEN i % 2 = 0 THEN m END, 180, 90, 14, date '2025-09-30') FROM unmatched UNION ALL SELECT 'those', event_study(h, '2025-06-01', m, 180, 90, 14) FROM unmatched WHERE i % 2 = 0
	UNION ALL SELECT 'none', event_study(h, '2025-06-01', NULL::purchase_history, 180, 90, 14) FROM unmatched) AS x, event_effect(s) AS e ORDER BY 1;
CREATE TABLE uneven AS SELECT i, studied(i, CASE WHEN i % 2 = 0 THEN 0.1 ELSE 0.02 END, 1 + (i + 1) % 2) AS h, (SELECT array_agg(studied(i + 1000 * k, CASE WHEN i % 2 = 0 THEN 0.1 ELSE 0.02 END, 1 + (i + 1) % 2)) FROM generate_series(1, 5) AS k) AS ms FROM generate_series(1, 200) AS i;
SELECT most, e.matched, abs(e.effect - 1) > 0.1 AS biased, e.status FROM (VALUES (1, 1), (1, 5), (4, 5), (5, 5)) AS v(fewest, most), LATERAL (SELECT event_study(h, '2025-06-01', ms[:CASE WHEN i % 2 = 0 THEN fewest ELSE most END], 180, 90, 14) AS s FROM uneven) AS x, event_effect(s) AS e;
DROP TABLE unmatched, uneven;
--
-- One customer's rate
--

CREATE FUNCTION ordered_on(days int[]) RETURNS purchase_history LANGUAGE sql RETURN (SELECT purchase_history(date '2025-01-01' + d, 10) FROM unnest(days || 0) AS d);
SELECT what, changed_on - date '2025-01-01' AS day, round(rate_before::numeric, 6) AS before, round(rate_after::numeric, 6) AS after, round(log_lr::numeric, 8) AS log_lr, round(p::numeric, 4) AS p, round(prob::numeric, 8) AS prob, round(log_bayes_factor::numeric, 8) AS log_bayes_factor, status
FROM (VALUES (1, 'a change', '{20,55,90,118,160,190,226,239,243,247,252,256,259,265,270,274,278,283,288,295}'::int[]), (2, 'not a change', '{12,40,75,101,140,171,200,231,240,249,255,262,270,275,284,290}'),
	(3, 'two orders on a day', '{20,20,55,90,118,160,190,226,239,243,247,252,256,259,265,270,274,278,283,288,295}'), (4, 'one repeat order', '{20}'), (5, 'regular', '{30,60,90,120,150,180,210,240,270}')) AS v(n, what, days),
	rate_change(ordered_on(days), date '2025-01-01' + 300) ORDER BY n;
-- What came after as_of is not known yet; with another prior the probability is another.
SELECT (rate_change(h, date '2025-01-01' + 230)).log_lr < 1 AS before, round((rate_change(h, date '2025-01-01' + 300, 0.5)).prob::numeric, 6) AS even FROM ordered_on('{20,55,90,118,160,190,226,239,243,247,252,256,259,265,270,274,278,283,288,295}') AS h;
SELECT status, changed_on FROM rate_change('{"orders": []}', '2025-01-01');
-- The first and the last tenth are not searched: a change there is seen at the edge, with rates that are mixtures, and said to be.
SELECT changed_on, rate_before, rate_after, status FROM rate_change(ordered_on('{1,2,3,4,5}'), '2027-09-28');
SELECT changed_on, status FROM rate_change(ordered_on('{30,60,90,120,150,180,210,240,270,355,356,357,358,359,360,361,362,363}'), '2025-12-31');
-- An order every week until day 665, none since: at the edge until that day is searched, on whichever weekday; then it is the day of the change.
SELECT status, min(as_of), max(as_of), count(*) AS days, min(changed_on) FILTER (WHERE status = 'ok') AS first_day, max(changed_on) FILTER (WHERE status = 'ok') AS last_day, max(rate_after) FILTER (WHERE status = 'ok') AS rate_after
FROM (SELECT purchase_history(date '2024-01-01' + 7 * i, 10) AS h FROM generate_series(0, 95) AS i) AS x, generate_series(timestamp '2025-11-20', '2026-02-10', '1 day') AS t, LATERAL (SELECT t::date AS as_of) AS d, rate_change(h, as_of) GROUP BY 1 ORDER BY 2;
-- A mix of categories.
SELECT round(g::numeric, 8) AS g, df, round(p::numeric, 8) AS p, round(log_bayes_factor::numeric, 8) AS log_bayes_factor FROM mix_change('{8,5,7,0}', '{3,4,2,6}');
SELECT m.* FROM mix_change('{8,5}', '{0,0}') AS m;
SELECT m.* FROM mix_change('{8,0,5,NULL}', '{8,0,5,0}') AS m;

--
-- Which events were missed
--

-- Sensitive kinds, and events without a kind, are off without consent; and those of customers who refused are, whatever the kind.
SELECT kind, event_allowed(kind) AS without, event_allowed(kind, true) AS yes, event_allowed(kind, false) AS no FROM unnest('{moved house,Birth,job_loss,Religion,new job,wedding,birth of a child,birthday,Wedding-Anniversary,rebirth,job losses,healthy eating,mental  health,loss of a job,debts,bir th,Got married,passed away,was ill,still,pregnancies,wid owed,pregnant,"",_ -}'::text[]) AS kind ORDER BY kind COLLATE "C";
CREATE TEMP TABLE life (customer_id int, kind text, happened_on date, consent boolean, log contact_log);
INSERT INTO life VALUES (1, 'moved house', '2026-03-01', NULL, '{"contacts": [["2026-03-08T12:00:00Z", 1]]}'), (2, 'moved house', '2026-03-01', NULL, '{"contacts": [["2026-02-28T23:59:59Z", 1], ["2026-03-15T00:00:00Z", 1]]}'),
	(3, 'moved house', '2026-03-01', false, NULL), (4, 'birth', '2026-03-01', true, '{"contacts": [["2026-03-01T00:00:00Z", 1]]}'), (5, 'birth', '2026-03-01', NULL, '{"contacts": [["2026-03-01T00:00:00Z", 1]]}'),
	(6, 'moved house', '2026-03-01', NULL, NULL), (7, NULL, '2026-03-01', NULL, NULL), (8, 'new job', NULL, NULL, NULL);
SELECT customer_id, event_status(kind, happened_on, log, 14, consent) AS with_consent, event_status(kind, happened_on, log, 14) AS without FROM life ORDER BY 1;
-- As long as the days are not over nothing is missed; without a day they are.
SELECT d - date '2026-03-01' AS day, event_status('moved house', '2026-03-01', NULL, 14, NULL, d) AS status FROM unnest('{2026-03-01,2026-03-13,2026-03-14}'::date[]) AS d;
SELECT event_status('moved house', '2026-03-01', NULL, 14), event_status('moved house', '2026-03-01', (SELECT contact_log('2026-03-02 12:00'::timestamptz)), 14, NULL, '2026-03-03');
-- Contacts after the day are not known yet.
SELECT d AS as_of, event_status('moved house', '2026-03-01', (SELECT contact_log('2026-03-07 12:00+00'::timestamptz)), 14, as_of => d) AS status FROM unnest('{2026-02-01,2026-03-06,2026-03-07}'::date[]) AS d;
SELECT event_contacts(kind, happened_on, log, 14, consent), event_contacts(kind, happened_on, log, 14) AS without FROM life;
SELECT kind, events_known, contacted, missed, share_missed, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high FROM (SELECT event_contacts(kind, happened_on, log, 14, consent) FROM life) AS x(events), missed_events(events);

-- What cannot be.
SELECT events_failure(format('SELECT %s FROM moves', call)) FROM (VALUES (1, $$event_study('{"orders": []}', '2026-01-01', 0, 90, 14)$$), (2, $$event_study('{"orders": []}', '2026-01-01', 90, 90, -1)$$), (3, $$event_study('{"orders": []}', '2026-01-01', 90, 40000, 1)$$),
	(4, $$event_study('{"orders": []}', '2026-01-01', NULL, 90, 1)$$), (5, $$event_study('{"orders": []}', 'infinity', 90, 90, 1)$$), (6, $$event_effect(study, 1)$$), (7, $$event_curve(study, 0)$$),
	(9, $$rate_change('{"orders": []}', 'infinity')$$), (10, $$rate_change('{"orders": []}', '2026-01-01', 1)$$), (11, $$mix_change('{1,2}', '{1}')$$), (12, $$mix_change('{1,-2}', '{1,2}')$$), (13, $$event_status('birth', '2026-01-01', NULL, 0, true)$$)) AS v(n, call) ORDER BY n;
SELECT events_failure($$SELECT event_effect(a || b) FROM moves AS m(a), (SELECT event_study('{"orders": []}', '2026-01-01', 90, 90, 1)) AS x(b)$$);
CREATE FUNCTION events_refused(literal text) RETURNS text LANGUAGE sql RETURN events_failure(format('SELECT %L::event_study', literal));
SELECT literal, events_refused(literal) FROM (VALUES ('{"counts": [[0, 1, 1]]}'), ('{"counts": [[0, 42950197248, 10], [1, 109489, 1]]}'), ('{"counts": [[0, 42950197248, 10], [1, 109510, 1]]}'), ('{"counts": [[1, 109500, 1]]}'), ('{"counts": [[3, 1, 1]]}'), ('{"counts": [[4, 4, 1]]}'), ('{"counts": [[4, 22, 1]]}'), ('{"counts": [[5, 9007199254740992, 1]]}'), ('{"counts": [[0, 281474976710656, 1]]}')) AS v(literal);

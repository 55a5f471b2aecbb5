-- One customer on one page, from stored values.

SET datestyle = ISO;
SET timezone = 'UTC';

CREATE TEMP TABLE shop AS
SELECT customer_id, purchase_history(ordered_at, amount) AS history
FROM simulate_orders(400, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2025-12-31', 7) GROUP BY 1;
CREATE TEMP TABLE kept AS
SELECT '{"model": "bg/nbd", "time_unit_days": 7, "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model AS model,
	(SELECT rfm_cuts(recency_days(history, '2025-12-31'), order_count(history), total_spend(history)) FROM shop) AS cuts,
	(SELECT replenishment(history) FROM shop) AS need,
	(SELECT item_pairs((ARRAY['tea', 'cup', 'kettle', 'biscuits'])[1 + i % 2 : 2 + i % 3]) FROM generate_series(1, 60) AS i) AS pairs;
CREATE TEMP TABLE anna AS
SELECT '{"orders": [["2025-01-05", 20], ["2025-02-04", 25], ["2025-03-06", 20], ["2025-09-20", 30], ["2025-10-01", 35], ["2025-10-11", 30], ["2025-10-22", 40], ["2025-11-02", 30], ["2025-11-14", 30], ["2025-11-25", 45], ["2025-12-05", 30], ["2025-12-16", 35]]}'::purchase_history AS history;

-- With nothing but a history, what can be said.
SELECT jsonb_pretty(customer_360('4711', history, model, cuts, '2025-12-31')) AS page FROM anna, kept;
-- With all that is known: of the events only those that may be used.
SELECT key, jsonb_pretty(value) AS value FROM anna, kept, jsonb_each(customer_360('4711', history, model, cuts, '2025-12-31', default_segment_rules(),
	previous_segment => 'Need attention', segment_changed_on => '2025-11-14',
	journey => '{"events": [["2025-12-15T09:00:00Z", 1, 1], ["2025-12-15T09:04:00Z", 2, 1], ["2025-12-16T10:00:00Z", 4, 1]]}', journey_within => '7 days',
	contacts => '{"contacts": [["2025-12-20T08:00:00Z", 1], ["2025-12-28T08:00:00Z", 2]]}', contact_cap => 3,
	events => '[{"kind": "moved house", "on": "2025-12-18"}, {"kind": "birth", "on": "2025-12-01"}, {"kind": "wedding", "on": "2025-11-01", "consent": true}, {"kind": "new job", "on": "2026-03-01"}]',
	need => need, need_history => history, pairs => pairs, items => '{tea}', unavailable => '{biscuits}', action => '{"contact": true, "why": "gain", "slot": 18}')) AS page
WHERE key NOT IN ('history', 'scores', 'customer', 'as_of') ORDER BY key COLLATE "C";
-- Where the segment was before, since when, and what to do next are found where the night has left them.
CREATE TABLE page_scores (customer_id bigint, segment text, lifecycle text, clv_365d float8, as_of date);
INSERT INTO page_scores SELECT i, 'Loyal', 'active', 100, '2025-11-01' FROM generate_series(1, 500) AS i;
SELECT create_snapshots('page_nights', 'page_scores');
SELECT take_snapshot('page_nights');
UPDATE page_scores SET segment = 'At risk', lifecycle = 'fading', as_of = '2025-12-01' WHERE customer_id = 42;
DELETE FROM page_scores WHERE customer_id = 43;
SELECT take_snapshot('page_nights', '2025-12-01');
CREATE TABLE page_actions (customer_id bigint, contact boolean, why text, action text, expected_gain float8);
INSERT INTO page_actions VALUES (42, true, 'gain', 'visit', 4.25), (43, true, 'gain', 'call', 3.5), (43, false, 'budget', 'gift', 9), (44, true, 'gain', 'call', 'NaN');
SELECT day, s.* FROM unnest('{2025-10-31,2025-11-30,2025-12-01,2026-01-01}'::date[]) AS day, customer_snapshot('page_nights', '42', day) AS s;
SELECT customer_action('page_actions', '42') AS visit, customer_action('page_actions', '44') AS not_a_number, customer_action('page_actions', '45') AS none, (customer_snapshot('page_nights', '43', '2025-11-30')).segment AS was, customer_snapshot('page_nights', '43', '2025-12-31') IS NULL AS gone,
	num_nulls(customer_snapshot(NULL, '42', '2025-12-31'), customer_snapshot('page_nights', NULL, '2025-12-31'), customer_snapshot('page_nights', '42', NULL), customer_action(NULL, '42'), customer_action('page_actions', NULL)) AS nulls;
SELECT page -> 'segment' AS segment, page -> 'next_best_action' AS action FROM anna, kept, customer_360('42', history, model, cuts, '2025-12-31', snapshots => 'page_nights', actions => 'page_actions') AS page;
SELECT page -> 'segment' ->> 'before' AS given, page -> 'next_best_action' AS action FROM anna, kept,
	customer_360('42', history, model, cuts, '2025-12-31', previous_segment => 'New', action => '{"contact": false}', snapshots => 'page_nights', actions => 'page_actions') AS page;
-- What is no table of snapshots or of actions, and no customer of theirs.
CREATE FUNCTION page_failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text; message text; hint text; result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN 'NO ERROR: ' || result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws('. ', code || ': ' || message, nullif(hint, ''));
END $$;
SELECT page_failure('SELECT ' || call) FROM (VALUES (1, $$customer_snapshot('page_scores', '42', '2025-12-31')$$), (2, $$customer_action('page_scores', '42')$$), (3, $$customer_action('page_actions', 'Anna')$$),
	(4, $$customer_snapshot('page_nights', '42', 'infinity')$$), (5, $$customer_snapshot('pg_class', '42', '2025-12-31')$$),
	-- two rows of one customer contradict each other
	(6, $$customer_action('page_actions', '43')$$), (7, $$(SELECT customer_360('43', history, model, cuts, '2025-12-31', actions => 'page_actions') FROM anna, kept)$$)) AS v(n, call) ORDER BY n;
SET client_min_messages = warning;
DROP TABLE page_actions, page_nights_current, page_nights_states, page_nights_moves, page_nights_days CASCADE;
DROP TABLE page_scores CASCADE;
RESET client_min_messages;
-- What comes after the day is not known on it: the page is the same.
SELECT customer_360('1', history, model, cuts, '2025-10-15') = customer_360('1', history_until(history, '2025-10-15'), model, cuts, '2025-10-15') AS as_it_was FROM anna, kept;
-- Of a customer without orders there is little to say, and of nobody nothing.
SELECT customer_360('new', '{"orders": []}', model, cuts, '2025-12-31') -> 'scores' -> 'status' AS status, customer_360(NULL, NULL, model, cuts, '2025-12-31') ? 'customer' AS named FROM kept;
-- Before the first order the customer is none yet, which is another thing than to have none; without a day there is no page.
SELECT customer_360('4711', history, model, cuts, '2020-01-01') -> 'scores' AS scores, customer_360('4711', history, model, cuts, NULL) IS NULL AS no_page FROM anna, kept;
-- An event that cannot be read fails neither the page nor the others, and is not silent: it is on the page, and a warning names customer and element.
SELECT jsonb_pretty(customer_360('4711', history, model, cuts, '2025-12-31', contacts => '{"contacts": [["2025-12-20T08:00:00Z", 1]]}', events => '[{"kind": "moved house", "on": "2025-12-18"},
	{"kind": "new job", "on": "infinity"}, {"kind": "new job"}, {"kind": "new job", "on": 20251218}, {"kind": "new job", "on": "2025-02-29"}, {"kind": "new job", "on": "18.12.2025"},
	{"on": "2025-12-18"}, {"kind": "", "on": "2025-12-18"}, {"kind": ["new job"], "on": "2025-12-18"}, "new job", null, [],
	{"kind": "new job", "on": "2025-12-19T10:00:00Z"}, {"kind": "birth", "on": "infinity"}, {"kind": "birth", "on": "2025-12-19", "consent": "perhaps"}, {"kind": "birth", "on": "2025-12-19", "consent": "true"}]') -> 'events') AS events FROM anna, kept;
SELECT events, page -> 'events' AS on_page FROM anna, kept, (VALUES (1, '{"kind": "new job", "on": "2025-12-18"}'::jsonb), (2, '"new job"'), (3, 'null'), (4, '[]'), (5, NULL)) AS v(n, events),
	LATERAL customer_360(NULL, history, model, cuts, '2025-12-31', events => events) AS page ORDER BY n;
-- The day is the one that is written, in each DateStyle.
SET datestyle = German;
SELECT customer_360('4711', history, model, cuts, '2025-12-31', events => '[{"kind": "new job", "on": "2025-12-18"}]') -> 'events' AS events FROM anna, kept;
SET datestyle = ISO;
-- Whatever else is wrong, the error says with whom, and which argument.
CREATE FUNCTION page_error(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text; message text; context text;
BEGIN
	EXECUTE format('SELECT customer_360(%s) FROM anna, kept', arguments);
	RETURN 'NO ERROR';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, context = PG_EXCEPTION_CONTEXT;
	RETURN concat_ws(' | ', code, message, substring(context FROM 'page of customer.*?(?=\n|$)'));
END $$;
SELECT page_error(format($x$'47 "11', history, model, cuts, %s$x$, arguments)) AS error FROM (VALUES (1, $$'2025-12-31', horizon_days => -1$$), (2, $$'2025-12-31', margin => 'NaN'$$), (3, $$'infinity'$$),
	(4, $$'2025-12-31', event_days => 0, events => '[{"kind": "new job", "on": "2025-12-18"}]'$$), (5, $$'2025-12-31', contact_cap => -1$$), (6, $$'2025-12-31', cap_days => 'NaN', contact_cap => 1$$),
	(7, $$'2025-12-31', pairs => pairs, items => '{tea}', counts => '{1,2}'$$), (8, $$'2025-12-31', pairs => pairs, items => '{tea}', counts => '{-1}'$$),
	(9, $$'2025-12-31', pairs => pairs, items => '{{tea},{cup}}'$$), (10, $$'2025-12-31', language => 'tlh'$$), (11, $$'2025-12-31', snapshots => 'pg_class'$$), (12, $$'2025-12-31', actions => 'pg_class'$$),
	(13, $$'2025-12-31', journey => '{"events": []}', journey_within => '-1 day'$$), (14, $$'2025-12-31', pairs => pairs, items => '{tea}', unavailable => '{NULL,{}'$$)) AS v(n, arguments) ORDER BY n;

-- Every customer's page of the whole shop is made of what the single functions say.
SELECT count(*), bool_and((page -> 'scores' ->> 'churn_prob')::numeric = rounded(churn_prob(history, model, '2025-12-31'), 4)) AS churn, bool_and(page -> 'segment' ->> 'lifecycle' = lifecycle_of(history, model, '2025-12-31')) AS lifecycle,
	bool_and((page -> 'history' ->> 'orders')::int = order_count(history)) AS orders
FROM (SELECT history, model, customer_360(customer_id::text, history, model, cuts, '2025-12-31') AS page FROM shop, kept) AS x;

-- Of customers without amounts all that names a segment names the same, and amounts of others are ranked among those that are known.
CREATE TABLE mixed AS SELECT customer_id, CASE WHEN customer_id % 5 = 0 THEN (SELECT ('{"orders": [' || string_agg(format('["%s", null]', (u).ordered_on), ',') || ']}')::purchase_history FROM unnest(history) AS u) ELSE history END AS history FROM shop;
SELECT create_customer_scores('mixed_scores', 'mixed', 'customer_id', as_of => '2025-12-31', model => 'bg/nbd');
SELECT s.total_spend IS NULL AS unknown, count(*) AS customers, count(*) FILTER (WHERE s.rfm_score = r.by_cuts AND s.rfm_score = r.by_window) AS scores, count(*) FILTER (WHERE page -> 'scores' ->> 'rfm' = s.rfm_score) AS on_page,
	count(*) FILTER (WHERE page -> 'segment' ->> 'now' = s.segment) AS segments, count(*) FILTER (WHERE page -> 'scores' ->> 'why' LIKE s.segment || ' (R%') AS explained, count(s.m_score) AS with_m
FROM mixed_scores AS s JOIN (SELECT customer_id, rfm_score(recency_days(history, '2025-12-31'), order_count(history), total_spend(history), c) AS by_cuts,
		rfm_score(recency_days(history, '2025-12-31'), order_count(history), total_spend(history)) OVER () AS by_window, customer_360(customer_id::text, history, model, c, '2025-12-31') AS page
	FROM mixed, kept, (SELECT rfm_cuts(recency_days(history, '2025-12-31'), order_count(history), total_spend(history)) AS c FROM mixed) AS k) AS r USING (customer_id) GROUP BY 1 ORDER BY 1;

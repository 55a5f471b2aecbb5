-- Two decision tables: whom to contact this morning and why, and what to do within a budget.

SET datestyle = ISO;
SET timezone = 'UTC';
SET extra_float_digits = -9;

CREATE FUNCTION actions_failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text; message text; hint text; result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN 'NO ERROR: ' || left(result, 100);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws('. ', code || ': ' || message, nullif(hint, ''));
END $$;

--
-- Triggers
--

CREATE TABLE action_scores (customer_id int, lifecycle text, recency_days int, order_count bigint, churn_prob float8, clv_365d float8);
INSERT INTO action_scores VALUES (1, 'slipping', 86, 5, 0.38, 120), (2, 'active', 3, 9, 0.05, 300), (3, 'probably lost', 300, 4, 0.8, 15), (4, 'new', 20, 1, 0.3, 25),
	(5, 'lost', 900, 2, 0.99, 0.5), (6, 'active', 10, 3, 0.1, 80), (7, NULL, 10, 1, NULL, NULL), (8, 'slipping', 50, 3, 0.4, NULL);
CREATE TABLE action_needs (customer_id int, item text, due_on date, value numeric);
INSERT INTO action_needs VALUES (1, 'coffee', '2026-03-03', 10), (2, 'coffee', '2026-03-02', 12), (2, 'filters', '2026-03-05', 14), (6, 'coffee', '2026-03-20', 10), (4, 'coffee', '2026-02-27', 90);
CREATE TABLE action_events (customer_id int, event text, "on" date, value float8);
INSERT INTO action_events VALUES (6, 'birthday', '1980-03-08', 20), (3, 'birthday', '1990-03-09', 900), (2, 'wedding', '2020-02-29', 5);
CREATE TABLE action_slots (customer_id int, slot int);
INSERT INTO action_slots VALUES (1, 18), (2, 7);

-- Each customer once, under the trigger that is worth most: customer 1's coffee is worth less than the customer.
SELECT * FROM customer_triggers('action_scores', '2026-03-01', 7, 'action_needs', 'action_events', 'action_slots');
SELECT customer_id, trigger_name, slot FROM customer_triggers('action_scores', '2026-03-01');
-- What it says does not depend on the session.
BEGIN;
SET LOCAL extra_float_digits = -15;
SET LOCAL datestyle = 'SQL, DMY';
SELECT customer_id, why FROM customer_triggers('action_scores', '2026-03-01', 7, 'action_needs', 'action_events') ORDER BY customer_id;
-- An event that its customer has refused is no trigger, nor is one of a sensitive kind without consent.
CREATE TABLE action_consents (customer_id int, event text, "on" date, value float8, consent boolean);
INSERT INTO action_consents VALUES (11, 'wedding', '2020-03-05', 5, true), (12, ' Wedding ', '2020-03-05', 5, NULL), (13, 'wedding', '2020-03-05', 5, false),
	(14, 'moved house', '2020-03-05', 5, NULL), (15, 'moved house', '2020-03-05', 5, false), (16, NULL, '2020-03-05', 5, NULL), (17, NULL, '2020-03-05', 5, true);
SELECT customer_id, trigger_name, why FROM customer_triggers('action_scores', '2026-03-01', 7, events => 'action_consents') WHERE trigger_name = 'anniversary' ORDER BY customer_id;
ALTER TABLE action_consents ALTER consent TYPE text;
SAVEPOINT text_consent;
SELECT * FROM customer_triggers('action_scores', '2026-03-01', 7, events => 'action_consents');
ROLLBACK TO text_consent;
DROP TABLE action_consents;
COMMIT;
-- After one order some models have all customers alive, which is not said; what is next to certain is not said to be certain.
CREATE TABLE action_certain (customer_id int, lifecycle text, recency_days int, order_count bigint, churn_prob float8, clv_365d float8);
INSERT INTO action_certain VALUES (1, 'probably lost', 728, 1, 0, 90), (2, 'slipping', 728, 1, 0, 80), (3, 'slipping', 50, 2, 0, 70), (4, 'new', 20, 1, 1e-9, 60), (5, 'slipping', 9, 4, 0.004, 50),
	(6, 'slipping', 9, 4, 0.006, 40), (7, 'probably lost', 400, 1, 0.9951, 30), (8, 'probably lost', 400, 2, 0.994, 20), (9, 'slipping', 8, NULL, 0, 10);
SELECT customer_id, trigger_name, why FROM customer_triggers('action_certain', '2026-03-01') ORDER BY customer_id;
DROP TABLE action_certain;
-- Scores that stand at another day are said to, from eight days on.
CREATE TABLE action_old_scores AS SELECT s.*, day AS as_of FROM action_scores AS s, (VALUES (date '2025-06-01'), ('2026-02-22'), ('infinity'), (NULL)) AS v(day) WHERE customer_id = 1;
SELECT customer_id, why FROM customer_triggers('action_old_scores', '2026-03-01');
SELECT customer_id, why FROM customer_triggers('action_old_scores', '2026-03-02');
ALTER TABLE action_old_scores ALTER as_of TYPE text;
SELECT customer_id FROM customer_triggers('action_old_scores', '2026-03-02');
DROP TABLE action_old_scores;
-- A customer_id of several customers, of two shops here, is named once, and said to be.
CREATE TABLE action_shops AS SELECT v.* FROM (VALUES ('oslo', 7, 'slipping', 90, 4, 0.4, 120.0), ('rome', 7, 'new', 9, 1, 0.4, 50.0), ('rome', 8, 'active', 9, 1, 0.4, 50.0),
	('oslo', 8, 'new', 9, 1, 0.4, 50.0), ('rome', 9, 'new', 9, 1, 0.4, 40.0)) AS v(shop, customer_id, lifecycle, recency_days, order_count, churn_prob, clv_365d);
SELECT * FROM customer_triggers('action_shops', '2026-03-01') ORDER BY customer_id;
CREATE VIEW action_told_apart AS SELECT concat_ws('/', shop, customer_id) AS customer_id, lifecycle, recency_days, order_count, churn_prob, clv_365d FROM action_shops;
SELECT customer_id, trigger_name, value_at_stake FROM customer_triggers('action_told_apart', '2026-03-01') ORDER BY customer_id;
DROP TABLE action_shops CASCADE;
-- Scores by hand: what is missing or no number is neither in the text nor at stake, and nobody else pays for it.
CREATE TABLE action_by_hand (customer_id numeric, lifecycle text, recency_days float8, order_count int, churn_prob numeric, clv_365d numeric);
INSERT INTO action_by_hand VALUES (1, 'slipping', 1, 5, 0.38, 120), (2, 'slipping', NULL, NULL, NULL, 80), (3, 'new', 'NaN', 1, 'NaN', 25), (4, 'slipping', 50, 3, 7, 20),
	(5, 'slipping', 50, 3, 0.4, 'NaN'), (6, 'slipping', 50, 3, 0.4, 'Infinity'), (7, 'new', 50, 1, 0.4, 1e300), (8, 'new', 'Infinity', NULL, 0.4, '1e-400'), (NULL, 'new', 5, 1, 0.4, 99);
CREATE TABLE action_dates (customer_id float8, event text, "on" timestamp, item text, due_on timestamp, value float8);
INSERT INTO action_dates VALUES (1, 'birthday', 'infinity', 'coffee', '-infinity', 500), (2, 'birthday', NULL, NULL, '2026-03-02', 400), (3, NULL, '1990-03-04', 'tea', '2026-03-03', 'NaN'), (4, NULL, '1990-03-05', 'tea', 'infinity', 30);
CREATE TABLE action_many_slots AS SELECT v.* FROM (VALUES (1.00, 9), (1, 10), (1.0, NULL), (4, 18), (4, 18)) AS v(customer_id, slot);
SELECT * FROM customer_triggers('action_by_hand', '2026-03-01', 7, 'action_dates', 'action_dates', 'action_many_slots');
SELECT actions_failure(format('SELECT count(*) FROM customer_triggers(%s)', arguments)) FROM (VALUES
	(1, $$'action_scores', 'infinity'$$), (2, $$'action_scores', '2026-03-01', -1$$), (3, $$'action_needs', '2026-03-01'$$), (4, $$'action_scores', NULL$$),
	(5, $$'action_scores', '2026-03-01', 7, 'action_slots'$$)) AS v(n, arguments) ORDER BY n;

--
-- Actions
--

-- An experiment in two segments: 40 and 10 more responses of a thousand. A response is worth 10 to 30, a contact costs 0.20.
CREATE TABLE action_uplift AS SELECT uplift_segments(segment, uplift_of_counts(1000000, responses, 1000000, 20000)) AS u
FROM (VALUES ('Loyal', 60000), ('Lost', 21000)) AS v(segment, responses);
CREATE TABLE action_candidates AS
SELECT i AS customer_id, CASE i % 3 WHEN 0 THEN 'Loyal' WHEN 1 THEN 'Lost' ELSE 'Unknown' END AS segment, 10 + i % 21 AS value, 8 + i % 12 AS slot,
	CASE WHEN i % 10 = 0 THEN contact_log(timestamptz '2026-03-01 12:00+00') || contact_log(timestamptz '2026-03-02 12:00+00') END AS contacts
FROM generate_series(1, 1000) AS i GROUP BY i;

CREATE TABLE action_plan AS
SELECT a.* FROM action_uplift, next_best_actions('action_candidates', u, 0.2, 20, 'spring', 0.1, 2, 7, '2026-03-03 00:00+00') AS a;
SELECT contact, why, count(*), round(min(expected_gain)::numeric, 4) AS least, round(max(expected_gain)::numeric, 4) AS most, round(sum(cost)::numeric, 2) AS cost, count(slot) AS slots FROM action_plan GROUP BY 1, 2 ORDER BY 1 DESC, 2;
-- Every customer once; the budget is spent and no more; the totals are the sums; nobody left out for the budget would have gained more.
SELECT count(*), count(DISTINCT customer_id), min(total_cost) <= 20 AS within, 20 - min(total_cost) < 0.2 AS spent, abs(min(total_gain) - sum(expected_gain) FILTER (WHERE contact)) < 1e-9 AS gain,
	min(expected_gain) FILTER (WHERE contact) >= max(expected_gain) FILTER (WHERE why = 'over_budget') AS best FROM action_plan;
-- The holdout is that of assign_group, and gets nothing.
SELECT bool_and((why = 'holdout') = (assign_group(customer_id, 'spring', 0.1) = 'control')) AS holdout, count(*) FILTER (WHERE why = 'holdout' AND contact) AS contacted FROM action_plan;
-- Caps hold.
SELECT count(*) FROM action_plan AS a JOIN action_candidates AS c ON c.customer_id::text = a.customer_id WHERE contact AND NOT may_contact(contacts, '2026-03-03 00:00+00', 2, 7);
-- A day is the whole day, as it is in may_contact and the other functions of contacts: one at noon counts on that day, in whatever zone the
-- session is; a moment is that moment.
CREATE TABLE action_noon AS SELECT 1 AS customer_id, 'Loyal'::text AS segment, 20::float8 AS value, contact_log(timestamptz '2026-03-08 12:00+00') AS contacts;
BEGIN;
SET LOCAL timezone = 'Pacific/Auckland';
SELECT v.*, (SELECT a.why FROM next_best_actions('action_noon', u, 0.2, cap => 1, as_of => day, control_share => 1e-9) AS a) AS on_day,
	(SELECT a.why FROM next_best_actions('action_noon', u, 0.2, cap => 1, as_of => moment, control_share => 1e-9) AS a) AS at_moment,
	may_contact(contacts, day, 1, 7) AS may_on, may_contact(contacts, moment, 1, 7) AS may_at, contacts_within(contacts, day, 1) AS on_the_day, contacts_within(contacts, moment, 1) AS at_the_moment,
	contact_load(contacts, day, 1e9) > 0.99 AS load_on, contact_load(contacts, moment, 1e9) > 0.99 AS load_at
FROM action_noon, action_uplift, (VALUES (date '2026-03-08', timestamptz '2026-03-08 00:00+00'), ('2026-03-08', '2026-03-08 12:00+00'), ('2026-03-07', '2026-03-07 23:59:59+00'),
	('2026-03-14', '2026-03-15 11:59:59+00'), ('2026-03-15', '2026-03-15 12:00+00')) AS v(day, moment);
-- Written without a type it is a moment, if it says the time of the day; a timestamp without a zone is one of the session's.
SELECT (SELECT a.why FROM next_best_actions('action_noon', u, 0.2, cap => 1, as_of => '2026-03-08 12:00+00', control_share => 1e-9) AS a) AS literal,
	(SELECT a.why FROM next_best_actions('action_noon', u, 0.2, cap => 1, as_of => timestamp '2026-03-09 00:59:59', control_share => 1e-9) AS a) AS before,
	(SELECT a.why FROM next_best_actions('action_noon', u, 0.2, cap => 1, as_of => timestamp '2026-03-09 01:00:00', control_share => 1e-9) AS a) AS after FROM action_uplift;
COMMIT;
-- Without a budget all who are worth it are contacted.
SELECT why, count(*) FROM action_uplift, next_best_actions('action_candidates', u, 0.2) GROUP BY 1 ORDER BY 1;
-- Of several actions for a customer the one that brings most, each at its own cost; gain per cost decides who comes first.
CREATE TABLE action_offers AS
SELECT i AS customer_id, offer AS action, segment, value, cost FROM generate_series(1, 20) AS i,
	(VALUES ('mail', 'Loyal', 10, 0.1), ('call', 'Loyal', 40, 1.2), ('gift', 'Lost', 500, 5)) AS v(offer, segment, value, cost);
SELECT action, why, count(*), round(min(expected_gain)::numeric, 3) AS gain, round(min(total_cost)::numeric, 2) AS total_cost FROM action_uplift, next_best_actions('action_offers', u, 0, 6, 'offers', 0.2) GROUP BY 1, 2 ORDER BY 1, 2;

SELECT actions_failure(format('SELECT count(*) FROM action_uplift, next_best_actions(%s)', arguments)) FROM (VALUES
	(1, $$'action_candidates', NULL, 0.2$$), (2, $$'action_candidates', u, -1$$), (3, $$'action_candidates', u, 0.2, 'NaN'$$), (4, $$'action_candidates', u, 0.2, 1, 'spring', 0$$),
	(5, $$'action_candidates', u, 0.2, 1, 'spring', 0.1, 2$$), (6, $$'action_candidates', u, 0.2, 1, 'spring', 0.1, -1, 7, date '2026-01-01'$$), (7, $$'action_slots', u, 0.2$$),
	(8, $$'action_offers', u, 0.2, 1, 'spring', 0.1, 2, 7, date '2026-01-01'$$), (9, $$'action_candidates', u, 0.2, 1, NULL$$), (10, $$'action_candidates', u, 0.2, 1, ''$$),
	(11, $$'action_candidates', u, 0.2, cap => 2, as_of => NULL::date$$), (12, $$'action_candidates', u, 0.2, cap => 2, as_of => date 'infinity'$$), (13, $$'action_candidates', u, 0.2, cap => 2, as_of => timestamptz '-infinity'$$),
	(14, $$'action_candidates', u, 0.2, cap => 2, as_of => '2026-01-01'$$), (15, $$'action_candidates', u, 0.2, cap => 2, as_of => 20260101$$),
	(16, $$'action_candidates', u, 0.2, 1, 'spring', 0.1, 2, 'NaN', date '2026-01-01'$$)) AS v(n, arguments) ORDER BY n;

-- Of what is no number nothing is made: the reason says so, sums stay sums, and equal numbers are one customer however they are written.
CREATE TABLE action_odd (customer_id numeric, segment text, action text, value float8, cost numeric);
INSERT INTO action_odd VALUES (1, 'Loyal', 'mail', 'NaN', 0.2), (2, 'Loyal', 'mail', 'Infinity', 0.2), (3, 'Loyal', 'mail', NULL, 0.2), (4, 'Loyal', 'mail', 20, NULL), (5, 'Loyal', 'mail', 20, 'NaN'),
	(6, 'Loyal', 'mail', 20, -1), (7, 'Loyal', 'mail', 1e200, 0.2), (8, 'Loyal', 'mail', 1e100, 0.2), (9, 'Loyal', 'mail', 1e100, '1e-400'), (10, 'Loyal', 'mail', 20, 0.2), (10.0, 'Loyal', 'call', 'NaN', 0.2), (10.00, 'Loyal', 'gift', 30, 0.2),
	(11, 'Loyal', 'mail', 0, 0), (12, NULL, 'mail', 20, 0.2), (NULL, 'Loyal', 'mail', 20, 0.2), (13, 'Loyal', 'mail', -1e-320, 0);
SELECT customer_id, contact, why, action, expected_gain::text, cost, total_gain > 7e98 AS finite FROM action_uplift, next_best_actions('action_odd', u, 0.2, 10, 'odd', 1e-9) ORDER BY customer_id::numeric;
-- A column of another type is refused, not converted: its owner could have made the conversion.
CREATE TABLE action_texts AS SELECT 1 AS customer_id, 'Loyal' AS segment, '20' AS value, '{}' AS contacts;
SELECT actions_failure('SELECT count(*) FROM action_uplift, next_best_actions(''action_texts'', u, 0.2)');
ALTER TABLE action_texts ALTER value TYPE int USING 20;
SELECT actions_failure('SELECT count(*) FROM action_uplift, next_best_actions(''action_texts'', u, 0.2, 1, ''spring'', 0.1, 2, 7, date ''2026-01-01'')');

--
-- Several actions, against all there is to choose
--

-- Sixty random problems of five customers with up to three actions each, and every combination of them. The plan keeps the budget; it is the best there is for what it spends;
-- and it misses what could be had by no more than what is left of the budget would bring at the best price of what was left out.
CREATE TABLE action_problem (customer_id int, action int, segment text, value float8, cost float8);
CREATE FUNCTION action_best(shrunk float8, budget float8) RETURNS float8 LANGUAGE sql AS $$
	WITH RECURSIVE combination AS (
		SELECT 0 AS customer, 0::float8 AS cost, 0::float8 AS gain
		UNION ALL
		SELECT customer + 1, c.cost + coalesce(p.cost, 0), c.gain + coalesce(shrunk * p.value - p.cost, 0)
		FROM combination AS c CROSS JOIN generate_series(0, 3) AS choice LEFT JOIN action_problem AS p ON p.customer_id = customer + 1 AND p.action = choice
		WHERE customer < 5 AND c.cost + coalesce(p.cost, 0) <= budget * (1 + 1e-12) AND (choice = 0 OR p.action IS NOT NULL))
	SELECT max(gain) FROM combination WHERE customer = 5 $$;
CREATE FUNCTION action_against_all(problem int, OUT spent float8, OUT budget float8, OUT gain float8, OUT best float8, OUT best_for_spent float8, OUT largest_gain float8, OUT of_greedy float8) LANGUAGE plpgsql AS $$
DECLARE
	measured uplift_segments;
	shrunk float8;
BEGIN
	SELECT u INTO measured FROM action_uplift;
	SELECT e.shrunk INTO shrunk FROM uplift_shrunk(measured) AS e WHERE segment = 'Loyal';
	TRUNCATE action_problem;
	INSERT INTO action_problem
	SELECT i, j, 'Loyal', 200 * assignment_place(format('%s %s', i, j), 'value ' || problem), round((5 * assignment_place(format('%s %s', i, j), 'cost ' || problem))::numeric, 1)
	FROM generate_series(1, 5) AS i, generate_series(1, 3) AS j WHERE assignment_place(format('%s %s', i, j), 'there ' || problem) < 0.8;
	budget := round((10 * assignment_place('budget', problem::text))::numeric, 1);
	SELECT coalesce(max(total_cost), 0), coalesce(max(total_gain), 0) INTO spent, gain FROM next_best_actions('action_problem', measured, 0, budget, 'all', 1e-9);
	best := action_best(shrunk, budget);
	best_for_spent := action_best(shrunk, spent);
	SELECT coalesce(max(shrunk * value - cost), 0) INTO largest_gain FROM action_problem;
	SELECT coalesce(sum(g.gain), 0) INTO of_greedy FROM (SELECT d.gain, sum(d.cost) OVER (ORDER BY d.gain / nullif(d.cost, 0) DESC) AS so_far
		FROM (SELECT DISTINCT ON (customer_id) shrunk * value - cost AS gain, cost FROM action_problem ORDER BY customer_id, shrunk * value - cost DESC) AS d WHERE d.gain > 0) AS g WHERE so_far <= budget;
END $$;
SELECT count(*) AS problems, count(*) FILTER (WHERE spent <= budget * (1 + 1e-9)) AS within_budget, count(*) FILTER (WHERE abs(gain - best_for_spent) <= 1e-9) AS best_for_what_is_spent,
	count(*) FILTER (WHERE best - gain <= largest_gain) AS within_one_action, count(*) FILTER (WHERE gain >= best - 1e-9) > 15 AS often_the_best, sum(gain) > sum(of_greedy) AS better_than_the_dearest_first
FROM generate_series(1, 60) AS problem, LATERAL action_against_all(problem) AS a;
SELECT * FROM action_steps('{0,1,1,2,3,4}', '{1,3,2,4,7,7}');
SELECT actions_failure(format('SELECT count(*) FROM action_steps(%s)', arguments)) FROM (VALUES (1, $$'{1}', '{1,2}'$$), (2, $$'{2,1}', '{1,2}'$$), (3, $$'{-1}', '{1}'$$), (4, $$'{NaN}', '{1}'$$), (5, $$'{NULL}', '{1}'$$), (6, $$'{{1},{2}}', '{1,2}'$$), (7, $$'{}', '{}'$$)) AS v(n, arguments) ORDER BY n;

--
-- Twenty shops: the plan against other ways to spend the same
--

-- What a contact adds in each segment nobody knows but the experiment of half of the customers. Each shop has its own customers and its own
-- luck, and in one of them the experiment misleads.
CREATE TABLE action_truth AS SELECT * FROM (VALUES ('Champions', 0.00, 0.15, 0.05, 80, 0.30, 0.005), ('Loyal', 0.15, 0.40, 0.15, 50, 0.15, 0.020),
	('At risk', 0.40, 0.65, 0.50, 40, 0.06, 0.050), ('Lost', 0.65, 1.00, 0.90, 15, 0.01, 0.008)) AS v(segment, low, high, churn_prob, mean_value, anyway, effect);
CREATE TABLE action_shop (customer_id int, segment text, churn_prob float8, value float8, effect float8, treated boolean, responded boolean);
CREATE FUNCTION action_contest(shop int, OUT plan float8, OUT equal_spending float8, OUT most_valuable float8, OUT most_likely_to_leave float8) LANGUAGE plpgsql AS $$
DECLARE
	measured uplift_segments;
BEGIN
	TRUNCATE action_shop;
	INSERT INTO action_shop
	SELECT i, segment, churn_prob, mean_value * (0.5 + assignment_place(i::text, 'value ' || shop)), effect, t,
		assignment_place(i::text, 'luck ' || shop) < anyway + CASE WHEN t THEN effect ELSE 0 END
	FROM generate_series(1, 8000) AS i JOIN action_truth ON assignment_place(i::text, 'segment ' || shop) >= low AND assignment_place(i::text, 'segment ' || shop) < high,
		LATERAL (SELECT assign_group(i::text, 'trial ' || shop, 0.5) = 'treated') AS g(t);
	SELECT uplift_segments(segment, u) INTO measured FROM (SELECT segment, uplift(treated, responded) AS u FROM action_shop GROUP BY 1) AS x;
	SELECT coalesce(sum(effect * value - 0.8), 0) INTO plan FROM next_best_actions('action_shop', measured, 0.8, 640) AS a JOIN action_shop AS s ON s.customer_id::text = a.customer_id WHERE contact;
	SELECT sum(effect * value - 0.8) INTO equal_spending FROM (SELECT * FROM action_shop ORDER BY assignment_place(customer_id::text, 'lottery') LIMIT 800) AS x;
	SELECT sum(effect * value - 0.8) INTO most_valuable FROM (SELECT * FROM action_shop ORDER BY value DESC, customer_id LIMIT 800) AS x;
	SELECT sum(effect * value - 0.8) INTO most_likely_to_leave FROM (SELECT * FROM action_shop ORDER BY churn_prob DESC, value DESC, customer_id LIMIT 800) AS x;
END $$;
SELECT count(*) AS shops, count(*) FILTER (WHERE plan > equal_spending) AS beats_equal_spending, count(*) FILTER (WHERE plan > most_valuable) AS beats_most_valuable,
	count(*) FILTER (WHERE plan > most_likely_to_leave) AS beats_most_likely_to_leave, avg(plan) > 5 * abs(avg(equal_spending)) AS by_far
FROM generate_series(1, 20) AS shop, LATERAL action_contest(shop) AS c;
CREATE TABLE action_one AS SELECT 1 AS customer_id, 'a'::text AS segment, 100::float8 AS value;
-- An uplift of money is said to be none of responses, which are worth a value each.
SELECT a.contact, a.expected_gain > 100 AS beyond_value FROM (SELECT uplift_segments('a'::text, u) AS s FROM (SELECT uplift(i % 2 = 0, CASE WHEN i % 2 = 0 THEN 50 + i % 7 ELSE 40 + i % 5 END::float8) AS u FROM generate_series(1, 400) AS i) AS x) AS y,
	next_best_actions('action_one', s, 1, 100, control_share => 1e-9) AS a;
DROP TABLE action_one, action_noon, action_by_hand, action_dates, action_many_slots, action_odd, action_texts, action_problem, action_scores, action_needs, action_events, action_slots, action_candidates, action_plan, action_offers, action_shop, action_truth, action_uplift;

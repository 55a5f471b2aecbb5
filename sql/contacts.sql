-- Contacts: who may be contacted again, how response tires, and which contacts were of no use.

SET datestyle = ISO;
SET timezone = 'UTC';
SET extra_float_digits = -9;

CREATE FUNCTION contacts_failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
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
-- A log of one customer's contacts
--

CREATE TEMP TABLE sent (customer_id int, sent_at timestamptz);
INSERT INTO sent VALUES
	(1, '2026-03-01 12:00:00'), (1, '2026-03-07 11:59:59.9'), (1, '2026-03-07 12:00'), (1, '2026-03-07 12:00'), (1, NULL),
	(2, '2026-02-01 08:00'), (2, '1999-12-31 23:59:59.5'), (3, NULL);
CREATE TEMP TABLE logs AS SELECT customer_id, contact_log(sent_at) AS log FROM sent GROUP BY 1;
SELECT customer_id, log, contact_count(log), last_contact_at(log) FROM logs ORDER BY 1;

-- The window rolls: it is so many times 24 hours, not calendar days. A contact at the very time of
-- as_of counts, one exactly as old as the window does not, and later ones are not known yet.
SELECT as_of, contacts_within(log, as_of, 6) AS six_days, contacts_within(log, as_of, 0.5) AS half_a_day, may_contact(log, as_of, 3, 7) AS may
FROM logs, unnest('{2026-03-01 11:59:59, 2026-03-01 12:00, 2026-03-07 11:59:58, 2026-03-07 11:59:59, 2026-03-07 12:00, 2026-03-08 00:00, 2026-03-13 12:00}'::timestamptz[]) AS as_of
WHERE customer_id = 1 ORDER BY 1;
-- Load halves with every half-life.
SELECT contact_load(log, '2026-03-07 12:00', 6), contact_load(log, '2026-03-01 12:00', 6), contact_load(log, '2026-02-28 12:00', 6) FROM logs WHERE customer_id = 1;
-- Who has no log has had no contact; what else is not known leaves the answer open.
SELECT contacts_within(NULL, '2026-03-01', 7), contact_load(NULL, '2026-03-01', 7), may_contact(NULL, '2026-03-01', 1, 7), may_contact(NULL, '2026-03-01', 0, 7);
-- A day counts to its end: as its midnight the contacts on it would not count.
SELECT day, contacts_within(log, day, 1) AS on_it, contacts_within(log, day, 7) AS week, contacts_within(log, day, 1) = contacts_within(log, (day || ' 23:59:59+00')::timestamptz, 1) AS to_its_end, may_contact(log, day, 1, 1) AS may, contact_load(log, day, 6) > 0 AS load
FROM logs, unnest('{2026-02-28,2026-03-01,2026-03-02,2026-03-07}'::date[]) AS day WHERE customer_id = 1;
-- Nor do those of the next day in a log that is kept by day.
SET timezone = 'UTC';
SELECT day, contacts_within(log, day, 1) AS on_it, may_contact(log, day, 1, 1) AS may, customer_360('1', '{"orders": [["2026-01-01", 10]]}', NULL, NULL, day, contacts => log, contact_cap => 1, cap_days => 1) -> 'contacts' AS page
FROM (SELECT contact_log(date '2026-03-07') AS log) AS by_day, unnest('{2026-03-06,2026-03-07,2026-03-08}'::date[]) AS day;
RESET timezone;
SELECT contacts_within(NULL, date '2026-03-01', 7), may_contact(NULL, date '2026-03-01', 1, 7), num_nulls(contacts_within(log, NULL::date, 7), may_contact(log, NULL::date, 1, 7), contact_load(log, date '2026-03-01', NULL)) AS nulls FROM logs WHERE customer_id = 1;
SELECT num_nulls(contacts_within(log, NULL, 7), contacts_within(log, '2026-03-01', NULL), contact_load(log, NULL, 7), may_contact(log, '2026-03-01', NULL, 7),
	may_contact(log, '2026-03-01', 1, NULL), contact_count(NULL), last_contact_at(NULL), last_contact_at('{"contacts": []}'))
FROM logs WHERE customer_id = 1;

-- Logs merge, in any order and grouping, to the same bytes; text and binary form are exact, whatever the settings.
SELECT count(*), bool_and(a || b = b || a), bool_and((a || b) || a = a || (b || a)), bool_and(a::text::contact_log = a),
	bool_and(contact_log_send(a::text::contact_log) = contact_log_send(a))
FROM (SELECT l.log, k.log FROM logs AS l, logs AS k WHERE l.log IS NOT NULL AND k.log IS NOT NULL) AS x(a, b);
SELECT (SELECT contact_log(sent_at) FROM sent) = (SELECT rollup(log ORDER BY customer_id DESC) FROM logs) AS same;
SET timezone = 'Asia/Tokyo';
SET datestyle = 'SQL, DMY';
SELECT log, log::text::contact_log = log AS exact FROM logs WHERE customer_id = 2;
RESET timezone;
SET datestyle = ISO;
-- The ends of the calendar are times, too.
SELECT log, log::text::contact_log = log AS exact, last_contact_at(log) AT TIME ZONE 'UTC' AS last
FROM (SELECT contact_log(t) FROM (VALUES ('4713-11-24 00:00:00+00 BC'::timestamptz), ('294276-12-31 23:59:59.999999+00')) AS v(t)) AS x(log);
SELECT pg_column_size(contact_log(timestamptz '2026-01-01 00:00+00' + i * interval '1000 minutes')) < 100 * 7 AS compact FROM generate_series(1, 100) AS i;

-- What cannot be.
SELECT contacts_failure($$SELECT contact_log('infinity'::timestamptz)$$);
SELECT contacts_failure(format($$SELECT %s FROM logs WHERE customer_id = 1$$, call)) FROM (VALUES (1, $$contacts_within(log, '-infinity', 7)$$),
	(2, $$contacts_within(log, '2026-03-01', 0)$$), (3, $$contacts_within(log, '2026-03-01', 'NaN')$$), (4, $$contact_load(log, '2026-03-01', -1)$$),
	(5, $$contact_load(log, '2026-03-01', 'infinity')$$), (6, $$may_contact(log, '2026-03-01', -1, 7)$$)) AS v(n, call) ORDER BY n;

--
-- Fatigue: contacts 0 to 5 in the days before
--

CREATE TEMP TABLE weeks (recent int, contacts bigint, responses bigint, unsubscribed bigint);
INSERT INTO weeks VALUES (0, 4000, 240, 8), (1, 5000, 262, 14), (2, 4000, 180, 15), (3, 2500, 98, 13), (4, 1500, 50, 11), (5, 800, 24, 8);
CREATE TEMP TABLE tired AS SELECT fatigue(recent, contacts, responses, unsubscribed) AS f FROM weeks;
TABLE tired;
SELECT param, round(estimate::numeric, 8) AS estimate, round(std_error::numeric, 8) AS std_error, status FROM tired, fatigue_params(f, 'randomised');
SELECT param, round(low::numeric, 6) AS low, round(high::numeric, 6) AS high, status FROM tired, fatigue_params(f, level => 0.95);
-- Six contacts bring more than they cost; the seventh does not.
SELECT contact_no, round(marginal_value::numeric, 6) AS marginal_value, cap, status FROM tired, fatigue_curve(f, 25, 0.10, 60, 'randomised');
-- The dearer the contact, the lower the cap; one that costs more than any response brings is never worth it.
SELECT cost, min(cap) AS cap, min(status) AS status FROM tired, unnest('{0.1,0.7,1,2}'::float8[]) AS cost, fatigue_curve(f, 25, cost, 60, 'randomised') GROUP BY 1 ORDER BY 1;
-- Counted row by row it is the same value, and so are its parts together.
SELECT bool_and(g = f) AS same FROM tired, (SELECT fatigue(recent, i <= responses, i <= unsubscribed)
	FROM weeks, generate_series(1, contacts) AS i) AS x(g);
SELECT rollup(g) = f AS same FROM tired, (SELECT fatigue(recent, contacts, responses, unsubscribed) AS g FROM weeks GROUP BY recent % 3) AS x GROUP BY f;
SELECT f || f, (f || f)::text::fatigue = f || f AS exact FROM tired;
-- Rows that say nothing are counted.
SELECT fatigue(c, r, u) FROM (VALUES (1, true, false), (NULL, true, true), (1, NULL, false)) AS v(c, r, u);

-- What is not identified is NULL, and the status says why.
SELECT what, f.cap, f.status, (SELECT string_agg(concat_ws(' ', param, round(estimate::numeric, 5), round(std_error::numeric, 5)), ', ') FROM fatigue_params(v::fatigue, 'randomised')) AS params
FROM (VALUES (1, 'nobody', '{"contacts": []}'), (2, 'nobody responds', '{"contacts": [[0, 100, 0, 0], [1, 100, 0, 0]]}'),
	(3, 'one level', '{"contacts": [[2, 100, 5, 1]]}'), (4, 'all respond', '{"contacts": [[0, 10, 10, 0], [1, 10, 10, 0]]}'),
	(5, 'all at first', '{"contacts": [[0, 10, 10, 0], [1, 10, 3, 0]]}'), (6, 'none later', '{"contacts": [[0, 100, 10, 0], [1, 100, 0, 0]]}'),
	(7, 'more and more', '{"contacts": [[0, 1000, 20, 1], [1, 1000, 40, 1]]}'), (8, 'nobody leaves', '{"contacts": [[0, 1000, 40, 0], [1, 1000, 20, 0]]}'),
	(9, 'all leave at last', '{"contacts": [[0, 1000, 40, 10], [1, 100, 2, 100]]}')) AS v(n, what, v),
	LATERAL (SELECT * FROM fatigue_curve(v.v::fatigue, 25, 0.1, 60, 'randomised') LIMIT 1) AS f ORDER BY n;

-- A cap is given where the data tell that value falls: of noise alone (a response of 5 % and no trend; unsubscribing of
-- 0.2 %) one is made in one of twenty studies or fewer, not in every second one. Of 300 with a real fall nearly all have one.
CREATE TEMP TABLE noise AS
SELECT study, fatigue(recent, (hashint8extended(study * 100000 + recent * 10000 + i, 1) & 1023) < 51, (hashint8extended(study * 100000 + recent * 10000 + i, 2) & 1023) < 2) AS none,
	fatigue(recent, (hashint8extended(study * 100000 + recent * 10000 + i, 3) & 1023) < 51 * exp(-0.3 * recent), false) AS falls
FROM generate_series(1, 300) AS study, generate_series(0, 4) AS recent, generate_series(1, 500) AS i GROUP BY study;
SELECT count(n.cap) <= 20 AS hardly_ever, count(*) FILTER (WHERE n.status = 'not_told') > 100 AS mostly_not_told, count(f.cap) > 270 AS nearly_always
FROM noise, LATERAL (SELECT * FROM fatigue_curve(none, 25, 0.5, 60, 'randomised') LIMIT 1) AS n, LATERAL (SELECT * FROM fatigue_curve(falls, 25, 0.5, 60, 'randomised') LIMIT 1) AS f;
-- Counts that the curve is not near to are said to fit poorly: a fall all at once, and a rise before a fall; of what is near, or has two levels, or few contacts, it is not said.
SELECT what, c.contact_no, round(c.marginal_value::numeric, 2) AS marginal_value, c.cap, c.status, p.status AS of_params FROM (VALUES (1, 'at once', '[[0, 10000, 1000, 20], [1, 10000, 1000, 20], [2, 10000, 1000, 20], [3, 10000, 10, 20], [4, 10000, 10, 20], [5, 10000, 10, 20]]'), (2, 'rise and fall', '[[0, 10000, 10, 20], [1, 10000, 1000, 20], [2, 10000, 1000, 20], [3, 10000, 500, 20], [4, 10000, 0, 20]]'),
	(3, 'leave at once', '[[0, 10000, 1000, 20], [1, 10000, 800, 20], [2, 10000, 640, 20], [3, 10000, 512, 400]]'), (4, 'a curve', '[[0, 10000, 1000, 20], [1, 10000, 800, 20], [2, 10000, 640, 20], [3, 10000, 512, 20]]'), (5, 'as good as one', '[[0, 1000000000, 100000000, 20], [1, 1000000000, 80100000, 20], [2, 1000000000, 64000000, 20], [3, 1000000000, 51200000, 20]]'),
	(6, 'two levels', '[[0, 10000, 1000, 20], [1, 10000, 10, 20]]'), (7, 'few', '[[0, 20, 4, 0], [1, 20, 4, 0], [2, 20, 0, 0], [3, 20, 0, 0]]')) AS v(n, what, counts),
	LATERAL (SELECT ('{"contacts": ' || counts || '}')::fatigue AS f) AS x, LATERAL (SELECT * FROM fatigue_curve(f, 25, 0.4, 0, 'randomised') LIMIT 1) AS c, LATERAL (SELECT * FROM fatigue_params(f, 'randomised') LIMIT 1) AS p ORDER BY n;
SELECT status FROM fatigue_params('{"contacts": [[0, 10000, 1000, 20], [1, 10000, 1000, 20], [2, 10000, 10, 20]]}'::fatigue, 'observed');
-- Of true curves it is said in five of a hundred.
SELECT avg((n.status = 'poor_fit')::int) BETWEEN 0.005 AND 0.09 AS of_none, avg((f.status = 'poor_fit')::int) BETWEEN 0.005 AND 0.09 AS of_falling
FROM noise, LATERAL (SELECT * FROM fatigue_params(none, 'randomised') LIMIT 1) AS n, LATERAL (SELECT * FROM fatigue_params(falls, 'randomised') LIMIT 1) AS f;
-- It may be unsubscribing that tells, and then only if there is something to lose.
SELECT remaining_value, f.* FROM (VALUES (0), (60)) AS v(remaining_value), LATERAL (SELECT * FROM fatigue_curve('{"contacts": [[0, 4000, 240, 8], [1, 4000, 235, 60]]}'::fatigue, 25, 0.5, remaining_value, 'randomised') LIMIT 1) AS f;

-- What cannot be.
-- Where nothing was assigned, the engaged get more contacts and respond more: each customer is compared with themselves.
-- Response falls by 0.25 with each contact; all customers together show half of it.
CREATE TEMP TABLE answers AS
SELECT customer_id, recent, assignment_place(customer_id || ' ' || n, 'answers') < (0.02 + 0.28 * engaged) * exp(-0.25 * recent) AS responded
FROM generate_series(1, 3000) AS customer_id, LATERAL (SELECT assignment_place(customer_id::text, 'engaged') AS engaged) AS e,
	generate_series(1, 12) AS n, LATERAL (SELECT floor(assignment_place(customer_id || ' ' || n, 'recent') * (2 + 4 * engaged))::int AS recent) AS r;
SELECT round(estimate::numeric, 3) AS kappa, round(low::numeric, 3) AS low, round(high::numeric, 3) AS high, status FROM (SELECT fatigue(recent, responded, false) AS f FROM answers) AS x, fatigue_params(f) WHERE param = 'kappa';
CREATE TEMP TABLE by_customer AS SELECT customer_id, fatigue(recent, responded, false) AS f FROM answers GROUP BY 1;
SELECT round(kappa::numeric, 6) AS kappa, round(std_error::numeric, 6) AS std_error, round(low::numeric, 3) AS low, round(high::numeric, 3) AS high, customer_count, responses, status FROM (SELECT array_agg(f) AS fs FROM by_customer) AS x, fatigue_within(fs);
SELECT round(low::numeric, 3) AS low, round(high::numeric, 3) AS high FROM (SELECT array_agg(f ORDER BY customer_id DESC) AS fs FROM by_customer) AS x, fatigue_within(fs, 0.5);
-- Two customers by hand: 3 q / (1 + q) + 6 q / (1 + 2 q) = 2 for q = e^-kappa. Who did not respond, or always had the same number, tells nothing.
SELECT w.kappa, -ln((sqrt(73) - 3) / 16) AS by_hand, w.customer_count, w.responses, w.status FROM fatigue_within(ARRAY['{"contacts": [[0, 4, 2, 0], [1, 4, 1, 0]]}', '{"contacts": [[0, 3, 2, 0], [1, 6, 1, 0]]}', '{"contacts": [[0, 9, 0, 0], [1, 9, 0, 0]]}', '{"contacts": [[2, 9, 5, 1]]}', NULL, '{"left_out": 3, "contacts": []}']::fatigue[]) AS w;
SELECT what, w.kappa IS NULL AS unknown, w.std_error, w.customer_count, w.status FROM (VALUES (1, 'nobody', '{}'), (2, 'one level', ARRAY['{"contacts": [[2, 9, 5, 1]]}']), (3, 'all at the lowest', ARRAY['{"contacts": [[0, 4, 2, 0], [1, 4, 0, 0]]}']), (4, 'all at the highest', ARRAY['{"contacts": [[0, 4, 0, 0], [1, 4, 2, 0]]}']),
	(5, 'rising', ARRAY['{"contacts": [[0, 4, 1, 0], [1, 4, 3, 0]]}', '{"contacts": [[0, 9, 1, 0], [3, 9, 3, 0]]}']), (6, 'one customer', ARRAY['{"contacts": [[0, 4, 3, 0], [1, 4, 1, 0]]}'])) AS v(n, what, fs), fatigue_within(fs::fatigue[]) AS w ORDER BY n;
SELECT num_nulls(w.kappa, w.status) AS nulls FROM fatigue_within(NULL) AS w;
-- The errors of fatigue_params take contacts as independent. From a value for each customer the estimates are the same; where those of one depend on each other, the errors are not.
CREATE TEMP TABLE letters AS SELECT i AS customer_id, fatigue(i % 4, 30, CASE WHEN i % 5 = 0 THEN 20 - 3 * (i % 4) ELSE 0 END, (i % 7 = 0)::int) AS f FROM generate_series(1, 200) AS i GROUP BY 1;
SELECT b.param, a.estimate = b.estimate AS same, round((b.std_error / a.std_error)::numeric, 3) AS errors, round(b.low::numeric, 4) AS low, round(b.high::numeric, 4) AS high, b.status
FROM (SELECT rollup(f) AS f, array_agg(f) AS each FROM letters) AS x, fatigue_params(f, 'randomised') AS a JOIN fatigue_params((SELECT array_agg(f ORDER BY customer_id DESC) FROM letters), 'randomised') AS b USING (param);
SELECT what, param, estimate IS NULL AS unknown, std_error, status FROM (VALUES (1, 'nobody', '{}'), (2, 'nothing', '{NULL}'), (3, 'few', array_fill('{"contacts": [[0, 9, 5, 1], [1, 9, 3, 1]]}'::text, ARRAY[9])), (4, 'ten alike', array_fill('{"contacts": [[0, 9, 5, 1], [1, 9, 3, 1]]}'::text, ARRAY[10])), (5, 'one level', array_fill('{"contacts": [[2, 9, 5, 0]]}'::text, ARRAY[20])),
	(6, 'no responses', array_fill('{"contacts": [[0, 9, 0, 0], [1, 9, 0, 0]]}'::text, ARRAY[20])), (7, 'all respond', array_fill('{"contacts": [[0, 9, 9, 0], [1, 9, 9, 0]]}'::text, ARRAY[20]))) AS v(n, what, fs), fatigue_params(fs::fatigue[]) ORDER BY n, param;

-- The cap, too: 200 customers, each with one number of recent contacts in all of their thirty letters, and a rate of their own that nothing changes. Of 200 such shops that
-- value falls is said in 5 of 100 by customers, and far more often by contacts, of which thirty are one customer's; where it does fall, it is told.
CREATE TEMP TABLE own_rates AS SELECT shop, customer_id, fatigue(customer_id % 4, 30, floor(30 * 0.4 * assignment_place(shop || ' ' || customer_id, 'own'))::bigint, 0) AS none,
	fatigue(customer_id % 4, 30, floor(30 * 0.4 * exp(-0.3 * (customer_id % 4)) * assignment_place(shop || ' ' || customer_id, 'own'))::bigint, 0) AS falls
FROM generate_series(1, 200) AS shop, generate_series(1, 200) AS customer_id GROUP BY 1, 2;
SELECT avg((c.cap IS NOT NULL)::int) BETWEEN 0.005 AND 0.05 AS level_by_customer, avg((a.cap IS NOT NULL)::int) > 0.1 AS chance_by_contact, avg((f.cap IS NOT NULL)::int) > 0.9 AS told, bool_and(a.marginal_value = c.marginal_value) AS same_curve, min(c.status), max(c.status)
FROM (SELECT rollup(none) AS f, array_agg(none) AS each, array_agg(falls) AS each_falls FROM own_rates GROUP BY shop) AS x, LATERAL (SELECT * FROM fatigue_curve(f, 25, 0.5, 0, 'randomised') LIMIT 1) AS a,
	LATERAL (SELECT * FROM fatigue_curve(each, 25, 0.5, 0, 'randomised') LIMIT 1) AS c, LATERAL (SELECT * FROM fatigue_curve(each_falls, 25, 0.5, 0, 'randomised') LIMIT 1) AS f;
-- So is whether the curve fits: by customers as often as it should, by contacts more often.
SELECT avg((c.status = 'poor_fit')::int) BETWEEN 0.005 AND 0.09 AS by_customer, avg((a.status = 'poor_fit')::int) > 0.12 AS by_contact
FROM (SELECT rollup(falls) AS f, array_agg(falls) AS each FROM own_rates GROUP BY shop) AS x, LATERAL (SELECT * FROM fatigue_params(f, 'randomised') LIMIT 1) AS a, LATERAL (SELECT * FROM fatigue_params(each, 'randomised') LIMIT 1) AS c;
SELECT what, c.cap, c.status, count(*) FROM (VALUES (1, 'nobody', '{}'::fatigue[]), (2, 'few', array_fill('{"contacts": [[0, 90, 40, 0], [1, 90, 20, 0]]}'::fatigue, ARRAY[9])), (3, 'enough', array_fill('{"contacts": [[0, 90, 40, 0], [1, 90, 20, 0]]}'::fatigue, ARRAY[10])),
	(4, 'observed', array_fill('{"contacts": [[0, 90, 40, 0], [1, 90, 20, 0]]}'::fatigue, ARRAY[10])), (5, 'no responses', array_fill('{"contacts": [[0, 9, 0, 0], [1, 9, 0, 0]]}'::fatigue, ARRAY[20])), (6, 'leave', array_fill('{"contacts": [[0, 90, 20, 1], [1, 90, 20, 9]]}'::fatigue, ARRAY[20]))) AS v(n, what, each),
	fatigue_curve(each, 25, 0.5, 60, CASE what WHEN 'observed' THEN 'observed' ELSE 'randomised' END) AS c GROUP BY n, 1, 2, 3 ORDER BY n;
SELECT contacts_failure(format('SELECT %s FROM tired', call)) FROM (VALUES (1, 'fatigue(-1, true, true)'), (2, 'fatigue(10001, true, true)'),
	(3, 'fatigue(1, 10, 11, 0)'), (4, 'fatigue(1, 10, 1, -1)'), (5, 'fatigue_params(f, ''guessed'')'), (6, 'fatigue_params(f, ''observed'', 1)'),
	(7, 'fatigue_curve(f, -1, 0, 0)'), (8, 'fatigue_curve(f, 1, ''NaN'', 0)'), (9, 'fatigue_curve(f, 1, 0, ''infinity'')'), (10, 'fatigue_within(ARRAY[f], 1)'), (11, 'fatigue_within(ARRAY[f], ''NaN'')')) AS v(n, call) ORDER BY n;
SELECT contacts_failure($$SELECT rollup(f) FROM (SELECT '{"contacts": [[0, 9223372036854775807, 0, 0]]}'::fatigue FROM generate_series(1, 2)) AS x(f)$$);

--
-- Which contacts were trivial
--

CREATE TEMP TABLE audits AS
SELECT i % 4 AS shop, relevance_audit(i % 10 = 0, i % 25 = 0, i % 20 = 0, NULL, i % 50 = 0, i % 2 = 0) AS audit FROM generate_series(1, 1000) AS i GROUP BY 1;
-- Each reason by itself, and any once: what is owned (every tenth) is below cost (every second), too.
SELECT t.* FROM (SELECT rollup(audit) FROM audits) AS x(audit), trivial_contacts(audit) AS t;
SELECT bool_and(a.audit || b.audit = b.audit || a.audit), bool_and(a.audit::text::relevance_audit = a.audit) FROM audits AS a, audits AS b;
SELECT reason, contacts, share FROM trivial_contacts('{"contacts": []}') WHERE reason = 'any';

-- What is no value.
CREATE FUNCTION contacts_refused(literal text, type regtype) RETURNS text LANGUAGE sql RETURN contacts_failure(format('SELECT %L::%s', literal, type));
SELECT literal, contacts_refused(literal, 'contact_log') FROM (VALUES ('{"contacts": [["2026-03-01T12:00:00Z"]]}'), ('{"contacts": [["2026-03-01T12:00:00", 1]]}'),
	('{"contacts": [["2026-03-01 12:00:00Z", 1]]}'), ('{"contacts": [["2026-02-30T12:00:00Z", 1]]}'), ('{"contacts": [["2026-03-01T24:00:00Z", 1]]}'),
	('{"contacts": [["2026-03-01T12:00:60Z", 1]]}'), ('{"contacts": [["0000-03-01T12:00:00Z", 1]]}'), ('{"contacts": [["4714-01-01T12:00:00Z BC", 1]]}'),
	('{"contacts": [["294277-01-01T00:00:00Z", 1]]}'), ('{"contacts": [["2026-03-01T12:00:00Z", 0]]}'), ('{"contacts": [["2026-03-01T12:00:00Z", 1.5]]}'),
	('{"contacts": [["2026-03-01T12:00:00Z", 1], ["2026-03-01T12:00:00Z", 2]]}'), ('{}'), ('{"contacts": [], "by": "hour"}')) AS v(literal);
SELECT literal, contacts_refused(literal, 'fatigue') FROM (VALUES ('{"contacts": [[0, 1, 2, 0]]}'), ('{"contacts": [[0, 0, 1, 0]]}'), ('{"contacts": [[0, 1, 0, 2]]}'),
	('{"contacts": [[10001, 1, 0, 0]]}'), ('{"contacts": [[-1, 1, 0, 0]]}'), ('{"contacts": [[0, 1, 0]]}'), ('{"left_out": -1, "contacts": []}')) AS v(literal);
SELECT literal, contacts_refused(literal, 'relevance_audit') FROM (VALUES ('{"contacts": [[64, 1]]}'), ('{"contacts": [[1, -1]]}'), ('{"contacts": [[1, 1], [1, 1]]}')) AS v(literal);
-- Any number of contacts is soon counted, from a value for each customer, too.
SET statement_timeout = '2s';
SELECT param, status FROM generate_series(1, 20) AS i,
	fatigue_params(ARRAY['{"contacts": [[0, 5, 1, 0], [3, 1e15, 1, 0]]}'::fatigue, '{"contacts": [[0, 5, 1, 0]]}']) GROUP BY 1, 2 ORDER BY 1;
RESET statement_timeout;


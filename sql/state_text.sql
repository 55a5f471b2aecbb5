-- The text of states: cluster engines send what a partial aggregate has come to as text, and read it
-- with the input function of its type. A short form serves them; finished values are written in full.

CREATE TABLE shops AS
SELECT n % 4 AS shop, purchase_history(date '2024-01-01' + (n * 37 + k * k * 11) % 700, ((n * 13 + k * 7) % 5000) / 100.0) AS history
FROM generate_series(1, 400) AS n, LATERAL generate_series(0, n % 6) AS k GROUP BY n;
INSERT INTO shops VALUES (0, '{"orders": [["2024-05-01", null]]}'), (1, '{"orders": [["2025-01-01", -3]]}'), (2, NULL);

-- What Citus does: the output function is the final function, and its text goes over the wire.
CREATE AGGREGATE base_state(purchase_history) (SFUNC = customer_base_add, STYPE = customer_base, FINALFUNC = customer_base_out);
CREATE AGGREGATE base_state(purchase_history, text) (SFUNC = customer_base_add, STYPE = customer_base, FINALFUNC = customer_base_out);
CREATE AGGREGATE base_state(purchase_history, float8[]) (SFUNC = customer_base_add, STYPE = customer_base, FINALFUNC = customer_base_out);
CREATE AGGREGATE holdout_state(purchase_history, date, date) (SFUNC = clv_holdout_add, STYPE = clv_holdout, FINALFUNC = clv_holdout_out);
CREATE AGGREGATE holdout_whole(clv_holdout) (SFUNC = clv_holdout_merge, STYPE = clv_holdout, FINALFUNC = clv_holdout_final);
CREATE AGGREGATE cuts_state(integer, bigint, double precision) (SFUNC = rfm_cuts_add, STYPE = rfm_cuts, FINALFUNC = rfm_cuts_out);
CREATE AGGREGATE cuts_whole(rfm_cuts) (SFUNC = rfm_cuts_merge, STYPE = rfm_cuts, FINALFUNC = rfm_cuts_final);
CREATE AGGREGATE contacts_state(timestamptz) (SFUNC = contact_log_add, STYPE = contact_log, FINALFUNC = contact_log_out);

-- The form, which is JSON as well; a finished value is written in full.
SELECT base_state(history) FROM (SELECT history FROM shops WHERE shop = 3 LIMIT 2) AS x;
SELECT customer_base(history) FROM (SELECT history FROM shops WHERE shop = 3 LIMIT 2) AS x;
SELECT cuts_state(n, n, n / 4.0) FROM generate_series(1, 3) AS n;
SELECT jsonb_object_keys(base_state(history)::text::jsonb) FROM shops;

-- What was sent arrives: parts of four shops, put together, are the whole, to the byte.
CREATE TABLE parts AS
SELECT shop, base_state(history)::text AS base, base_state(history, 'month')::text AS months,
	base_state(history, ARRAY[shop, order_count(history) % 3])::text AS classes,
	holdout_state(history, '2025-03-31', '2025-09-30')::text AS holdout,
	cuts_state(order_count(history)::int * 9, order_count(history), total_spend(history))::text AS cuts,
	cuts_state(order_count(history)::int * 9, order_count(history), total_spend(history) / 7 - 3)::text AS odd_cuts,
	cuts_state(order_count(history)::int * 9, order_count(history), total_spend(history) * 1e300)::text AS large_cuts,
	contacts_state(last_order_on(history)::timestamptz)::text AS contacts
FROM shops GROUP BY shop;
SELECT bool_and(base LIKE '{"base64": "%' AND months LIKE '{"base64": "%' AND classes LIKE '{"base64": "%' AND holdout LIKE '{"base64": "%'
	AND cuts LIKE '{"base64": "%' AND odd_cuts LIKE '{"base64": "%' AND contacts LIKE '{"base64": "%') AS short FROM parts;
CREATE TABLE whole AS
SELECT customer_base(history) AS base, customer_base(history, 'month') AS months,
	customer_base(history, ARRAY[shop, order_count(history) % 3]) AS classes,
	holdout(history, '2025-03-31', '2025-09-30') AS holdout,
	rfm_cuts(order_count(history)::int * 9, order_count(history), total_spend(history)) AS cuts,
	rfm_cuts(order_count(history)::int * 9, order_count(history), total_spend(history) / 7 - 3) AS odd_cuts,
	rfm_cuts(order_count(history)::int * 9, order_count(history), total_spend(history) * 1e300) AS large_cuts,
	contact_log(last_order_on(history)::timestamptz) AS contacts
FROM shops;
SELECT rollup(p.base::customer_base) = w.base AS base, rollup(p.months::customer_base) = w.months AS months,
	rollup(p.classes::customer_base) = w.classes AS classes, holdout_whole(p.holdout::clv_holdout) = w.holdout AS holdout,
	cuts_whole(p.cuts::rfm_cuts) = w.cuts AS cuts, cuts_whole(p.odd_cuts::rfm_cuts) = w.odd_cuts AS odd_cuts,
	cuts_whole(p.large_cuts::rfm_cuts) = w.large_cuts AS large_cuts, rollup(p.contacts::contact_log) = w.contacts AS contacts
FROM parts AS p, whole AS w GROUP BY w.base, w.months, w.classes, w.holdout, w.cuts, w.odd_cuts, w.large_cuts, w.contacts;

-- What arrived is an ordinary value, and equal to one that came in full.
SELECT bool_and(base::customer_base::text::customer_base = base::customer_base) AS base,
	bool_and(holdout::clv_holdout::text::clv_holdout = holdout::clv_holdout) AS holdout,
	bool_and(contacts::contact_log::text::contact_log = contacts::contact_log) AS contacts,
	bool_and(base::customer_base::text LIKE '{"observed_until": %') AS in_full FROM parts;
SELECT bool_and(base::jsonb::text::customer_base = base::customer_base) AS through_jsonb,
	bool_and(replace(base, ' ', E'\n')::customer_base = base::customer_base) AS white_space FROM parts;

-- States without rows are NULL; of customers who are left out there is one.
SELECT base_state(history) IS NULL AS none, cuts_state(1, NULL, NULL)::text::rfm_cuts IS NULL AS no_cuts FROM shops WHERE shop = 9;
SELECT base_state('{"orders": [["2025-01-01", -3]]}'::purchase_history)::text::customer_base AS left_out;

-- The text is not trusted.
SELECT '{"base64": "AQ"}'::customer_base;
SELECT '{"base64": "A==="}'::customer_base;
SELECT '{"base64": "AQAA AQA"}'::customer_base;
SELECT '{"base64": "AQA=AQAA"}'::customer_base;
SELECT '{"base64": ""}'::customer_base;
SELECT '{"base64": "/wAA"}'::customer_base;
SELECT '{"base64": "AQAA"}'::customer_base;
SELECT '{"base64": "AQAA", "timing": []}'::customer_base;
SELECT '{"base64": 7}'::customer_base;
SELECT '{"base64": "Ag=="}'::rfm_cuts;
SELECT '{"base64": "AQUBBw=="}'::rfm_cuts;
SELECT '{"base64": "Ag=="}'::clv_holdout;
SELECT '{"base64": "Ag=="}'::contact_log;

-- Entries that a header only announces are not waited for, nor is memory set aside for them.
SELECT ('{"base64": "' || encode('\x01000000ffffffff0f'::bytea, 'base64') || '"}')::customer_base;
SELECT ('{"base64": "' || encode('\x0105ffffffff0f00'::bytea, 'base64') || '"}')::rfm_cuts;
SELECT ('{"base64": "' || encode('\x01000000ffffffffffffffffffffff0f'::bytea, 'base64') || '"}')::customer_base;

-- Damage of any kind is an error of the text, or gives a value that is valid: it reads back.
CREATE FUNCTION damaged(type text, whole text, n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	bytes bytea := decode(whole::jsonb ->> 'base64', 'base64');
	place int := abs(hashint4(n)) % length(bytes);
	again boolean;
BEGIN
	bytes := CASE n % 3
		WHEN 0 THEN set_byte(bytes, place, get_byte(bytes, place) # (1 << n % 8))
		WHEN 1 THEN set_byte(bytes, place, abs(hashint4(-n)) % 256)
		ELSE substr(bytes, 1, place) END;
	EXECUTE format('SELECT value = value::text::%1$I FROM (SELECT %2$L::%1$I) AS x(value)', type,
		format('{"base64": "%s"}', replace(encode(bytes, 'base64'), E'\n', ''))) INTO again;
	RETURN CASE WHEN again THEN 'valid' ELSE 'does not read back' END;
EXCEPTION
	WHEN invalid_text_representation THEN RETURN 'refused';
END $$;
SELECT type, damaged(type, value, n) AS result, count(*) > 0 AS happened
FROM parts, LATERAL (VALUES ('customer_base', base), ('customer_base', classes), ('clv_holdout', holdout), ('rfm_cuts', odd_cuts), ('rfm_cuts', cuts),
	('contact_log', contacts)) AS x(type, value), generate_series(1, 150) AS n
WHERE shop = 1 GROUP BY 1, 2 ORDER BY 1, 2;

DROP TABLE shops, parts, whole;

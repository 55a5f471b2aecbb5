-- Rows of scores are stored as the server would store them: the same values, the same length, whatever the type of a key, however long
-- it is, and whichever values are missing.

SET datestyle = ISO;
SET client_min_messages = warning;
SET jit = off;
CREATE SCHEMA stored;
CREATE TABLE stored.orders AS
SELECT left(repeat('x', CASE WHEN i % 2 = 0 THEN n ELSE 0 END) || (SELECT string_agg(md5((i * 100 + j)::text), '') FROM generate_series(1, 80) AS j), n) || i AS customer,
	md5(i::text)::uuid AS id, ('n' || i % 3)::name AS name, (i % 2)::int2 AS small, i % 3 = 0 AS truth, chr(65 + i % 3)::"char" AS letter,
	CASE WHEN i % 4 > 0 THEN (i % 5)::numeric / 3 END AS number, i % 3 * interval '1 hour' AS duration, ('10.0.0.' || i % 3)::inet AS address,
	decode(md5(i::text), 'hex') AS bytes, CASE WHEN i % 3 > 0 THEN timestamptz '2026-01-01 00:00+00' + i % 2 * interval '1 day' END AS moment,
	ARRAY[i % 3, NULL] AS list, jsonb_build_object('i', i % 2) AS document, (i % 9)::char(9) AS padded,
	date '2025-01-01' + o * 20 + i % 17 AS ordered_at, CASE WHEN i % 11 > 0 THEN 10 + i % 7 + o END AS amount
FROM (SELECT i, (ARRAY[0, 1, 100, 121, 122, 123, 124, 125, 126, 127, 128, 500, 1900, 2300])[i % 14 + 1] AS n FROM generate_series(1, 300) AS i) AS c,
	generate_series(0, 5) AS o WHERE o <= i % 6;
CREATE TABLE stored.forms AS SELECT * FROM (VALUES
	(1, ARRAY['customer']::name[], NULL::name[]), (2, '{id}', NULL), (3, '{bytes}', '{name,small,truth,letter}'),
	(4, '{customer}', '{number,duration,address,moment}'), (5, '{id}', '{list,document,padded}'), (6, '{customer,id}', '{truth,number}')) AS f (form, keys, groups);

CREATE FUNCTION stored.differ(form int, storage text, OUT rows bigint, OUT different bigint, OUT longer bigint) AS $$
DECLARE
	made name := 's' || form || left(storage, 1);
	f stored.forms;
BEGIN
	SELECT * INTO f FROM stored.forms WHERE forms.form = differ.form;
	PERFORM create_customer_scores('stored.' || made, 'stored.orders', f.keys, 'ordered_at', 'amount', model => '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 50, "a": 0.8, "b": 2.5}}', group_by => f.groups, storage => storage);
	EXECUTE format('CREATE TABLE stored.again AS %s', customer_scores_query('stored.orders', f.keys, 'ordered_at', 'amount', model => '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 50, "a": 0.8, "b": 2.5}}', group_by => f.groups));
	EXECUTE format('CREATE TABLE stored.copied AS TABLE stored.%I', made || CASE storage WHEN 'table' THEN '_generation_1' ELSE '' END);
	EXECUTE format('SELECT count(*), (SELECT count(*) FROM (SELECT a::text FROM stored.again AS a EXCEPT SELECT s::text FROM (SELECT %s FROM stored.%I) AS s) AS d) FROM stored.%2$I',
		(SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'stored.again'::regclass AND attnum > 0), made)
	INTO rows, different;
	EXECUTE format('SELECT abs((SELECT sum(pg_column_size(c)) FROM stored.copied AS c) - (SELECT sum(pg_column_size(s)) FROM stored.%I AS s))',
		made || CASE storage WHEN 'table' THEN '_generation_1' ELSE '' END) INTO longer;
	DROP TABLE stored.again, stored.copied;
END $$ LANGUAGE plpgsql;
SELECT form, d.* FROM stored.forms, stored.differ(form, 'table') AS d ORDER BY form;
SELECT form, d.* FROM stored.forms, stored.differ(form, 'materialized view') AS d WHERE form < 5 ORDER BY form;

-- Some of these were long, and some too long for a page among others.
SELECT max(pg_column_size(customer_id)), count(*) FILTER (WHERE octet_length(customer_id) > 2000) > 10 AS long_ones FROM stored.s1t;
SELECT pg_relation_size(reltoastrelid) > 0 AS some_apart FROM pg_class WHERE oid = 'stored.s1t_generation_1'::regclass;

DROP SCHEMA stored CASCADE;

-- Values in JSON documents are objects, not texts: in to_jsonb(), row_to_json(), json_agg() and
-- wherever else the server makes JSON of a row, as PostgREST and others ask for it.

CREATE TEMP TABLE customers AS
SELECT customer_id, purchase_history(ordered_at, amount) AS history
FROM (VALUES (1, date '2026-01-05', 12.50), (1, '2026-03-01', 30.00), (2, '2026-02-10', 7.25)) AS o(customer_id, ordered_at, amount)
GROUP BY customer_id;

SELECT history::json, history::jsonb FROM customers ORDER BY customer_id;
SELECT to_json(history) FROM customers ORDER BY customer_id;
SELECT to_jsonb(history) -> 'orders' -> 0 ->> 1 AS first_amount FROM customers ORDER BY customer_id;
SELECT row_to_json(c) FROM customers AS c ORDER BY customer_id;
SELECT json_agg(history ORDER BY customer_id), jsonb_agg(history ORDER BY customer_id) FROM customers;
SELECT json_build_object('h', history), jsonb_build_array(history) FROM customers WHERE customer_id = 2;
SELECT json_object_agg(customer_id, history ORDER BY customer_id) FROM customers;
-- within arrays and rows, and NULL
SELECT to_jsonb(ARRAY[history, NULL]), to_jsonb(row(history)) FROM customers WHERE customer_id = 2;
SELECT to_jsonb(NULL::purchase_history), json_agg(NULL::purchase_history);
-- and back: what JSON holds is the value's text
SELECT bool_and((to_jsonb(history)::text)::purchase_history = history AND (row_to_json(c) ->> 'history')::purchase_history = history) AS same
FROM customers AS c;

-- A model and cut points, as an application keeps them.
SELECT to_jsonb(model) -> 'timing' AS timing
FROM (SELECT '{"model": "bg/nbd", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}}'::clv_model) AS m(model);
SELECT to_jsonb(rfm_cuts(i, i, i)) -> 'recency' FROM generate_series(1, 100) AS i;

-- Every type has the cast, by a function, and asks for it to be written.
SELECT t.typname FROM pg_depend AS d JOIN pg_type AS t ON t.oid = d.objid AND d.classid = 'pg_type'::regclass
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND t.typtype = 'b' AND t.typelem = 0
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric')
	AND NOT EXISTS (SELECT FROM pg_cast AS c WHERE c.castsource = t.oid AND c.casttarget = 'json'::regtype
		AND c.castmethod = 'f' AND c.castcontext = 'e');

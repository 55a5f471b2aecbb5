-- From a CSV file on standard input to the table "orders".
--
-- Every field is text at first, so that one bad field does not end the load. Then
-- order_problem looks at each row; the orders are the rows without a problem. Prints
-- the first ten bad rows, each with its line in the file.

\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;

CREATE TABLE csv_rows (number bigint GENERATED ALWAYS AS IDENTITY, customer_id text, ordered_at text, amount text);
\copy csv_rows (customer_id, ordered_at, amount) FROM pstdin WITH (FORMAT csv, HEADER)

-- NULL if the fields make an order
CREATE FUNCTION order_problem(customer_id text, ordered_at text, amount text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
	CASE
		WHEN coalesce(btrim(customer_id), '') = '' THEN
			RETURN 'customer_id is missing';
		WHEN coalesce(btrim(ordered_at), '') = '' THEN
			RETURN 'ordered_at is missing';
		WHEN coalesce(btrim(amount), '') = '' THEN
			RETURN 'amount is missing';
		-- 03/04/2024 would leave open which number is the month
		WHEN ordered_at !~ '^\s*\d{4}-?\d{2}-?\d{2}([ T].*)?$' THEN
			RETURN format('ordered_at "%s" is not a date like 2024-05-31', left(ordered_at, 40));
		WHEN amount !~ '^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*$' THEN
			RETURN format('amount "%s" is not a number', left(amount, 40));
		WHEN abs(amount::numeric) >= 1e12 THEN
			RETURN format('amount "%s" is too large', left(amount, 40));
		ELSE
			PERFORM ordered_at::timestamp;
			RETURN NULL;
	END CASE;
EXCEPTION
	WHEN data_exception THEN
		RETURN format('ordered_at "%s" is no date and time', left(ordered_at, 40));
END
$$;

ALTER TABLE csv_rows ADD problem text;
UPDATE csv_rows SET problem = order_problem(customer_id, ordered_at, amount)
WHERE order_problem(customer_id, ordered_at, amount) IS NOT NULL;

CREATE TABLE orders AS
SELECT btrim(customer_id) AS customer_id, ordered_at::timestamp AS ordered_at, amount::numeric AS amount
FROM csv_rows
WHERE problem IS NULL;
ANALYZE orders;

-- The header is line 1, and quoted fields may hold line breaks.
WITH lines AS (
	SELECT number, problem,
		number + 1 + coalesce(sum(line_breaks) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS line
	FROM csv_rows CROSS JOIN LATERAL (
		SELECT length(fields) - length(replace(fields, E'\n', '')) AS line_breaks
		FROM concat(customer_id, ordered_at, amount) AS fields) AS counted
)
(SELECT format('line %s: %s', line, problem) FROM lines WHERE problem IS NOT NULL ORDER BY number LIMIT 10)
UNION ALL
(SELECT format('and %s more', count(*) - 10) FROM lines WHERE problem IS NOT NULL HAVING count(*) > 10);

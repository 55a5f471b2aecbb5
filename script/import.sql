-- From the fields of a file, which script/import.pl has loaded as text, to the table "orders"
-- (order_id, customer_id, ordered_at, amount), with a screen that says how they were understood.
--
-- How days and numbers are written is decided from all rows of a column. Rows that are no orders are
-- named with their line in the file, before anything is made of them.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
-- Compiling the expressions takes longer than computing them.
SET jit = off;
SET search_path = import, public;

-- ---------------------------------------------------------------- what is written in a field

-- Which of the ways to write a day this is, and its parts: {ymd, year, separator, month, day, time of day}, {xxy, first, separator,
-- second, year, time}, and with names of months {dmy, day, separator, month, year, time}, {mdy, month, separator, day, year, time}.
-- Regular expressions that capture are slow: where most values are alike they only test.
CREATE FUNCTION day_parts(written text, word text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN word ~ '^(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}-\d{1,2}-(\d{4}|\d\d))$' THEN
			ARRAY[CASE WHEN word ~ '^\d{4}' THEN 'ymd' ELSE 'xxy' END, split_part(word, '-', 1), substr(written, strpos(word, '-'), 1),
				split_part(word, '-', 2), split_part(word, '-', 3), ltrim(substr(written, length(word) + 1), 'T, ')]
		WHEN word ~ '^\d{8}$' THEN ARRAY['ymd', substr(word, 1, 4), '', substr(word, 5, 2), substr(word, 7, 2), ltrim(substr(written, 9), 'T, ')]
		WHEN written ~ '^\d{1,2}[- .]' THEN '{dmy}'::text[] || regexp_match(written, '^(\d{1,2})([- .]+)([A-Za-z]{3})[a-z]*[- .,]+(\d{4}|\d{2})(?:[T ,]+(.*))?$')
		ELSE '{mdy}'::text[] || regexp_match(written, '^(?:[A-Z][a-z]+, )?([A-Za-z]{3})[a-z]*([. ]+)(\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})(?:[T ,]+(.*))?$')
	END
$$;
CREATE FUNCTION day_parts(written text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
	SELECT day_parts(written, translate(split_part(translate(written, 'T,', '  '), ' ', 1), '/.', '--'))
$$;

-- {hours, minutes, a or p, seconds}; the zone is left aside, because the day is the one that is written.
CREATE FUNCTION time_parts(written text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN written ~ '^(at )?\d{1,2}:[0-5]\d(:[0-5]\d([.,]\d+)?)?\s*([AaPp]\.?[Mm]\.?)?\s*(Z|[A-Z]{2,5}|(UTC|GMT)?\s*[-+]\d{1,2}(:?\d{2})?)?$'
		THEN ARRAY[substring(split_part(written, ':', 1) FROM '\d+'), left(split_part(written, ':', 2), 2), 
			CASE WHEN written ~* '[ap]\.?m' THEN lower(substring(written FROM '([AaPp])\.?[Mm]')) END,
			CASE WHEN written ~ '^\d+:\d\d:\d\d' THEN left(split_part(written, ':', 3), 2) END] END
$$;

-- {parenthesis, sign, currency, sign, digits, exponent, currency, sign}
CREATE FUNCTION number_parts(written text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN written ~ '^[-+]?[$€£]?[\d.,]*\d( ?[$€£])?$'
		THEN ARRAY[NULL, CASE left(written, 1) WHEN '-' THEN '-' END, NULL, NULL, translate(written, '-+$€£ ', ''), NULL, NULL, NULL]
		ELSE regexp_match(written, '^(\()?\s*([-+−])?\s*([A-Za-z]{0,3}[$€£¥₹₽₺₩₫₴₪฿]|[A-Z]{3}|kr\.?|zł|Kč|Fr\.?|R)?\s*([-+−])?\s*'
			'(\d(?:[\d.,''’\u00a0\u202f\u2009 ]*\d)?[.,]?|[.,]\d+)([eE][-+]?\d{1,3})?\s*'
			'([$€£¥₹₽₺₩₫₴₪฿]|[A-Z]{3}|kr\.?|zł|Kč|Fr\.?)?\s*([-+−])?\s*\)?$')
	END
$$;

-- The same without spaces and apostrophes between the digits.
CREATE FUNCTION tidy(parts text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN parts[5] ~ '[^\d.,]' THEN parts[:4] || regexp_replace(parts[5], '[^\d.,]', '', 'g') || parts[6:] ELSE parts END
$$;

-- NULL if the digits do not fit this decimal mark
CREATE FUNCTION number_of(parts text[], decimal_mark text) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN decimal_mark = '.' AND parts[5] ~ '^(\d{1,3}(,\d{2,3})+|\d*)(\.\d*)?$' THEN (replace(parts[5], ',', '') || coalesce(parts[6], ''))::numeric
		WHEN decimal_mark = ',' AND parts[5] ~ '^(\d{1,3}(\.\d{2,3})+|\d*)(,\d*)?$' THEN (translate(parts[5], ',.', '.') || coalesce(parts[6], ''))::numeric
	END * CASE WHEN parts[1] IS NOT NULL OR coalesce(parts[2], parts[4], parts[8]) IN ('-', '−') THEN -1 ELSE 1 END
$$;

CREATE UNLOGGED TABLE parsed AS
SELECT number, unmatched, customer, order_id, day, amount, quantity, refund, status, currency, day_parts(day) AS day_parts, tidy(number_parts(amount)) AS amount_parts,
	tidy(number_parts(quantity)) AS quantity_parts, tidy(number_parts(refund)) AS refund_parts,
	coalesce(cancelled NOT IN ('', '0', 'f', 'false', 'no', 'n'), false) AS is_cancelled,
	coalesce(test IN ('1', 't', 'true', 'yes', 'y', 'test') OR test IN ('f', 'false', '0') AND test_is_live, false) OR coalesce(payment ~ 'bogus|test', false) AS is_test
FROM (SELECT number, unmatched, nullif(btrim(customer, E' \t\n\u00a0'), '') AS customer, nullif(btrim("order"), '') AS order_id, nullif(btrim(date, E' \t\n\u00a0'), '') AS day,
		nullif(btrim(fields.amount, E' \t\n\u00a0'), '') AS amount, nullif(btrim(fields.quantity), '') AS quantity, nullif(btrim(fields.refund), '') AS refund,
		nullif(regexp_replace(replace(lower(btrim(fields.status)), ' ', '_'), '^wc-', ''), '') AS status,
		nullif(upper(btrim(fields.currency)), '') AS currency, lower(btrim(cancelled)) AS cancelled, lower(btrim(test)) AS test, lower(payment) AS payment,
		settings.test_is_live
	FROM fields, (SELECT test_name = 'livemode' AS test_is_live FROM settings) AS settings OFFSET 0) AS f;

-- ---------------------------------------------------------------- what a whole column says

CREATE TABLE decided AS
WITH days AS (
	SELECT count(*) FILTER (WHERE day_parts[2]::int > 12 AND day_parts[4]::int <= 12) AS day_first,
		count(*) FILTER (WHERE day_parts[4]::int > 12 AND day_parts[2]::int <= 12) AS month_first,
		count(*) AS days, count(*) FILTER (WHERE day_parts[2]::int <> day_parts[4]::int) AS matters, bool_and(day_parts[3] = '.') AS dots
	FROM parsed WHERE day_parts[1] = 'xxy' AND cardinality(day_parts) > 1
), marks AS (
	SELECT count(*) FILTER (WHERE n ~ '^[\d,]*\.(\d{0,2}|\d{4,})$' OR n ~ '^(\d{4,}|0|)\.\d{3}$' OR n ~ ',.*[,.]' AND n !~ '\..*,') AS point,
		count(*) FILTER (WHERE n ~ '^[\d.]*,(\d{0,2}|\d{4,})$' OR n ~ '^(\d{4,}|0|),\d{3}$' OR n ~ '\..*[.,]' AND n !~ ',.*\.') AS comma,
		count(*) FILTER (WHERE n ~ '^[1-9]\d{0,2}[.,]\d{3}$') AS either, max(n) FILTER (WHERE n ~ '^[1-9]\d{0,2}[.,]\d{3}$') AS either_example,
		bool_or(n ~ '^\d{1,3}$') AND NOT bool_or(n ~ '^\d{4,}$') AS whole_below_thousand
	FROM (SELECT amount_parts[5] AS n FROM parsed) AS numbers
), currencies AS (
	SELECT mode() WITHIN GROUP (ORDER BY currency) AS currency FROM parsed
)
SELECT coalesce(nullif(s.dates, ''), CASE WHEN days = 0 THEN 'written out' WHEN month_first > day_first THEN 'mdy' WHEN day_first > 0 OR dots THEN 'dmy'
		WHEN matters = 0 THEN 'dmy' WHEN days * 2 < (SELECT count(day) FROM parsed) THEN 'unknown' END) AS day_order,
	day_first, month_first, days, coalesce(nullif(s.decimal, ''), CASE WHEN comma > point THEN ','
		-- 950 beside 1.234 is a whole number beside a thousand; who writes 31.12.2025 writes 1.234 for a thousand, too
		WHEN point = 0 AND strpos(either_example, '.') > 0 AND (whole_below_thousand OR dots) THEN ',' ELSE '.' END) AS decimal_mark, point, comma, either, either_example,
	coalesce(upper(s.currency), currencies.currency) AS currency
FROM days, marks, currencies, settings AS s;

SELECT stop(format(E'%s days in "%s" are written like %s, and every one of them could have the day or the month first.\n'
	'Say which: --dates dmy or --dates mdy', days, s.date, (SELECT day FROM parsed WHERE day_parts[1] = 'xxy' AND day_parts[2] <> day_parts[4] LIMIT 1)))
FROM decided, settings AS s WHERE day_order IS NULL;

-- ---------------------------------------------------------------- days and numbers

-- A row has a reason if it is left out on purpose, and a problem if a field cannot be read. OFFSET 0 has each step computed once,
-- not at every place that reads it.
CREATE UNLOGGED TABLE typed AS
SELECT number, t.order_id, CASE WHEN strpos(t.customer, '@') > 0 THEN lower(t.customer)
		-- as spreadsheets and data frames write a number where some have none
		WHEN t.customer ~ '^\d+\.0$' THEN left(t.customer, -2) ELSE t.customer END AS customer, t.status, ordered_at, value, refund_value,
	CASE
		WHEN is_test THEN 'test'
		WHEN t.status = ANY (s.dropped::text[]) THEN t.status
		WHEN is_cancelled THEN 'cancelled'
		WHEN t.currency <> d.currency AND d.currency <> 'ALL' THEN 'in ' || t.currency
		ELSE unmatched
	END AS reason,
	CASE
		WHEN day IS NOT NULL AND ordered_at IS NULL THEN format('%s "%s" is no date%s', s.date, left(day, 40),
			CASE WHEN day_parts[1] = 'xxy' THEN CASE day_order WHEN 'dmy' THEN ' with the day first' WHEN 'mdy' THEN ' with the month first' ELSE ': it could have the day or the month first' END END)
		WHEN t.amount IS NOT NULL AND amount_parts IS NULL THEN format('%s "%s" is not a number', s.amount, left(t.amount, 40))
		WHEN t.amount IS NOT NULL AND value IS NULL AND t.quantity IS NOT NULL AND quantity_parts IS NULL
			THEN format('%s "%s" is not a number', s.quantity, left(t.quantity, 40))
		WHEN s.quantity IS NOT NULL AND t.quantity IS NULL THEN format('%s is missing', s.quantity)
		WHEN t.amount IS NOT NULL AND value IS NULL
			THEN format('%s "%s" does not fit a decimal %s', s.amount, left(t.amount, 40), CASE decimal_mark WHEN '.' THEN 'point' ELSE 'comma' END)
		WHEN abs(value) >= 1e12 THEN format('%s "%s" is too large', s.amount, left(t.amount, 40))
		WHEN t.refund IS NOT NULL AND refund_value IS NULL THEN format('%s "%s" is not a number', s.refund, left(t.refund, 40))
	END AS problem
FROM (
	SELECT n.*, CASE WHEN day_of_month BETWEEN 1 AND last_of_month AND (hours BETWEEN 0 AND 23 OR hours IS NULL AND rest IS NULL)
			THEN make_timestamp(year, month, day_of_month, coalesce(hours, 0), coalesce(time_parts[2]::int, 0), coalesce(time_parts[4]::int, 0)) END AS ordered_at
	FROM (
		SELECT m.*, CASE WHEN year > 0 AND month BETWEEN 1 AND 12 THEN extract(day FROM make_date(year, month, 1) + interval '1 month - 1 day') END AS last_of_month,
			CASE time_parts[3] WHEN 'a' THEN CASE WHEN time_parts[1]::int BETWEEN 1 AND 12 THEN time_parts[1]::int % 12 END
				WHEN 'p' THEN CASE WHEN time_parts[1]::int BETWEEN 1 AND 12 THEN time_parts[1]::int % 12 + 12 END
				ELSE time_parts[1]::int END AS hours
		FROM (
			SELECT p.*, nullif(btrim(day_parts[6]), '') AS rest, time_parts(nullif(btrim(day_parts[6]), '')) AS time_parts,
				CASE day_parts[1] WHEN 'ymd' THEN day_parts[2]::int
					ELSE day_parts[5]::int + CASE WHEN length(day_parts[5]) > 2 THEN 0 WHEN day_parts[5]::int < 70 THEN 2000 ELSE 1900 END END AS year,
				CASE WHEN day_parts[1] = 'ymd' THEN day_parts[4]::int
					WHEN day_parts[1] = 'xxy' THEN CASE d.day_order WHEN 'dmy' THEN day_parts[4] WHEN 'mdy' THEN day_parts[2] END::int
					ELSE array_position('{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}', lower(day_parts[CASE day_parts[1] WHEN 'dmy' THEN 4 ELSE 2 END])) END AS month,
				CASE day_parts[1] WHEN 'ymd' THEN day_parts[5] WHEN 'xxy' THEN CASE d.day_order WHEN 'dmy' THEN day_parts[2] ELSE day_parts[4] END
					WHEN 'dmy' THEN day_parts[2] ELSE day_parts[4] END::int AS day_of_month,
				number_of(amount_parts, d.decimal_mark) * CASE WHEN s.quantity IS NULL THEN 1 ELSE number_of(quantity_parts, d.decimal_mark) END AS value,
				abs(number_of(refund_parts, d.decimal_mark)) AS refund_value
			FROM parsed AS p, decided AS d, settings AS s OFFSET 0) AS m OFFSET 0) AS n OFFSET 0) AS t, decided AS d, settings AS s;

-- ---------------------------------------------------------------- lines to orders

-- A customer may stand on the first line of an order only.
UPDATE typed SET customer = known.customer
FROM (SELECT order_id, min(customer) AS customer FROM typed WHERE order_id IN (SELECT order_id FROM typed WHERE customer IS NULL)
	GROUP BY order_id HAVING count(DISTINCT customer) = 1) AS known
WHERE typed.customer IS NULL AND typed.order_id = known.order_id;

-- Does each line have its own amount, or that of the whole order?
CREATE TABLE lines AS
SELECT coalesce(nullif(s.lines, ''), CASE
		WHEN s.order_id IS NULL THEN 'orders'
		WHEN s.quantity IS NULL AND orders_of_lines > 0 AND s.amount !~* 'unit|^price$' AND
			(s.total_like::boolean AND same >= 0.95 * orders_of_lines OR same = orders_of_lines AND orders_of_lines >= 20) THEN 'once'
		ELSE 'add' END) AS how, orders_of_lines, same
FROM settings AS s, (
	SELECT count(*) FILTER (WHERE amounts > 1) AS orders_of_lines, count(*) FILTER (WHERE amounts > 1 AND least = most) AS same
	FROM (SELECT count(value) AS amounts, min(value) AS least, max(value) AS most FROM typed WHERE order_id IS NOT NULL GROUP BY order_id, customer) AS o) AS counted;

CREATE UNLOGGED TABLE grouped AS
SELECT order_id, customer, number, rows, ordered_at, amount, status,
	CASE
		WHEN reason IS NOT NULL THEN reason
		WHEN customer IS NULL THEN 'without a customer'
		WHEN fully_refunded THEN 'refunded'
	END AS reason,
	CASE
		WHEN problems > 0 THEN ''
		WHEN ordered_at IS NULL THEN date_name || ' is missing'
		WHEN amount IS NULL THEN amount_name || ' is missing'
	END AS problem
FROM (SELECT date AS date_name, amount AS amount_name FROM settings) AS s, (
	SELECT order_id, customer, min(number) AS number, count(*) AS rows, min(ordered_at) AS ordered_at, coalesce(min(status) FILTER (WHERE reason IS NULL), min(status)) AS status,
		CASE how WHEN 'once' THEN max(value) FILTER (WHERE counts) - coalesce(max(refund_value) FILTER (WHERE counts), 0)
			ELSE sum(value) FILTER (WHERE counts) - coalesce(sum(refund_value) FILTER (WHERE counts), 0) END AS amount,
		CASE how WHEN 'once' THEN max(refund_value) >= max(value) AND max(value) > 0 ELSE sum(refund_value) >= sum(value) AND sum(value) > 0 END AS fully_refunded,
		CASE WHEN count(*) FILTER (WHERE reason IS NULL AND (value IS NOT NULL OR problem IS NOT NULL)) = 0 THEN min(reason) END AS reason,
		count(*) FILTER (WHERE reason IS NULL AND problem IS NOT NULL) AS problems
	FROM (SELECT *, reason IS NULL AND problem IS NULL AS counts, CASE WHEN order_id IS NULL OR how = 'orders' THEN number END AS row FROM typed, lines) AS t
	GROUP BY order_id, customer, row, how) AS o;

-- The rows that are no orders: their fields cannot be read, or are missing in all lines of the order, or are not as many as the header's.
CREATE TABLE bad AS
SELECT t.number, t.problem, NULL::int AS source, NULL::bigint AS row FROM typed AS t
WHERE t.problem IS NOT NULL AND t.reason IS NULL AND t.customer IS NOT NULL
UNION ALL
SELECT number, problem, NULL, NULL FROM grouped WHERE reason IS NULL AND problem <> ''
UNION ALL
SELECT row, problem, source, row FROM uneven;
CREATE VIEW all_rows AS SELECT (SELECT count(*) FROM typed) + (SELECT count(*) FROM uneven) AS rows;

CREATE TABLE public.orders AS
SELECT order_id, customer AS customer_id, ordered_at, amount FROM grouped
WHERE reason IS NULL AND problem IS NULL;
ANALYZE public.orders;

-- ---------------------------------------------------------------- what was understood

SELECT '' UNION ALL SELECT 'WHAT IS IN ' || file || ', and the options that say otherwise' FROM settings;
WITH said AS (
	SELECT 1 AS place, 'Kind' AS what, format('%s: %s rows, %s columns, %s, separated by %s', kind, counted((SELECT rows FROM all_rows)), columns, encoding, separator) AS says,
		'--encoding --separator' AS options
	FROM settings
	UNION ALL SELECT 1.5 + place * 0.01, CASE place WHEN 0 THEN 'Files' ELSE '' END, says, '' FROM said_of_files WHERE (SELECT count(*) FROM said_of_files) > 1 OR (SELECT count(*) FROM files) > 1
	UNION ALL SELECT 2, 'Customer', customer, '--customer' FROM settings
	UNION ALL SELECT 3, 'Day', format('"%s", such as %s', date, (SELECT left(day, 30) FROM parsed WHERE day IS NOT NULL ORDER BY number LIMIT 1)), '--date' FROM settings
	UNION ALL SELECT 4, '', CASE WHEN s.dates <> '' THEN 'as you say, ' ELSE '' END || CASE day_order WHEN 'dmy' THEN 'the day comes first' WHEN 'mdy' THEN 'the month comes first'
			ELSE format('%s days could have the day or the month first', counted(days)) END ||
		CASE WHEN s.dates <> '' THEN '' WHEN day_first + month_first = 0 THEN ''
			ELSE format(', as %s of %s rows show', counted(greatest(day_first, month_first)), counted(days)) || CASE WHEN least(day_first, month_first) > 0
				THEN format(', and %s the opposite', counted(least(day_first, month_first))) ELSE '' END END, '--dates'
	FROM decided, settings AS s WHERE days > 0
	UNION ALL SELECT 5, 'Amount', format('"%s"', amount) || coalesce(' times "' || quantity || '"', '') || coalesce(' less "' || refund || '"', '') ||
		coalesce(', such as ' || (SELECT left(amount, 20) FROM parsed WHERE amount IS NOT NULL ORDER BY number LIMIT 1), ''), '--amount' || CASE WHEN refund IS NOT NULL THEN ' --refund' ELSE '' END
	FROM settings
	UNION ALL SELECT 6, '', CASE WHEN s.decimal <> '' THEN 'as you say, ' ELSE '' END || CASE decimal_mark WHEN '.' THEN 'decimal point' ELSE 'decimal comma' END ||
		CASE WHEN s.decimal <> '' THEN ''
			WHEN greatest(point, comma) = 0 AND either > 0 THEN CASE WHEN strpos(either_example, decimal_mark) > 0 THEN format(', though %s might be over a thousand', either_example)
				ELSE format(', so that %s is over a thousand', either_example) END
			WHEN least(point, comma) > 0 THEN format(', though %s rows show the opposite', counted(least(point, comma))) ELSE '' END, '--decimal'
	FROM decided, settings AS s WHERE point + comma + either > 0
	UNION ALL SELECT 7, 'Currency', CASE d.currency WHEN 'ALL' THEN 'all' ELSE d.currency END || (SELECT CASE WHEN d.currency = 'ALL' THEN ', as if they were one' WHEN count(DISTINCT p.currency) > 1 THEN format(', the most frequent of %s', count(DISTINCT p.currency)) ELSE '' END FROM parsed AS p), '--currency'
	FROM decided AS d WHERE d.currency IS NOT NULL
	UNION ALL SELECT 8, 'Order', CASE WHEN how = 'orders' THEN 'every row is one' ELSE format('"%s": %s rows are %s orders', s.order_id,
		counted((SELECT count(*) FROM typed)), counted((SELECT count(*) FROM grouped))) ||
		CASE WHEN how = 'once' THEN '; the amount of an order stands on each of its rows' WHEN orders_of_lines > 0 THEN '; the amounts of an order''s rows are added' ELSE '' END END,
		CASE WHEN s.order_id IS NULL THEN '--order' WHEN orders_of_lines > 0 THEN '--order --lines' ELSE '--order' END
	FROM lines, settings AS s
	UNION ALL SELECT 9, 'Left out', string_agg(counted(orders) || ' ' || reason, ', ' ORDER BY orders DESC, reason), '--keep-status'
	FROM (SELECT CASE WHEN starts_with(reason, 'not in ') THEN reason ELSE replace(reason, '_', ' ') END AS reason, count(*) AS orders FROM grouped WHERE reason IS NOT NULL GROUP BY 1) AS r HAVING count(*) > 0
	UNION ALL SELECT 10, 'Counted', string_agg(counted(orders) || ' ' || status, ', ' ORDER BY orders DESC, status), '--drop-status'
	FROM (SELECT replace(status, '_', ' ') AS status, count(*) AS orders FROM grouped WHERE reason IS NULL AND problem IS NULL AND status IS NOT NULL GROUP BY 1
		ORDER BY 2 DESC LIMIT 8) AS r HAVING count(*) > 0
	UNION ALL SELECT 11, 'Refunds', format('%s %s a negative amount, which lowers what the customer has spent', counted(count(*)), CASE count(*) WHEN 1 THEN 'has' ELSE 'have' END), ''
	FROM public.orders WHERE amount < 0 HAVING count(*) > 0
	UNION ALL SELECT 12, 'Bad rows', counted(count(*)) || ' of ' || counted((SELECT rows FROM all_rows)), CASE WHEN count(*) > 0 THEN '--skip-bad' ELSE '' END FROM bad
	UNION ALL SELECT 13, 'Goes in', format('%s orders of %s customers, %s to %s, %s in all', counted(count(*)), counted(count(DISTINCT customer_id)),
		min(ordered_at)::date, max(ordered_at)::date, btrim(to_char(sum(amount), '999,999,999,999,990.00'))), ''
	FROM public.orders HAVING count(*) > 0
)
SELECT rtrim(format('  %-9s %-70s %s', what, says, options)) FROM said ORDER BY place;
SELECT '';

SELECT 'BAD ROWS' WHERE EXISTS (SELECT FROM bad);
-- Which file and line: an amount may be in another file than the day. The header comes first, and quoted fields may hold line breaks.
WITH shown AS (
	SELECT b.number, b.problem, coalesce(b.source, CASE WHEN f.line_row IS NULL OR starts_with(b.problem, s.date) THEN 1 ELSE 2 END) AS source,
		coalesce(b.row, CASE WHEN f.line_row IS NULL OR starts_with(b.problem, s.date) THEN f.order_row ELSE f.line_row END) AS row
	FROM (SELECT * FROM bad ORDER BY number, source LIMIT 10) AS b CROSS JOIN settings AS s LEFT JOIN fields AS f ON f.number = b.number AND b.source IS NULL
), lines_of AS (
	SELECT s.number, s.problem, f.name, f.lines_before + s.row - f.first + 2 + (SELECT coalesce(sum(breaks), 0) FROM breaks AS b
		WHERE b.source = s.source AND b.number BETWEEN f.first AND s.row - 1) AS line
	FROM shown AS s JOIN files AS f ON f.source = s.source AND s.row BETWEEN f.first AND f.last
)
SELECT format('    %sline %s: %s', CASE WHEN (SELECT count(*) FROM files) > 1 THEN name || ', ' ELSE '' END, line, problem) FROM lines_of ORDER BY number, name;
SELECT format('    and %s more', counted(count(*) - 10)) FROM bad HAVING count(*) > 10;

SELECT stop(CASE
	WHEN rows = 0 THEN 'the file has a header and no rows'
	WHEN orders = 0 AND bad >= rows - left_out THEN format('no row at all can be read: this is not a matter of a few bad rows. %s',
		CASE WHEN uneven * 2 > bad THEN 'Do the rows have as many fields as the header? --separator says otherwise'
			WHEN days * 2 > bad THEN format('Does "%s" hold the days? --date and --dates say otherwise', s.date)
			ELSE format('Does "%s" hold the amounts? --amount and --decimal say otherwise', s.amount) END)
	WHEN orders = 0 THEN 'nothing is left: all orders are left out; --keep-status takes some of them in'
	ELSE format('%s of %s rows are no orders; --skip-bad goes on without them', counted(bad), counted(rows)) END)
FROM settings AS s, (SELECT (SELECT rows FROM all_rows) AS rows, (SELECT count(*) FROM uneven) AS uneven, (SELECT count(*) FROM bad) AS bad, (SELECT count(*) FROM public.orders) AS orders,
	(SELECT coalesce(sum(g.rows), 0) FROM grouped AS g WHERE reason IS NOT NULL) AS left_out,
	(SELECT count(*) FROM bad WHERE starts_with(problem, (SELECT date FROM settings))) AS days) AS counts
WHERE orders = 0 OR bad > 0 AND NOT s.skip_bad::boolean;

DROP SCHEMA import CASCADE;

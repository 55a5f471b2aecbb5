-- One query with all that a report shows, as one JSON document; it changes nothing.
--
--     psql -XqAt -v orders=orders -v customer_id=customer_id -v ordered_at=ordered_at -v amount=amount \
--         -v scores=customer_scores -f script/report.sql > report.json
--
-- These are the defaults; a name may have a schema. What was fitted is in NAME_model beside the
-- scores, or in what -v model=NAME says. With -v snapshots=NAME (of create_snapshots) customers are followed from the last
-- snapshot before the scores; else from what their histories say of the day 90 days earlier.
--
-- {"as_of", "model", "figures": [{"label", "value", "format", "note"}],
--  "pictures": [{"name", "title", "sentence", "columns": [[name, heading, format]], "rows": [{...}]}]}
-- A format is text, date, count, number, money or percent (a share, 0 to 1). Rows are null where there is nothing to show,
-- and the sentence says why. doc/report.md has an example.

\set ON_ERROR_STOP on
\if :{?orders}
\else
	\set orders orders
\endif
\if :{?customer_id}
\else
	\set customer_id customer_id
\endif
\if :{?ordered_at}
\else
	\set ordered_at ordered_at
\endif
\if :{?amount}
\else
	\set amount amount
\endif
\if :{?scores}
\else
	\set scores customer_scores
\endif
\if :{?model}
\else
	\set model ''
\endif
\if :{?snapshots}
\else
	\set snapshots ''
\endif

SET client_min_messages = error;
-- Compiling so many expressions takes longer than computing them.
SET jit = off;

-- ---------------------------------------------------------------- what there is, and what is missing

SELECT set_config('report.' || name, value, false)
FROM (VALUES ('scores', :'scores'), ('orders', :'orders'), ('model', :'model'), ('snapshots', :'snapshots'), ('customer_id', :'customer_id'),
	('ordered_at', :'ordered_at'), ('amount', :'amount')) AS v(name, value) \g /dev/null
DO $$
DECLARE
	horizon text;
	twice text;
	kind text;
	found regclass;
	relations regclass[];	-- scores, orders, model, snapshots
	expected text[];
	missing text;
BEGIN
	FOREACH kind IN ARRAY '{scores,orders,model,snapshots}'::text[] LOOP
		-- A name as it stands, else as SQL reads it.
		found := coalesce(to_regclass(quote_ident(current_setting('report.' || kind))), to_regclass(nullif(current_setting('report.' || kind), '')));
		IF found IS NULL AND current_setting('report.' || kind) <> '' THEN
			RAISE EXCEPTION 'there is nothing called "%", which was said to be the %', current_setting('report.' || kind), kind
				USING HINT = format('Say --%s NAME, with its schema if it is not in the search path.', kind);
		END IF;
		relations := relations || found;
	END LOOP;
	SELECT substring(attname::text FROM '^clv_([0-9]+)d$') INTO horizon FROM pg_attribute
	WHERE attrelid = relations[1] AND attname::text ~ '^clv_[0-9]+d$' AND NOT attisdropped LIMIT 1;
	-- Scores may have another horizon than a year.
	PERFORM set_config('report.horizon_days', coalesce(horizon, '365'), false);
	FOREACH kind IN ARRAY '{scores,orders}'::text[] LOOP
		expected := CASE kind WHEN 'scores' THEN ARRAY[format('clv_%sd', coalesce(horizon, '365'))] || '{customer_id,segment,lifecycle,order_count,total_spend,recency_days,first_order_on,last_order_on,churn_prob,next_order_on,days_overdue,as_of}'
			ELSE ARRAY[current_setting('report.customer_id'), current_setting('report.ordered_at'), current_setting('report.amount')] END;
		found := relations[CASE kind WHEN 'scores' THEN 1 ELSE 2 END];
		SELECT string_agg(name, ', ') INTO missing FROM unnest(expected) AS name
		WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = found AND attname = name AND NOT attisdropped);
		IF missing IS NOT NULL THEN
			RAISE EXCEPTION 'the %, %, have no column %', kind, found, missing
				USING HINT = CASE kind WHEN 'scores' THEN 'A report takes all columns that create_customer_scores makes of customers who are known by one column.' ELSE '--columns names those of the customer, the time and the amount.' END;
		END IF;
	END LOOP;
	EXECUTE format('SELECT customer_id::text FROM %s WHERE customer_id IS NOT NULL GROUP BY customer_id HAVING count(*) > 1 ORDER BY 1 LIMIT 1', relations[1]) INTO twice;
	IF twice IS NOT NULL THEN
		RAISE EXCEPTION 'customer "%" has several rows in the scores, %', twice, relations[1]
			USING HINT = 'If customer_id alone does not name a customer, make views of the scores and the orders in which one column does, such as concat_ws(''/'', shop, customer_id); of groups that share customers, views of one. --model says where what was fitted is.';
	END IF;
	IF relations[3] IS NULL THEN
		SELECT to_regclass(format('%I.%I', nspname, relname || '_model')) INTO found FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE c.oid = relations[1];
		IF found IS NULL THEN
			RAISE EXCEPTION 'beside the scores, %, there is no % with what was fitted', relations[1], current_setting('report.scores') || '_model'
				USING HINT = 'Say --model NAME: what create_customer_scores has made beside the scores.';
		END IF;
		relations[3] := found;
	END IF;
	IF relations[4] IS NOT NULL THEN
		SELECT format('%I.%I', nspname, relname || '_days')::regclass INTO found FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE c.oid = relations[4];
		PERFORM set_config('report.days', found::text, false);
	END IF;
	PERFORM set_config('report.scores', relations[1]::text, false), set_config('report.orders', relations[2]::text, false),
		set_config('report.model', relations[3]::text, false), set_config('report.snapshots', coalesce(relations[4]::text, ''), false);
END $$;
SELECT current_setting('report.scores') AS scores, current_setting('report.orders') AS orders, current_setting('report.model') AS model,
	current_setting('report.snapshots') AS snapshots, current_setting('report.days', true) AS snapshot_days, current_setting('report.horizon_days') AS horizon_days \gset

\set moves_since '(SELECT day FROM earlier)'
\set snapshot_moves ''
SELECT :'snapshots' <> '' AS has_snapshots \gset
\if :has_snapshots
	\set moves_since '(SELECT max(as_of) FROM ' :snapshot_days ' WHERE as_of < (SELECT as_of FROM total))'
	\set snapshot_moves 'UNION ALL SELECT from_segment, to_segment, customers FROM unnest(snapshot_transitions(' :'snapshots' ', ' :moves_since ', (SELECT as_of FROM total))) AS m WHERE to_segment <> ''(gone)'''
\endif
\set clv_column clv_ :horizon_days d
SELECT CASE :horizon_days WHEN 365 THEN 'next year' ELSE format('next %s days', :horizon_days) END AS next_time \gset

WITH s AS MATERIALIZED (
	SELECT customer_id::text AS customer_id, segment, lifecycle, order_count, total_spend::float8 AS total_spend, recency_days, first_order_on, last_order_on,
		churn_prob, clv, next_order_on, days_overdue, as_of
	FROM (SELECT customer_id, segment, lifecycle, order_count, total_spend, recency_days, first_order_on, last_order_on,
		churn_prob, :"clv_column" AS clv, next_order_on, days_overdue, as_of FROM :scores) AS scores
), h AS MATERIALIZED (
	SELECT :"customer_id"::text AS customer_id, purchase_history(:"ordered_at", :"amount"::numeric) AS h FROM :orders
	WHERE :"customer_id" IS NOT NULL GROUP BY :"customer_id"
), fit AS MATERIALIZED (
	-- Of several groups the worst, and the warnings of all.
	SELECT string_agg(DISTINCT model_name, ', ' ORDER BY model_name) AS model_name, count(*) AS groups, count(DISTINCT model_name) AS names,
		(array_agg(fit_status ORDER BY fit_status IN ('ok', 'model_of_all'), fit_status = 'ok', customers DESC))[1] AS fit_status,
		string_agg(DISTINCT warnings, '; ' ORDER BY warnings) AS warnings
	FROM :model WHERE refreshed_at IS NOT DISTINCT FROM (SELECT max(refreshed_at) FROM :model) HAVING count(*) > 0
), total AS MATERIALIZED (
	SELECT count(*) AS customers, max(as_of) AS as_of, min(first_order_on) AS first_day, max(last_order_on) AS last_day, sum(total_spend) AS revenue, sum(clv) AS value,
		sum(1 - churn_prob) AS alive, count(churn_prob) AS with_churn, sum(order_count) AS orders, max(clv) AS most_value,
		count(*) FILTER (WHERE order_count > 1) AS repeaters, count(*) FILTER (WHERE order_count = 0) AS without_orders
	FROM s

-- ---------------------------------------------------------------- segments, and what they will be worth

), segments AS MATERIALIZED (
	SELECT segment, count(*) AS customers, count(*)::float8 / t.customers AS share_customers, sum(total_spend) AS revenue,
		sum(total_spend) / nullif(t.revenue, 0) AS share_revenue, sum(clv) AS value, sum(clv) / nullif(t.value, 0) AS share_value,
		round(avg(recency_days)) AS idle_days, avg(churn_prob) AS churn
	FROM s, total AS t WHERE segment IS NOT NULL GROUP BY segment, t.customers, t.revenue, t.value
), best AS (
	SELECT * FROM segments ORDER BY value DESC NULLS LAST, revenue DESC NULLS LAST, segment LIMIT 1

-- Cells of a tenth of churn and a quarter of a power of ten of value; all that is below a ten-thousandth of the highest is one row.
), cells AS MATERIALIZED (
	SELECT least(floor(churn_prob * 10), 9) / 10 AS churn, least(floor(churn_prob * 10), 9) / 10 + 0.1 AS churn_until,
		10 ^ (band / 4) AS value_from, 10 ^ ((band + 1) / 4) AS value_until, count(*) AS customers, sum(clv) AS value
	FROM (SELECT churn_prob, clv, floor(4 * greatest(log(clv), log(most_value) - 4)) AS band FROM s, total WHERE churn_prob IS NOT NULL AND clv > 0) AS v
	GROUP BY least(floor(churn_prob * 10), 9), band

-- ---------------------------------------------------------------- what happened

), grain AS (
	SELECT CASE WHEN days <= 1100 THEN 'month' WHEN days <= 4400 THEN 'quarter' ELSE 'year' END AS period, CASE WHEN days <= 1100 THEN 'quarter' ELSE 'year' END AS cohort
	FROM (SELECT as_of - first_day AS days FROM total) AS d
-- Refunds may come after the last order; orders after that day are those that the scores were not to see.
), until AS MATERIALIZED (
	SELECT CASE WHEN max(last_order_on(h)) > t.as_of THEN t.as_of + 1 ELSE 'infinity' END::timestamp AS until FROM h, total AS t GROUP BY t.as_of
), c3 AS MATERIALIZED (
	SELECT CASE grain.cohort WHEN 'quarter' THEN to_char(cohort_start, 'YYYY "Q"Q') ELSE to_char(cohort_start, 'YYYY') END AS cohort, sums.period, sums.customers, sums.revenue
	FROM grain, (
		SELECT date_trunc(g.cohort, first_order_on::timestamp)::date AS cohort_start, date_trunc(g.period, ordered_at)::date AS period,
			count(DISTINCT customer_id) AS customers, sum(amount) AS revenue
		FROM (SELECT :"customer_id"::text AS customer_id, :"ordered_at"::timestamp AS ordered_at, :"amount"::float8 AS amount FROM :orders) AS o
			JOIN s USING (customer_id), grain AS g, until AS u
		WHERE ordered_at < u.until AND first_order_on IS NOT NULL GROUP BY 1, 2) AS sums
), audit AS MATERIALIZED (
	SELECT period_audit(order_count, total_spend) AS a FROM s WHERE order_count > 0
), deciles AS MATERIALIZED (
	SELECT tile AS decile, customers, orders, spend AS revenue, share_spend AS share,
		sum(share_spend) OVER (ORDER BY tile) AS share_so_far, low_value AS spent_from, high_value AS spent_until
	FROM audit, audit_tiles(a, 'spend', greatest(2, least(10, (SELECT customers - without_orders FROM total)))::int)
), lorenz AS MATERIALIZED (
	SELECT share_customers, share_value FROM audit, lorenz_curve(a, 'spend', 50)

-- The share who have ordered again within so many weeks of the first order, of customers who were observed for so long (Kaplan and Meier).
), gaps AS (
	SELECT least(coalesce(ceil(again / 7.0), ceil(observed / 7.0 + 1e-9)), 104)::int AS week, count(*) AS customers, count(again) FILTER (WHERE again <= 728) AS again
	FROM (SELECT days_to_nth_order(h, 2) AS again, t.as_of - first_order_on(h) AS observed FROM h, total AS t WHERE first_order_on(h) <= t.as_of) AS d
	GROUP BY 1
), second AS MATERIALIZED (
	SELECT week, at_risk, again, 1 - exp(sum(CASE WHEN again >= at_risk THEN '-Infinity' ELSE ln(1 - again / at_risk::float8) END) OVER (ORDER BY week)) AS share
	FROM (SELECT w AS week, coalesce(again, 0) AS again, sum(coalesce(customers, 0)) OVER (ORDER BY w DESC) AS at_risk
		FROM generate_series(1, 104) AS w LEFT JOIN gaps ON week = w) AS g WHERE at_risk > 0

-- ---------------------------------------------------------------- does the model hold, and who moved

), halves AS (
	SELECT as_of - greatest(1, least(365, (as_of - first_day) / 3)) AS calibration_until FROM total
), problem AS MATERIALIZED (
	SELECT CASE WHEN t.as_of - t.first_day < 3 THEN 'the orders cover too few days'
		WHEN t.as_of - t.first_day > 36525 THEN format('the orders go from %s to %s, more than a century: a day is wrong', t.first_day, t.as_of) ELSE clv_fit_problem(customer_base(h, calibration_until)) END AS problem
	FROM h, halves, total AS t GROUP BY t.as_of, t.first_day
), held AS MATERIALIZED (
	SELECT holdout(h, calibration_until, (SELECT as_of FROM total), coalesce((SELECT model_name FROM fit WHERE names = 1), 'auto')) AS v
	FROM h, halves WHERE (SELECT problem IS NULL FROM problem)
), tracking AS MATERIALIZED (
	SELECT max(period_end) AS period_end, sum(actual_transactions) AS actual, sum(expected_transactions) AS expected
	FROM (SELECT period_end, actual_transactions, expected_transactions, (week - 1) / CASE WHEN max(week) OVER () > 160 THEN 4 ELSE 1 END AS part,
			CASE WHEN max(week) OVER () > 160 THEN 28 ELSE 7 END AS days_of_part, days
		FROM held, LATERAL holdout_tracking(v) WHERE v IS NOT NULL) AS w
	GROUP BY part, days_of_part HAVING sum(days) = days_of_part
), error AS (
	SELECT actual_transactions AS actual, expected_transactions AS expected, total_error FROM held, LATERAL holdout_summary(v) WHERE v IS NOT NULL
), earlier AS (
	SELECT least(90, greatest((as_of - first_day) / 2, 1)) AS days, as_of - least(90, greatest((as_of - first_day) / 2, 1)) AS day FROM total
), then_histories AS MATERIALIZED (
	SELECT customer_id, history_until(h, day) AS h, day FROM h, earlier WHERE first_order_on(h) <= day AND :'snapshots' = ''
), then_segments AS (
	SELECT customer_id, segment_of(rfm_score(recency_days(h, day), order_count(h), total_spend(h), cuts)) AS segment
	FROM then_histories, (SELECT rfm_cuts(recency_days(h, day), order_count(h), total_spend(h)) AS cuts FROM then_histories) AS c

-- The rules and cut points of the scores are not known here. Where those of the extension give other segments, nothing is known of the past.
), own_rules AS MATERIALIZED (
	SELECT avg((segment = segment_of(rfm_score(recency_days, order_count, total_spend, cuts)))::int) < 0.95 OR (SELECT groups > 1 FROM fit) AS own
	FROM s, (SELECT rfm_cuts(recency_days, order_count, total_spend) AS cuts FROM s WHERE order_count > 0) AS c
	WHERE order_count > 0 AND :'snapshots' = ''
), moves AS MATERIALIZED (
	SELECT coalesce(b.segment, '(new)') AS from_segment, s.segment AS to_segment, count(*) AS customers
	FROM s LEFT JOIN then_segments AS b USING (customer_id) WHERE s.segment IS NOT NULL AND :'snapshots' = '' AND (SELECT own FROM own_rules) IS NOT TRUE GROUP BY 1, 2
	:snapshot_moves
), due AS MATERIALIZED (
	SELECT customer_id, segment, lifecycle, last_order_on, next_order_on, days_overdue, churn_prob AS churn, clv AS value
	FROM s WHERE churn_prob < 0.5 AND clv > 0 AND days_overdue BETWEEN -7 AND 60 AND order_count > 1
), moments AS MATERIALIZED (
	SELECT * FROM due ORDER BY value DESC, customer_id LIMIT 20

-- ---------------------------------------------------------------- the document

), pictures AS (
	SELECT 1 AS place, 'segments' AS name, 'Segments' AS title,
		(SELECT format('%s: %s of the customers%s%s.', segment, round((100 * (share_customers))::numeric) || ' %', ', ' || round((100 * (share_revenue))::numeric) || ' % of the revenue so far',
			CASE WHEN share_value IS NULL THEN '' ELSE format(' and %s of the value expected of the %s', round((100 * (share_value))::numeric) || ' %', :'next_time') END) FROM best) AS sentence,
		'[["segment", "Segment", "text"], ["customers", "Customers", "count"], ["share_customers", "of all", "percent"], ["revenue", "Revenue", "money"],
			["share_revenue", "of all", "percent"], ["value", "' || initcap(left(:'next_time', 1)) || substr(:'next_time', 2) || '", "money"], ["share_value", "of all", "percent"], ["idle_days", "Days idle", "count"], ["churn", "Churn", "percent"]]' AS columns,
		(SELECT json_agg(r ORDER BY value DESC NULLS LAST, revenue DESC NULLS LAST) FROM segments AS r) AS rows
	UNION ALL SELECT 2, 'churn_value', 'Where the value is, and how sure it is',
		(SELECT CASE WHEN sum(value) IS NULL AND (SELECT with_churn FROM total) > 0 THEN 'There are no amounts, so there is no value.'
			WHEN sum(value) IS NULL THEN 'There is no model, so there is neither churn nor value.'
			ELSE format('%s of the expected value is with customers who are more likely still there than not; %s of them. The stronger its colour, the more of it a cell holds; a number is how many customers.',
				round((100 * (coalesce(sum(value) FILTER (WHERE churn < 0.5), 0) / sum(value)))::numeric) || ' %', to_char(coalesce(sum(customers) FILTER (WHERE churn < 0.5), 0)::bigint, 'FM999,999,999,990')) END FROM cells),
		'[["churn", "Churn from", "percent"], ["churn_until", "to", "percent"], ["value_from", "Value each from", "money"], ["value_until", "to", "money"],
			["customers", "Customers", "count"], ["value", "Value of all", "money"]]',
		(SELECT json_agg(r ORDER BY churn, value_from) FROM cells AS r)
	UNION ALL SELECT 3, 'c3', 'Revenue by cohort',
		(SELECT CASE WHEN sum(revenue) > 0 THEN format('Of the revenue of the last %s months, %s came from customers whose first order is older than that.', months,
				round((100 * (coalesce(sum(revenue) FILTER (WHERE first_order_on <= since), 0) / sum(revenue)))::numeric) || ' %')
				WHEN (SELECT orders FROM total) > 0 THEN format('No more was bought in the last %s months than came back.', months) END
			FROM (SELECT months, spend_between(h, since + 1, as_of + 1) AS revenue, first_order_on(h) AS first_order_on, since
				FROM h, (SELECT as_of, CASE WHEN as_of - first_day > 700 THEN 12 ELSE 3 END AS months,
					(as_of - CASE WHEN as_of - first_day > 700 THEN interval '1 year' ELSE interval '3 months' END)::date AS since FROM total) AS w) AS r GROUP BY months),
		'[["cohort", "First order in", "text"], ["period", "Period from", "date"], ["customers", "Active customers", "count"], ["revenue", "Revenue", "money"]]',
		(SELECT json_agg(r ORDER BY cohort, period) FROM c3 AS r)
	UNION ALL SELECT 4, 'deciles', 'Deciles by spend',
		(SELECT CASE WHEN count(*) < 10 THEN format('There are too few customers for tenths: these are %s parts.', count(*)) WHEN min(share_so_far) IS NOT NULL THEN
			format('The best tenth of the customers brought %s of the revenue, the best half %s.', round((100 * (min(share_so_far) FILTER (WHERE decile = 1)))::numeric) || ' %',
				round((100 * (min(share_so_far) FILTER (WHERE decile = 5)))::numeric) || ' %') END FROM deciles HAVING count(*) > 0),
		'[["decile", "Tenth of customers", "count"], ["customers", "Customers", "count"], ["orders", "Orders", "count"], ["revenue", "Revenue", "money"], ["share", "of all", "percent"],
			["share_so_far", "so far", "percent"], ["spent_from", "Each spent from", "money"], ["spent_until", "to", "money"]]',
		(SELECT json_agg(r ORDER BY decile) FROM deciles AS r)
	UNION ALL SELECT 5, 'lorenz', 'How unequal customers are',
		(SELECT format('The best fifth of the customers brought %s of the revenue; the Gini coefficient is %s.', round((100 * (top_share(a, 0.2, 'spend')))::numeric) || ' %', round((audit_summary(a)).gini_spend::numeric, 2))
			FROM audit WHERE top_share(a, 0.2, 'spend') IS NOT NULL AND (audit_summary(a)).gini_spend IS NOT NULL),
		'[["share_customers", "Share of customers, the least first", "percent"], ["share_value", "Share of revenue", "percent"]]',
		(SELECT json_agg(r ORDER BY share_customers) FROM lorenz AS r)
	UNION ALL SELECT 6, 'tracking', 'Does the model hold?',
		coalesce((SELECT format('Fitted on the orders until %s, the model expected %s repeat transactions after that until %s; there were %s (%s).', calibration_until,
				to_char(expected::bigint, 'FM999,999,999,990'), t.as_of, to_char(actual, 'FM999,999,999,990'), coalesce('it was off by ' || to_char(100 * total_error, 'FMSG999990.0') || ' %', 'nothing to compare'))
			FROM error, halves, total AS t), 'Nothing to show: ' || (SELECT problem FROM problem) || '.'),
		'[["period_end", "Until", "date"], ["actual", "Repeat transactions seen", "count"], ["expected", "expected", "number"]]',
		(SELECT json_agg(r ORDER BY period_end) FROM tracking AS r)
	UNION ALL SELECT 7, 'second_order', 'Time to the second order',
		(SELECT CASE WHEN max(share) FILTER (WHERE week <= 4) IS NOT NULL THEN format('%s of the customers order again within 4 weeks of the first order%s%s.', round((100 * max(share) FILTER (WHERE week <= 4))::numeric) || ' %',
				', ' || round((100 * max(share) FILTER (WHERE week <= 13 AND observed >= 13))::numeric) || ' % within 13', ', ' || round((100 * max(share) FILTER (WHERE week <= 52 AND observed >= 52))::numeric) || ' % within a year') END
			FROM second, (SELECT max(week) AS observed FROM second) AS o),
		'[["week", "Weeks since the first order", "count"], ["at_risk", "Observed so long, without a second", "count"], ["again", "Second order in this week", "count"], ["share", "Have ordered again", "percent"]]',
		(SELECT json_agg(r ORDER BY week) FROM second AS r)
	UNION ALL SELECT 8, 'moves', 'Who moved',
		(SELECT CASE WHEN (SELECT own FROM own_rules) THEN format('These segments have rules or cut points of their own%s, and what they were earlier is not kept: create_snapshots keeps it.', (SELECT ', by group' FROM fit WHERE groups > 1))
			WHEN count(*) > 0 THEN format('Since %s %s of %s customers have moved to another segment%s.', :moves_since, to_char(coalesce(sum(customers) FILTER (WHERE from_segment NOT IN (to_segment, '(new)')), 0)::bigint, 'FM999,999,999,990'),
			to_char(coalesce(sum(customers) FILTER (WHERE from_segment <> '(new)'), 0)::bigint, 'FM999,999,999,990'),
			(SELECT format('; most of them from %s to %s (%s)', from_segment, to_segment, to_char(customers, 'FM999,999,999,990')) FROM moves WHERE from_segment NOT IN (to_segment, '(new)')
				ORDER BY customers DESC, from_segment, to_segment LIMIT 1))
			WHEN :'snapshots' <> '' THEN 'There is nothing to show: no snapshot is older than the scores.' END FROM moves),
		'[["from_segment", "From", "text"], ["to_segment", "To", "text"], ["customers", "Customers", "count"]]',
		(SELECT json_agg(r ORDER BY from_segment, to_segment) FROM moves AS r)
	UNION ALL SELECT 9, 'moments', 'The next best moments',
		(SELECT CASE WHEN count(*) = 0 THEN 'No customer of more than one order is due now.'
			ELSE format('Customers of more than one order who are probably still there, and whose next order is due within 7 days, or was in the last 60: %s, %s.', to_char(count(*), 'FM999,999,999,990'),
				CASE WHEN count(*) > 20 THEN 'of whom these are the 20 most valuable' ELSE 'the most valuable first' END) END FROM due),
		'[["customer_id", "Customer", "text"], ["segment", "Segment", "text"], ["last_order_on", "Last order", "date"], ["next_order_on", "Next order around", "date"],
			["days_overdue", "Days overdue", "count"], ["churn", "Churn", "percent"], ["value", "' || initcap(left(:'next_time', 1)) || substr(:'next_time', 2) || '", "money"]]',
		(SELECT json_agg(r ORDER BY value DESC, customer_id) FROM moments AS r)
)
SELECT json_build_object(
	'as_of', t.as_of,
	'model', (SELECT json_build_object('name', model_name, 'calibration_until', (SELECT calibration_until FROM halves WHERE EXISTS (SELECT FROM tracking)), 'fit_status', fit_status, 'warnings', warnings, 'total_error', (SELECT total_error FROM error)) FROM fit),
	'figures', json_build_array(
		json_build_object('label', 'Customers', 'value', t.customers, 'format', 'count', 'note', round((100 * (t.repeaters / nullif(t.customers, 0)::float8))::numeric) || ' %' || ' have ordered again' || coalesce((SELECT format('; in %s groups', groups) FROM fit WHERE groups > 1), '')),
		json_build_object('label', 'Still customers', 'value', t.alive, 'format', 'count', 'note', coalesce(round((100 * (t.alive / nullif(t.with_churn, 0)))::numeric) || ' %' || ' of all, expected', (SELECT 'the model says it of none' FROM fit WHERE model_name IS NOT NULL), 'there is no model')),
		json_build_object('label', 'Revenue so far', 'value', t.revenue, 'format', 'money', 'note', to_char(t.orders::bigint, 'FM999,999,999,990') || ' orders since ' || t.first_day),
		json_build_object('label', 'Value of ' || CASE :horizon_days WHEN 365 THEN '' ELSE 'the ' END || :'next_time', 'value', t.value, 'format', 'money', 'note', 'expected of these customers, discounted'),
		json_build_object('label', 'Model', 'value', coalesce((SELECT model_name FROM fit), 'none'), 'format', 'text', 'note',
			coalesce((SELECT CASE WHEN fit_status = 'ok' THEN 'fits' WHEN fit_status IS NULL AND model_name IS NOT NULL THEN 'given, not fitted' ELSE replace(fit_status, '_', ' ') END
					|| CASE WHEN groups > 1 THEN format(' (the worst of %s groups)', groups) ELSE '' END FROM fit)
				|| coalesce((SELECT '; back-test off by ' || to_char(100 * total_error, 'FMSG999990.0') || ' %' FROM error), ''), 'there is none'))),
	'pictures', (SELECT json_agg(json_build_object('name', name, 'title', title, 'sentence', coalesce(sentence, CASE WHEN t.orders > 0 THEN CASE WHEN rows IS NULL THEN 'There is nothing to show: the orders are too few.' ELSE 'The orders are too few to say more.' END
		ELSE 'There is nothing to show: no customer has an order.' END), 'columns', columns::json, 'rows', rows) ORDER BY place) FROM pictures))
FROM total AS t;

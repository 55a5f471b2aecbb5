-- explain_score: why a customer has this segment and this value

-- All text there is, by language: another one is another list of rows. In the templates
-- %1$s, %2$s ... stand for numbers and names, which languages may put in any order.
CREATE FUNCTION explanation_texts(OUT language text, OUT piece text, OUT template text) RETURNS SETOF record
LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 10 ROWS 40
BEGIN ATOMIC
	SELECT * FROM (VALUES
		('en', 'segment', '%1$s (%2$s): %3$s.'),
		('en', 'no segment', 'No segment: %3$s.'),
		('en', 'between', '; '),
		('en', 'one day', 'last order yesterday'),
		('en', 'today', 'last order today'),
		('en', 'recency', 'last order %1$s days ago'),
		('en', 'recency below', 'R %1$s means less than %2$s'),
		('en', 'recency from', 'R %1$s means %2$s or more'),
		('en', 'recency range', 'R %1$s means %2$s to %3$s'),
		('en', 'one order', 'one order'),
		('en', 'orders', '%1$s orders'),
		('en', 'orders among', '%1$s orders, more than %2$s %% of customers'),
		('en', 'spend', 'spent %1$s'),
		('en', 'spend among', 'spent %1$s, more than %2$s %% of customers'),
		('en', 'usual gap', 'usually every %1$s days'),
		('en', 'usual gap of a day', 'usually every day'),
		('en', 'overdue', '%1$s days overdue (after the median day that the model expected)'),
		('en', 'overdue by a day', 'one day overdue (after the median day that the model expected)'),
		('en', 'alive', '%1$s %% likely still a customer'),
		('en', 'lifecycle new', 'new'),
		('en', 'lifecycle active', 'active'),
		('en', 'lifecycle slipping', 'slipping away'),
		('en', 'lifecycle probably lost', 'probably lost'),
		('en', 'lifecycle lost', 'lost'),
		('en', 'value', 'expected next year %1$s'),
		('en', 'value of days', 'expected in %2$s days %1$s'),
		('en', 'orders to come', 'expected orders next year %1$s'),
		('en', 'orders of days to come', 'expected orders in %2$s days %1$s'),
		('en', 'status one_order', 'with one order the value of an order is that of all customers'),
		('en', 'orders of one day', 'with orders of one day the value of an order is that of all customers'),
		('en', 'status weak_fit', 'the model rests on few data'),
		('en', 'status later_orders', 'there are orders after the day of the scores'),
		('en', 'status no_model', 'there is no model'),
		('en', 'status no_orders', 'there is no order'),
		('en', 'status not_yet_customer', 'the first order comes later'),
		('en', 'status no_covariates', 'the model asks for covariates that are not given'),
		('en', 'status no_spend_model', 'the model says nothing of spend'),
		('en', 'status no_amounts', 'the amounts are not known'),
		('en', 'status no_repeat_spend', 'nothing was spent on repeat orders'),
		('en', 'status spend_mean_undefined', 'the model knows no mean spend'),
		('en', 'status inconsistent_numbers', 'the numbers contradict each other'),
		('en', 'status out_of_range', 'the value is out of range')) AS texts;
END;
COMMENT ON FUNCTION explanation_texts() IS 'the texts that explain_score puts together, by language';

CREATE FUNCTION explanation_language(language text, known text) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION explanation_language(text, text) IS 'internal: the language, or an error if it is not among those that are known';

-- What is known of the customer on the day, with the score; one row, whatever is NULL.
CREATE FUNCTION score_facts(history purchase_history, model clv_model, cuts rfm_cuts, as_of date,
	OUT day date, OUT known purchase_history, OUT levels integer, OUT recency integer, OUT orders bigint, OUT spend double precision, OUT score text)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 200
BEGIN ATOMIC
	SELECT d.day, k.known, l.levels, m.recency, m.orders, m.spend, rfm_score(m.recency, m.orders, m.spend, score_facts.cuts)
	FROM (SELECT coalesce(score_facts.as_of, fitted_as_of(score_facts.model)) AS day) AS d,
		LATERAL (SELECT CASE WHEN d.day IS NULL THEN score_facts.history ELSE history_until(score_facts.history, d.day) END AS known) AS k,
		LATERAL (SELECT CASE WHEN order_count(k.known) > 0 THEN recency_days(k.known, d.day) END AS recency,
			nullif(order_count(k.known), 0) AS orders, total_spend(k.known) AS spend) AS m,
		LATERAL (SELECT max(r.levels) AS levels FROM rfm_levels(score_facts.cuts) AS r) AS l;
END;
COMMENT ON FUNCTION score_facts(purchase_history, clv_model, rfm_cuts, date) IS 'internal: what score_reasons and explain_score say of a customer on a day';

CREATE FUNCTION score_reasons(history purchase_history, model clv_model, cuts rfm_cuts, rules segment_rules DEFAULT NULL, as_of date DEFAULT NULL,
	horizon_days integer DEFAULT 365, margin double precision DEFAULT 1,
	OUT reason text, OUT value double precision, OUT score integer, OUT threshold double precision, OUT next_threshold double precision, OUT percentile double precision)
RETURNS SETOF record
LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.reason, r.value, r.score, p.bound, n.bound, (r.score - 1)::double precision / f.levels
	FROM score_facts(score_reasons.history, score_reasons.model, score_reasons.cuts, score_reasons.as_of) AS f,
		LATERAL (VALUES
			(1, 'recency_days', 'recency', f.recency::double precision, nullif(strpos('123456789A', substr(f.score, 1, 1)), 0)),
			(2, 'order_count', 'frequency', f.orders::double precision, nullif(strpos('123456789A', substr(f.score, 2, 1)), 0)),
			(3, 'total_spend', 'monetary', f.spend, nullif(strpos('123456789A', substr(f.score, 3, 1)), 0)),
			(4, 'avg_days_between_orders', NULL, avg_days_between_orders(f.known), NULL),
			(5, 'days_overdue', NULL, days_overdue(score_reasons.history, score_reasons.model, score_reasons.as_of)::double precision, NULL),
			(6, 'overdue_prob', NULL, overdue_prob(score_reasons.history, score_reasons.model, score_reasons.as_of), NULL),
			(7, 'alive_prob', NULL, alive_prob(score_reasons.history, score_reasons.model, score_reasons.as_of), NULL),
			(8, 'expected_transactions', NULL, expected_transactions(score_reasons.history, score_reasons.model, score_reasons.horizon_days, score_reasons.as_of), NULL),
			(9, 'expected_transaction_value', NULL, expected_transaction_value(score_reasons.history, score_reasons.model, score_reasons.as_of), NULL),
			(10, 'clv_estimate', NULL, clv_estimate(score_reasons.history, score_reasons.model, score_reasons.horizon_days, margin => score_reasons.margin, as_of => score_reasons.as_of), NULL))
			AS r(position, reason, dimension, value, score)
		LEFT JOIN LATERAL (SELECT c.bound FROM rfm_cut_points(score_reasons.cuts) AS c WHERE c.dimension = r.dimension AND c.score = r.score) AS p ON true
		LEFT JOIN LATERAL (SELECT c.bound FROM rfm_cut_points(score_reasons.cuts) AS c WHERE c.dimension = r.dimension AND c.score = r.score + 1) AS n ON true
	WHERE r.value IS NOT NULL ORDER BY r.position;
END;
COMMENT ON FUNCTION score_reasons(purchase_history, clv_model, rfm_cuts, segment_rules, date, integer, double precision) IS
'the numbers behind a score: each with the RFM score it has, the cut points of that score and of the next better one (recency below it, the others above it, have the score), and at least which share of customers is worse (of recency, which is counted from the best end: worse or as good)';

CREATE FUNCTION explain_score(history purchase_history, model clv_model, cuts rfm_cuts, rules segment_rules DEFAULT NULL, as_of date DEFAULT NULL,
	language text DEFAULT 'en', horizon_days integer DEFAULT 365, margin double precision DEFAULT 1) RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 3000
BEGIN ATOMIC
	WITH texts AS MATERIALIZED (
		SELECT jsonb_object_agg(t.piece, t.template) AS t FROM explanation_texts() AS t,
			(SELECT explanation_language(explain_score.language, string_agg(DISTINCT e.language, ', ')) AS language FROM explanation_texts() AS e) AS l
		WHERE t.language = l.language
	), facts AS MATERIALIZED (
		SELECT f.*, CASE WHEN explain_score.rules IS NOT NULL THEN segment_of(f.score, explain_score.rules)
				WHEN f.levels BETWEEN 3 AND 5 THEN segment_of(f.score, f.levels) END AS segment,
			lifecycle_of(explain_score.history, explain_score.model, explain_score.as_of) AS lifecycle,
			score_status(explain_score.history, explain_score.model, explain_score.as_of) AS status
		FROM score_facts(explain_score.history, explain_score.model, explain_score.cuts, explain_score.as_of) AS f
	), reasons AS MATERIALIZED (
		SELECT max(r.value) FILTER (WHERE r.reason = 'avg_days_between_orders') AS gap, max(r.value) FILTER (WHERE r.reason = 'days_overdue') AS overdue,
			max(r.value) FILTER (WHERE r.reason = 'alive_prob') AS alive, max(r.value) FILTER (WHERE r.reason = 'clv_estimate') AS clv,
			max(r.value) FILTER (WHERE r.reason = 'expected_transactions') AS expected,
			max(r.score) FILTER (WHERE r.reason = 'recency_days') AS r_score, max(r.threshold) FILTER (WHERE r.reason = 'recency_days') AS r_below,
			max(r.next_threshold) FILTER (WHERE r.reason = 'recency_days') AS r_from,
			max(r.score) FILTER (WHERE r.reason = 'order_count') AS f_score, max(r.percentile) FILTER (WHERE r.reason = 'order_count') AS f_share,
			max(r.score) FILTER (WHERE r.reason = 'total_spend') AS m_score, max(r.percentile) FILTER (WHERE r.reason = 'total_spend') AS m_share
		FROM score_reasons(explain_score.history, explain_score.model, explain_score.cuts, explain_score.rules, explain_score.as_of,
			explain_score.horizon_days, explain_score.margin) AS r
	)
	-- numbers are written as numeric: the text of a double depends on extra_float_digits
	SELECT format(CASE WHEN f.segment IS NULL THEN x.t ->> 'no segment' ELSE x.t ->> 'segment' END, f.segment,
		concat_ws(' ', 'R' || r.r_score, 'F' || r.f_score, 'M' || r.m_score),
		concat_ws(x.t ->> 'between',
			nullif(concat_ws(', ',
				CASE f.recency WHEN 0 THEN x.t ->> 'today' WHEN 1 THEN x.t ->> 'one day' ELSE CASE WHEN f.recency IS NOT NULL THEN format(x.t ->> 'recency', f.recency) END END,
				CASE WHEN f.recency IS NULL OR r.r_score IS NULL OR nullif(nullif(r.r_below, 'infinity'), '-infinity') IS NULL AND nullif(nullif(r.r_from, 'infinity'), '-infinity') IS NULL THEN NULL
					WHEN nullif(nullif(r.r_below, 'infinity'), '-infinity') IS NULL THEN format(x.t ->> 'recency from', r.r_score, r.r_from::numeric)
					WHEN nullif(nullif(r.r_from, 'infinity'), '-infinity') IS NULL THEN format(x.t ->> 'recency below', r.r_score, r.r_below::numeric)
					ELSE format(x.t ->> 'recency range', r.r_score, r.r_from::numeric, (r.r_below - 1)::numeric) END), ''),
			CASE WHEN f.orders IS NULL THEN NULL WHEN f.orders = 1 THEN x.t ->> 'one order'
				WHEN r.f_share > 0 THEN format(x.t ->> 'orders among', f.orders, floor(r.f_share * 100 + 1e-9)::numeric) ELSE format(x.t ->> 'orders', f.orders) END,
			CASE WHEN f.spend IS NULL OR f.orders IS NULL THEN NULL
				WHEN r.m_share > 0 THEN format(x.t ->> 'spend among', rounded(f.spend, 2), floor(r.m_share * 100 + 1e-9)::numeric) ELSE format(x.t ->> 'spend', rounded(f.spend, 2)) END,
			nullif(concat_ws(', ',
				CASE WHEN round(r.gap) <= 1 THEN x.t ->> 'usual gap of a day' WHEN r.gap IS NOT NULL THEN format(x.t ->> 'usual gap', round(r.gap)::numeric) END,
				CASE WHEN r.gap > f.recency THEN NULL WHEN r.overdue = 1 THEN x.t ->> 'overdue by a day' WHEN r.overdue > 0 THEN format(x.t ->> 'overdue', r.overdue::numeric) END), ''),
			nullif(concat_ws(', ', x.t ->> ('lifecycle ' || f.lifecycle),
				-- (after one order some models have all customers alive by construction, which says nothing)
				CASE WHEN r.alive < 1 OR r.alive = 1 AND f.orders > 1 THEN format(x.t ->> 'alive',
					CASE WHEN r.alive < 0.005 THEN '<1' WHEN r.alive > 0.995 AND r.alive < 1 THEN '>99' ELSE round(r.alive * 100)::numeric::text END) END), ''),
			CASE WHEN r.clv IS NOT NULL THEN format(x.t ->> CASE explain_score.horizon_days WHEN 365 THEN 'value' ELSE 'value of days' END,
					rounded(r.clv, 2), explain_score.horizon_days)
				WHEN r.expected IS NOT NULL THEN format(x.t ->> CASE explain_score.horizon_days WHEN 365 THEN 'orders to come' ELSE 'orders of days to come' END,
					rounded(r.expected, 2), explain_score.horizon_days) END,
			CASE WHEN f.status = 'one_order' AND f.orders > 1 THEN x.t ->> 'orders of one day' ELSE x.t ->> ('status ' || f.status) END))
	FROM texts AS x, facts AS f, reasons AS r WHERE x.t IS NOT NULL;
END;
COMMENT ON FUNCTION explain_score(purchase_history, clv_model, rfm_cuts, segment_rules, date, text, integer, double precision) IS
'why a customer has this segment and this value (within so many days, at this margin), in one sentence to forward';

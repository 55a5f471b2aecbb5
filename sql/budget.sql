-- Where does the next krone earn most? How response grows with spend, and a budget
-- among segments by equal marginal return.

SET extra_float_digits = -5;

-- A published test: customers got 0 to 5 contacts a week, at random.
CREATE TABLE contacts (contacts int, response float8);
INSERT INTO contacts VALUES (0, 0), (1, 0.10), (2, 0.17), (3, 0.19), (4, 0.20), (5, 0.205);
CREATE TABLE contact_curve AS SELECT response_curve(contacts, response, 100) AS r FROM contacts;
SELECT p.* FROM contact_curve, response_params(r) AS p;
SELECT p.* FROM contact_curve, response_params(r, 'hill') AS p;
SELECT p.* FROM contact_curve, response_params(r, 'power') AS p;
SELECT x AS spend, expected_response(r, x) AS expected, marginal_response(r, x) AS marginal FROM contact_curve, generate_series(0, 6, 2) AS x;
SELECT marginal_response(r, 0, 'power') IS NULL AS infinite FROM contact_curve;
-- With a margin of 0.4 a response, another contact is worth its cost up to so many.
SELECT cost, 0.4 * marginal_response(r, best) AS brings FROM contact_curve, (VALUES (0.01, 2.55133647), (0.02, 1.56691549), (0.03, 0.99106612)) AS v(cost, best);

-- A row for each customer says how certain a level is by itself: three levels are enough.
CREATE TABLE letters AS
SELECT i, width_bucket(assignment_place(i::text, 'letters'), 0, 1, 4) - 1 AS spend,
	assignment_place(i::text, 'whatever') < 0.02 + 0.2 * (1 - exp(-0.7 * (width_bucket(assignment_place(i::text, 'letters'), 0, 1, 4) - 1))) AS ordered
FROM generate_series(1, 8000) AS i;
SELECT p.* FROM (SELECT response_curve(spend, ordered::int) AS r FROM letters) AS x, response_params(r, 'exp') AS p;
SELECT param, estimate, std_error, sse < 1e-20 AS exact, status FROM (SELECT response_curve(spend, ordered::int) AS r FROM letters WHERE spend < 3) AS x, response_params(r, 'exp');
-- Means of three levels are a curve, but do not tell how certain it is.
SELECT param, estimate, std_error, sse < 1e-20 AS exact, status FROM (SELECT response_curve(spend, mean, n) AS r FROM (SELECT spend, avg(ordered::int) AS mean, count(*) AS n FROM letters WHERE spend < 3 GROUP BY 1) AS m) AS x, response_params(r, 'exp');

-- Without randomised levels there is no curve.
SELECT response_params(r) FROM (SELECT response_curve(spend, 0.1 * spend, 100) AS r FROM generate_series(1, 5) AS spend) AS x;
SELECT response_params(r) FROM (SELECT response_curve(spend, 0.1 * spend, 100) AS r FROM generate_series(0, 1) AS spend) AS x;
SELECT response_params('{"levels": []}');
-- Response that falls with spend has no slope; one that rises in a straight line no saturation.
SELECT p.* FROM (SELECT response_curve(spend, 0.5 - 0.1 * spend, 100) AS r FROM generate_series(0, 3) AS spend) AS x, response_params(r) AS p;
SELECT p.* FROM (SELECT response_curve(spend, 0.1 * spend, 100) AS r FROM generate_series(0, 3) AS spend) AS x, response_params(r, 'exp') AS p;

-- A threshold, and a rise that a fall follows, are no such curve: of the customers it is told, in the plan, too. Means of few levels do not tell.
CREATE TABLE poor AS
SELECT segment, i, spend, assignment_place(i::text, segment || spend || ' poor') < CASE segment WHEN 'threshold' THEN CASE WHEN spend < 3 THEN 0.02 ELSE 0.10 END
	WHEN 'hump' THEN 0.10 - 0.03 * abs(spend - 2) WHEN 'late' THEN CASE spend WHEN 4 THEN 0.2 ELSE 0.02 END ELSE 0.02 + 0.1 * (1 - exp(-0.7 * spend)) END AS ordered
FROM (VALUES ('threshold'), ('hump'), ('late'), ('exp')) AS v(segment), generate_series(0, 5) AS spend, generate_series(1, 1000) AS i WHERE segment <> 'hump' OR spend < 5;
SELECT segment, curve_name, param, estimate > 0 AS responds, std_error > 0 AS has_error, status FROM (SELECT segment, response_curve(spend, ordered::int) AS r FROM poor GROUP BY 1) AS x, response_params(r) ORDER BY segment, param;
SELECT kind, string_agg(segment || ' ' || status, ', ' ORDER BY segment) AS status FROM (SELECT segment, response_curve(spend, ordered::int) AS r FROM poor GROUP BY 1) AS x, unnest('{exp,hill,power}'::text[]) AS kind, response_params(r, kind) WHERE param IN ('c', 'a') GROUP BY 1 ORDER BY 1;
SELECT segment, status FROM (SELECT segment, response_curve(spend, mean, n) AS r FROM (SELECT segment, spend, avg(ordered::int) AS mean, count(*) AS n FROM poor GROUP BY 1, 2) AS m GROUP BY 1) AS x, response_params(r) WHERE param IN ('c', 'a') ORDER BY 1;
-- So it is where all customers of a level respond alike, and nothing tells how they vary; amounts too, and those whose squares are rounded. What one curve explains fits.
SELECT shape, n, p.status FROM (VALUES ('curve', 1), ('fall', 1), ('peak', 1), ('square', 0.1), ('step', 1), ('threshold', 0.7)) AS v(shape, unit), unnest('{2,100}'::int[]) AS n, LATERAL (SELECT response_curve(spend, unit * CASE shape
	WHEN 'curve' THEN 1 - exp(-spend) WHEN 'fall' THEN (spend = 0)::int WHEN 'peak' THEN (spend = 2)::int WHEN 'square' THEN spend * spend WHEN 'step' THEN (spend > 0)::int ELSE (spend >= 3)::int END) AS r
	FROM generate_series(0, 4) AS spend, generate_series(1, n)) AS x, response_params(r) AS p WHERE param IN ('c', 'a') ORDER BY 1, 2;
SELECT p.* FROM (SELECT response_curve(spend, 0.1) AS r FROM generate_series(0, 4) AS spend, generate_series(1, 100 + 7 * spend)) AS x, response_params(r) AS p;
CREATE TABLE poor_plan AS SELECT budget_plan(segment, 1000, r, 25, 0, NULL) AS p FROM (SELECT segment, response_curve(spend, ordered::int) AS r FROM poor GROUP BY 1) AS x;
SELECT a.segment, a.spend >= 0 AS spends, a.low <= a.high AS has_interval, a.status FROM poor_plan, allocate_budget(p, 2000) AS a;
SELECT p::text::budget_plan = p AS text, p::jsonb -> 'segments' -> 0 -> 'status' AS status FROM poor_plan;
\copy poor_plan TO 'results/budget_poor.bin' WITH (FORMAT binary)
TRUNCATE poor_plan;
\copy poor_plan FROM 'results/budget_poor.bin' WITH (FORMAT binary)
SELECT a.segment, a.status FROM poor_plan, allocate_budget(p, 2000, draws => 0) AS a;
-- What the next unit brings at a spend of 0 is the same with no budget as with next to none, and so is what is known of a segment.
SELECT segment, count(DISTINCT marginal_value) AS marginals, round(min(marginal_value)::numeric, 4) AS marginal_value, count(*) - count(marginal_value) AS infinite, string_agg(DISTINCT a.status, ', ') AS status
FROM unnest('{0,1e-20,1e-9,0.001}'::float8[]) AS b, allocate_budget('{"segments": [{"segment": "power", "heads": 1000, "value_per_response": 10, "curve": {"curve": "power", "a": 0.2, "e": 0.3, "covariance": [0.01, -0.02, 0.1]}},
	{"segment": "unknown", "heads": 1000, "value_per_response": 10, "curve": {"curve": "exp", "c": 0.035, "k": 1.9, "covariance": [29, -22, 354]}, "others": [{"curve": "power", "a": 0.03, "e": 0.04, "covariance": [24, 0, 0], "weight": 0.3}]}]}', b) AS a
WHERE spend_per_head = 0 GROUP BY 1 ORDER BY 1;
DROP TABLE poor, poor_plan;

-- Curves that are next to straight: spend passes from nothing to beyond a double with little of the price. All that get something are at one price.
SELECT b AS budget, abs(sum(spend) / b - 1) < 1e-9 AS is_spent, count(*) FILTER (WHERE a.spend_per_head > 0) AS with_spend, max(marginal_value) FILTER (WHERE a.spend_per_head > 0) / min(marginal_value) FILTER (WHERE a.spend_per_head > 0) < 1 + 1e-9 AS one_price, string_agg(DISTINCT a.status, ', ') AS status
FROM (SELECT budget_plan(segment, 1000, c::response_curve, 10, 0, NULL) AS p FROM (VALUES ('exp', '{"curve": "exp", "c": 0.3, "k": 1}'), ('straight', '{"curve": "power", "a": 0.034, "e": 0.999}'), ('hill', '{"curve": "hill", "c": 0.3, "h": 1}'), ('power', '{"curve": "power", "a": 0.034, "e": 0.5}')) AS v(segment, c)) AS x,
	unnest('{0.001,100,4747.5,10000,1e9}'::float8[]) AS b, allocate_budget(p, b) AS a GROUP BY 1 ORDER BY 1;

-- Three segments, their curves given: what a response is worth is 0.4.
CREATE TABLE segments (segment text, heads int, curve response_curve, min_per_head float8, max_per_head float8);
INSERT INTO segments VALUES
	('A', 1000, '{"curve": "exp", "c": 60, "k": 0.15}', 0, 8),
	('B', 4000, '{"curve": "exp", "c": 25, "k": 0.3}', 0, 5),
	('C', 20000, '{"curve": "exp", "c": 6, "k": 0.8}', 0.1, 3);
CREATE TABLE plans AS SELECT budget_plan(segment, heads, curve, 0.4, min_per_head, max_per_head) AS p FROM segments;
SELECT a.segment, a.spend_per_head, a.spend, a.value, a.marginal_value, a.at_limit FROM plans, allocate_budget(p, 3000) AS a;
SELECT a.segment, a.spend_per_head, a.spend, a.value, a.marginal_value, a.at_limit FROM plans, allocate_budget(p, 20000) AS a;
-- Of 50,000 more than 11,000 bring less than they cost.
SELECT a.segment, a.spend_per_head, a.spend, a.value, a.marginal_value, a.at_limit, a.earns_less FROM plans, allocate_budget(p, 50000) AS a;
SELECT budget, sum(value) AS value, abs(sum(spend) / budget - 1) < 1e-9 AS met FROM plans, (VALUES (3000.0), (20000), (50000)) AS v(budget), allocate_budget(p, budget) GROUP BY 1 ORDER BY 1;
-- The maxima add up to 88,000.
SELECT a.segment, a.spend, a.at_limit, a.unspent FROM plans, allocate_budget(p, 100000) AS a;
-- Not enough for what must be spent.
SELECT allocate_budget(p, 1999) FROM plans;

-- Saturating curves without limits, and a plan that merges.
SELECT a.segment, a.spend, a.marginal_value FROM allocate_budget((SELECT budget_plan(i::text, 1, format('{"curve": "hill", "c": %s, "h": %s}', v, h)::response_curve, 1, NULL, NULL)
	FROM (VALUES (1, 24000, 4000), (2, 11000, 2500), (3, 9000, 9000), (4, 14400, 1500)) AS x(i, v, h)), 20000) AS a;
SELECT rollup(p) = (SELECT p FROM plans) AS same FROM (SELECT budget_plan(segment, heads, curve, 0.4, min_per_head, max_per_head) AS p FROM segments GROUP BY segment) AS x;
SELECT budget_plan(segment, heads, curve, 0.4, min_per_head, max_per_head ORDER BY segment DESC) = (SELECT p FROM plans) AS same FROM segments;

-- With an experiment in each segment: the plan is the best in the mean of all curves that
-- may be true; low and high are where the best spend may lie, regret is what not knowing
-- it costs. The objective is the change of lifetime value: the response is an order, and an
-- order is worth what it adds to that.
CREATE TABLE trial AS
SELECT segment, width_bucket(assignment_place(i::text, segment), 0, 1, 5) - 1 AS spend,
	assignment_place(i::text, segment || ' luck') < 0.02 + c * (1 - exp(-k * (width_bucket(assignment_place(i::text, segment), 0, 1, 5) - 1))) AS ordered
FROM (VALUES ('Champions', 0.2, 0.7), ('Loyal', 0.1, 0.9)) AS v(segment, c, k), generate_series(1, 5000) AS i;
CREATE TABLE uncertain AS
SELECT budget_plan(segment, heads, r, clv_change, 0, NULL) AS p
FROM (SELECT segment, response_curve(spend, ordered::int) AS r FROM trial GROUP BY segment) AS x
JOIN (VALUES ('Champions', 1000, 30.0), ('Loyal', 3000, 25.0)) AS v(segment, heads, clv_change) USING (segment);
SELECT a.* FROM uncertain, allocate_budget(p, 5000) AS a;
SELECT bool_and(a = b) AS same_seed FROM uncertain, allocate_budget(p, 5000, seed => 7) AS a JOIN LATERAL allocate_budget(p, 5000, seed => 7) AS b USING (segment);
SELECT a.segment, a.spend_per_head, a.low, a.regret FROM uncertain, allocate_budget(p, 5000, draws => 0) AS a;
-- Nobody spends more than was tested, unless asked.
SELECT a.segment, a.spend_per_head, a.at_limit, a.unspent FROM uncertain, allocate_budget(p, 20000, draws => 0) AS a;
SELECT a.segment, a.spend_per_head > 4 AS beyond, a.at_limit, a.unspent FROM uncertain, allocate_budget(p, 20000, draws => 0, beyond_tested => true) AS a;

-- Order, split, text, binary form.
SELECT response_curve(spend, ordered::int ORDER BY i DESC) = response_curve(spend, ordered::int ORDER BY i) AS ordered FROM letters;
SELECT rollup(r) = (SELECT response_curve(spend, ordered::int) FROM letters) AS split FROM (SELECT response_curve(spend, ordered::int) AS r FROM letters GROUP BY i % 13) AS x;
SELECT rollup(r) = (SELECT response_curve(i % 4, i / 7.0, 3) FROM generate_series(1, 100) AS i) AS split FROM (SELECT response_curve(i % 4, i / 7.0, 3) AS r FROM generate_series(1, 100) AS i GROUP BY i % 7) AS x;
SELECT r FROM contact_curve;
SELECT p FROM plans;
CREATE TABLE originals AS SELECT curve AS r, p FROM segments, plans UNION ALL SELECT r, p FROM contact_curve, uncertain
UNION ALL SELECT response_curve(spend, ordered::int), NULL FROM letters;
SELECT bool_and(r::text::response_curve = r) AS curves, bool_and(p::text::budget_plan = p) AS plans, bool_and(r::jsonb::text::response_curve = r) AS json FROM originals;
\copy originals TO 'results/budget.bin' WITH (FORMAT binary)
CREATE TABLE copies (LIKE originals);
\copy copies FROM 'results/budget.bin' WITH (FORMAT binary)
SELECT count(*) FROM originals AS a JOIN copies AS b ON a.r = b.r AND a.p IS NOT DISTINCT FROM b.p;

-- Bad input.
SELECT response_curve(-1, 1);
SELECT response_curve(1, 'NaN');
SELECT response_curve('Infinity', 1);
SELECT response_curve(1, 1, 0);
SELECT response_curve(i, 1) FROM generate_series(1, 1001) AS i;
SELECT curve || curve FROM segments;
SELECT response_params(r, 'log') FROM contact_curve;
SELECT response_params(curve, 'hill') FROM segments;
SELECT expected_response(r, -1) FROM contact_curve;
SELECT budget_plan('A', -1, curve, 1, 0, 1) FROM segments;
SELECT budget_plan('A', 1, curve, 1, 2, 1) FROM segments WHERE segment = 'A';
SELECT budget_plan('A', 1, curve, 'NaN', 0, 1) FROM segments WHERE segment = 'A';
SELECT budget_plan('A', 1, curve, 1, 0, 1) FROM segments;
-- Rows of a segment that are alike but for their heads are more heads of it, in any order; other ones have no answer of one segment.
SELECT p || p = (SELECT budget_plan(segment, 2 * heads, curve, 0.4, min_per_head, max_per_head) FROM segments) AS twice_the_heads FROM plans;
SELECT a.segment, a.spend_per_head = b.spend_per_head AS same_per_head, a.spend / b.spend AS spend FROM plans, allocate_budget(p || p, 40000) AS a JOIN allocate_budget((SELECT p FROM plans), 20000) AS b USING (segment);
SELECT budget_plan(segment, v.heads, curve, 0.4, 0, 5 ORDER BY v.heads) = budget_plan(segment, v.heads, curve, 0.4, 0, 5 ORDER BY v.heads DESC) AS any_order, budget_plan(segment, v.heads, curve, 0.4, 0, 5)::jsonb -> 'segments' -> 0 -> 'heads' AS heads
FROM (VALUES (1), (40), (2000)) AS v(heads), segments WHERE segment = 'B';
SELECT budget_plan('A', 9007199254740000, curve, 0.4, 0, 5) FROM segments, generate_series(1, 2) WHERE segment = 'B';
-- Responses that are amounts are money already: what multiplies them is a margin.
SELECT budget_plan('A', 100, r, 1.5, 0, 5) FROM (SELECT response_curve(spend, 10 * spend + i % 3) AS r FROM generate_series(0, 2) AS spend, generate_series(1, 30) AS i) AS x;
SELECT budget_plan('A', 100, r, 1, 0, 5) IS NOT NULL AS margin FROM (SELECT response_curve(spend, 10 * spend + i % 3) AS r FROM generate_series(0, 2) AS spend, generate_series(1, 30) AS i) AS x;
SELECT budget_plan('A', 100, r, 40, 0, 5) IS NOT NULL AS responses FROM (SELECT response_curve(spend, (i % 10 <= spend)::int) AS r FROM generate_series(0, 2) AS spend, generate_series(1, 30) AS i) AS x;
SELECT a.p || b.p FROM plans AS a, (SELECT budget_plan('A', 1, curve, 1, 0, 1) AS p FROM segments WHERE segment = 'A') AS b;
SELECT budget_plan('A', 1, r, 1, 6, 7) AS p INTO untested FROM contact_curve;
SELECT allocate_budget(p, 7) FROM untested;
SELECT allocate_budget(p, -1) FROM plans;
SELECT allocate_budget(p, 'Infinity') FROM plans;
SELECT allocate_budget(p, 3000, draws => 10001) FROM plans;
SELECT allocate_budget(p, 3000, level => 0) FROM plans;
-- Segments without response, without heads, and whose response costs more than it is worth.
SELECT a.segment, a.spend_per_head, a.at_limit, a.unspent, a.status FROM (
	SELECT budget_plan(segment, heads, curve, worth, 0, 5) AS p FROM (VALUES
		('falls', 100, (SELECT response_curve(spend, 0.5 - 0.1 * spend, 100) FROM generate_series(0, 5) AS spend), 1.0),
		('nobody', 0, '{"curve": "exp", "c": 1, "k": 1}', 1.0), ('worthless', 100, '{"curve": "exp", "c": 1, "k": 1}', -1.0),
		('good', 10, '{"curve": "power", "a": 1, "e": 0.5}', 1.0)) AS v(segment, heads, curve, worth)) AS x, allocate_budget(p, 100) AS a;
SELECT count(*) FROM allocate_budget('{"segments": []}', 100);
SELECT budget_plan(NULL, 1, curve, 1, 0, 1) IS NULL AS skipped FROM segments;

DROP TABLE contacts, contact_curve, letters, segments, plans, trial, uncertain, originals, copies, untested;

-- What is beyond a double is NULL, and is not "ok"; a zero has no sign.
SELECT expected_response('{"curve": "power", "a": 1e300, "e": 0.5}', 1e300) AS beyond, expected_response('{"curve": "power", "a": 1e100, "e": 0.5}', 1e100) AS within, marginal_response('{"curve": "power", "a": 1, "e": 0.5}', 0) AS at_nothing;
SELECT segment, spend_per_head, spend, value, marginal_value::text, status FROM allocate_budget('{"segments": [{"segment": "Loyal", "heads": 4000, "curve": {"curve": "power", "a": 1e100, "e": 0.9}, "value_per_response": 1e100}]}', 1e300);
SELECT segment, spend_per_head::text, spend::text, value::text, marginal_value::text, status FROM allocate_budget('{"segments": [{"segment": "Loyal", "heads": 4000, "curve": {"curve": "exp", "c": 0, "k": 0.3}, "value_per_response": -0.4}]}', 100);

-- The segment that is known least does not get the budget: a mean of draws of its curve would be that of the largest.
CREATE TABLE budget_flat AS
SELECT segment, response_curve(spend::float8, CASE WHEN i <= responses THEN 1.0 ELSE 0 END::float8) AS c
FROM (VALUES ('flat', 0, 5), ('flat', 1, 5), ('flat', 2, 5), ('flat', 3, 7), ('flat', 4, 4), ('works', 0, 1), ('works', 1, 3), ('works', 2, 6), ('works', 3, 9), ('works', 4, 7)) AS v(segment, spend, responses),
	generate_series(1, 60) AS i GROUP BY segment;
SELECT a.segment, a.spend > 1400 AS most, a.value BETWEEN 0 AND 10000 AS possible, a.low <= a.high AS has_interval, a.regret >= 0 AS has_regret, a.status
FROM (SELECT budget_plan(segment, 1000, c, 10, 0, NULL) AS p FROM budget_flat) AS x, allocate_budget(p, 1500) AS a;
SELECT a.segment, a.spend > 1400 AS most, a.value BETWEEN 0 AND 10000 AS possible, a.status
FROM (SELECT budget_plan(segment, 1000, c, 10, 0, NULL) AS p FROM budget_flat) AS x, allocate_budget(p, 1500, beyond_tested => true) AS a;
-- Where one contact is enough and more add nothing, how soon the response is full is not known: the curve is the
-- least steep of those that can be, and the segment is not left out.
CREATE TABLE budget_full AS
SELECT segment, response_curve(spend, (i <= responses)::int::float8) AS c
FROM (VALUES ('rises', 0, 4), ('rises', 1, 23), ('rises', 2, 32), ('rises', 3, 38), ('rises', 4, 42), ('full', 0, 4), ('full', 1, 23), ('full', 2, 22), ('full', 3, 23), ('full', 4, 22)) AS v(segment, spend, responses),
	generate_series(1, 200) AS i GROUP BY segment;
SELECT segment, curve_name, param, estimate, std_error, status FROM budget_full, response_params(c) ORDER BY segment, param;
SELECT a.segment, a.spend_per_head, a.value, a.low > 0 AS never_nothing, a.regret, a.status
FROM (SELECT budget_plan(segment, CASE segment WHEN 'full' THEN 3000 ELSE 1000 END, c, CASE segment WHEN 'full' THEN 25 ELSE 30 END, 0, NULL) AS p FROM budget_full) AS x, allocate_budget(p, 3000) AS a;
-- Which kind of curve is the true one is not known either: the plan is made of all that may be, and low and high cover the best.
CREATE TABLE budget_kinds AS
SELECT trial, budget_plan(segment, heads, c, worth, 0, NULL) AS p FROM (
	SELECT trial, segment, heads, worth, response_curve(spend, (assignment_place(concat_ws(' ', segment, spend, i), 'kinds ' || trial) < 0.02 + most * (1 - exp(-speed * spend)))::int) AS c
	FROM (VALUES ('A', 0.20, 0.7, 1000, 30.0), ('B', 0.10, 0.9, 3000, 25.0)) AS v(segment, most, speed, heads, worth), generate_series(1, 60) AS trial, generate_series(0, 4) AS spend, generate_series(1, 400) AS i
	GROUP BY 1, 2, 3, 4) AS x GROUP BY trial;
SELECT segment, avg((best BETWEEN low AND high)::int) >= 0.85 AS covered, bool_and(high - low < 3) AS useful
FROM budget_kinds, allocate_budget(p, 3000) JOIN (VALUES ('A', 1.524), ('B', 0.492)) AS v(segment, best) USING (segment) GROUP BY 1 ORDER BY 1;
SELECT bool_or(p::text LIKE '%"others": [{%') AS several, bool_and(p::text::budget_plan = p) AS text FROM budget_kinds;
\copy budget_kinds TO 'results/budget_kinds.bin' WITH (FORMAT binary)
CREATE TABLE budget_kinds_copy (LIKE budget_kinds);
\copy budget_kinds_copy FROM 'results/budget_kinds.bin' WITH (FORMAT binary)
SELECT count(*) FROM budget_kinds NATURAL JOIN budget_kinds_copy;
SELECT segment, spend_per_head FROM allocate_budget('{"segments": [{"segment": "A", "heads": 10, "value_per_response": 1, "curve": {"curve": "exp", "c": 2, "k": 0.5}, "others": [{"curve": "hill", "c": 3, "h": 1, "weight": 0.4}]}]}', 20, draws => 10);
SELECT '{"segments": [{"segment": "A", "heads": 10, "value_per_response": 1, "curve": {"curve": "exp", "c": 2, "k": 0.5}, "others": [{"curve": "hill", "c": 3, "h": 1, "weight": 1}]}]}'::budget_plan;
SELECT '{"segments": [{"segment": "A", "heads": 10, "value_per_response": 1, "curve": {"curve": "exp", "c": 2, "k": 0.5}, "others": [{"curve": "hill", "c": 3, "h": 1, "weight": 0.6}, {"curve": "power", "a": 3, "e": 0.5, "weight": 0.4}]}]}'::budget_plan;
SELECT '{"segments": [{"segment": "A", "heads": 10, "value_per_response": 1, "curve": {"curve": "exp", "c": 2, "k": 0.5}, "others": [{"curve": "hill", "c": 3, "h": 1}]}]}'::budget_plan;
DROP TABLE budget_full, budget_kinds, budget_kinds_copy;
-- No plan of small experiments has more responses than heads.
CREATE TABLE budget_small AS
SELECT trial, segment, response_curve(spend::float8, (assignment_place(concat_ws(' ', segment, spend, i), 'small ' || trial) < 0.05 + 0.02 * spend * (segment % 2))::int) AS c
FROM generate_series(1, 60) AS trial, generate_series(1, 4) AS segment, generate_series(0, 4) AS spend, generate_series(1, 60) AS i GROUP BY 1, 2;
SELECT count(*) AS segments, count(*) FILTER (WHERE a.status = 'ok') > 30 AS many_known, count(*) FILTER (WHERE a.status = 'not_identified') > 50 AS many_unknown,
	count(*) FILTER (WHERE NOT (a.value BETWEEN 0 AND 10000)) AS impossible, count(*) FILTER (WHERE NOT (coalesce(a.regret, 0) >= 0)) AS regret_below_zero
FROM (SELECT trial, budget_plan(segment::text, 1000, c, 10, 0, NULL) AS p FROM budget_small GROUP BY trial) AS x, allocate_budget(p, 1500) AS a;
DROP TABLE budget_flat, budget_small;

-- A segment of which something is not known is not forgotten: nothing is spent on it for a response, and its status says why.
SELECT a.segment, a.spend, a.value, a.at_limit, a.status FROM (
	SELECT budget_plan(s, h, c::response_curve, v, 0, 8) AS p FROM (VALUES
		('A', 1000, '{"curve": "exp", "c": 60, "k": 0.15}', 0.4), ('B', NULL, '{"curve": "exp", "c": 60, "k": 0.15}', 1.0),
		('C', 5, NULL, 1), ('D', 7, '{"curve": "exp", "c": 60, "k": 0.15}', NULL), (NULL, 7, NULL, 1)) AS v(s, h, c, v)) AS x,
	allocate_budget(p, 1000) AS a;

-- Nobody is left out in silence.
SET client_min_messages = notice;
SELECT p::text LIKE '%"segment": "A"%' AS has_a FROM (SELECT budget_plan(s, 10, '{"curve": "power", "a": 3, "e": 0.5}'::response_curve, 1, 0, 2) AS p FROM (VALUES ('A'), (NULL)) AS v(s)) AS x;
SELECT segment FROM (SELECT uplift_segments(s, uplift_of_counts(100, 50, 100, 30)) AS u FROM (VALUES ('A'), (NULL)) AS v(s)) AS x, unnest(u);

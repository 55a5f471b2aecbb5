-- Rates: units with few data are drawn towards all others; indices by segment; the three questions.

SET extra_float_digits = -9;

CREATE FUNCTION rates_failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
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
-- Orders delivered on time, of each of ten shops
--

CREATE TEMP TABLE shops (shop int, good int, total int);
INSERT INTO shops VALUES (1, 0, 5), (2, 2, 10), (3, 5, 50), (4, 1, 30), (5, 9, 40), (6, 0, 3), (7, 3, 12), (8, 20, 100), (9, 7, 20), (10, 4, 60);
CREATE TEMP TABLE priors AS SELECT rate_prior(good, total) AS prior FROM shops;
TABLE priors;
SELECT kind, units, good, total, round(pooled_rate::numeric, 8) AS pooled_rate, round(a::numeric, 5) AS a, round(b::numeric, 4) AS b, left_out, status FROM priors, rate_prior_params(prior);
-- The fewer the data, the nearer to all; the interval says how sure that is.
SELECT shop, good, total, round(shrunken_rate(prior, good, total)::numeric, 7) AS shrunken, round(low::numeric, 6) AS low, round(high::numeric, 6) AS high
FROM shops, priors, rate_interval(prior, good, total) ORDER BY shop;
SELECT bool_and(abs(shrunken_rate(prior, good, total) - expected) <= 1e-7) AS right
FROM priors, (SELECT *, (ARRAY[0.12933101015845533, 0.16792699479255802, 0.11840844921286202, 0.08877349290311214, 0.19808465750798307,
	0.13854774177782986, 0.18584569991768185, 0.19100766783076428, 0.2416155434539965, 0.09273278988974938])[shop] AS expected FROM shops) AS x;

-- The better the prior is known, the narrower is the interval of the same unit.
SELECT units, round(width::numeric, 3) AS width FROM (SELECT n AS units, high - low AS width
	FROM (VALUES (10), (100), (100000)) AS v(n), LATERAL (SELECT rate_prior(k, 20) AS prior FROM generate_series(1, n) AS i, LATERAL (SELECT (hashint8extended(i, 1) & 1023) * (hashint8extended(i, 2) & 1023) * 11 / 1048576 AS k) AS x) AS p,
		rate_interval(prior, 3, 20)) AS x ORDER BY units;

-- Complaints in so many days: counts in an exposure.
CREATE TEMP TABLE complaints AS
SELECT * FROM unnest('{0,1,0,3,2,0,9,1,0,4,2,0,1,14,5}'::int[], '{10,12,3,20,11,8,30,5,2,16,9,7,6,25,21}'::float8[]) AS v(events, days);
SELECT kind, units, round(pooled_rate::numeric, 8) AS pooled_rate, round(a::numeric, 4) AS a, round(b::numeric, 3) AS b, status
FROM (SELECT rate_prior(events, days, 'count') FROM complaints) AS x(prior), rate_prior_params(prior);
SELECT events, days, round(shrunken_rate(prior, events, days)::numeric, 6) AS shrunken, round(low::numeric, 6) AS low, round(high::numeric, 6) AS high
FROM (SELECT rate_prior(events, days, 'count') FROM complaints) AS x(prior), complaints, rate_interval(prior, events, days) WHERE events IN (0, 14) AND days IN (2, 25);
-- Exposures are kept to one part in 8192, so that few are different.
SELECT rate_prior(1, days, 'count') FROM (VALUES (1e-9::float8), (0.1), (8191), (8193.4), (1e300)) AS v(days);

-- Units that differ no more than by chance have one rate; the interval allows for differences that so few data do not show.
SELECT what, status, a, round(shrunken_rate(prior, 1, 1)::numeric, 6) AS shrunken, round(low::numeric, 6) AS low, round(high::numeric, 6) AS high
FROM (VALUES (1, 'alike', '{"by": "proportion", "units": [[10, 3, 4]]}'), (2, 'one trial each', '{"by": "proportion", "units": [[1, 0, 6], [1, 1, 4]]}'),
	(3, 'none good', '{"by": "proportion", "units": [[10, 0, 4]]}'), (4, 'all good', '{"by": "proportion", "units": [[10, 10, 4]]}'),
	(5, 'counts alike', '{"by": "count", "units": [[10, 3, 4]]}'), (6, 'no events', '{"by": "count", "units": [[10, 0, 4]]}'),
	(7, 'nothing', '{"by": "count", "left_out": 2, "units": []}'), (8, 'all or nothing', '{"by": "proportion", "units": [[10, 0, 20], [10, 10, 20]]}')) AS v(n, what, v),
	LATERAL (SELECT v.v::rate_prior) AS p(prior), rate_prior_params(prior), rate_interval(prior, 1, 1) ORDER BY n;

-- Exposures may differ by any factor: an interval is about as wide as with the prior taken as known, and soon there.
SELECT exposure, status, round(low::numeric, 2) AS low, round(high::numeric, 2) AS high, low < shrunken AND shrunken < high AS around_it
FROM (SELECT exposure, rate_prior(i % 30, CASE WHEN i % 10 = 0 THEN exposure ELSE 1 END, 'count') AS prior
	FROM generate_series(1, 300) AS i, unnest('{1,1e3,1e4,1e6,1e9,1e12,1e15}'::float8[]) AS exposure GROUP BY exposure) AS x,
	rate_prior_params(prior), rate_interval(prior, 10, 5), shrunken_rate(prior, 10, 5) AS shrunken ORDER BY exposure;
SET statement_timeout = '20s';
SELECT low < high AS has_width FROM unnest('{2147483648,10,0}'::int8[], '{1e-300,5,1e15}'::float8[]) AS v(events, exposure),
	rate_interval('{"by": "count", "units": [[10, 0, 1], [10, 9, 1], [10, 72, 1e15]]}'::rate_prior, events, exposure);
RESET statement_timeout;

-- Any order and any split give the same bytes; text, binary and jsonb are exact.
SELECT rollup(p ORDER BY k DESC) = prior AS same, bool_and(p::text::rate_prior = p AND rate_prior_send(p::text::rate_prior) = rate_prior_send(p)) AS exact
FROM (SELECT shop % 3, rate_prior(good, total) FROM shops GROUP BY 1) AS x(k, p), priors GROUP BY prior;
SELECT prior::jsonb -> 'by' AS by, prior || prior = rollup(prior) || prior AS merged FROM priors GROUP BY prior;
SELECT rate_prior(g, t) FROM (VALUES (1::bigint, NULL::float8), (NULL, 1), (0, 0), (1, 2)) AS v(g, t);
SELECT rate_prior(1, 2) FILTER (WHERE false) IS NULL AS none, num_nulls(shrunken_rate(NULL, 1, 2), shrunken_rate(prior, NULL, 2), shrunken_rate(prior, 1, NULL)) AS nulls FROM priors GROUP BY prior;

-- What cannot be.
SELECT rates_failure(format('SELECT %s FROM priors', call)) FROM (VALUES (1, 'rate_prior(-1, 2)'), (2, 'rate_prior(3, 2)'), (3, 'rate_prior(1, 2.5)'),
	(4, 'rate_prior(1, ''NaN'')'), (5, 'rate_prior(1, ''infinity'', ''count'')'), (6, 'rate_prior(1, -1, ''count'')'), (7, 'rate_prior(1, 2, ''share'')'),
	(8, 'rate_prior(1, 2, NULL)'), (9, 'shrunken_rate(prior, 3, 2)'), (10, 'rate_interval(prior, 1, 2, 1)')) AS v(n, call) ORDER BY n;
SELECT rates_failure($$SELECT rollup(p) FROM (SELECT rate_prior(1, 2) UNION ALL SELECT rate_prior(1, 2, 'count')) AS x(p)$$);

--
-- Rates by segment
--

CREATE TEMP TABLE indices AS
SELECT rate_index(segment, good, total) AS index FROM (VALUES ('Champions', 88, 100), ('Loyal', 70, 90), ('At risk', 40, 60), ('Lost', 9, 20)) AS v(segment, good, total);
TABLE indices;
SELECT segment, good, total, rate, round(shrunk::numeric, 8) AS shrunk, round(low::numeric, 8) AS low, round(high::numeric, 8) AS high, status FROM indices, rate_indices(index);
-- With the prior taken as known the intervals are too narrow of four segments; those that allow for any prior are those of rate_interval.
SELECT i.segment, round(low_any_prior::numeric, 8) AS low_any_prior, round(high_any_prior::numeric, 8) AS high_any_prior, abs(i.low_any_prior - r.low) + abs(i.high_any_prior - r.high) <= 1e-9 AS as_rate_interval, high_any_prior - low_any_prior > i.high - i.low AS wider
FROM indices, rate_indices(index) AS i, (SELECT rate_prior(good, total) AS prior FROM indices, rate_indices(index)) AS p, rate_interval(prior, good, total) AS r;
-- Row by row, in any order, or from parts it is the same.
CREATE TEMP TABLE single AS
SELECT segment, i <= good AS good, i FROM indices, rate_indices(index), generate_series(1, total) AS i;
SELECT index = (SELECT rate_index(segment, good::int, 1) FROM single) AS rows, index = (SELECT rate_index(segment, good::int, 1 ORDER BY i % 17, segment DESC) FROM single) AS ordered,
	index = (SELECT rollup(part) FROM (SELECT rate_index(segment, good::int, 1) AS part FROM single GROUP BY i % 7) AS x) AS parts,
	index::text::rate_index = index AS text, rate_index_send(index::text::rate_index) = rate_index_send(index) AS sent, index || index = index || index::text::rate_index AS merged
FROM indices;
SELECT rate_index(s, g, t) FROM (VALUES ('a', 1, 2), (NULL, 1, 2), ('a', NULL, 2), ('b', 1, NULL), ('ä', 0, 0)) AS v(s, g, t);
SELECT i.* FROM rate_indices('{"segments": [["a", 1, 2], ["b", 0, 0]]}') AS i;
SELECT count(*) FROM rate_indices('{"segments": []}');
SELECT rates_failure(format('SELECT %s', call)) FROM (VALUES (1, 'rate_index('''', 1, 2)'), (2, 'rate_index(''a'', 3, 2)'), (3, 'rate_index(''a'', -1, 2)'),
	(4, 'rate_index(repeat(''ä'', 200), 1, 2)'), (5, 'rate_index(''a'', 9007199254740993, 9007199254740993)'), (6, 'rate_indices(''{"segments": []}'', 0)')) AS v(n, call) ORDER BY n;

--
-- The three questions
--

SELECT round(total::numeric, 8) AS total, coverage, round(need_gain::numeric, 8) AS need_gain, round(worth_gain::numeric, 8) AS worth_gain, round(trust_gain::numeric, 8) AS trust_gain, improve
FROM three_questions(.82, .64, .91);
SELECT round(total::numeric, 8) AS total, improve FROM three_questions(.82, .64, .91, '{.5, .2, .3}');
-- A zero cannot be bought off; what is missing is left out, and coverage says so.
SELECT total, coverage, improve FROM three_questions(.82, 0, .91);
SELECT round(total::numeric, 8) AS total, coverage, worth_gain, improve FROM three_questions(.82, NULL, .91, '{.5, .2, .3}');
SELECT total, coverage, improve FROM three_questions(NULL, NULL, NULL);
SELECT total, improve FROM three_questions(1, 1, 1);
-- A question is asked by several rates.
SELECT * FROM rate_mean('{0.9, 0.6, NULL}'), rate_mean('{0.9, 0.6, NULL}', '{2, 1, 1}') AS weighted, rate_mean('{}') AS nothing, rate_mean('{NULL}') AS unknown;
-- Where a segment gains most.
SELECT segment, p.question, p.index, p.gap, round(p.importance::numeric, 4) AS importance, p.priority
FROM (VALUES ('Champions', .9, .7, .95, 9000), ('At risk', .6, NULL, .5, 4000)) AS v(segment, need, worth, trust, clv), question_priorities(need, worth, trust, clv, '{.5, .2, .3}') AS p ORDER BY p.priority DESC NULLS LAST;
SELECT sum(priority) FROM question_priorities(.9, .8, .7, 100, target => .85);

-- What the questions weigh is learned from who bought again: here trust counts twice as much as need, and worth nothing.
CREATE TEMP TABLE asked AS
SELECT i, (20 + i * 7 % 81) / 100.0 AS need, (20 + i * 11 % 79) / 100.0 AS worth, (20 + i * 13 % 77) / 100.0 AS trust FROM generate_series(1, 40000) AS i;
CREATE TEMP TABLE weighed AS
SELECT question_weights(assignment_place(i::text, 'again') < 1 / (1 + exp(-(1.2 + 0.9 * ln(need) + 1.8 * ln(trust)))), need, worth, trust) AS weights FROM asked;
SELECT question, abs(coefficient - truth) <= 3 * std_error AS right, low < truth AND truth < high AS held, abs(weight - truth / 2.7) < 0.03 AS weighs, status
FROM weighed, question_weight_params(weights, 0.997) JOIN (VALUES ('constant', 1.2), ('need', 0.9), ('worth', 0), ('trust', 1.8)) AS t(name, truth) ON name = question;
SELECT improve FROM weighed, three_questions(.8, .2, .8, estimated_weights(weights));
SELECT weights = (SELECT rollup(w ORDER BY k) FROM (SELECT i % 5, question_weights(assignment_place(i::text, 'again') < 1 / (1 + exp(-(1.2 + 0.9 * ln(need) + 1.8 * ln(trust)))), need, worth, trust)
	FROM asked GROUP BY 1) AS x(k, w)) AS same, weights::text::question_weights = weights AS text FROM weighed;
SELECT question_weights(r, n, w, t) FROM (VALUES (true, .82, .64, .91), (NULL, 1, 1, 1), (false, .82, .64, .91), (true, NULL, 1, 1), (true, 1, 0, 0.004)) AS v(r, n, w, t);
SELECT question, coefficient, weight, status FROM question_weight_params('{"customers": [[82064091, 40, 22]]}');
SELECT estimated_weights('{"customers": []}') IS NULL AS unknown;
-- Where all have bought again, or nobody, or an index tells exactly who has (but for the customers between), there is no largest likelihood, and no error of a coefficient.
SELECT kind, bool_and(p.status = 'not_identified' AND num_nonnulls(p.coefficient, p.std_error, p.low, p.high, p.weight) = 0) AS not_identified, bool_and(p.status = 'ok') AS ok, max(std_error) < 2 AS told,
	estimated_weights(w) IS NULL AS unknown
FROM (SELECT kind, size, question_weights(CASE kind WHEN 'all' THEN true WHEN 'nobody' THEN false WHEN 'exactly' THEN need > 0.7 WHEN 'but those at 0.7' THEN need > 0.7 OR need = 0.7 AND i % 2 = 0 WHEN 'above' THEN need > 0.7 OR i % 2 = 0
	WHEN 'but a few' THEN i % 400 <> 1 ELSE assignment_place(i::text, 'again') < need END, need, worth, trust) AS w
	FROM asked, unnest(ARRAY['all', 'nobody', 'exactly', 'but those at 0.7', 'above', 'but a few', 'by need']) AS kind, unnest(ARRAY[30, 4000]) AS size WHERE i <= size AND NOT (size = 30 AND kind IN ('but a few', 'by need')) GROUP BY 1, 2) AS x,
	question_weight_params(w) AS p
GROUP BY kind, size, w ORDER BY kind, size;
-- A question that speaks against buying again, and questions that say nothing, are no weights of the others' noise.
SELECT kind, p.question, p.status, estimated_weights(w) FROM (SELECT kind, question_weights(assignment_place(i::text, 'again') < CASE kind WHEN 'against' THEN 1 - i / 400.0 ELSE 0.5 END,
	i / 400.0, assignment_place(i::text, 'of worth'), assignment_place(i::text, 'of trust')) AS w FROM generate_series(1, 400) AS i, (VALUES ('against'), ('nothing')) AS v(kind) GROUP BY 1) AS x, question_weight_params(w) AS p
WHERE question = 'need' ORDER BY 1;

SELECT rates_failure(format('SELECT %s', call)) FROM (VALUES (1, 'three_questions(1.1, 0, 0)'), (2, 'three_questions(''NaN'', 0, 0)'), (3, 'three_questions(1, 1, 1, ''{1, 2}'')'),
	(4, 'three_questions(1, 1, 1, ''{0, 0, 0}'')'), (5, 'three_questions(1, 1, 1, ''{1, -1, 1}'')'), (6, 'three_questions(1, 1, 1, ''{1, NULL, 1}'')'),
	(7, 'rate_mean(''{2}'')'), (8, 'rate_mean(''{{1}, {0}}'')'), (9, 'question_priorities(1, 1, 1, ''infinity'')'), (10, 'question_weights(true, 0, 0, -0.1)')) AS v(n, call) ORDER BY n;

-- What is no value.
CREATE FUNCTION rates_refused(literal text, type regtype) RETURNS text LANGUAGE sql RETURN rates_failure(format('SELECT %L::%s', literal, type));
SELECT literal, rates_refused(literal, 'rate_prior') FROM (VALUES ('{"by": "proportion", "units": [[2, 3, 1]]}'), ('{"by": "proportion", "units": [[2.5, 1, 1]]}'),
	('{"by": "proportion", "units": [[0, 0, 1]]}'), ('{"by": "count", "units": [[-1, 0, 1]]}'), ('{"by": "count", "units": [[8193.4, 0, 1]]}'), ('{"by": "count", "units": [["1", 0, 1]]}'),
	('{"by": "count", "units": [[1, 0.5, 1]]}'), ('{"by": "rate", "units": []}'), ('{"units": []}'), ('{"by": "count", "units": [[1, 0, 1], [1, 0, 2]]}')) AS v(literal);
SELECT literal, rates_refused(literal, 'rate_index') FROM (VALUES ('{"segments": [["a", 2, 1]]}'), ('{"segments": [["a", 1, 2], ["a", 1, 2]]}'), ('{"segments": [["", 1, 2]]}'),
	('{"segments": [[1, 1, 2]]}'), ('{"segments": [["a", 1]]}'), ('{"segments": [["a", -1, 2]]}'), ('{"segments": {}}'), ('{"left_out": -1, "segments": []}')) AS v(literal);
SELECT literal, rates_refused(literal, 'question_weights') FROM (VALUES ('{"customers": [[82101091, 4, 2]]}'), ('{"customers": [[82064091, 4, 5]]}'), ('{"customers": [[100100101, 4, 2]]}')) AS v(literal);

-- Where all units are alike and at an end of the range, the interval holds the estimate.
SELECT segment, shrunk, low, high, status FROM rate_indices((SELECT rate_index(s, g, t) FROM (VALUES ('A', 0, 0), ('C', 5, 5)) AS v(s, g, t)));
SELECT segment, shrunk, low, high, status FROM rate_indices((SELECT rate_index(s, g, t) FROM (VALUES ('A', 0, 7), ('C', 0, 5)) AS v(s, g, t)));
SELECT kind, missed, share_missed, low, high FROM missed_events((SELECT event_contacts('moved house', date '2026-01-01', NULL::contact_log, 14, true) FROM generate_series(1, 10)));

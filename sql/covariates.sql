-- Covariates: what is known of a customer beside the orders, in numbers, may
-- change how often the customer orders and how soon the customer leaves.
\set VERBOSITY terse
CREATE TABLE customers AS
SELECT s.z, s.z * 100000 + o.customer_id AS id, purchase_history(o.ordered_at, o.amount) AS h
FROM (VALUES (0), (1)) AS s(z), LATERAL simulate_orders(4000, '{"model": "pareto/nbd", "time_unit_days": 7, "covariates": ["online"],
	"timing": {"r": 0.6, "alpha": 10, "s": 0.7, "beta": 12}, "coefficients": {"rate:online": 0.5, "dropout:online": -0.4},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2025-12-31', 7 + s.z, ARRAY[s.z]) AS o
GROUP BY s.z, o.customer_id;

-- The fit finds the coefficients that the customers were drawn with. Online
-- customers order e^0.5 times as often, and leave e^-0.4 times as soon.
CREATE TABLE fits AS
SELECT clv_fit(customer_base(h, ARRAY[z]), 'pareto/nbd', as_of => '2025-12-30', covariate_names => '{online}') AS m FROM customers;
SELECT part, param, truth, abs(estimate - truth) < 2.5 * std_error AS found, low < truth AND truth < high AS inside, identified
FROM fits, clv_params(m) JOIN (VALUES ('r', 0.6), ('alpha', 10), ('s', 0.7), ('beta', 12), ('rate:online', 0.5), ('dropout:online', -0.4)) AS t(param, truth) USING (param);
SELECT round(aic(m)::numeric - (12 - 2 * log_likelihood(m))::numeric, 6) AS six_figures FROM fits;

-- A score takes the customer's covariates. Two customers with the same orders
-- differ by them; the parameters are those of the model, changed as fitted.
SELECT round(alive_prob(2, 100, 300, m, ARRAY[0])::numeric, 3) AS offline, round(alive_prob(2, 100, 300, m, ARRAY[1])::numeric, 3) AS online,
	expected_transactions(2, 100, 300, m, covariates => ARRAY[0]) < expected_transactions(2, 100, 300, m, covariates => ARRAY[1]) AS more_online
FROM fits;
SELECT count(*), bool_and(abs(with_z - plain) <= 1e-6 * abs(plain)) AS same
FROM (SELECT '{"model": "pareto/nbd", "covariates": ["online"], "timing": {"r": 0.5, "alpha": 8, "s": 0.75, "beta": 16},
		"coefficients": {"rate:online": 0.5, "dropout:online": -0.25}, "spend": {"p": 6, "q": 4, "gamma": 15}}'::clv_model AS m,
	format('{"model": "pareto/nbd", "timing": {"r": 0.5, "alpha": %s, "s": 0.75, "beta": %s}, "spend": {"p": 6, "q": 4, "gamma": 15}}',
		8 * exp(-0.5::float8), 16 * exp(0.25::float8))::clv_model AS p) AS models,
	(SELECT purchase_history(d, 10.0) AS h FROM (VALUES (date '2025-01-01'), ('2025-03-01'), ('2025-03-20')) AS v(d)) AS customer,
	(SELECT date '2025-06-30' AS day, ARRAY[1.0]::float8[] AS z) AS given,
	LATERAL (VALUES
		(alive_prob(h, m, day, z), alive_prob(h, p, day)),
		(churn_prob(h, m, day, z), churn_prob(h, p, day)),
		(expected_transactions(h, m, 365, day, z), expected_transactions(h, p, 365, day)),
		(clv_estimate(h, m, 365, 0.1, 1, day, z), clv_estimate(h, p, 365, 0.1, 1, day)),
		(order_prob(h, m, 30, day, z), order_prob(h, p, 30, day)),
		(next_order_on(h, m, 0.5, day, z) - date '2025-01-01', next_order_on(h, p, 0.5, day) - date '2025-01-01'),
		(days_overdue(h, m, day, z), days_overdue(h, p, day)),
		(discounted_transactions(h, m, 0.1, day, z), discounted_transactions(h, p, 0.1, day)),
		((transactions_prediction_interval(h, m, 0.9, 365, day, z)).high, (transactions_prediction_interval(h, p, 0.9, 365, day)).high),
		(alive_prob(2, 90, 180, m, z), alive_prob(2, 90, 180, p)),
		(expected_transactions(2, 90, 180, m, 365, z), expected_transactions(2, 90, 180, p, 365)),
		(clv_estimate(2, 90, 180, 10, m, covariates => z), clv_estimate(2, 90, 180, 10, p)),
		(new_customer_transactions(m, 365, z), new_customer_transactions(p, 365)),
		((SELECT sum(prob) FROM new_customer_transactions_pmf(m, 365, 3, z)), (SELECT sum(prob) FROM new_customer_transactions_pmf(p, 365, 3)))) AS s(with_z, plain);

-- An interval covers the uncertainty of the coefficients: it is wider for those
-- of whom there are fewer like them.
SELECT low < expected AND expected < high AS covers, high - low > 0 AS wide
FROM fits, LATERAL (SELECT h FROM customers WHERE z = 1 ORDER BY id LIMIT 1) AS c,
	expected_transactions_interval(h, m, covariates => ARRAY[1]), expected_transactions(h, m, covariates => ARRAY[1]) AS expected;

-- Every customer needs them, and as many as the model has.
SELECT alive_prob(h, m), score_status(h, m) FROM fits, customers LIMIT 1;
SELECT alive_prob(h, m, covariates => ARRAY[1, 2]) FROM fits, customers LIMIT 1;
SELECT alive_prob(2, 10, 30, '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}', ARRAY[1]);
SELECT alive_prob(h, m, covariates => ARRAY[NULL]::float8[]), score_status(h, m, covariates => ARRAY['NaN']::float8[]),
	score_status(h, m, covariates => ARRAY[1]) FROM fits, customers WHERE repeat_count(h) > 0 LIMIT 1;
SELECT * FROM fits, simulate_orders(1, m, '2025-01-01', '2025-12-31', 1) AS o;

-- The value goes through text and binary as it is, coefficients and names included.
SELECT m = m::text::clv_model AS text, m::jsonb -> 'covariates' AS covariates,
	(SELECT jsonb_object_agg(key, round(value::numeric, 2)) FROM jsonb_each_text(m::jsonb -> 'coefficients')) AS coefficients FROM fits;
\copy fits TO 'results/covariates.bin' WITH (FORMAT binary)
CREATE TABLE copied (m clv_model);
\copy copied FROM 'results/covariates.bin' WITH (FORMAT binary)
SELECT fits.m = copied.m AS binary FROM fits, copied;

-- All four of the classical models take covariates. A covariate that is the same
-- for all cannot be told from the rate itself, and two that are one cannot be told apart.
SELECT name, converged(m), (SELECT string_agg(param, ', ') FROM clv_params(m) WHERE part = 'coefficients') AS coefficients
FROM unnest(ARRAY['bg/nbd', 'mbg/nbd', 'pareto/nbd', 'gg/nbd']) AS name,
	LATERAL (SELECT clv_fit(customer_base(h, ARRAY[z]), name, as_of => '2025-12-30') AS m FROM customers WHERE id % 10 = 0) AS fit;
\set VERBOSITY default
SELECT param, std_error IS NULL AS not_told FROM (SELECT clv_fit(customer_base(h, ARRAY[z, z, 1]), 'pareto/nbd', as_of => '2025-12-30') AS m
	FROM customers WHERE id % 10 = 0) AS x, clv_params(m) WHERE part = 'coefficients';
\set VERBOSITY terse
SELECT clv_fit(customer_base(h, ARRAY[z]), 'pareto/nbd', covariate_names => '{online,gender}') FROM customers;
SELECT clv_fit(customer_base(h, ARRAY[z, 1 - z]), 'pareto/nbd', covariate_names => '{online,online}') FROM customers;
SELECT clv_fit(customer_base(h, ARRAY[z]), 'pareto/nbd', covariate_names => ARRAY[NULL]) FROM customers;

-- A penalty holds logarithms and coefficients back: what few customers say is
-- taken with more salt than what many say.
SELECT penalty, round(estimate::numeric, 2) AS rate_online, round(std_error::numeric, 2) AS std_error
FROM unnest(ARRAY[0, 1, 100, 10000]) AS penalty,
	LATERAL (SELECT clv_fit(customer_base(h, ARRAY[z]), 'pareto/nbd', as_of => '2025-12-30', penalty => penalty) AS m
		FROM customers WHERE id % 40 = 0) AS fit, clv_params(m)
WHERE param = 'rate:z1' ORDER BY penalty;
SELECT clv_fit(customer_base(h), 'bg/nbd', penalty => -1) FROM customers;
SELECT clv_fit(customer_base(h), 'bg/nbd', penalty => 'NaN') FROM customers;
SELECT clv_fit(customer_base(h), 'bg/nbd', penalty => NULL) FROM customers;

-- What text may not say.
SELECT '{"model": "bg/nbd", "covariates": ["z"], "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}'::clv_model;
SELECT '{"model": "bg/nbd", "coefficients": {"rate:z": 1}, "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}'::clv_model;
SELECT '{"model": "bg/nbd", "covariates": ["z"], "coefficients": {"rate:z": 1}, "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}'::clv_model;
SELECT '{"model": "pareto/nbd", "covariates": ["z", "z"], "coefficients": {"rate:z": 1, "dropout:z": 1}, "timing": {"r": 1, "alpha": 2, "s": 3, "beta": 4}}'::clv_model;
SELECT '{"model": "pareto/nbd", "covariates": ["z"], "coefficients": {"rate:z": 1e5, "dropout:z": 1}, "timing": {"r": 1, "alpha": 2, "s": 3, "beta": 4}}'::clv_model;
SELECT '{"model": "pareto/nbd", "covariates": [7], "coefficients": {"rate:z": 1, "dropout:z": 1}, "timing": {"r": 1, "alpha": 2, "s": 3, "beta": 4}}'::clv_model;
DROP TABLE customers, fits, copied;

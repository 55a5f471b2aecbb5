-- customer_centric_sql: the part of customer_centric that needs no C, for servers that take no C extensions.
--
-- Same names and answers: RFM, segments, lifecycle, deciles, cohorts, and the scores of BG/NBD, MBG/NBD
-- and Pareto/NBD under a model that was fitted elsewhere. A model is JSON, as customer_centric gives it
-- (model::jsonb). To install it: \i of this file into the first schema of search_path, CREATE EXTENSION
-- customer_centric_sql, or pg_tle. See doc/managed_clouds.md.
--
-- Functions with a RETURN body are bound when they are made, and are not STRICT, so that the planner can put
-- their expressions into the query. Functions in PL/pgSQL look up names in pg_catalog only.

-- values: JSON under the names that the types of customer_centric have

CREATE DOMAIN clv_model AS jsonb;
CREATE DOMAIN rfm_cuts AS jsonb;
CREATE DOMAIN segment_rules AS jsonb;
COMMENT ON DOMAIN clv_model IS 'a fitted model: the JSON that customer_centric gives (model::jsonb), or {"model": "bg/nbd", "time_unit_days": 7, "as_of": "2026-01-31", "timing": {"r": ..., "alpha": ..., "a": ..., "b": ...}, "spend": {"p": ..., "q": ..., "gamma": ...}}';
COMMENT ON DOMAIN rfm_cuts IS 'cut points of recency, frequency and monetary value: equal values get equal scores';
COMMENT ON DOMAIN segment_rules IS 'names for RFM scores of so many levels: {"levels": 5, "rules": [{"segment": "VIP", "r": [4, 5], "f": [4, 5], "m": [5, 5]}, ...]}';

-- arguments

CREATE FUNCTION refuse(message text, hint text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF hint IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = message;
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = message, HINT = hint;
END $$;
COMMENT ON FUNCTION refuse(text, text) IS 'internal: raises an error';

CREATE FUNCTION not_scored(model clv_model) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000
RETURN refuse(CASE WHEN model ? 'covariates' THEN 'models with covariates are not scored without the C extension'
		WHEN model ? 'season' THEN 'models with a season are not scored without the C extension'
		ELSE 'model "' || coalesce(model ->> 'model', '') || '" is not scored without the C extension' END,
	'There are bg/nbd, mbg/nbd, pareto/nbd.')::double precision;
COMMENT ON FUNCTION not_scored(clv_model) IS 'internal: says which models there are';

CREATE FUNCTION model_name(model clv_model) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN NOT model ?| ARRAY['covariates', 'season'] THEN model ->> 'model' ELSE '' END;
COMMENT ON FUNCTION model_name(clv_model) IS 'internal: the name of a model that can be scored';

CREATE FUNCTION unit_days(model clv_model) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce((model ->> 'time_unit_days')::double precision, 7.0::double precision);
COMMENT ON FUNCTION unit_days(clv_model) IS 'internal: days in the time unit of a model';

-- What these formulas are right for: a probability to 1e-9 in units of the model. Beyond it digits are lost, and there is no score.
CREATE FUNCTION in_range(parameter text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN parameter::double precision >= 1e-6::double precision AND parameter::double precision <= 1e6::double precision;
COMMENT ON FUNCTION in_range(text) IS 'internal: whether the functions are exact with this parameter of a model: 1e-6 to 1e6';

CREATE FUNCTION usable(model clv_model) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN model_name(model) IN ('bg/nbd', 'mbg/nbd') THEN in_range(model #>> '{timing,r}') AND in_range(model #>> '{timing,alpha}')
		AND in_range(model #>> '{timing,a}') AND in_range(model #>> '{timing,b}')
	WHEN model_name(model) = 'pareto/nbd' THEN in_range(model #>> '{timing,r}') AND in_range(model #>> '{timing,alpha}')
		AND in_range(model #>> '{timing,s}') AND in_range(model #>> '{timing,beta}')
	ELSE model IS NOT NULL END;
COMMENT ON FUNCTION usable(clv_model) IS 'internal: whether the parameters of a model are within what the functions are exact for; other models are refused later';

-- Repeat transactions are whole, and a customer with none has been seen on one day only. NaN is above all numbers.
CREATE FUNCTION scorable(repeat_count double precision, recency_days double precision, tenure_days double precision) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN repeat_count >= 0::double precision AND repeat_count <= 2147483647::double precision AND floor(repeat_count) = repeat_count
	AND recency_days >= 0::double precision AND tenure_days >= recency_days AND tenure_days < 'infinity'::double precision
	AND (repeat_count = 0::double precision) = (tenure_days = recency_days);
COMMENT ON FUNCTION scorable(double precision, double precision, double precision) IS 'internal: whether these can be the numbers of a customer';

CREATE FUNCTION horizon(horizon_days integer) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN horizon_days < 0 THEN refuse('horizon_days must not be negative, but is ' || horizon_days::text, NULL)::double precision
	ELSE horizon_days::double precision END;
COMMENT ON FUNCTION horizon(integer) IS 'internal: a horizon, checked';

-- how long a customer has been silent: (r + x) ln((alpha + T) / (alpha + t_x)), of which every probability is made

CREATE FUNCTION silence(shape double precision, scale double precision, recency_days double precision, tenure_days double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN shape * asinh(recency_days / (scale + (tenure_days - recency_days))
	* (0.5::double precision + 0.5::double precision * ((scale + (tenure_days - recency_days)) / (scale + tenure_days))));
COMMENT ON FUNCTION silence(double precision, double precision, double precision, double precision) IS 'internal: minus the logarithm of the share that stays silent so long; scale is in days; ln(x) is asinh((x - 1 / x) / 2), which loses nothing where x is near 1';

-- ln of the odds of having left in BG/NBD (dropout trials 0) and MBG/NBD (1); e^(+-600) is beyond any doubt, and what multiplies it stays finite
CREATE FUNCTION beta_geometric_ln_odds(model clv_model, trials double precision, repeat_count double precision,
	recency_days double precision, tenure_days double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(-600::double precision, least(600::double precision,
	ln((model #>> '{timing,a}')::double precision / ((model #>> '{timing,b}')::double precision + (repeat_count + (trials - 1::double precision))))
	+ silence((model #>> '{timing,r}')::double precision + repeat_count,
		(model #>> '{timing,alpha}')::double precision * unit_days(model), recency_days, tenure_days)));
COMMENT ON FUNCTION beta_geometric_ln_odds(clv_model, double precision, double precision, double precision, double precision) IS 'internal: ln of the odds of having left; Fader, Hardie & Lee (2005), Batislam et al. (2007)';

-- The mean of p / (p + (1 - p) ratio) over p ~ Beta(first, other): of two clocks that ring at gamma distributed
-- rates, the probability that the first rings first; ratio is its age divided by the other's. The hypergeometric
-- function 2F1(1, b; c; z) by Gauss's continued fraction, or, where that is long, by quadrature in logit p.
CREATE FUNCTION rings_first(first double precision, other double precision, ratio double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	one CONSTANT double precision := 1;
	two CONSTANT double precision := 2;
	b double precision; c double precision; z double precision; e double precision;
	front double precision := one; lentz double precision := one; d double precision := 0; step double precision;
	j double precision := 0;
	centre double precision; width double precision; top double precision; v double precision; last double precision; y double precision;
	ln_p double precision; ln_q double precision; ln_weight double precision; weight double precision; total double precision := 0; mean double precision := 0;
BEGIN
	IF first IS NULL OR other IS NULL OR ratio IS NULL THEN
		RETURN NULL;
	END IF;
	IF ratio > 0.0001 AND ratio < 10000 THEN
		c := first + other + one;
		IF ratio <= one THEN
			front := first / (first + other); b := other; z := one - ratio;
		ELSE
			front := first / (first + other) / ratio; b := first + one; z := one - one / ratio;
		END IF;
		-- modified Lentz on 1 / (1 - e_1 z / (1 - e_2 z / (1 - ...))), two coefficients a turn
		y := one;
		LOOP
			e := (b + j) * (c - one + j) / ((c + two * j - one) * (c + two * j)) * z;
			d := one / (one - e * d); lentz := one - e / lentz; y := y * lentz * d;
			j := j + one;
			e := j * (c - b + j - one) / ((c + two * j - two) * (c + two * j - one)) * z;
			d := one / (one - e * d); lentz := one - e / lentz; step := lentz * d; y := y * step;
			EXIT WHEN abs(step - one) < 1e-15 OR j > 100000;
		END LOOP;
		RETURN front / y;
	END IF;
	centre := ln(first / other);
	width := least(one, sqrt(one / first + one / other));
	top := -first * ln(one + exp(-centre)) - other * ln(one + exp(centre));
	-- as far as the weight is above e^-60: p^first below the centre, (1 - p)^other above it
	y := (60 + other * ln(one + exp(centre))) / first + ln(one + exp(-centre));
	v := asinh((-(y + ln(one - exp(-least(y, 700)))) - centre) / width);
	y := (60 + first * ln(one + exp(-centre))) / other + ln(one + exp(centre));
	last := asinh((y + ln(one - exp(-least(y, 700))) - centre) / width);
	WHILE v <= last LOOP
		y := centre + width * sinh(v);
		ln_p := CASE WHEN y > -600 THEN -ln(one + exp(-least(y, 600))) ELSE y END;
		ln_q := CASE WHEN y < 600 THEN -ln(one + exp(greatest(y, -600))) ELSE -y END;
		ln_weight := first * ln_p + other * ln_q - top + ln(cosh(v));
		IF ln_weight > -60 THEN
			weight := exp(ln_weight);
			total := total + weight;
			mean := mean + weight / (one + exp(greatest(-600, least(600, ln(ratio) - y))));
		END IF;
		v := v + 0.015625;
	END LOOP;
	RETURN mean / total;
END $$;
COMMENT ON FUNCTION rings_first(double precision, double precision, double precision) IS 'internal: the probability that one of two competing risks comes first';

-- Pareto/NBD: odds of having left, e^silence phi(t_x) / (1 - phi(T)) less one; here P(alive) itself
CREATE FUNCTION pareto_alive(r double precision, alpha double precision, s double precision, beta double precision,
	repeat_count double precision, recency_days double precision, tenure_days double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000
RETURN least(1::double precision, 1::double precision / (
	rings_first(s, r + repeat_count, (beta + (tenure_days - recency_days)) / (alpha + (tenure_days - recency_days)))
	* exp(least(600::double precision, silence(r + repeat_count, alpha, recency_days, tenure_days) + silence(s, beta, recency_days, tenure_days)))
	+ rings_first(r + repeat_count, s, (alpha + tenure_days) / (beta + tenure_days))));
COMMENT ON FUNCTION pareto_alive(double precision, double precision, double precision, double precision, double precision, double precision, double precision) IS 'internal: P(alive) of Pareto/NBD; alpha and beta are in days';

-- scores, from plain numbers: x, days since the last order and since the first, mean repeat spend

CREATE FUNCTION alive_prob(repeat_count double precision, recency_days double precision, tenure_days double precision,
	model clv_model) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN scorable(repeat_count, recency_days, tenure_days) AND usable(model) THEN
	CASE model_name(model)
		WHEN 'bg/nbd' THEN CASE WHEN repeat_count = 0::double precision THEN 1::double precision
			ELSE 1::double precision / (1::double precision + exp(beta_geometric_ln_odds(model, 0::double precision, repeat_count, recency_days, tenure_days))) END
		WHEN 'mbg/nbd' THEN 1::double precision / (1::double precision + exp(beta_geometric_ln_odds(model, 1::double precision, repeat_count, recency_days, tenure_days)))
		WHEN 'pareto/nbd' THEN pareto_alive((model #>> '{timing,r}')::double precision,
			(model #>> '{timing,alpha}')::double precision * unit_days(model), (model #>> '{timing,s}')::double precision,
			(model #>> '{timing,beta}')::double precision * unit_days(model), repeat_count, recency_days, tenure_days)
		ELSE not_scored(model) END
	END;
COMMENT ON FUNCTION alive_prob(double precision, double precision, double precision, clv_model) IS
'probability, 0 to 1, that the customer is still one, from repeat transactions and days since the last and the first';

CREATE FUNCTION churn_prob(repeat_count double precision, recency_days double precision, tenure_days double precision,
	model clv_model) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN scorable(repeat_count, recency_days, tenure_days) AND usable(model) THEN
	CASE model_name(model)
		WHEN 'bg/nbd' THEN CASE WHEN repeat_count = 0::double precision THEN 0::double precision
			ELSE 1::double precision / (1::double precision + exp(-beta_geometric_ln_odds(model, 0::double precision, repeat_count, recency_days, tenure_days))) END
		WHEN 'mbg/nbd' THEN 1::double precision / (1::double precision + exp(-beta_geometric_ln_odds(model, 1::double precision, repeat_count, recency_days, tenure_days)))
		WHEN 'pareto/nbd' THEN 1::double precision - pareto_alive((model #>> '{timing,r}')::double precision,
			(model #>> '{timing,alpha}')::double precision * unit_days(model), (model #>> '{timing,s}')::double precision,
			(model #>> '{timing,beta}')::double precision * unit_days(model), repeat_count, recency_days, tenure_days)
		ELSE not_scored(model) END
	END;
COMMENT ON FUNCTION churn_prob(double precision, double precision, double precision, clv_model) IS
'probability, 0 to 1, that the customer has left, from repeat transactions and days since the last and the first';

CREATE FUNCTION overdue_prob(repeat_count double precision, recency_days double precision, tenure_days double precision,
	model clv_model) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN scorable(repeat_count, recency_days, tenure_days) AND usable(model) THEN
	CASE WHEN model_name(model) IN ('bg/nbd', 'mbg/nbd', 'pareto/nbd') THEN 1::double precision
			- exp(-least(600::double precision, silence((model #>> '{timing,r}')::double precision + repeat_count,
				(model #>> '{timing,alpha}')::double precision * unit_days(model), recency_days, tenure_days)))
		ELSE not_scored(model) END
	END;
COMMENT ON FUNCTION overdue_prob(double precision, double precision, double precision, clv_model) IS
'probability, 0 to 1, that the customer would have ordered since the last order, from repeat transactions and days since the last and the first';

CREATE FUNCTION lifecycle_word(repeat_count double precision, alive_prob double precision, overdue_prob double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN alive_prob IS NULL OR overdue_prob IS NULL THEN NULL
	-- who cannot have left before the second order: silence alone decides
	WHEN repeat_count = 0::double precision AND alive_prob = 1::double precision THEN
		CASE WHEN overdue_prob > 0.9::double precision THEN 'lost' WHEN overdue_prob > 0.75::double precision THEN 'probably lost'
			WHEN overdue_prob > 0.5::double precision THEN 'slipping' ELSE 'new' END
	WHEN alive_prob < 0.1::double precision THEN 'lost' WHEN alive_prob < 0.5::double precision THEN 'probably lost'
	WHEN overdue_prob > 0.75::double precision THEN 'slipping'
	WHEN repeat_count = 0::double precision THEN 'new' ELSE 'active' END;
COMMENT ON FUNCTION lifecycle_word(double precision, double precision, double precision) IS 'internal: the lifecycle stage of two probabilities';

CREATE FUNCTION lifecycle_of(repeat_count double precision, recency_days double precision, tenure_days double precision,
	model clv_model) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lifecycle_word(repeat_count, alive_prob(repeat_count, recency_days, tenure_days, model),
	overdue_prob(repeat_count, recency_days, tenure_days, model));
COMMENT ON FUNCTION lifecycle_of(double precision, double precision, double precision, clv_model) IS
'lifecycle stage of the customer by the model, from repeat transactions and days since the last and the first';

-- orders to come

-- Purchases of a live customer of the beta-geometric family in the time t, each discounted at the rate delta.
-- Without discount the closed form of the literature, or, where it would cancel, the sum over j of pi_j W_j, all terms
-- of which are positive (pi: negative binomial, W: dropout), or, where that is long, the mean over p of
-- (1 - (1 + p t / A)^-n) / p. A discounted sum is
-- e^(-delta t) E(t) + delta times the integral of e^(-delta s) E(s), by 8 points on panels of
-- ln(1 + s / scale), the time in which half of the customers leave being about the scale. It ends where an
-- order counts e^-40: panels beyond would be as wide as what counts.
CREATE FUNCTION beta_geometric_orders(n double precision, age double precision, a double precision, b double precision,
	t double precision, delta double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 3000 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	one CONSTANT double precision := 1;
	nodes CONSTANT double precision[] := '{0.1834346424956498,0.5255324099163290,0.7966664774136267,0.9602898564975363}';
	weights CONSTANT double precision[] := '{0.3626837833783620,0.3137066458778873,0.2223810344533745,0.1012285362903763}';
	panels integer := 0; points integer; node integer; scale double precision; half double precision; u double precision;
	s double precision; share double precision; tau double precision; growth double precision; z double precision; result double precision := 0; orders double precision;
	expected double precision; sd double precision; pi double precision; omega double precision; w double precision; j double precision; over double precision;
	first double precision; norm double precision; scaled boolean;
	centre double precision; width double precision; top double precision; v double precision; last double precision; y double precision; p double precision; g double precision;
	ln_p double precision; ln_q double precision; ln_weight double precision; weight double precision; total double precision;
BEGIN
	IF n IS NULL OR age IS NULL OR a IS NULL OR b IS NULL OR t IS NULL OR delta IS NULL THEN
		RETURN NULL;
	END IF;
	IF NOT t > 0 THEN
		RETURN 0;
	END IF;
	-- a discount too small to affect the result is none
	IF delta * t > 1e-17 THEN
		t := least(t, 40 / delta);
		scale := age / greatest(one, n * a / (a + b));
		panels := ceil(greatest(ln(one + t / scale) / 0.75, delta * t / 2))::integer;
		half := 0.5 * ln(one + t / scale) / panels;
	END IF;
	points := 8 * panels;
	FOR node IN 0 .. points LOOP
		IF node = 0 THEN
			s := t; share := exp(-delta * t);
		ELSE
			-- the nodes are symmetric; from 1: panel, sign, place
			u := half * (2 * ((node - 1) / 8) + one + CASE WHEN (node - 1) % 2 = 0 THEN one ELSE -one END * nodes[((node - 1) % 8) / 2 + 1]);
			s := scale * (exp(u) - one);
			share := half * weights[((node - 1) % 8) / 2 + 1] * delta * (scale + s) * exp(-delta * s);
		END IF;
		tau := s / age;
		growth := CASE WHEN tau > 0.5 THEN ln(one + tau) ELSE 2 * atanh(tau / (2 + tau)) END;
		z := s / (age + s);
		expected := n * tau;
		sd := sqrt(expected * (one + tau));
		IF tau < 1e-12 THEN
			orders := expected;
		ELSE
			orders := NULL;
		END IF;
		-- the closed form, 1 - (1 + tau)^-n 2F1(n, b; a + b - 1; z), where its difference keeps its digits
		IF orders IS NULL AND abs(a - one) > 0.001 AND a + b > 1.001 AND n * growth < 600 THEN
			w := exp(-n * growth);
			pi := w; j := 0; omega := a + b - one;
			WHILE pi * (one + tau) > 1e-16 * w OR j < expected LOOP
				pi := pi * (z * (n + j) * (b + j) / ((omega + j) * (j + one)));
				w := w + pi;
				j := j + one;
				-- terms that leave the range of numbers before they count no more are for the sum below
				IF pi < 1e-280 THEN j := 2001; END IF;
				EXIT WHEN j > 2000;
			END LOOP;
			IF abs(one - w) > 0.0001 AND w < 1000 AND j <= 2000 THEN
				orders := omega / (a - one) * (one - w);
			END IF;
		END IF;
		IF orders IS NOT NULL THEN
			NULL;
		ELSIF expected + 14 * sd + 40 / ln(one + one / tau) <= 500 THEN
			omega := one; w := 0; j := 0; orders := 0; norm := one;
			scaled := n * growth > 600;
			IF scaled THEN
				-- begin where the probabilities do, and scale them by their sum
				first := greatest(0, floor(expected - 14 * sd - 20));
				WHILE j < first LOOP
					w := w + omega;
					omega := CASE WHEN omega > 1e-280 THEN omega * ((b + j) / (a + b + j)) ELSE 0 END;
					j := j + one;
				END LOOP;
				pi := one; norm := 0;
			ELSE
				pi := exp(-n * growth);
			END IF;
			LOOP
				orders := orders + pi * w;
				IF scaled THEN norm := norm + pi; END IF;
				w := w + omega;
				over := a + b + j;
				-- what is added to one or more does not matter when it is so small
				omega := CASE WHEN omega > 1e-280 THEN omega * ((b + j) / over) ELSE 0 END;
				pi := pi * (z * (n + j) / (j + one));
				j := j + one;
				EXIT WHEN j > expected AND (pi < 1e-280 OR pi * (one + tau) * w <= 1e-17 * orders);
			END LOOP;
			orders := orders / norm;
		ELSE
			centre := ln(a / b);
			width := least(one, sqrt(one / a + one / b));
			top := -a * ln(one + exp(-centre)) - b * ln(one + exp(centre));
			total := 0; orders := 0;
			-- as far as the weight is above e^-60: p^a below the centre, (1 - p)^b above it
			y := (60 + b * ln(one + exp(centre))) / a + ln(one + exp(-centre));
			v := asinh((-(y + ln(one - exp(-least(y, 700)))) - centre) / width);
			y := (60 + a * ln(one + exp(-centre))) / b + ln(one + exp(centre));
			last := asinh((y + ln(one - exp(-least(y, 700))) - centre) / width);
			WHILE v <= last LOOP
				y := centre + width * sinh(v);
				ln_p := CASE WHEN y > -600 THEN -ln(one + exp(-least(y, 600))) ELSE y END;
				ln_q := CASE WHEN y < 600 THEN -ln(one + exp(greatest(y, -600))) ELSE -y END;
				ln_weight := a * ln_p + b * ln_q - top + ln(cosh(v));
				IF ln_weight > -60 THEN
					weight := exp(ln_weight);
					total := total + weight;
					IF ln_p + ln(tau) < -400 THEN
						orders := orders + weight * expected;
					ELSE
						p := exp(ln_p);
						g := n * CASE WHEN p * tau > 0.5 THEN ln(one + p * tau) ELSE 2 * atanh(p * tau / (2 + p * tau)) END;
						orders := orders + weight * CASE WHEN g > 600 THEN one ELSE 2 * sinh(g / 2) * exp(-g / 2) END / p;
					END IF;
				END IF;
				v := v + 0.015625;
			END LOOP;
			orders := orders / total;
		END IF;
		result := result + share * orders;
	END LOOP;
	RETURN result;
END $$;
COMMENT ON FUNCTION beta_geometric_orders(double precision, double precision, double precision, double precision, double precision, double precision) IS 'internal: expected purchases of a live customer of BG/NBD and MBG/NBD; Fader, Hardie & Lee (2005), eq. (9)';

-- Pareto/NBD: the mean rate of buying, n / age_buying, times the integral of e^(-delta y) (1 + y / age_leaving)^-s.
CREATE FUNCTION pareto_orders(n double precision, age double precision, s double precision, leaving_age double precision,
	t double precision, delta double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 300 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	one CONSTANT double precision := 1;
	nodes CONSTANT double precision[] := '{0.1834346424956498,0.5255324099163290,0.7966664774136267,0.9602898564975363}';
	weights CONSTANT double precision[] := '{0.3626837833783620,0.3137066458778873,0.2223810344533745,0.1012285362903763}';
	tau double precision; growth double precision; q double precision; panels integer; half double precision; u double precision; exponent double precision; result double precision := 0;
BEGIN
	IF n IS NULL OR age IS NULL OR s IS NULL OR leaving_age IS NULL OR t IS NULL OR delta IS NULL THEN
		RETURN NULL;
	END IF;
	IF NOT t > 0 THEN
		RETURN 0;
	END IF;
	tau := t / leaving_age;
	growth := CASE WHEN tau > 0.5 THEN ln(one + tau) ELSE 2 * atanh(tau / (2 + tau)) END;
	q := s - one;
	IF NOT delta * t > 1e-17 THEN
		RETURN n / age * leaving_age * CASE WHEN q = 0 THEN growth WHEN abs(q * growth) > 600 AND q > 0 THEN one / q
			ELSE 2 * sinh(q * growth / 2) * exp(-q * growth / 2) / q END;
	END IF;
	-- beyond e^-700 there is nothing to add up
	growth := least(growth, 700 / greatest(q, one), ln(one + 700 / (delta * leaving_age)));
	panels := ceil(greatest(growth * greatest(one, abs(q) / 4), least(delta * t, 700) / 2))::integer;
	half := 0.5 * growth / panels;
	FOR node IN 0 .. 8 * panels - 1 LOOP
		u := half * (2 * (node / 8) + one + CASE WHEN node % 2 = 0 THEN one ELSE -one END * nodes[(node % 8) / 2 + 1]);
		exponent := q * u + delta * leaving_age * CASE WHEN u > 0.5 THEN exp(u) - one ELSE 2 * sinh(u / 2) * exp(u / 2) END;
		result := result + CASE WHEN exponent < 600 THEN half * weights[(node % 8) / 2 + 1] * exp(-exponent) ELSE 0 END;
	END LOOP;
	RETURN n / age * leaving_age * result;
END $$;
COMMENT ON FUNCTION pareto_orders(double precision, double precision, double precision, double precision, double precision, double precision) IS 'internal: expected purchases of a live customer of Pareto/NBD; Schmittlein, Morrison & Colombo (1987)';

-- of a customer who is alive; times in days, delta per day
CREATE FUNCTION orders_if_alive(repeat_count double precision, tenure_days double precision, model clv_model,
	horizon_days double precision, delta double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE model_name(model)
	WHEN 'pareto/nbd' THEN pareto_orders((model #>> '{timing,r}')::double precision + repeat_count,
		(model #>> '{timing,alpha}')::double precision * unit_days(model) + tenure_days, (model #>> '{timing,s}')::double precision,
		(model #>> '{timing,beta}')::double precision * unit_days(model) + tenure_days, horizon_days, delta)
	WHEN 'bg/nbd' THEN beta_geometric_orders((model #>> '{timing,r}')::double precision + repeat_count,
		(model #>> '{timing,alpha}')::double precision * unit_days(model) + tenure_days, (model #>> '{timing,a}')::double precision,
		(model #>> '{timing,b}')::double precision + repeat_count, horizon_days, delta)
	WHEN 'mbg/nbd' THEN beta_geometric_orders((model #>> '{timing,r}')::double precision + repeat_count,
		(model #>> '{timing,alpha}')::double precision * unit_days(model) + tenure_days, (model #>> '{timing,a}')::double precision,
		(model #>> '{timing,b}')::double precision + (repeat_count + 1::double precision), horizon_days, delta)
	ELSE not_scored(model) END;
COMMENT ON FUNCTION orders_if_alive(double precision, double precision, clv_model, double precision, double precision) IS 'internal: expected orders of a customer who has not left';

CREATE FUNCTION expected_transactions(repeat_count double precision, recency_days double precision, tenure_days double precision,
	model clv_model, horizon_days integer DEFAULT 365) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN scorable(repeat_count, recency_days, tenure_days) AND usable(model) AND horizon_days IS NOT NULL THEN
	alive_prob(repeat_count, recency_days, tenure_days, model)
	* orders_if_alive(repeat_count, tenure_days, model, horizon(horizon_days), 0::double precision) END;
COMMENT ON FUNCTION expected_transactions(double precision, double precision, double precision, clv_model, integer) IS
'expected number of transactions in the next so many days, from plain numbers';

CREATE FUNCTION order_prob(repeat_count double precision, recency_days double precision, tenure_days double precision,
	model clv_model, horizon_days integer DEFAULT 365) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN scorable(repeat_count, recency_days, tenure_days) AND usable(model) AND horizon_days IS NOT NULL THEN
	alive_prob(repeat_count, recency_days, tenure_days, model)
	* CASE WHEN model_name(model) = 'pareto/nbd' THEN
		-- to buy before leaving, less doing so only after the horizon
		rings_first((model #>> '{timing,r}')::double precision + repeat_count, (model #>> '{timing,s}')::double precision,
			((model #>> '{timing,alpha}')::double precision * unit_days(model) + tenure_days)
			/ ((model #>> '{timing,beta}')::double precision * unit_days(model) + tenure_days))
		- exp(-least(600::double precision, silence((model #>> '{timing,r}')::double precision + repeat_count,
				(model #>> '{timing,alpha}')::double precision * unit_days(model) + tenure_days, horizon(horizon_days), horizon(horizon_days))
			+ silence((model #>> '{timing,s}')::double precision, (model #>> '{timing,beta}')::double precision * unit_days(model) + tenure_days,
				horizon(horizon_days), horizon(horizon_days))))
		* rings_first((model #>> '{timing,r}')::double precision + repeat_count, (model #>> '{timing,s}')::double precision,
			((model #>> '{timing,alpha}')::double precision * unit_days(model) + (tenure_days + horizon(horizon_days)))
			/ ((model #>> '{timing,beta}')::double precision * unit_days(model) + (tenure_days + horizon(horizon_days))))
	ELSE 1::double precision - exp(-least(600::double precision, silence((model #>> '{timing,r}')::double precision + repeat_count,
			(model #>> '{timing,alpha}')::double precision * unit_days(model) + tenure_days, horizon(horizon_days), horizon(horizon_days)))) END
	END;
COMMENT ON FUNCTION order_prob(double precision, double precision, double precision, clv_model, integer) IS
'probability, 0 to 1, of at least one order in the next so many days, from plain numbers';

-- gamma-gamma: Fader & Hardie (2013)
CREATE FUNCTION expected_transaction_value(repeat_count double precision, avg_value double precision, model clv_model) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN repeat_count >= 0::double precision AND repeat_count < 'infinity'::double precision
		AND (model #>> '{spend,p}')::double precision * repeat_count + (model #>> '{spend,q}')::double precision > 1::double precision THEN
	CASE WHEN repeat_count = 0::double precision THEN
		(model #>> '{spend,p}')::double precision * (model #>> '{spend,gamma}')::double precision
		/ ((model #>> '{spend,q}')::double precision - 1::double precision)
	WHEN avg_value > 0::double precision AND avg_value < 'infinity'::double precision THEN
		(model #>> '{spend,p}')::double precision * ((model #>> '{spend,gamma}')::double precision + avg_value * repeat_count)
		/ ((model #>> '{spend,p}')::double precision * repeat_count + (model #>> '{spend,q}')::double precision - 1::double precision) END
	END;
COMMENT ON FUNCTION expected_transaction_value(double precision, double precision, clv_model) IS
'expected amount of a transaction, from repeat transactions and their mean amount';

CREATE FUNCTION clv_estimate(repeat_count double precision, recency_days double precision, tenure_days double precision,
	avg_value double precision, model clv_model, horizon_days integer DEFAULT 365, annual_discount double precision DEFAULT 0.10,
	margin double precision DEFAULT 1.0) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN scorable(repeat_count, recency_days, tenure_days) AND usable(model) AND horizon_days IS NOT NULL
		AND annual_discount IS NOT NULL AND margin IS NOT NULL THEN
	expected_transaction_value(repeat_count, avg_value, model) * alive_prob(repeat_count, recency_days, tenure_days, model)
	* CASE WHEN margin > '-infinity'::double precision AND margin < 'infinity'::double precision THEN margin
		ELSE refuse('margin must be finite, but is ' || margin::text, '0.25 is a quarter of the amounts.')::double precision END
	* orders_if_alive(repeat_count, tenure_days, model, horizon(horizon_days),
		CASE WHEN annual_discount >= 0::double precision AND annual_discount < 'infinity'::double precision
			THEN 2::double precision * atanh(annual_discount / (2::double precision + annual_discount)) / 365::double precision
			ELSE refuse('annual_discount must not be negative, but is ' || annual_discount::text, '0.10 is ten per cent a year.')::double precision END) END;
COMMENT ON FUNCTION clv_estimate(double precision, double precision, double precision, double precision, clv_model, integer, double precision, double precision) IS
'expected value of the next so many days, from plain numbers';

-- RFM

-- Where each score begins: see src/rfm/rfm.h. The aggregate of customer_centric is a function of three arrays
-- here: rfm_cuts(array_agg(recency_days), array_agg(order_count), array_agg(total_spend)).
CREATE FUNCTION rfm_cuts(recency_days integer[], frequency bigint[], monetary double precision[], levels integer DEFAULT 5) RETURNS rfm_cuts
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 100000 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	r integer[]; f bigint[]; m double precision[];
	cuts_r integer[] := '{}'; cuts_f bigint[] := '{}'; cuts_m double precision[] := '{}';
	customers bigint; with_money bigint; k integer;
BEGIN
	IF levels IS NULL OR levels < 2 OR levels > 10 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'levels must be between 2 and 10, not ' || coalesce(levels::text, 'NULL');
	END IF;
	-- customers of unknown recency or frequency are left out, those of unknown monetary value count in the other two
	SELECT array_agg(v.r ORDER BY v.r), array_agg(v.f ORDER BY v.f),
		array_agg(v.m ORDER BY v.m) FILTER (WHERE v.m > '-infinity' AND v.m < 'infinity'), count(*),
		count(*) FILTER (WHERE v.m > '-infinity' AND v.m < 'infinity')
	INTO r, f, m, customers, with_money
	FROM unnest(recency_days, frequency, monetary) AS v(r, f, m)
	WHERE v.r IS NOT NULL AND v.f IS NOT NULL;
	IF customers = 0 THEN
		RETURN NULL;
	END IF;
	FOR k IN 1 .. levels - 1 LOOP
		cuts_r := cuts_r || r[((levels - k) * customers + levels - 1) / levels] + 1;
		cuts_f := cuts_f || f[(k * customers + levels - 1) / levels];
		cuts_m := cuts_m || coalesce(m[(k * with_money + levels - 1) / levels], 0);
	END LOOP;
	RETURN jsonb_build_object('levels', levels, 'customers', customers,
		'recency', jsonb_build_object('cuts', to_jsonb(cuts_r), 'effective_levels',
			(SELECT count(DISTINCT c) FROM unnest(cuts_r) AS c) + (r[customers] >= cuts_r[1])::integer),
		'frequency', jsonb_build_object('cuts', to_jsonb(cuts_f), 'effective_levels',
			(SELECT count(DISTINCT c) FROM unnest(cuts_f) AS c) + (f[customers] > cuts_f[levels - 1])::integer),
		'monetary', jsonb_build_object('cuts', to_jsonb(cuts_m), 'effective_levels',
			(SELECT count(DISTINCT c) FROM unnest(cuts_m) AS c) + coalesce(m[with_money] > cuts_m[levels - 1], false)::integer));
END $$;
COMMENT ON FUNCTION rfm_cuts(integer[], bigint[], double precision[], integer) IS
'cut points of 2 to 10 levels from array_agg() of each value; customers of unknown recency or frequency are left out, and those of unknown monetary value count in the other two';

CREATE FUNCTION rfm_cut_list(cuts rfm_cuts, dimension text) RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN string_to_array(btrim(cuts -> dimension ->> 'cuts', '[]'), ', ')::double precision[];
COMMENT ON FUNCTION rfm_cut_list(rfm_cuts, text) IS 'internal: the cut points of a dimension';

-- 1 + the cuts below a value: width_bucket() counts those up to it
CREATE FUNCTION rfm_digit(value double precision, cuts rfm_cuts, dimension text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substr('123456789A', 1 + width_bucket(value, rfm_cut_list(cuts, dimension))
	- cardinality(array_positions(rfm_cut_list(cuts, dimension), value)), 1);
COMMENT ON FUNCTION rfm_digit(double precision, rfm_cuts, text) IS 'internal: the score of a frequency or a monetary value';

-- 1 + the cuts above a recency. These are whole and fall, so their negatives up to -recency - 1 are counted.
CREATE FUNCTION rfm_recency_digit(value integer, cuts rfm_cuts) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substr('123456789A', 1 + width_bucket(-(value::double precision) - 1::double precision, string_to_array(
	replace('-' || replace(btrim(cuts #>> '{recency,cuts}', '[]'), ', ', ', -'), '--', ''), ', ')::double precision[]), 1);
COMMENT ON FUNCTION rfm_recency_digit(integer, rfm_cuts) IS 'internal: the score of a recency';

CREATE FUNCTION rfm_score(recency_days integer, frequency bigint, monetary double precision, cuts rfm_cuts) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	-- five levels, of which most have to look at two cut points only
	WHEN cuts ->> 'levels' = '5' THEN
		CASE WHEN recency_days < (cuts #>> '{recency,cuts,2}')::double precision THEN
				CASE WHEN recency_days < (cuts #>> '{recency,cuts,3}')::double precision THEN '5' ELSE '4' END
			WHEN recency_days < (cuts #>> '{recency,cuts,1}')::double precision THEN '3'
			WHEN recency_days < (cuts #>> '{recency,cuts,0}')::double precision THEN '2' WHEN recency_days IS NOT NULL THEN '1' END
		|| CASE WHEN frequency > (cuts #>> '{frequency,cuts,2}')::double precision THEN
				CASE WHEN frequency > (cuts #>> '{frequency,cuts,3}')::double precision THEN '5' ELSE '4' END
			WHEN frequency > (cuts #>> '{frequency,cuts,1}')::double precision THEN '3'
			WHEN frequency > (cuts #>> '{frequency,cuts,0}')::double precision THEN '2' WHEN frequency IS NOT NULL THEN '1' END
		|| CASE WHEN cuts #>> '{monetary,effective_levels}' = '1' THEN '-'
			WHEN (monetary > '-infinity'::double precision AND monetary < 'infinity'::double precision) IS NOT TRUE THEN '-'
			WHEN monetary > (cuts #>> '{monetary,cuts,2}')::double precision THEN
				CASE WHEN monetary > (cuts #>> '{monetary,cuts,3}')::double precision THEN '5' ELSE '4' END
			WHEN monetary > (cuts #>> '{monetary,cuts,1}')::double precision THEN '3'
			WHEN monetary > (cuts #>> '{monetary,cuts,0}')::double precision THEN '2' ELSE '1' END
	ELSE rfm_recency_digit(recency_days, cuts) || rfm_digit(frequency::double precision, cuts, 'frequency')
		|| CASE WHEN cuts #>> '{monetary,effective_levels}' = '1' THEN '-'
			WHEN (monetary > '-infinity'::double precision AND monetary < 'infinity'::double precision) IS NOT TRUE THEN '-' ELSE rfm_digit(monetary, cuts, 'monetary') END
		|| '/' || (cuts ->> 'levels') END;
COMMENT ON FUNCTION rfm_score(integer, bigint, double precision, rfm_cuts) IS
'scores of a customer by given cut points: ''545'', one character each for recency, frequency and monetary value, the highest is best (A is 10); - where all spend the same, or what this customer spent is not known; with other than five levels followed by their number, ''333/3''; NULL where recency or frequency is not known';

-- segments

CREATE FUNCTION not_a_score(score text, levels integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000
RETURN CASE WHEN score IS NOT NULL THEN refuse(
	CASE WHEN levels < 2 OR levels > 10 THEN 'levels must be between 2 and 10, not ' || levels::text
		WHEN levels IS NOT NULL AND score ~ '^..[^/]/' AND levels::text <> split_part(score, '/', 2)
		THEN 'score "' || score || '" has ' || split_part(score, '/', 2) || ' levels, but levels are said to be ' || levels::text
		ELSE '"' || score || '" is not a score of ' || coalesce(levels::text, nullif(split_part(score, '/', 2), ''), '5') || ' levels' END,
	'The built-in segments are for scores of 5, 4 or 3 levels: "545", "54-", "444/4", "333/3".') END;
COMMENT ON FUNCTION not_a_score(text, integer) IS 'internal: says what is wrong with a score';

-- The built-in rules of src/segments/segments.c, a letter for each code in the order of r, f and m (-, 1, 2, ...).
CREATE FUNCTION segment_of(score text, levels integer DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE CASE
	WHEN score ~ '^[1-5][1-5][-1-5](/5)?$' AND (levels = 5 OR levels IS NULL) THEN substr(
		'OOOOHHHOOORRRHHRRRRRRRKKKRRRKKHHHHHHHHHHRRRHHRRRRRRRKKKRRRKKSSSSWWWSSWWWWSSWWWLLLLLLLLLLLLIIIIIIPPPPPPPPPPLLLLLLCCCLLLCCNNNNNNPPPPPPPPPPLLLLLLCCCLLLCC',
		(substr(score, 1, 1)::integer - 1) * 30 + (substr(score, 2, 1)::integer - 1) * 6 + position(substr(score, 3, 1) IN '-12345'), 1)
	WHEN score ~ '^[1-4][1-4][-1-4]/4$' AND (levels = 4 OR levels IS NULL) OR score ~ '^[1-4][1-4][-1-4]$' AND levels = 4 THEN substr(
		'OOOOHHHHHRRHHRRKRRKKSSSSWWSSWWWSSWWLLLLLIIIIIPPPPPLPPLLCLLCCNNNNNPPPPPLPPLLCLLCC',
		(substr(score, 1, 1)::integer - 1) * 20 + (substr(score, 2, 1)::integer - 1) * 5 + position(substr(score, 3, 1) IN '-1234'), 1)
	WHEN score ~ '^[1-3][1-3][-1-3]/3$' AND (levels = 3 OR levels IS NULL) OR score ~ '^[1-3][1-3][-1-3]$' AND levels = 3 THEN substr(
		'OOOHHHHRKRRKSSSWWSWWLLLLNNNNPPPLCLLC',
		(substr(score, 1, 1)::integer - 1) * 12 + (substr(score, 2, 1)::integer - 1) * 4 + position(substr(score, 3, 1) IN '-123'), 1)
	END
	WHEN 'C' THEN 'Champions' WHEN 'L' THEN 'Loyal' WHEN 'P' THEN 'Potential loyalists' WHEN 'N' THEN 'New' WHEN 'I' THEN 'Promising'
	WHEN 'W' THEN 'Need attention' WHEN 'S' THEN 'About to sleep' WHEN 'R' THEN 'At risk' WHEN 'K' THEN 'Can''t lose them'
	WHEN 'H' THEN 'Hibernating' WHEN 'O' THEN 'Lost' ELSE not_a_score(score, levels) END;
COMMENT ON FUNCTION segment_of(text, integer) IS
'segment of a score by the built-in rules for its levels, 3, 4 or 5 (levels says how many, if the score does not and they are not five): Champions, Loyal, Potential loyalists, New, Promising, Need attention, About to sleep, At risk, Can''t lose them, Hibernating, Lost';

CREATE FUNCTION segment_of(score text, rules segment_rules) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 300 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	most integer := coalesce((rules ->> 'levels')::integer, 5);
	given integer; r integer; f integer; m integer; found text;
BEGIN
	IF score IS NULL OR rules IS NULL THEN
		RETURN NULL;
	END IF;
	given := CASE WHEN score ~ '^[1-9A][1-9A][-1-9A]$' THEN 5 WHEN score ~ '^[1-9A][1-9A][-1-9A]/([2-9]|10)$' THEN split_part(score, '/', 2)::integer END;
	r := position(substr(score, 1, 1) IN '123456789A');
	f := position(substr(score, 2, 1) IN '123456789A');
	m := position(substr(score, 3, 1) IN '123456789A');
	IF given IS NULL OR greatest(r, f, m) > given THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = '"' || left(score, 60) || '" is not a score of ' || coalesce(given, 5) || ' levels',
			HINT = 'Scores of five levels look like "545" or, without a monetary score, "54-"; of other levels like "333/3" or "A93/10".';
	ELSIF given <> most THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'score "' || score || '" has ' || given || ' levels, but the rules are for ' || most,
			HINT = 'The levels of rfm_cuts, rfm_score and segment_rules must be the same.';
	END IF;
	-- of the rules that cover it the one that covers the fewest codes, among equals the first by name; a score of 0 is none
	SELECT v.rule ->> 'segment' INTO found
	FROM jsonb_array_elements(rules -> 'rules') AS v(rule),
		LATERAL (SELECT coalesce((rule #>> '{r,0}')::integer, 1), coalesce((rule #>> '{r,1}')::integer, most),
			coalesce((rule #>> '{f,0}')::integer, 1), coalesce((rule #>> '{f,1}')::integer, most),
			coalesce((rule #>> '{m,0}')::integer, 0), coalesce((rule #>> '{m,1}')::integer, most)) AS l(r0, r1, f0, f1, m0, m1)
	WHERE r BETWEEN r0 AND r1 AND f BETWEEN f0 AND f1 AND m BETWEEN m0 AND m1
	ORDER BY (r1 - r0 + 1) * (f1 - f0 + 1) * (m1 - m0 + 1), v.rule ->> 'segment' COLLATE "C" LIMIT 1;
	RETURN found;
END $$;
COMMENT ON FUNCTION segment_of(text, segment_rules) IS
'segment of a score by your own rules: of those that cover it the one that covers the fewest codes, among equals the first by name; NULL if none does';

-- deciles and cohorts: plain views over an orders table

CREATE FUNCTION make_customer_audit(default_schema name, name_prefix text, orders regclass, customer_id name, ordered_at name, amount name,
	profit name, grain text, since date, until date, order_id name, replace boolean) RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 100000 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	parts text[] := parse_ident(name_prefix);
	deciles text; cohorts text; made text; columns name[]; lines text; source text; step interval;
BEGIN
	IF num_nulls(name_prefix, orders, customer_id, ordered_at, amount, replace) > 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'name_prefix, orders, customer_id, ordered_at, amount and replace must not be NULL';
	ELSIF current_setting('transaction_read_only')::boolean THEN
		RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
			MESSAGE = 'cannot execute create_customer_audit in a read-only transaction', HINT = 'It makes views.';
	ELSIF profit IS NOT NULL OR since IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'feature_not_supported', MESSAGE = 'profit and since need the C extension';
	ELSIF grain IS NULL OR grain NOT IN ('week', 'month', 'quarter', 'year') THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'there is no grain "' || coalesce(grain, 'NULL') || '"', HINT = 'It is week, month, quarter or year.';
	ELSIF cardinality(parts) > 2 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_name', MESSAGE = 'name_prefix must be a name, or a schema and a name';
	END IF;
	IF cardinality(parts) = 1 THEN
		parts := ARRAY[default_schema::text, parts[1]];
	END IF;
	deciles := format('%I.%I', parts[1], parts[2] || '_deciles');
	cohorts := format('%I.%I', parts[1], parts[2] || '_cohorts');
	-- Only views of this function's making give way, and these only if they are to.
	FOR made, columns IN SELECT * FROM (VALUES
		(deciles, '{decile,customers,orders,spend,share_customers,share_orders,share_spend,aof,aov,low_value,high_value}'::name[]),
		(cohorts, '{cohort,cohort_start,cohort_size,age,active,share_active,orders,spend,spend_per_customer,second_order_customers}')) AS v
	LOOP
		CONTINUE WHEN to_regclass(made) IS NULL;
		columns := CASE WHEN columns = (SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
			WHERE c.oid = to_regclass(made) AND c.relkind = 'v' AND a.attnum > 0) THEN columns END;
		IF NOT replace THEN
			RAISE EXCEPTION USING ERRCODE = 'duplicate_table', MESSAGE = 'relation ' || made || ' already exists',
				HINT = CASE WHEN columns IS NOT NULL THEN 'replace => true puts the new view in its place.' ELSE 'Take another name.' END;
		ELSIF columns IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'wrong_object_type', MESSAGE = made || ' was not made by create_customer_audit, and is not replaced',
				HINT = 'Take another name, or drop it yourself.';
		END IF;
	END LOOP;
	step := CASE grain WHEN 'week' THEN interval '7 days' WHEN 'month' THEN interval '1 month' WHEN 'quarter' THEN interval '3 months' ELSE interval '1 year' END;

	-- Names in these texts are looked up in pg_catalog, which is all of search_path here. An amount below zero is
	-- given back: it is no order, but counts as spend. Amounts are added exactly, whatever order they come in.
	lines := format($q$SELECT o.%1$I AS customer, o.%2$I::date AS day, o.%3$I::numeric AS amount
		FROM %4$s AS o WHERE o.%1$I IS NOT NULL AND o.%2$I IS NOT NULL$q$, customer_id, ordered_at, amount, orders);
	IF order_id IS NULL THEN
		lines := format($q$%s AND o.%I IS NOT NULL$q$, lines, amount);
	ELSE
		-- Lines with one order_id are one order, of the day of the first; a line without one is an order of its own.
		lines := format($q$SELECT o.%1$I AS customer, min(o.%2$I::date) AS day, sum(o.%3$I::numeric) AS amount
		FROM %4$s AS o WHERE o.%1$I IS NOT NULL AND o.%2$I IS NOT NULL AND o.%5$I IS NOT NULL
		GROUP BY o.%1$I, o.%5$I HAVING count(o.%3$I) > 0
		UNION ALL
		%6$s AND o.%5$I IS NULL AND o.%3$I IS NOT NULL$q$, customer_id, ordered_at, amount, orders, order_id, lines);
	END IF;
	source := format($q$lines AS MATERIALIZED (
		%s),
	days AS MATERIALIZED (SELECT %s AS until)$q$, lines,
		CASE WHEN until IS NOT NULL THEN format('%L::date', until) ELSE '(SELECT max(day) FILTER (WHERE amount >= 0) + 1 FROM lines)' END);

	EXECUTE format($q$CREATE OR REPLACE VIEW %s AS WITH %s,
	totals AS MATERIALIZED (
		SELECT customer, count(*) FILTER (WHERE amount >= 0) AS orders, sum(amount) AS spend
		FROM lines CROSS JOIN days
		WHERE day < until AND day >= (until - interval '1 year')::date
		GROUP BY customer),
	customers AS (SELECT customer, orders, spend FROM totals WHERE orders > 0),
	tiled AS (SELECT ntile(10) OVER (ORDER BY spend DESC, orders DESC) AS decile, orders, spend FROM customers),
	whole AS (SELECT count(*) AS customers, sum(orders) AS orders, sum(spend) AS spend FROM customers)
	SELECT d.decile, count(t.decile) AS customers, coalesce(sum(t.orders), 0)::bigint AS orders,
		coalesce(sum(t.spend), 0)::double precision AS spend,
		count(t.decile)::double precision / nullif(w.customers, 0)::double precision AS share_customers,
		coalesce(sum(t.orders), 0)::double precision / nullif(w.orders, 0)::double precision AS share_orders,
		coalesce(sum(t.spend), 0)::double precision / nullif(w.spend, 0)::double precision AS share_spend,
		sum(t.orders)::double precision / nullif(count(t.decile), 0)::double precision AS aof,
		sum(t.spend)::double precision / nullif(sum(t.orders), 0)::double precision AS aov,
		min(t.spend)::double precision AS low_value, max(t.spend)::double precision AS high_value
	FROM generate_series(1, 10) AS d(decile) CROSS JOIN whole AS w LEFT JOIN tiled AS t ON t.decile = d.decile
	GROUP BY d.decile, w.customers, w.orders, w.spend
	UNION ALL SELECT NULL, count(*), 0, sum(spend)::double precision, NULL, NULL, NULL, NULL, NULL, NULL, NULL
	FROM totals WHERE orders = 0 HAVING count(*) > 0
	ORDER BY decile$q$, deciles, source);
	EXECUTE format('COMMENT ON VIEW %s IS %L', deciles, 'the customers of the last twelve months in ten groups of equal size, the best first (lens 1); a last row without a decile counts those who had nothing but refunds in these months, if there are any');

	EXECUTE format($q$CREATE OR REPLACE VIEW %1$s AS WITH %2$s,
	bought AS (
		SELECT customer, day, date_trunc(%3$L, day::timestamp)::date AS period,
			count(*) FILTER (WHERE amount >= 0) AS orders, sum(amount) AS spend
		FROM lines CROSS JOIN days WHERE day < until GROUP BY customer, day),
	numbered AS (
		SELECT customer, period, orders, spend,
			min(period) FILTER (WHERE orders > 0) OVER (PARTITION BY customer) AS cohort_start,
			count(*) FILTER (WHERE orders > 0) OVER (PARTITION BY customer ORDER BY day) AS nth
		FROM bought),
	sizes AS (SELECT cohort_start, count(*) AS cohort_size FROM numbered WHERE nth = 1 AND orders > 0 GROUP BY cohort_start),
	cells AS (
		-- what was given back in a period before that of the first order belongs to no cohort
		SELECT cohort_start, period, count(DISTINCT customer) FILTER (WHERE orders > 0) AS active,
			sum(orders)::bigint AS orders, sum(spend) AS spend,
			count(*) FILTER (WHERE nth = 2 AND orders > 0) AS second_order_customers
		FROM numbered WHERE period >= cohort_start GROUP BY cohort_start, period)
	SELECT to_char(s.cohort_start::timestamp, %5$L) AS cohort, s.cohort_start, s.cohort_size, a.age, coalesce(c.active, 0) AS active,
		coalesce(c.active, 0)::double precision / s.cohort_size::double precision AS share_active,
		coalesce(c.orders, 0) AS orders, coalesce(c.spend, 0)::double precision AS spend,
		coalesce(c.spend, 0)::double precision / s.cohort_size::double precision AS spend_per_customer,
		coalesce(c.second_order_customers, 0) AS second_order_customers
	FROM sizes AS s CROSS JOIN days AS d
	CROSS JOIN LATERAL generate_series(s.cohort_start::timestamp, (d.until - 1)::timestamp, %4$L::interval) WITH ORDINALITY AS p(start, place)
	CROSS JOIN LATERAL (SELECT (p.place - 1)::integer) AS a(age)
	LEFT JOIN cells AS c ON c.cohort_start = s.cohort_start AND c.period = p.start::date
	-- a period that is not over is not in the data
	WHERE (p.start + %4$L::interval)::date <= d.until
	ORDER BY s.cohort_start, a.age$q$, cohorts, source, grain, step,
		CASE grain WHEN 'week' THEN 'YYYY-MM-DD' WHEN 'month' THEN 'YYYY-MM' WHEN 'quarter' THEN 'YYYY-"Q"Q' ELSE 'YYYY' END);
	EXECUTE format('COMMENT ON VIEW %s IS %L', cohorts, 'each cohort by age: what customers do in the ' || grain || 's after their first order (lenses 3 and 4); refunds in a ' || grain || ' before it are of no cohort, and are left out');
	RETURN ARRAY[deciles, cohorts];
END $$;
COMMENT ON FUNCTION make_customer_audit(name, text, regclass, name, name, name, name, text, date, date, name, boolean) IS 'internal: create_customer_audit';

CREATE FUNCTION create_customer_audit(name_prefix text, orders regclass, customer_id name, ordered_at name, amount name,
	profit name DEFAULT NULL, grain text DEFAULT 'quarter', since date DEFAULT NULL, until date DEFAULT NULL,
	order_id name DEFAULT NULL, replace boolean DEFAULT false) RETURNS text[]
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 100000
RETURN make_customer_audit(current_schema(), name_prefix, orders, customer_id, ordered_at, amount, profit, grain, since, until, order_id, replace);
COMMENT ON FUNCTION create_customer_audit(text, regclass, name, name, name, name, text, date, date, name, boolean) IS
'makes plain views over an orders table: name_prefix_deciles and name_prefix_cohorts; gives their names. profit and since need the C extension';

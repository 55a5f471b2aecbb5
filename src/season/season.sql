-- season: how the rate of all customers' purchases goes by the calendar

--@value season 1 1 double -- how the rate of all customers'' purchases goes by the calendar: factors, or the counts of which a fit makes them
COMMENT ON FUNCTION season_in(cstring) IS 'internal: text input, JSON: {"by": "month", "factors": [0.9, ...]} or {"by": "month", "counts": [120, ...]}, with "days": [["2025-11-28", 3]] for a table of days';

-- made by hand

CREATE FUNCTION season_of_factors(period text, factors double precision[], days date[] DEFAULT NULL,
	day_factors double precision[] DEFAULT NULL) RETURNS season
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION season_of_factors(text, double precision[], date[], double precision[]) IS
'a season of known factors by month (12), week (53), day (366) or year (1), divided by their mean over a year; days multiplies single days, such as movable holidays, by day_factors';

-- counted: histories to a season, seasons to a season

CREATE FUNCTION season_add(season, purchase_history, text) RETURNS season
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
CREATE FUNCTION season_add(season, purchase_history, text, date) RETURNS season
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
--@merge season 1

COMMENT ON FUNCTION season_add(season, purchase_history, text) IS 'internal: counts the repeat transactions of one customer';
COMMENT ON FUNCTION season_add(season, purchase_history, text, date) IS 'internal: counts the repeat transactions of one customer up to a day';

CREATE AGGREGATE season(history purchase_history, period text) (
--@aggregate season season_add 500
COMMENT ON AGGREGATE season(purchase_history, text) IS
'repeat transactions by month, week or day of the year: from them clv_fit(base, season => ...) estimates the season of the customers in the base';

CREATE AGGREGATE season(history purchase_history, period text, until date) (
--@aggregate season season_add 500
COMMENT ON AGGREGATE season(purchase_history, text, date) IS
'the same of the transactions up to a day, as customer_base(history, until) counts them';

--@rollup season season 500 -- merges the counts of different customers: regions, shards
--@union season -- the counts of both

-- readers

CREATE FUNCTION season_factors(season season, OUT slot integer, OUT begins text, OUT "on" date, OUT factor double precision,
	OUT transaction_count bigint) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 12 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION season_factors(season) IS
'the factors by slot, which begins on this month and day, with the repeat transactions that were counted; then those of single days';

CREATE FUNCTION season_factor(season season, day date) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'season_factor_on';
COMMENT ON FUNCTION season_factor(season, date) IS
'the factor of a day: 1 on an average day; NULL if the season has only counts, from which a fit is yet to be made';

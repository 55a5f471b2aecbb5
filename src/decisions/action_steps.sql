-- action_steps: one of several actions for each customer, within a budget for all

CREATE FUNCTION action_steps(costs double precision[], gains double precision[],
	OUT choice integer, OUT cost double precision, OUT gain double precision, OUT gain_per_cost double precision) RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION action_steps(double precision[], double precision[]) IS
'internal: of actions in order of their cost those that are best at some price of the budget, with what each costs and brings more than the one before';

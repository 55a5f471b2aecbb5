-- What is written without a type ('2026-01-01', NULL, $1) fits every function; which is meant must be clear. Each public
-- function is called with each of its arguments of a type of the server's in this way, and with all of them. The calls that
-- are not unique are these, and README says what to do; a new function that adds one should have another name or order.
CREATE TABLE ambiguous (call text, reason text);
DO $$ DECLARE f record; call text; arguments text[]; BEGIN
	FOR f IN SELECT p.proname, p.proargtypes::oid[] AS types, p.pronargs, p.pronargdefaults, a.given, a.untyped
		FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e',
			LATERAL (SELECT given, untyped FROM generate_series((p.pronargs - p.pronargdefaults)::int, p.pronargs::int) AS given, generate_series(0, given) AS untyped) AS a
		WHERE p.prokind IN ('f', 'a') AND NOT 'internal'::regtype = ANY (p.proargtypes) AND obj_description(p.oid, 'pg_proc') !~ '^internal'
	LOOP
		SELECT array_agg(CASE WHEN (f.untyped = 0 OR f.untyped = i) AND t.typnamespace = 'pg_catalog'::regnamespace THEN 'NULL'
			ELSE 'NULL::' || CASE WHEN t.oid = '"any"'::regtype THEN 'text' ELSE t.oid::regtype::text END END ORDER BY i) INTO arguments
		FROM unnest(f.types) WITH ORDINALITY AS u(type, i) JOIN pg_type AS t ON t.oid = u.type WHERE i <= f.given;
		call := format('%I(%s)', f.proname, array_to_string(arguments, ', '));
		CONTINUE WHEN NOT 'NULL' = ANY (arguments);
		BEGIN
			EXECUTE 'EXPLAIN SELECT ' || call;
		EXCEPTION
			WHEN ambiguous_function OR indeterminate_datatype OR undefined_function THEN INSERT INTO ambiguous VALUES (call, SQLERRM);
			WHEN OTHERS THEN NULL;	-- NULL is no argument for many
		END;
	END LOOP;
END $$;
SELECT call FROM ambiguous WHERE reason ~ 'is not unique' GROUP BY call ORDER BY call COLLATE "C";
SELECT call, reason FROM ambiguous WHERE reason !~ 'is not unique' GROUP BY call, reason ORDER BY call COLLATE "C";
DROP TABLE ambiguous;
-- A type for the argument that overloads differ in tells them apart.
SELECT pg_typeof(cohort_audit(h, 'month', '2026-01-01', date '2025-01-01')) FROM (SELECT NULL::purchase_history) AS x(h);
SELECT pg_typeof(cohort_audit(h, 'month', '2026-01-01', '{"orders": []}'::purchase_history)) FROM (SELECT NULL::purchase_history) AS x(h);
SELECT pg_typeof(customer_base(h, 'month', date '2026-01-01')) FROM (SELECT NULL::purchase_history) AS x(h);

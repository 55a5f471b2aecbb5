-- The last statement of the script. Bodies, defaults, aggregates, operators and casts were resolved by name when they were
-- made, and in a schema where other roles may create objects an exact match of theirs would have won. Such an
-- installation fails here. Everything in this statement has its schema for the same reason.

DO $do$
DECLARE
	stranger pg_catalog.text;
BEGIN
	WITH own AS (
		SELECT d.classid, d.objid FROM pg_catalog.pg_depend AS d
		WHERE d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char"
			AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid
			AND d.refobjid OPERATOR(pg_catalog.=) (SELECT e.oid FROM pg_catalog.pg_extension AS e
				WHERE e.extname OPERATOR(pg_catalog.=) 'customer_centric'::pg_catalog.name)
	), member AS (
		SELECT o.classid, o.objid FROM own AS o
		UNION ALL
		SELECT o.classid, t.typarray FROM own AS o JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) o.objid
		WHERE o.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid
		UNION ALL
		SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, c.reltype
		FROM own AS o JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) o.objid
		WHERE o.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
	)
	SELECT pg_catalog.concat(pg_catalog.pg_describe_object(d.classid, d.objid, 0), ' would use '::pg_catalog.text,
			pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0))
	INTO stranger
	FROM member AS m JOIN pg_catalog.pg_depend AS d ON d.classid OPERATOR(pg_catalog.=) m.classid AND d.objid OPERATOR(pg_catalog.=) m.objid
	WHERE d.deptype OPERATOR(pg_catalog.=) 'n'::pg_catalog."char"
		AND NOT (d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid)
		AND NOT (d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_language'::pg_catalog.regclass::pg_catalog.oid)
		AND NOT EXISTS (SELECT FROM member AS r
			WHERE r.classid OPERATOR(pg_catalog.=) d.refclassid AND r.objid OPERATOR(pg_catalog.=) d.refobjid)
	LIMIT 1;
	IF stranger IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = pg_catalog.concat('customer_centric cannot be installed here: '::pg_catalog.text, stranger),
			HINT = 'Install it into a schema in which no other role has created functions or operators: CREATE SCHEMA cc; CREATE EXTENSION customer_centric SCHEMA cc.';
	END IF;
END
$do$;

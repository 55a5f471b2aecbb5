-- Installation, and what every object of the extension owes its user.

CREATE EXTENSION customer_centric;

-- It can be moved to another schema, and is trusted: the owner of the database may install it.
SELECT extrelocatable, extversion = default_version AS current, trusted, superuser
FROM pg_extension e
JOIN pg_available_extensions a ON a.name = e.extname
JOIN pg_available_extension_versions v ON v.name = e.extname AND v.version = e.extversion
WHERE extname = 'customer_centric';

CREATE TEMP VIEW member AS
SELECT classid, objid, pg_describe_object(classid, objid, 0) AS object
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric');

-- Everything has a comment.
SELECT object FROM member WHERE obj_description(objid, classid::regclass::name) IS NULL
	-- array types and the families behind operator classes are made by the server
	AND object !~ '^type .*\[\]$'
ORDER BY object;

-- Every function says whether it is safe in a parallel query; only what creates a view, or runs a query over tables it is told of, is not.
SELECT p.oid::regprocedure FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.proparallel <> 's';

-- Nothing is volatile but what creates a view; only what reads the session's
-- time zone or the catalog is not immutable.
SELECT p.oid::regprocedure, p.provolatile
FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.provolatile <> 'i' AND p.prokind <> 'a'
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Aggregates: the state is a value of an ordinary type, there is a combine
-- function, and the planner is told how large a state is.
SELECT a.aggfnoid::regprocedure
FROM member m JOIN pg_aggregate a ON a.aggfnoid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE a.aggtranstype = 'internal'::regtype OR a.aggcombinefn = 0 OR a.aggtransspace <= 0
	OR a.aggfinalmodify <> 'r';

-- Every type can be compared, hashed, sent in binary and cast to jsonb.
SELECT t.typname, t.typsend <> 0 AND t.typreceive <> 0 AS binary,
	(SELECT count(*) FROM pg_opclass c WHERE c.opcintype = t.oid AND c.opcdefault) AS default_classes,
	(SELECT count(*) FROM pg_cast c WHERE c.castsource = t.oid AND c.casttarget = 'jsonb'::regtype) AS jsonb_casts
FROM member m JOIN pg_type t ON t.oid = m.objid AND m.classid = 'pg_type'::regclass
WHERE t.typelem = 0
ORDER BY t.typname;

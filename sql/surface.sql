-- The public surface. A name, an argument or a default that changes here changes for
-- everyone who has written it down: this list is the promise, kept by hand.

\pset format unaligned
\pset tuples_only on

CREATE TEMP VIEW member AS
SELECT classid, objid
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric');

CREATE TEMP VIEW value_type AS
SELECT t.oid AS type, t.typname::text AS name
FROM member AS m JOIN pg_type AS t ON t.oid = m.objid AND m.classid = 'pg_type'::regclass
WHERE t.typtype = 'b' AND t.typelem = 0;

-- What every type has: text and binary form, the cast to json, and what an index and a hash table need.
CREATE TEMP VIEW type_support AS
SELECT p.oid, v.name AS type, substr(p.proname, length(v.name) + 2) AS role
FROM member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
	JOIN value_type AS v ON p.proname = ANY (SELECT v.name || '_' || role
		FROM unnest('{in,out,recv,send,json,eq,ne,lt,le,gt,ge,cmp,hash,hash_extended}'::text[]) AS role);
SELECT type, string_agg(role, ' ' ORDER BY role COLLATE "C") FROM type_support GROUP BY type ORDER BY type COLLATE "C";

-- Functions and aggregates, with what they say of themselves.
SELECT CASE p.prokind WHEN 'a' THEN 'aggregate ' WHEN 'w' THEN 'window ' WHEN 'p' THEN 'procedure ' ELSE '' END || p.proname
	|| '(' || pg_get_function_arguments(p.oid) || ')' || coalesce(' -> ' || pg_get_function_result(p.oid), ''),
	concat_ws(', ', CASE WHEN p.prokind = 'a' THEN NULL ELSE
			CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END END,
		CASE WHEN p.proisstrict THEN 'strict' END,
		CASE p.proparallel WHEN 's' THEN 'parallel safe' WHEN 'r' THEN 'parallel restricted' ELSE 'parallel unsafe' END)
FROM member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.oid NOT IN (SELECT oid FROM type_support)
	AND obj_description(p.oid, 'pg_proc') NOT LIKE 'internal:%'
ORDER BY p.proname COLLATE "C", pg_get_function_arguments(p.oid) COLLATE "C";

-- What is marked internal belongs to an aggregate, an operator, an operator class, a cast or a type.
SELECT p.oid::regprocedure FROM member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE obj_description(p.oid, 'pg_proc') LIKE 'internal:%'
	AND NOT EXISTS (SELECT FROM pg_aggregate AS a WHERE p.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn))
	AND NOT EXISTS (SELECT FROM pg_operator AS o WHERE o.oprcode = p.oid)
	AND NOT EXISTS (SELECT FROM pg_amproc AS a WHERE a.amproc = p.oid)
	AND NOT EXISTS (SELECT FROM pg_type AS t WHERE p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend))
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Operators (each type has = <> < <= > >=, too), casts and operator classes.
SELECT v.name, string_agg(o.oprname, ' ' ORDER BY o.oprname COLLATE "C")
FROM member AS m JOIN pg_operator AS o ON o.oid = m.objid AND m.classid = 'pg_operator'::regclass
	JOIN value_type AS v ON v.type = o.oprleft AND v.type = o.oprright
GROUP BY v.name ORDER BY v.name COLLATE "C";
SELECT c.castsource::regtype || ' -> ' || c.casttarget::regtype AS "cast",
	CASE c.castcontext WHEN 'e' THEN 'explicit' WHEN 'a' THEN 'in assignments' ELSE 'implicit' END
FROM member AS m JOIN pg_cast AS c ON c.oid = m.objid AND m.classid = 'pg_cast'::regclass
ORDER BY c.castsource::regtype::text COLLATE "C", c.casttarget::regtype::text COLLATE "C";
SELECT v.name, string_agg(a.amname || CASE WHEN c.opcdefault THEN ' (default)' ELSE '' END, ', ' ORDER BY a.amname COLLATE "C")
FROM member AS m JOIN pg_opclass AS c ON c.oid = m.objid AND m.classid = 'pg_opclass'::regclass
	JOIN pg_am AS a ON a.oid = c.opcmethod JOIN value_type AS v ON v.type = c.opcintype
GROUP BY v.name ORDER BY v.name COLLATE "C";

-- Nothing else belongs to the extension.
SELECT classid::regclass, count(*) FROM member
WHERE NOT (classid = 'pg_proc'::regclass OR classid = 'pg_operator'::regclass OR classid = 'pg_cast'::regclass
	OR classid = 'pg_opclass'::regclass OR classid = 'pg_opfamily'::regclass
	OR (classid = 'pg_type'::regclass AND objid IN
		(SELECT type FROM value_type UNION ALL SELECT typarray FROM pg_type JOIN value_type ON type = oid)))
GROUP BY 1;

\pset tuples_only off
\pset format aligned

-- Every label is one that was chosen: nothing costs what the server guesses for a set.
SELECT p.oid::regprocedure FROM member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.proretset AND p.prorows = 1000;

-- Bodies in SQL are bound when they are made: no search_path leads them astray. No function
-- runs with the rights of its owner, who is a superuser, or changes the session's settings.
SELECT p.oid::regprocedure, l.lanname, p.prosecdef, p.proconfig
FROM member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
	JOIN pg_language AS l ON l.oid = p.prolang
WHERE (l.lanname NOT IN ('c', 'internal') AND p.prosqlbody IS NULL) OR p.prosecdef OR p.proconfig IS NOT NULL;

-- A function that an attacker can call on hidden values must not reveal them:
-- LEAKPROOF are only the comparisons, which are the server's own.
SELECT p.oid::regprocedure FROM member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
	JOIN pg_language AS l ON l.oid = p.prolang
WHERE p.proleakproof AND l.lanname <> 'internal';

-- Overloads with the same arguments in front differ by more than a default: otherwise a
-- call that works today would be ambiguous tomorrow.
WITH callable AS (
	SELECT p.oid, p.proname, n AS given, (p.proargtypes::oid[])[0:n - 1] AS types
	FROM member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass,
		generate_series(p.pronargs - p.pronargdefaults::int, p.pronargs) AS n)
SELECT a.oid::regprocedure, b.oid::regprocedure
FROM callable AS a JOIN callable AS b ON a.proname = b.proname AND a.given = b.given AND a.types = b.types AND a.oid < b.oid;

-- Public functions name all their arguments, so that they can be given by name.
SELECT p.oid::regprocedure FROM member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.oid NOT IN (SELECT oid FROM type_support) AND obj_description(p.oid, 'pg_proc') NOT LIKE 'internal:%'
	AND cardinality(array_remove(p.proargnames[1:p.pronargs], '')) IS DISTINCT FROM p.pronargs AND p.pronargs > 0;

-- Roles that can use the schema can use the extension: nothing was granted, nothing revoked.
SELECT p.oid::regprocedure, p.proacl FROM member AS m JOIN pg_proc AS p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.proacl IS NOT NULL;

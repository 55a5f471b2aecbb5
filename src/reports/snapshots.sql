-- snapshots: scores as they were, kept where they changed

CREATE FUNCTION create_snapshots(name text, scores regclass) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION create_snapshots(text, regclass) IS
'makes tables and views for snapshots of scores: name, which shows what changed, name_customers (where customers stand and stood), name_moves (with the value lost), name_days, name_source, and name_current with name_states, in which it is kept';

CREATE FUNCTION take_snapshot(snapshots regclass, as_of date DEFAULT NULL) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION take_snapshot(regclass, date) IS
'keeps what has changed since the snapshot before: who is new, gone, in another segment or lifecycle, or whose value has doubled or halved; taken again on the same day, it takes the place of the first; gives the number of changes';

CREATE FUNCTION snapshot_transitions(snapshots regclass, since date, until date) RETURNS segment_transitions
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION snapshot_transitions(regclass, date, date) IS
'who moved from which segment to which, between the snapshots of two days, or the last before them';

"""psycopg 3: python_psycopg.py CONNECTION. Text needs nothing; the loader and the dumper below are for binary."""
import sys

import psycopg
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.pq import Format
from psycopg.types import TypeInfo

passed = 0


def check(what, found, expected):
    global passed
    if found != expected:
        sys.exit(f"not ok - {what}: {found!r}, not {expected!r}")
    passed += 1
    print("ok", passed, "-", what)


class Value(bytes):
    """The binary form of a value: opaque, to be kept and sent back."""


def register(connection, name):
    info = TypeInfo.fetch(connection, name)
    load = type("Load", (Loader,), {"format": Format.BINARY, "load": lambda self, data: Value(data)})
    dump = type("Dump", (Dumper,), {"format": Format.BINARY, "oid": info.oid, "dump": lambda self, value: bytes(value)})
    connection.adapters.register_loader(info.oid, load)
    connection.adapters.register_dumper(Value, dump)


with psycopg.connect(sys.argv[1]) as connection:
    history = connection.execute("SELECT history FROM histories WHERE customer_id = 1001").fetchone()[0]
    check("a history is its text", history, '{"orders": [["2025-01-05", 12.5], ["2025-03-01", 30]]}')
    check("text in", connection.execute("SELECT order_count(%s)", [history]).fetchone()[0], 2)
    check("an object by the cast to json", connection.execute("SELECT to_json(history) FROM histories WHERE customer_id = 1001").fetchone()[0],
          {"orders": [["2025-01-05", 12.5], ["2025-03-01", 30]]})
    cuts = ('{"levels": 2, "customers": 4, "recency": {"cuts": [12], "effective_levels": 2}, "frequency": {"cuts": [1], '
            '"effective_levels": 2}, "monetary": {"cuts": [45.5], "effective_levels": 2}}')
    check("cut points without a type", connection.execute("SELECT rfm_score(%s, %s, %s, %s)", [5, 3, 50.0, cuts]).fetchone()[0], "222/2")
    row = connection.execute("SELECT churn_prob, segment, last_order_on FROM customer_scores_bi WHERE customer_id = %s", [1001]).fetchone()
    check("a probability is a float", type(row[0]), float)

    register(connection, "purchase_history")
    cursor = connection.cursor(binary=True)
    rows = cursor.execute("SELECT customer_id, history FROM histories").fetchall()
    check("binary histories", {type(value) for _, value in rows}, {Value})
    cursor.execute("CREATE TEMP TABLE copied (customer_id bigint, history purchase_history)")
    cursor.executemany("INSERT INTO copied VALUES (%s, %b)", rows)
    check("go back in to the same", cursor.execute("SELECT count(*) FROM copied JOIN histories USING (customer_id, history)").fetchone()[0], len(rows))
print(passed, "passed")

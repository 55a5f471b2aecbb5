"""psqlODBC by pyodbc: python_odbc.py HOST DATABASE USER PORT"""
import sys

import pyodbc

passed = 0


def check(what, found, expected):
    global passed
    if found != expected:
        sys.exit(f"not ok - {what}: {found!r}, not {expected!r}")
    passed += 1
    print("ok", passed, "-", what)


def connect(more):
    return pyodbc.connect(f"Driver={{PostgreSQL Unicode}};Server={sys.argv[1]};Database={sys.argv[2]};Uid={sys.argv[3]};Port={sys.argv[4]};{more}")


with connect("") as db:
    columns = list(db.cursor().columns(table="customer_scores_bi"))
    check("columns are listed", len(columns) > 15, True)
    row = db.cursor().execute("SELECT segment, count(*), avg(churn_prob), max(last_order_on) FROM customer_scores_bi "
                              "WHERE segment = ? AND churn_prob < ? GROUP BY segment", "Champions", 0.5).fetchone()
    check("filters by parameters", row[0] == "Champions" and row[1] > 0 and 0 <= row[2] < 0.5, True)
    check("text in, with a cast", db.cursor().execute("SELECT order_count(CAST(? AS purchase_history))", '{"orders": [["2025-01-05", 1]]}').fetchone()[0], 1)

with connect("UnknownsAsLongVarchar=1;") as db:
    text = db.cursor().execute("SELECT model FROM models").fetchone()[0]
    check("a long value is whole with UnknownsAsLongVarchar=1", len(text), int(db.cursor().execute("SELECT length(model::text) FROM models").fetchone()[0]))
    check("and is longer than the 255 that it is cut at otherwise", len(text) > 255, True)
    check("it goes back in", db.cursor().execute("SELECT CAST(? AS clv_model) = model FROM models", text).fetchone()[0] in (True, "1"), True)
print(passed, "passed")

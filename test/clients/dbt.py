"""The dbt package, rendered with Jinja as dbt would, and run on the server of PGHOST and PGDATABASE.

dbt itself is not needed: what it gives to templates (ref, var, this, run_query, …) is stood in for here. Besides: every
column in schema.yml is one of its model's, its tests pass, and, where the
directory of dbt's published JSON schemas is named by DBT_JSONSCHEMA, both YAML files are valid.
"""
import glob
import json
import os
import subprocess
import sys

import jinja2
import yaml

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dbt")
PROJECT = yaml.safe_load(open(os.path.join(ROOT, "dbt_project.yml")))
SCHEMA = yaml.safe_load(open(os.path.join(ROOT, "models", "schema.yml")))
passed = 0


def psql(sql):
    done = subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1"], input=sql, text=True, capture_output=True)
    if done.returncode:
        sys.exit("not ok: " + done.stderr + "\n" + sql)
    return done.stdout.rstrip("\n")


def check(what, found, expected):
    global passed
    if found != expected:
        sys.exit(f"not ok: {what}: {found!r}, not {expected!r}")
    passed += 1
    print("ok", passed, "-", what)


class Returned(Exception):
    pass


class Relation(str):
    def __new__(cls, name):
        relation = super().__new__(cls, f'"{DATABASE}"."dbt"."{name}"')
        relation.schema, relation.name = "dbt", name
        return relation


class Column:
    def __init__(self, value):
        self.value = value

    def values(self):
        return [self.value]


class Table:
    def __init__(self, rows):
        # psql prints booleans as t and f, and nothing for NULL; dbt gives them as such
        self.columns = [Column({"t": True, "f": False, "": None}.get(rows, rows))]


class Adapter:
    @staticmethod
    def quote(name):
        return '"' + name.replace('"', '""') + '"'


class Macros:
    """The package's namespace: a macro gives what it returns, or what it renders."""

    def __init__(self):
        CONTEXT["customer_centric"] = self
        for path in sorted(glob.glob(os.path.join(ROOT, "macros", "*.sql"))):
            # {% test name(…) %} is a macro test_name, as in dbt
            source = open(path).read().replace("{% test ", "{% macro test_").replace("{% endtest %}", "{% endmacro %}")
            module = ENVIRONMENT.from_string(source, globals=CONTEXT).make_module()
            for name in dir(module):
                if not name.startswith("_") and callable(getattr(module, name)):
                    setattr(self, name, self.called(getattr(module, name)))

    @staticmethod
    def called(macro):
        def call(*args, **kwargs):
            RETURNED.append(None)
            try:
                text = macro(*args, **kwargs)
            except Returned as returned:
                RETURNED.pop()
                return returned.args[0]
            RETURNED.pop()
            return text
        return call


def give_back(value):
    raise Returned(value)


def configure(**config):
    STATE["indexes"] = config.get("indexes", [])
    return ""


def var(name, default=None):
    return OVERRIDES.get(name, PROJECT["vars"]["customer_centric"].get(name, default))


RETURNED = []
OVERRIDES = {}
STATE = {"incremental": False}
DATABASE = psql("SELECT current_database()")
ENVIRONMENT = jinja2.Environment(undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.do"])
CONTEXT = {
    "execute": True, "adapter": Adapter, "var": var, "ref": Relation, "config": configure, "return": give_back,
    "run_query": lambda sql: Table(psql(sql)), "is_incremental": lambda: STATE["incremental"],
}
Macros()


def render(model):
    path = os.path.join(ROOT, "models", model + ".sql")
    return ENVIRONMENT.from_string(open(path).read(), globals=dict(CONTEXT, this=Relation(model))).render()


def run(model, key="customer_id"):
    """As dbt does: a table anew, or, incremental, delete and insert by the key."""
    CONTEXT["this"] = Relation(model)
    Macros()
    STATE["indexes"] = []
    sql = render(model)
    if STATE["incremental"] and model == "purchase_histories":
        psql(f"BEGIN; CREATE TEMP TABLE changed AS {sql}; DELETE FROM dbt.{model} WHERE {key} IN (SELECT {key} FROM changed);"
             f"INSERT INTO dbt.{model} SELECT * FROM changed; COMMIT")
    else:
        psql(f"DROP TABLE IF EXISTS dbt.{model}; CREATE TABLE dbt.{model} AS {sql}")
        for index in STATE["indexes"]:
            psql(f"CREATE {'UNIQUE ' if index['unique'] else ''}INDEX ON dbt.{model} ({', '.join(index['columns'])})")
    return int(psql(f"SELECT count(*) FROM dbt.{model}"))


psql("""SET client_min_messages = warning; DROP SCHEMA IF EXISTS dbt CASCADE; CREATE SCHEMA dbt;
    CREATE TABLE dbt.orders AS SELECT row_number() OVER (ORDER BY ordered_at, customer_id) AS order_id, * FROM simulate_orders(400,
    '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
    '2024-01-01', '2026-01-01', 1)""")

check("histories of every customer", run("purchase_histories"), 400)
before = psql("SELECT md5(string_agg(history::text, ',' ORDER BY customer_id)) FROM dbt.purchase_histories")
STATE["incremental"] = True
check("an incremental run without news", run("purchase_histories"), 400)
check("changes nothing", psql("SELECT md5(string_agg(history::text, ',' ORDER BY customer_id)) FROM dbt.purchase_histories"), before)
psql("INSERT INTO dbt.orders VALUES (900001, 7, '2026-01-01 10:00', 25), (900002, 401, '2025-12-28 09:00', 40)")
check("an incremental run with a new customer", run("purchase_histories"), 401)
check("has all orders", psql("SELECT sum(order_count(history)) = (SELECT count(*) FROM dbt.orders) FROM dbt.purchase_histories"), "t")
STATE["incremental"] = False
OVERRIDES["order_id"] = "order_id"
check("histories by order", run("purchase_histories"), 401)
check("are the same", psql("SELECT sum(order_count(history)) = (SELECT count(*) FROM dbt.orders) FROM dbt.purchase_histories"), "t")

# what lines say by a first run and by incremental ones, and orders that are yet to come
HISTORIES = "SELECT string_agg(customer_id || history::text, ' ' ORDER BY customer_id) FROM dbt.purchase_histories"
psql("""CREATE TABLE dbt.lines AS SELECT * FROM (VALUES (1, 1, current_date - 20, NULL::numeric), (1, 1, current_date - 17, 10), (2, 1, current_date - 1, 5),
    (3, 2, current_date - 2, NULL), (NULL, 3, current_date - 3, 7), (NULL, 3, current_date - 3, 7)) AS v(order_id, customer_id, ordered_at, amount)""")
OVERRIDES["orders"] = "lines"
check("histories of lines", run("purchase_histories"), 2)
first = psql(HISTORIES)
STATE["incremental"] = True
OVERRIDES["lookback_days"] = 30
run("purchase_histories")
check("an incremental run over all of them changes nothing", psql(HISTORIES), first)
OVERRIDES["lookback_days"] = 8
psql("INSERT INTO dbt.lines VALUES (4, 1, current_date + 60, 9)")
run("purchase_histories")
psql("INSERT INTO dbt.lines VALUES (5, 2, current_date, 20)")
check("an order that is yet to come does not hide today's", run("purchase_histories"), 3)
psql("TRUNCATE dbt.purchase_histories")
check("incremental runs begin with nothing, too", run("purchase_histories"), 3)
STATE["incremental"] = False
check("and give what a first run gives", psql(HISTORIES), run("purchase_histories") and psql(HISTORIES))

# names that SQL would take for something else
psql("""CREATE TABLE dbt.named AS SELECT order_id AS "Order Id", customer_id AS "user", ordered_at AS "current_date", amount AS "Sum" FROM dbt.orders""")
OVERRIDES.update(orders="named", customer_id="user", ordered_at="current_date", amount="Sum", order_id=None, lookback_days=8)
check("histories of customers called user", run("purchase_histories"), 401)
OVERRIDES["order_id"] = "Order Id"
check("and by order", run("purchase_histories"), 401)
STATE["incremental"] = True
check("and by incremental runs", run("purchase_histories", '"user"'), 401)
STATE["incremental"] = False
check("scores of them", run("customer_scores"), 401)
OVERRIDES.clear()
run("purchase_histories")
check("scores of every customer", run("customer_scores"), 401)
check("deciles", run("customer_deciles"), 10)
check("cohorts", run("customer_cohorts") > 10, True)

extension_schema = psql("SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE extname = 'customer_centric'")
OVERRIDES["extension_schema"] = extension_schema
check("scores with the extension's schema named", run("customer_scores"), 401)
OVERRIDES.clear()
macros = CONTEXT["customer_centric"]
scores = macros.customer_scores(Relation("orders"), "customer_id", "ordered_at", "amount", as_of="2025-12-31", model="bg/nbd", columns=["*", "clv_low"])
check("scores from orders, with other choices", psql(f"SELECT count(clv_low) > 0, max(as_of) FROM ({scores}) AS s"), "t|2025-12-31")
check("a name with a quote is a literal", macros.literal("it's"), "'it''s'")
check("orders are checked", psql(f"SELECT count(*) FROM ({macros.check_orders(Relation('orders'), 'customer_id', 'ordered_at', 'amount')}) AS c WHERE severity = 'error'"), "0")
for day in ("2025-11-30", "2025-12-15", "2025-12-15", "2025-12-31"):
    # as dbt makes a table: beside the one of the run before, whose name it takes, and which is dropped after the hook
    psql(f"""CREATE TABLE dbt.customer_scores__dbt_tmp AS {macros.customer_scores(Relation("orders"), "customer_id", "ordered_at", "amount", as_of=day)};
        ALTER TABLE dbt.customer_scores RENAME TO customer_scores__dbt_backup; ALTER TABLE dbt.customer_scores__dbt_tmp RENAME TO customer_scores""")
    psql(macros.take_snapshot(Relation("customer_scores"), "score_snapshots"))
    psql("SET client_min_messages = warning; DROP TABLE dbt.customer_scores__dbt_backup CASCADE")
check("snapshots are of the scores of their run", psql("SELECT string_agg(as_of::text, ' ' ORDER BY as_of) FROM dbt.score_snapshots_days"), "2025-11-30 2025-12-15 2025-12-31")
check("and of all customers", psql("SELECT count(DISTINCT customer_id) FROM dbt.score_snapshots"), psql("SELECT count(*) FROM dbt.customer_scores"))

# while dbt only reads the project, nothing runs
CONTEXT.update(execute=False, run_query=lambda sql: sys.exit("not ok: a query while parsing"))
Macros()
check("reading the project runs no query", render("customer_scores").strip(), "")

for model in SCHEMA["models"]:
    name = model["name"]
    columns = psql(f"SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'dbt.{name}'::regclass AND attnum > 0").split(",")
    described = [column["name"] for column in model["columns"]]
    check(f"{name}: schema.yml describes columns that are there", [c for c in described if c not in columns], [])
    for column in model["columns"]:
        for test in column.get("data_tests", []):
            quoted = column["name"]
            if test == "unique":
                wrong = f"SELECT {quoted} FROM dbt.{name} GROUP BY 1 HAVING count(*) > 1"
            elif test == "not_null":
                wrong = f"SELECT 1 FROM dbt.{name} WHERE {quoted} IS NULL"
            else:
                wrong = getattr(macros, "test_" + test.split(".")[1])(Relation(name), quoted)
            check(f"{name}.{quoted}: {test}", psql(f"SELECT count(*) FROM ({wrong}) AS x"), "0")
check("every score has a description", sorted(set(psql("SELECT string_agg(attname, ',') FROM pg_attribute WHERE attrelid = 'dbt.customer_scores'::regclass AND attnum > 0").split(","))
      - {c["name"] for m in SCHEMA["models"] if m["name"] == "customer_scores" for c in m["columns"]}), [])

schemas = os.environ.get("DBT_JSONSCHEMA")
if schemas:
    import jsonschema
    for document, schema in ((PROJECT, "dbt_project-latest.json"), (SCHEMA, "dbt_yml_files-latest.json")):
        validator = jsonschema.validators.validator_for(json.load(open(os.path.join(schemas, schema))))
        errors = [e.message[:200] for e in validator(json.load(open(os.path.join(schemas, schema)))).iter_errors(document)]
        check(f"valid by {schema}", errors, [])
else:
    print("skipped: no DBT_JSONSCHEMA with dbt's published schemas")
print(f"{passed} passed")

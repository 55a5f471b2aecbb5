/*
 * citus.c
 *	  What Citus knows of a table, and what it needs of statements.
 */
#include "compat.h"

#include "catalog/pg_namespace.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "reports/citus.h"
#include "support/sql_text.h"

/*
 * A text in the first column of the first row, in the memory of the caller of SPI; NULL: there is none. It is that of
 * now: tables may have been distributed since the caller's query began.
 */
static char *
text_result(const char *statement)
{
	MemoryContext caller = CurrentMemoryContext;
	char *result = NULL;

	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (sql_read(statement) > 0)
	{
		char *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		if (value != NULL)
			result = MemoryContextStrdup(caller, value);
	}
	PopActiveSnapshot();
	SPI_finish();
	return result;
}

static bool
citus_is_there(void)
{
	return OidIsValid(get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE));
}

const char *
citus_column(Oid relation)
{
	if (!citus_is_there())
		return NULL;
	return text_result(psprintf("SELECT pg_catalog.column_to_column_name(p.logicalrelid, p.partkey)::pg_catalog.text\n"
								"FROM pg_catalog.pg_dist_partition AS p\n"
								"WHERE p.logicalrelid::pg_catalog.oid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid\n"
								"  AND p.partmethod OPERATOR(pg_catalog.=) 'h'::pg_catalog.\"char\"",
								relation));
}

bool
citus_together(Oid a, const char *column_a, Oid b, const char *column_b)
{
	const char *of_a = citus_column(a);
	const char *of_b = citus_column(b);

	if (of_a == NULL || of_b == NULL || strcmp(quote_identifier(of_a), column_a) != 0 ||
		strcmp(quote_identifier(of_b), column_b) != 0)
		return false;
	return text_result(psprintf("SELECT 'yes'::pg_catalog.text FROM pg_catalog.pg_dist_partition AS a, "
								"pg_catalog.pg_dist_partition AS b\n"
								"WHERE a.logicalrelid::pg_catalog.oid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid\n"
								"  AND b.logicalrelid::pg_catalog.oid OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid\n"
								"  AND a.colocationid OPERATOR(pg_catalog.=) b.colocationid",
								a, b)) != NULL;
}

int
citus_settings(bool one_connection)
{
	int level = NewGUCNestLevel();

	/*
	 * What concerns the coordinator's own copy of a reference table would run in this
	 * backend, and then nothing could run on several connections in the same transaction.
	 */
	(void) set_config_option("citus.enable_local_execution", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);

	/*
	 * A transaction that has written tables over several connections to a worker cannot
	 * join them there: what was written over one is not seen over another.
	 */
	if (one_connection)
		(void) set_config_option("citus.max_adaptive_executor_pool_size", "1", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/*
 * value_json.c
 *	  The cast to json that every value type has.
 *
 * to_jsonb(), row_to_json() and json_agg() make an object of a value only if its
 * type has such a cast; otherwise its text becomes a string. The text is JSON
 * already and is taken as it is.
 */
#include "compat.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * The output function of the type that is cast. Callers give no expression from which to
 * read the type: the signature in the catalog has it.
 */
static FmgrInfo *
find_output(FmgrInfo *flinfo)
{
	FmgrInfo *output = flinfo->fn_extra;
	Oid *types;
	int count;
	Oid function;
	bool is_varlena;

	if (output != NULL)
		return output;
	get_func_signature(flinfo->fn_oid, &types, &count);
	if (count != 1)
		elog(ERROR, "a cast to json takes one argument, not %d", count);
	getTypeOutputInfo(types[0], &function, &is_varlena);
	output = MemoryContextAlloc(flinfo->fn_mcxt, sizeof(FmgrInfo));
	fmgr_info_cxt(function, output, flinfo->fn_mcxt);
	flinfo->fn_extra = output;
	return output;
}

/* TYPE_json(TYPE) → json */
PG_FUNCTION_INFO_V1(value_json);
Datum
value_json(PG_FUNCTION_ARGS)
{
	char *json = OutputFunctionCall(find_output(fcinfo->flinfo), PG_GETARG_DATUM(0));

	PG_RETURN_TEXT_P(cstring_to_text(json));
}

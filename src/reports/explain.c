/*
 * explain.c
 *	  What explain_score cannot say in SQL: that it does not speak a language.
 */
#include "compat.h"

#include "utils/builtins.h"
#include "utils/varlena.h"

/* explanation_language(language, known) → the language, which must be one of the known ones, with ", " between them */
PG_FUNCTION_INFO_V1(explanation_language);
Datum
explanation_language(PG_FUNCTION_ARGS)
{
	char *language = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *known = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *list = pstrdup(known);
	char *word;

	for (char *rest = list; (word = strsep(&rest, ",")) != NULL;)
		if (strcmp(word + strspn(word, " "), language) == 0)
			PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there are no texts in language \"%s\"", language),
			 errhint("There are texts in: %s.", known)));
}

/*
 * name.h
 *	  Model names are compared without regard to case: BG/NBD is bg/nbd.
 */
#ifndef NUMERICS_NAME_H
#define NUMERICS_NAME_H

#include <stdbool.h>

/* Model names are ASCII; the comparison does not depend on the locale. */
static inline char
name_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static inline bool
name_matches(const char *name, const char *given)
{
	while (*name != '\0' && name_lower(*name) == name_lower(*given))
	{
		name++;
		given++;
	}
	return *name == *given;
}

#endif /* NUMERICS_NAME_H */

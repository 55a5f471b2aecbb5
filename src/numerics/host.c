/*
 * host.c
 *	  The interrupt check of functions without a Host.
 */
#include "numerics/host.h"

static void
nobody(void)
{
}

void (*host_interrupts)(void) = nobody;

/*
 * server_host.h
 *	  The server as host of the pure C rooms: its memory and its interrupts.
 */
#ifndef VALUE_SERVER_HOST_H
#define VALUE_SERVER_HOST_H

#include "numerics/host.h"

/* Memory from the current context, in blocks of any size. */
extern const Host server_host;

#endif							/* VALUE_SERVER_HOST_H */

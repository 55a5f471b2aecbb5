/*
 * server_host.h
 *	  The server's implementation of the Host interface: memory and interrupts.
 */
#ifndef SUPPORT_SERVER_HOST_H
#define SUPPORT_SERVER_HOST_H

#include "numerics/host.h"

/* Memory from the current context, in blocks of any size. */
extern const Host server_host;

#endif /* SUPPORT_SERVER_HOST_H */

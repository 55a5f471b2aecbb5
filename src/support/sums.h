/*
 * sums.h
 *	  Stored, text and binary forms of exact sums: the few doubles that add up
 *	  to them (see numerics/exact_sum.h).
 */
#ifndef SUPPORT_SUMS_H
#define SUPPORT_SUMS_H

#include "compat.h"

#include "lib/stringinfo.h"

#include "numerics/exact_sum.h"
#include "support/json.h"

/* The stored form: the number of parts (1 byte), and the parts. */
#define MAX_EXACT_SUM_BYTES (1 + 8 * EXACT_SUM_MAX_PARTS)

extern uint8 *put_exact_sum(uint8 *at, ExactSum *sum);
extern void get_exact_sum(const uint8 **at, const uint8 *end, ExactSum *sum);

/* The text form: [300], or [0.30000000000000004, -2.7755575615628914e-17]. */
extern void json_append_exact_sum(StringInfo out, ExactSum *sum);
extern bool json_read_exact_sum(JsonInput *in, JsonbContainer *object, const char *key, ExactSum *sum);

/* The binary form: the number of parts (1 byte), and the parts (float8). */
extern void send_exact_sum(StringInfo out, ExactSum *sum);
extern void receive_exact_sum(StringInfo in, const char *type, ExactSum *sum);

#endif /* SUPPORT_SUMS_H */

/*-------------------------------------------------------------------------
 *
 * functions/search.h
 *	  What the files about searching tell each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_SEARCH_H
#define AR_INBOX_SEARCH_H

#include "postgres.h"

/* The text search configuration for texts in a language (BCP 47). */
extern Oid search_config_of(const char *language, size_t len);

#endif /* AR_INBOX_SEARCH_H */

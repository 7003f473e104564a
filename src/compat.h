/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  What differs between PostgreSQL 15 and 18.
 *
 * The only file that looks at PG_VERSION_NUM.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_COMPAT_H
#define AR_INBOX_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "ar_inbox needs PostgreSQL 15 or later"
#endif

#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#include "catalog/pg_database.h"
#endif
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif

/* since 17 a wait event set belongs to a resource owner, here to none */
static inline WaitEventSet *
compat_create_wait_event_set(int nevents)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, nevents);
#else
	return CreateWaitEventSet(TopMemoryContext, nevents);
#endif
}

static inline bool
compat_may_connect(Oid database, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(DatabaseRelationId, database, role, ACL_CONNECT) == ACLCHECK_OK;
#else
	return pg_database_aclcheck(database, role, ACL_CONNECT) == ACLCHECK_OK;
#endif
}

static inline bool
compat_owns_database(Oid database)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(DatabaseRelationId, database, GetUserId());
#else
	return pg_database_ownercheck(database, GetUserId());
#endif
}

/* transaction_timeout came with 17 */
#if PG_VERSION_NUM >= 170000
#define COMPAT_HAS_TRANSACTION_TIMEOUT 1
#endif

/* its name is checked and shown since 18 */
#if PG_VERSION_NUM >= 180000
#define COMPAT_MODULE_MAGIC(module) PG_MODULE_MAGIC_EXT(.name = module)
#else
#define COMPAT_MODULE_MAGIC(module) PG_MODULE_MAGIC
#endif

#endif /* AR_INBOX_COMPAT_H */

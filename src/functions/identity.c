/*-------------------------------------------------------------------------
 *
 * identity.c
 *	  Who is asking, and which server and database this is.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include <unistd.h>

#include "access/xlog.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(ar_inbox_caller);
PG_FUNCTION_INFO_V1(ar_inbox_server_identity);

/*
 * caller(): the role of the session, after SET ROLE.  Inside a SECURITY
 * DEFINER function current_user is the function's owner; this is still who
 * called.
 */
Datum
ar_inbox_caller(PG_FUNCTION_ARGS)
{
	Name role = palloc(NAMEDATALEN);

	namestrcpy(role, GetUserNameFromId(GetOuterUserId(), false));
	PG_RETURN_NAME(role);
}

/*
 * server_identity(): the cluster, the database, and the server's name.  The
 * first two tell a restored dump; a copy of the whole cluster has them too, so
 * the host and the data directory, or the name that the DBA gave, tell that.
 */
Datum
ar_inbox_server_identity(PG_FUNCTION_ARGS)
{
	const char *name = GetConfigOption("ar_inbox.server_name", true, false);
	char host[256] = "localhost";
	StringInfoData identity;

	initStringInfo(&identity);
	appendStringInfo(&identity, UINT64_FORMAT "/%u/", GetSystemIdentifier(), MyDatabaseId);
	if (name && name[0])
		appendStringInfoString(&identity, name);
	else
	{
		if (gethostname(host, sizeof(host) - 1) != 0)
			strlcpy(host, "localhost", sizeof(host));
		appendStringInfo(&identity, "%s:%s", host, DataDir);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(identity.data, identity.len));
}

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
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "functions/statement.h"

PG_FUNCTION_INFO_V1(ar_inbox_caller);
PG_FUNCTION_INFO_V1(ar_inbox_is_administrator);
PG_FUNCTION_INFO_V1(ar_inbox_server_identity);
PG_FUNCTION_INFO_V1(ar_inbox_companies);

/*
 * caller(): the role of the session, after SET ROLE.  Inside a SECURITY
 * DEFINER function current_user is the function's owner; this is still who
 * called.
 */
Datum
ar_inbox_caller(PG_FUNCTION_ARGS)
{
	Name role = palloc(NAMEDATALEN);

	/*
	 * While a superuser's ANALYZE or REFRESH runs a table owner's functions,
	 * the session is the superuser's but the code is not: nobody is asking.
	 */
	if (InSecurityRestrictedOperation())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("ar_inbox cannot be used within a security-restricted operation"),
						errhint("Functions of indexes and materialized views cannot call it.")));
	namestrcpy(role, GetUserNameFromId(GetOuterUserId(), false));
	PG_RETURN_NAME(role);
}

/*
 * is_administrator(who): every call asks this of its caller, so the system's
 * caches answer, and no query.
 */
Datum
ar_inbox_is_administrator(PG_FUNCTION_ARGS)
{
	const char *who = NameStr(*PG_GETARG_NAME(0));
	Oid role = get_role_oid(who, true);
	Oid owner = get_role_oid("ar_inbox_owner", true);

	PG_RETURN_BOOL(OidIsValid(role) &&
				   (superuser_arg(role) || strcmp(who, "ar_inbox_worker") == 0 ||
					(OidIsValid(owner) && is_member_of_role(role, owner))));
}

/*
 * server_identity(): the cluster, the database, the table that holds the
 * arming, and the server's name.  The first three tell a restored dump, also
 * one restored in place; a copy of the whole cluster has them too, so the host
 * and the data directory, or the name that the DBA gave, tell that.
 */
Datum
ar_inbox_server_identity(PG_FUNCTION_ARGS)
{
	const char *name = GetConfigOption("ar_inbox.server_name", true, false);
	char host[256] = "localhost";
	StringInfoData identity;
	Oid schema = get_namespace_oid("ar_inbox", true);
	Oid armed = OidIsValid(schema) ? get_relname_relid("armed", schema) : InvalidOid;

	initStringInfo(&identity);
	appendStringInfo(&identity, UINT64_FORMAT "/%u/%u/", GetSystemIdentifier(), MyDatabaseId,
					 armed);
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

/*
 * What companies() found, kept for the rows of one scan.  It holds as long as
 * the same user asks the same with the same snapshot: nothing that it looks at
 * can have changed then but the claims, which are a setting.
 */
typedef struct FoundCompanies
{
	Oid user;
	Oid session_user;
	TransactionId xmin;
	TransactionId xmax;
	uint32 running;
	uint64 completed;
	CommandId command;
	char *claims;
	text *permission;
	Datum companies;
} FoundCompanies;

static const char *
claims_setting(void)
{
	const char *claims = GetConfigOption("request.jwt.claims", true, false);

	return claims ? claims : "";
}

static bool
still_holds(const FoundCompanies *found, Oid user, text *permission)
{
	Snapshot snapshot = GetActiveSnapshot();

	return found && found->user == user && found->session_user == GetSessionUserId() &&
		   found->xmin == snapshot->xmin && found->xmax == snapshot->xmax &&
		   found->running == snapshot->xcnt &&
		   found->completed == snapshot->snapXactCompletionCount &&
		   found->command == snapshot->curcid &&
		   VARSIZE_ANY_EXHDR(found->permission) == VARSIZE_ANY_EXHDR(permission) &&
		   memcmp(VARDATA_ANY(found->permission), VARDATA_ANY(permission),
				  VARSIZE_ANY_EXHDR(permission)) == 0 &&
		   strcmp(found->claims, claims_setting()) == 0;
}

/*
 * companies(permission text): the companies in which current_user is a member
 * with the permission.  Every policy asks this, for each row that a query
 * reads.  The members are looked up with the rights of the tables' owner, but
 * only ever for current_user, so that nobody can ask about somebody else.
 */
Datum
ar_inbox_companies(PG_FUNCTION_ARGS)
{
	static Statement statement = {
		"select ar_inbox_internal.companies_of($1, $2)", 2, {NAMEOID, TEXTOID}};
	text *permission = PG_GETARG_TEXT_PP(0);
	FoundCompanies *found = fcinfo->flinfo->fn_extra;
	Snapshot snapshot = GetActiveSnapshot();
	NameData role;
	Datum values[2];
	Datum companies;
	Oid user;
	int context;
	bool isnull;
	MemoryContext outer;

	GetUserIdAndSecContext(&user, &context);
	if (still_holds(found, user, permission))
		PG_RETURN_DATUM(found->companies);

	namestrcpy(&role, GetUserNameFromId(user, false));
	values[0] = NameGetDatum(&role);
	values[1] = PointerGetDatum(permission);

	/* an error on the way puts the user back, as the transaction ends */
	SetUserIdAndSecContext(get_role_oid("ar_inbox_owner", false),
						   context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	if (read_statement(&statement, values, NULL) != 1)
		elog(ERROR, "could not look up members");
	companies = row_datum(0, 1, &isnull);
	if (isnull)
		elog(ERROR, "could not look up members");

	outer = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	found = palloc0(sizeof(FoundCompanies));
	found->user = user;
	found->session_user = GetSessionUserId();
	found->xmin = snapshot->xmin;
	found->xmax = snapshot->xmax;
	found->running = snapshot->xcnt;
	found->completed = snapshot->snapXactCompletionCount;
	found->command = snapshot->curcid;
	found->claims = pstrdup(claims_setting());
	found->permission = DatumGetTextPCopy(values[1]);
	found->companies = PointerGetDatum(PG_DETOAST_DATUM_COPY(companies));
	MemoryContextSwitchTo(outer);

	SPI_finish();
	SetUserIdAndSecContext(user, context);
	fcinfo->flinfo->fn_extra = found;
	PG_RETURN_DATUM(found->companies);
}

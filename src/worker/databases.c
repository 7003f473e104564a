/*-------------------------------------------------------------------------
 *
 * databases.c
 *	  The worker makes way for commands that want a database for themselves:
 *	  DROP DATABASE, its renaming and moving, and its use as a template.
 *
 * The server refuses these while anybody is connected.  The worker leaves
 * before the command looks, and is let in again when it is over, unless the
 * database has gone.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"

#include "worker/databases.h"
#include "worker/shared.h"

static ProcessUtility_hook_type previous_hook = NULL;

/* the name of the database the command wants alone, or NULL */
static const char *
wanted_database(Node *command)
{
	ListCell *cell;

	if (IsA(command, DropdbStmt))
		return ((DropdbStmt *) command)->dbname;
	if (IsA(command, RenameStmt) && ((RenameStmt *) command)->renameType == OBJECT_DATABASE)
		return ((RenameStmt *) command)->subname;
	if (IsA(command, AlterDatabaseStmt))
	{
		foreach (cell, ((AlterDatabaseStmt *) command)->options)
		{
			if (strcmp(((DefElem *) lfirst(cell))->defname, "tablespace") == 0)
				return ((AlterDatabaseStmt *) command)->dbname;
		}
	}
	if (IsA(command, CreatedbStmt))
	{
		foreach (cell, ((CreatedbStmt *) command)->options)
		{
			DefElem *option = lfirst(cell);

			if (strcmp(option->defname, "template") == 0 && option->arg)
				return defGetString(option);
		}
	}
	return NULL;
}

static void
call_next(PlannedStmt *statement, const char *text, bool read_only_tree,
		  ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *environment,
		  DestReceiver *destination, QueryCompletion *completion)
{
	if (previous_hook)
		previous_hook(statement, text, read_only_tree, context, params, environment, destination,
					  completion);
	else
		standard_ProcessUtility(statement, text, read_only_tree, context, params, environment,
								destination, completion);
}

static void
make_way(PlannedStmt *statement, const char *text, bool read_only_tree,
		 ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *environment,
		 DestReceiver *destination, QueryCompletion *completion)
{
	const char *name = wanted_database(statement->utilityStmt);
	Oid database = name ? get_database_oid(name, true) : InvalidOid;

	/* the worker leaves when its extension goes */
	if (IsA(statement->utilityStmt, DropStmt) &&
		((DropStmt *) statement->utilityStmt)->removeType == OBJECT_EXTENSION)
		shared_wake_at_commit();

	/* only those who may do it can end the worker: its owner, a superuser */
	if (!OidIsValid(database) || !shared_available() ||
		!(superuser() || compat_owns_database(database)))
	{
		call_next(statement, text, read_only_tree, context, params, environment, destination,
				  completion);
		return;
	}

	PG_TRY();
	{
		shared_keep_out(database);
		call_next(statement, text, read_only_tree, context, params, environment, destination,
				  completion);
	}
	PG_FINALLY();
	{
		shared_admit(database);
	}
	PG_END_TRY();
}

void
databases_install_hook(void)
{
	previous_hook = ProcessUtility_hook;
	ProcessUtility_hook = make_way;
}

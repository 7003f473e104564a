/*-------------------------------------------------------------------------
 *
 * ar_inbox.c
 *	  Module entry: the settings, the shared memory, the launcher.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include <limits.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "worker/databases.h"
#include "worker/launcher.h"
#include "worker/settings.h"
#include "worker/shared.h"

COMPAT_MODULE_MAGIC("ar_inbox");

PGDLLEXPORT void _PG_init(void);

static bool
check_databases(char **newval, void **extra, GucSource source)
{
	char *names = pstrdup(*newval);
	List *list;
	bool good = names[0] == '\0' || SplitIdentifierString(names, ',', &list);

	if (!good)
		GUC_check_errdetail("It is no list of names separated by commas; a name with other "
							"characters than a-z, 0-9 and _ needs double quotes.");
	pfree(names);
	return good;
}

static void
define_settings(void)
{
	DefineCustomStringVariable(
		"ar_inbox.databases", "Databases that get a worker.",
		"A list of names separated by commas. Empty: every database that has "
		"the extension installed.",
		&setting_databases, "", PGC_SIGHUP, GUC_LIST_INPUT, check_databases, NULL, NULL);
	DefineCustomIntVariable(
		"ar_inbox.poll_interval", "How long after a mailbox was read it is read again.", NULL,
		&setting_poll_interval, 60, 1, 86400, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"ar_inbox.max_idle_connections",
		"How many connections of a database's worker may wait for new mail.",
		"A mailbox whose server offers IDLE stays connected and is read when the server says that "
		"there is something. Those beyond this number are polled. 0: all are polled.",
		&setting_max_idle_connections, 100, 0, 1000, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ar_inbox.smtp_connections",
							"How many connections at once a mail account's server gets.", NULL,
							&setting_smtp_connections, 4, 1, 32, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ar_inbox.messages_per_connection",
							"How many messages are handed off before a connection is renewed.",
							"0: no limit.", &setting_messages_per_connection, 50, 0, INT_MAX,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"ar_inbox.restart_time", "How long after a failure a worker is started again.", NULL,
		&setting_restart_time, 10, 1, 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"ar_inbox.connect_timeout",
		"How long connecting to a mail server or provider, TLS and login may take.", NULL,
		&setting_connect_timeout, 30, 1, 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"ar_inbox.reply_timeout", "How long a mail server may take for a reply.",
		"The reply to the end of a message may take twice as long (RFC 5321, "
		"4.5.3.2).",
		&setting_reply_timeout, 300, 1, 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"ar_inbox.tls_ca_file",
		"Certificate authorities that mail servers and providers are verified against.",
		"A PEM file. Empty: the system's.", &setting_tls_ca_file, "", PGC_SIGHUP,
		GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomStringVariable("ar_inbox.helo_name", "The name given to mail servers in EHLO.",
							   "Empty: the host's name.", &setting_helo_name, "", PGC_SIGHUP, 0,
							   NULL, NULL, NULL);
	DefineCustomStringVariable(
		"ar_inbox.server_name",
		"What a database is armed for, besides the cluster and the database.",
		"Empty: the host's name and the data directory. Set the same name on "
		"a primary and its standbys, and another one on every clone.",
		&setting_server_name, "",
		/* a session that loads this by itself comes too late for that */
		process_shared_preload_libraries_in_progress ? PGC_POSTMASTER : PGC_SIGHUP, 0, NULL, NULL,
		NULL);
	DefineCustomIntVariable(
		"ar_inbox.clock_offset", "How far the worker's clock is ahead of the real one.",
		"For tests and rehearsals: what is due by then goes out now.", &setting_clock_offset, 0,
		INT_MIN, INT_MAX, PGC_SIGHUP, GUC_UNIT_S | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	MarkGUCPrefixReserved("ar_inbox");
}

void
_PG_init(void)
{
	define_settings();

	/* Loaded by a session: functions only, the worker is not there. */
	if (!process_shared_preload_libraries_in_progress)
		return;
	shared_install_hooks();
	databases_install_hook();
	if (!IsBinaryUpgrade)
		launcher_register();
}

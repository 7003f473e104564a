/*-------------------------------------------------------------------------
 *
 * asroot.c
 *	  Lets Postfix run for a test as whoever runs the test.
 *
 * Postfix's master refuses to start unless it is root, because its work is to
 * hand each of its programs to a less privileged user.  The private mail host
 * of the tests has no need of that: every program may run as the one user who
 * started it.  This library, preloaded into Postfix alone, tells it that it
 * is root and that each change of user took place; the kernel still sees an
 * ordinary user, so nothing is gained by it but the start.
 *
 * What a program was told it became is remembered, because some of Postfix's
 * checks ask again after the change.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sys/types.h>
#include <unistd.h>

static uid_t fake_uid = 0;
static uid_t fake_euid = 0;
static gid_t fake_gid = 0;
static gid_t fake_egid = 0;

uid_t
getuid(void)
{
	return fake_uid;
}

uid_t
geteuid(void)
{
	return fake_euid;
}

gid_t
getgid(void)
{
	return fake_gid;
}

gid_t
getegid(void)
{
	return fake_egid;
}

int
setuid(uid_t uid)
{
	fake_uid = fake_euid = uid;
	return 0;
}

int
seteuid(uid_t uid)
{
	fake_euid = uid;
	return 0;
}

int
setgid(gid_t gid)
{
	fake_gid = fake_egid = gid;
	return 0;
}

int
setegid(gid_t gid)
{
	fake_egid = gid;
	return 0;
}

int
initgroups(const char *user, gid_t group)
{
	(void) user;
	(void) group;
	return 0;
}

int
setgroups(size_t size, const gid_t *list)
{
	(void) size;
	(void) list;
	return 0;
}

int
chown(const char *path, uid_t owner, gid_t group)
{
	(void) path;
	(void) owner;
	(void) group;
	return 0;
}

int
fchown(int fd, uid_t owner, gid_t group)
{
	(void) fd;
	(void) owner;
	(void) group;
	return 0;
}

# ArInbox: what the Perl tests share: a PostgreSQL server of their own with the
# extension in it, and waiting for what a background worker does in its time.
#
#   use lib dirname(__FILE__) . '/../lib';
#   use ArInbox;
#   use Test::More;
#
#   my $node = ArInbox::new_node('main');
#   is($node->safe_psql('postgres', 'SELECT ar_inbox.version()'), ...);
#   ArInbox::wait_until($node, 'SELECT count(*) FROM ...', 3, timeout => 30);
#
# The server is PostgreSQL::Test::Cluster's, so all of its methods are there.
# A test that root runs goes on as another user, by test/as-user.

package ArInbox;

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Time::HiRes qw(sleep time);

my $top;
my $pg_config;

# What PostgreSQL's own test modules want to find in the environment, so that
# a test needs nothing more than `prove`.
BEGIN
{
	$top = abs_path(dirname(abs_path(__FILE__)) . '/../..');

	# PostgreSQL does not run as root.
	if ($> == 0)
	{
		my $program = abs_path($0);
		$program =~ s{^\Q$top\E/}{};
		exec "$top/test/as-user", $^X, $program, @ARGV or die "test/as-user: $!";
	}

	$pg_config = $ENV{PG_CONFIG} // 'pg_config';
	my ($bindir, $pgxs) = map { chomp; $_ } `$pg_config --bindir --pgxs`;
	die "$pg_config does not work" if !defined $pgxs;
	my $src = dirname(dirname($pgxs));
	unshift @INC, "$src/test/perl";
	$ENV{PATH} = "$bindir:$ENV{PATH}";
	$ENV{PG_REGRESS} //= "$src/test/regress/pg_regress";
	$ENV{PG_ISOLATION_REGRESS} //= "$src/test/isolation/pg_isolation_regress";

	# Each test leaves what it made in a folder of its own: build/t/NAME.
	my $name = $0 =~ m{([^/]+?)(?:\.\w+)?$} ? $1 : 'test';
	my $folder = "$top/build/t/$name";
	# what an earlier run left would be in the way
	require File::Path;
	File::Path::remove_tree($folder);
	File::Path::make_path($folder);
	$ENV{TESTDIR} //= $folder;
	$ENV{TESTDATADIR} //= "$folder/tmp_check";
	$ENV{TESTLOGDIR} //= "$folder/log";
}

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# top: the folder of the source tree.
sub top { $top }

# major: the version of PostgreSQL, as in 15.
sub major
{
	my ($major) = `$pg_config --version` =~ /PostgreSQL (\d+)/;
	return $major;
}

# new_node: a started server with the extension preloaded.  Options:
#   conf      => lines for postgresql.conf, after ours
#   databases => those to have the extension (default: postgres alone)
#   extension => 0 to have it in none of them
#   preload   => 0 to leave shared_preload_libraries empty
#   start     => 0 to leave the server stopped (and without the extension)
#   grace     => 1 to keep the default of undo_grace: else what members write
#                leaves at once, as most tests want
sub new_node
{
	my ($name, %option) = @_;

	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', <<'END');
max_worker_processes = 16
restart_after_crash = on
log_min_messages = warning
log_error_verbosity = verbose
timezone = 'UTC'
datestyle = 'ISO, YMD'
END
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ar_inbox'\n") if $option{preload} // 1;
	$node->append_conf('postgresql.conf', $option{conf}) if defined $option{conf};
	return $node if !($option{start} // 1);
	$node->start;
	add_extension($node, $_, %option) for $option{extension} // 1 ? @{ $option{databases} // ['postgres'] } : ();
	return $node;
}

# add_extension: makes a database, unless it is there, and installs into it.
sub add_extension
{
	my ($node, $database, %option) = @_;

	my $there = $node->safe_psql('postgres', "SELECT count(*) FROM pg_database WHERE datname = '$database'");
	$node->safe_psql('postgres', qq(CREATE DATABASE "$database")) if !$there;
	$node->safe_psql($database, 'CREATE EXTENSION ar_inbox');
	$node->safe_psql($database, 'SELECT ar_inbox.install()');
	$node->safe_psql($database, q(ALTER TABLE ar_inbox.companies ALTER undo_grace SET DEFAULT '0')) if !$option{grace};
	return;
}

# wait_until: true as soon as a query answers what is expected (a string, or a
# pattern); false, with the last answer as a diagnostic, when the time is over.
# Options: timeout (seconds, 60), database (postgres).
sub wait_until
{
	my ($node, $query, $expected, %option) = @_;

	my $database = $option{database} // 'postgres';
	my $deadline = time + ($option{timeout} // 60);
	my $pause = 0.02;
	my ($code, $answer, $error);
	while (1)
	{
		# A server that restarts, as crash tests make it do, is no answer yet.
		($code, $answer, $error) = $node->psql($database, $query);
		$answer //= '';
		if ($code == 0)
		{
			return 1 if ref $expected ? $answer =~ $expected : $answer eq $expected;
		}
		last if time > $deadline;
		sleep $pause;
		$pause *= 1.5 if $pause < 0.2;
	}
	diag "query: $query\nexpected: $expected\nlast answer: $answer" . ($code ? "\npsql: $error" : '');
	return 0;
}

# wait_for_log: the same for a pattern in the server's log, from an offset.
sub wait_for_log
{
	my ($node, $pattern, $offset, $timeout) = @_;

	my $deadline = time + ($timeout // 60);
	while (1)
	{
		return 1 if log_since($node, $offset) =~ $pattern;
		last if time > $deadline;
		sleep 0.05;
	}
	diag "the server's log has no line like $pattern";
	return 0;
}

# log_offset, log_since: the size of the server's log, and what came after.
sub log_offset
{
	my ($node) = @_;

	return -s $node->logfile // 0;
}

sub log_since
{
	my ($node, $offset) = @_;

	open my $file, '<', $node->logfile or return '';
	seek $file, $offset // 0, 0;
	local $/;
	return scalar <$file> // '';
}

# workers: the process ids of the extension's background workers, by name.
sub workers
{
	my ($node, $like) = @_;

	$like //= 'ar_inbox%';
	return split /\n/,
	  $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type LIKE '$like' ORDER BY pid");
}

1;

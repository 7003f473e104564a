# Runs the SQL tests (test/sql, pgTAP through pg_regress) or the isolation
# tests (test/specs) on a server made for it, and reports them as TAP.
#
#   prove test/regress.pl :: sql [NAME ...]
#   prove test/regress.pl :: isolation [NAME ...]
#
# Each pgTAP test counts as a test, and so does each comparison of a file's
# output with expected/.  The SQL tests find the extensions ar_inbox (with its
# tables) and pgtap in the database.

use strict;
use warnings;

use File::Basename qw(basename dirname);
use lib dirname(__FILE__) . '/lib';
use ArInbox;
use Test::More;

my ($kind, @name) = @ARGV;
my %suffix = (sql => 'sql', isolation => 'spec');
my %folder = (sql => 'test/sql', isolation => 'test/specs');
BAIL_OUT('which: sql or isolation?') if !defined $kind || !$suffix{$kind};

chdir ArInbox::top() or die;
@name = map { basename($_, ".$suffix{$kind}") } sort glob "$folder{$kind}/*.$suffix{$kind}" if !@name;
BAIL_OUT("no tests in $folder{$kind}") if !@name;

my $node = ArInbox::new_node($kind, databases => [$kind], grace => $kind eq 'sql', conf => "max_connections = 50\n");
$node->safe_psql($kind, 'CREATE EXTENSION pgtap') if $kind eq 'sql';

# Both programs write where --outputdir says and look for expected/ in there
# as well, so the place is the top folder (a copy of it, when root began).
my $program = $kind eq 'sql' ? $ENV{PG_REGRESS} : $ENV{PG_ISOLATION_REGRESS};
my @command = (
	$program, '--use-existing', "--dbname=$kind", '--host=' . $node->host, '--port=' . $node->port,
	'--inputdir=test', '--outputdir=.', '--bindir=' . dirname((grep { -x } map { "$_/psql" } split /:/, $ENV{PATH})[0]),
	@name);
my $log = "build/t/$kind.log";
my $status = system "@{[ map { qq('$_') } @command ]} >$log 2>&1";
open my $file, '<', $log or die "$log: $!";
my @line = <$file>;
close $file;

# PostgreSQL 15 says 'test name ... ok', later ones speak TAP.
my %verdict;
for (@line)
{
	$verdict{$1} = $2 eq 'ok' if /^(?:test)?\s+(\S+)\s+\.\.\. (ok|FAILED)\b/;
	$verdict{$2} = ($1 // '') eq '' if /^(not )?ok \d+\s+[-+] (\S+)/;
}
for my $name (@name)
{
	my $result = '';
	if ($kind eq 'sql' && open my $results, '<', "results/$name.out")
	{
		local $/;
		$result = <$results> // '';
	}
	while ($result =~ /^\s*(not ok|ok) \d+(?: - (.*?))?\s*$/mg)
	{
		my ($verdict, $text) = ($1, $2 // '');
		ok($verdict eq 'ok', "$name: $text");
	}
	ok($verdict{$name}, "$name: as in expected/$name.out");
}
is($status >> 8, (grep { !$verdict{$_} } @name) ? 1 : 0, 'the test program says the same');
if ($status)
{
	diag @line if !%verdict;
	for my $path (glob 'regression.diffs output_iso/regression.diffs')
	{
		open my $diffs, '<', $path or next;
		diag <$diffs>;
	}
}
$node->stop;
done_testing();

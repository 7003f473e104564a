# A preview cannot lie: random schedules, of companies in many time zones, with
# holds, payments, limits, days off, missing addresses and providers, are
# foretold, then fired moment by moment.  What was foretold is what happens, to
# the letter; then somebody pays, holds, lifts and changes dates, and it is
# foretold anew.
#
#   COMPANIES=1000 SEED=0.5 prove test/t/053_preview.pl

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use Test::More;

my $companies = $ENV{COMPANIES} // 1000;
my $seed = $ENV{SEED} // sprintf '%.5f', rand;
my $node = ArInbox::new_node('preview', conf => "ar_inbox.databases = ''\nfsync = off\n");

my $script = PostgreSQL::Test::Utils::slurp_file(ArInbox::top() . '/test/lib/preview.sql');
my ($status, $output, $errors) = $node->psql('postgres', $script, extra_params => [ '-v', "seed=$seed", '-v', "companies=$companies" ]);
is($errors, '', "it runs (seed $seed)");
my %count = $output =~ /^(schedules|foretold|foretold anew) (\d+)$/mg;
cmp_ok($count{schedules} // 0, '>', 2 * $companies, 'random schedules');
cmp_ok($count{foretold} // 0, '>', 8 * $companies, 'their steps are foretold');
my %outcome = $output =~ /^outcome (\w+) (\d+)$/mg;
cmp_ok($outcome{$_} // 0, '>', $companies / 20, "with outcome $_") for qw(send fail withhold skip);
is(join("\n", $output =~ /^first difference .*/mg), '', 'what was foretold is what happened');
cmp_ok($count{'foretold anew'} // 0, '>', $companies, 'foretold anew after payments, holds and other dates');
is(join("\n", $output =~ /^second difference .*/mg), '', 'and that is what happened');
is(join("\n", $output =~ /^twice .*/mg), '', 'each once');
is(join("\n", $output =~ /^left .*/mg), '', 'none is left');
$node->stop;
done_testing();

# What is read out of the messages of test/corpus, one oddity each: beside each
# NAME.eml stands NAME.expected, all that parse_email() says of it.
#
# A new message has its expectation written by
#
#   EXPECT=NAME test/as-user prove -v test/t/045_corpus.pl
#
# to the output, to be read with care before it is kept.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the server

use File::Basename qw(basename dirname);
use Test::More;
use lib dirname(__FILE__) . '/../lib';
use ArInbox;

my $folder = ArInbox::top() . '/test/corpus';
my $node = ArInbox::new_node('corpus', conf => "ar_inbox.databases = 'none'\n");

sub slurp
{
	open my $file, '<', $_[0] or return;
	local $/;
	return <$file>;
}

my @name = map { basename($_, '.eml') } sort glob "$folder/*.eml";
cmp_ok(scalar @name, '>=', 40, 'there are messages');
for my $name (@name)
{
	my $got = $node->safe_psql('postgres', "SELECT jsonb_pretty(ar_inbox.parse_email(pg_read_binary_file('$folder/$name.eml')))") . "\n";
	my $expected = slurp("$folder/$name.expected");
	if (defined $expected)
	{
		my ($want, $have) = map { [ split /\n/ ] } $expected, $got;
		is_deeply($have, $want, $name) or diag $got;
	}
	else
	{
		fail("$name has an expectation");
	}
	diag $got if ($ENV{EXPECT} // '') eq $name;
}
is(join(' ', grep { my $one = basename($_, '.expected'); !grep { $_ eq $one } @name } glob "$folder/*.expected"), '', 'each expectation has its message');

$node->stop('fast');
done_testing();

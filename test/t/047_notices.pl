# LISTEN ar_inbox: one notice a transaction, of the threads it changed; what
# rolled back is in none; many threads, many companies.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use IPC::Run;
use JSON::PP;
use Test::More;

my $node = ArInbox::new_node('notices', conf => "max_prepared_transactions = 5\n");
my $json = JSON::PP->new->canonical;

# A session that listens the whole time.  psql prints what it has heard after
# each statement.
my ($in, $out) = ('', '');
my $listener = IPC::Run::start([ 'psql', '-XAtq', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>&1', IPC::Run::timeout(120));
my $asked = 0;
sub heard
{
	$asked++;
	$in .= "SELECT 'asked $asked';\n";
	$listener->pump until $out =~ /^asked $asked$/m;
	# what arrives with the answer is printed after it
	$in .= "SELECT 'again $asked';\n";
	$listener->pump until $out =~ /^again $asked$/m;
	my @payload = $out =~ /^Asynchronous notification "ar_inbox" with payload "(.*)" received/mg;
	$out = '';
	return @payload;
}
$in = "LISTEN ar_inbox;\n";
is_deeply([ heard() ], [], 'nothing is heard before something happens');

# sql: runs statements, each a transaction of its own, as the psql of another session.
sub sql { return $node->safe_psql('postgres', join ";\n", @_) }

# touch: a statement that changes a thread.
sub touch { return "UPDATE ar_inbox.threads SET subject = subject || '!' WHERE id = $_[0]" }

# said: what a notice says, as text: company: threads, sorted.
sub said
{
	my ($payload) = @_;
	my $notice = $json->decode($payload);
	return 'all' if $notice->{all};
	return join '; ', map {
		"$_->{company_id}:" . ($_->{thread_ids} ? join ' ', sort { $a <=> $b } @{ $_->{thread_ids} } : 'many')
	} sort { $a->{company_id} <=> $b->{company_id} } @{ $notice->{companies} };
}
sub said_all { return [ map { said($_) } heard() ] }

sql(
	"SELECT ar_inbox.create_company('Acme')", "SELECT ar_inbox.create_company('Other')",
	"SELECT ar_inbox.set_mail_account(1, 'billing\@acme.test', 'smtp://127.0.0.1:9')",
	"SELECT ar_inbox.set_mail_account(2, 'billing\@other.test', 'smtp://127.0.0.1:9')",
	q{CREATE FUNCTION public.mail(id text, recipient text = 'billing@acme.test', answers text = NULL) RETURNS bytea LANGUAGE sql AS $$
		SELECT convert_to(concat(E'From: p@client.test\r\nTo: ', recipient, E'\r\nMessage-ID: <', id, E'@c>\r\n', E'In-Reply-To: <' || answers || E'@c>\r\n', E'\r\nHi\r\n'), 'UTF8') $$});
heard();

# what is heard of
sql("SELECT ar_inbox.receive_email(public.mail('1'))");
is_deeply([ heard() ], ['{"companies": [{"company_id": 1, "thread_ids": [1]}]}'], 'a message that came');
sql("SELECT ar_inbox.receive_email(public.mail('1'))");
is_deeply(said_all(), [], 'the same again changes nothing');
sql("SELECT ar_inbox.receive_email(public.mail('2', answers => '1'))");
is_deeply(said_all(), ['1:1'], 'an answer');
sql("SELECT ar_inbox.add_note(1, 'n')");
is_deeply(said_all(), ['1:1'], 'a note');
sql("SELECT ar_inbox.set_thread_status(1, 'closed')", "SELECT ar_inbox.assign_thread(1, NULL)", "SELECT ar_inbox.snooze_thread(1, '2099-01-01')");
is_deeply(said_all(), [ '1:1', '1:1' ], 'its status and its snooze, and no act that changes nothing');
sql("SELECT ar_inbox.send_email(1, '{x\@x.test}', 's', 'b', thread_id => 1)");
is_deeply(said_all(), ['1:1'], 'a message that is written');
sql("INSERT INTO ar_inbox.email_opens (company_id, email_id, source) SELECT 1, max(id), 'image' FROM ar_inbox.emails");
is_deeply(said_all(), ['1:1'], 'one that was opened');
sql("UPDATE ar_inbox.deliveries SET state = 'handing_off', next_attempt_at = NULL");
is_deeply(said_all(), [], 'a hand-off that goes on is nothing yet');
sql("UPDATE ar_inbox.deliveries SET state = 'accepted', finished_at = now()");
is_deeply(said_all(), ['1:1'], 'its end is');
sql("UPDATE ar_inbox.companies SET undo_grace = '0'", "SELECT ar_inbox.create_customer(1, 'C')", "SELECT * FROM ar_inbox.threads");
is_deeply(said_all(), [], 'nothing of what is no thread\'s');
sql("SELECT ar_inbox.receive_email(public.mail('3'))", "SELECT ar_inbox.merge_threads(1, 2)");
is_deeply(said_all(), [ '1:2', '1:1 2' ], 'a merge is of both threads');
sql("SELECT ar_inbox.unmerge_threads(1)", "SELECT ar_inbox.split_thread(2)");
is_deeply(said_all(), [ '1:1 2', '1:1 3' ], 'its undoing too, and a split');

# one for each transaction
sql("BEGIN; SELECT ar_inbox.receive_email(public.mail('t' || i, CASE WHEN i % 2 = 0 THEN 'billing\@acme.test' ELSE 'billing\@other.test' END)) FROM generate_series(1, 6) i;
	SELECT ar_inbox.set_thread_status(1, 'closed'); COMMIT");
is_deeply(said_all(), ['1:1 5 7 9; 2:4 6 8'], 'two companies, seven threads, one notice');
sql("BEGIN; SELECT ar_inbox.set_thread_status(1, 'closed'); ROLLBACK");
is_deeply(said_all(), [], 'what rolled back is not heard of');

# subtransactions
sql("BEGIN", touch(1), 'SAVEPOINT a', touch(2), touch(4), 'ROLLBACK TO a', touch(3), 'COMMIT');
is_deeply(said_all(), ['1:1 3'], 'nor what a subtransaction did that rolled back');
sql("BEGIN", 'SAVEPOINT a', touch(1), 'SAVEPOINT b', touch(2), 'RELEASE b', touch(3), 'SAVEPOINT c', touch(5), 'ROLLBACK TO c', 'RELEASE a', 'COMMIT');
is_deeply(said_all(), ['1:1 2 3'], 'one that was released is heard of');
sql("BEGIN", 'SAVEPOINT a', touch(1), 'SAVEPOINT b', touch(2), 'RELEASE b', 'ROLLBACK TO a', touch(3), 'COMMIT');
is_deeply(said_all(), ['1:3'], 'unless one around it rolled back');
sql("BEGIN", touch(1), 'SAVEPOINT a', touch(1), touch(2), 'ROLLBACK TO a', 'COMMIT');
is_deeply(said_all(), ['1:1'], 'what was changed before a savepoint stays changed');
sql("BEGIN", 'SAVEPOINT a', touch(4), 'ROLLBACK TO a', touch(4), 'COMMIT');
is_deeply(said_all(), ['2:4'], 'a company that was named in it is named again');

# many
sql("INSERT INTO ar_inbox.threads (company_id, topic) SELECT 1, 'message' FROM generate_series(1, 400)");
my ($payload) = heard();
ok(length $payload < 8000 && said($payload) =~ /^1:(\d+ ){399}\d+$/, '400 threads are all named');
sql("BEGIN; INSERT INTO ar_inbox.threads (company_id, topic) SELECT 1, 'message' FROM generate_series(1, 501); " . touch(4) . '; COMMIT');
is_deeply(said_all(), ['1:many; 2:4'], 'of 501 only the company, beside a thread of another one');
sql('BEGIN', touch(1), 'SAVEPOINT a', "INSERT INTO ar_inbox.threads (company_id, topic) SELECT 1, 'message' FROM generate_series(1, 600)", 'ROLLBACK TO a', touch(2), 'COMMIT');
is_deeply(said_all(), ['1:1 2'], 'those that rolled back are not too many');
sql('BEGIN', 'SAVEPOINT a', 'SAVEPOINT b', "INSERT INTO ar_inbox.threads (company_id, topic) SELECT 1, 'message' FROM generate_series(1, 600)", 'RELEASE b', 'RELEASE a', touch(1), 'COMMIT');
is_deeply(said_all(), ['1:many'], 'those that were released are');
sql('ALTER SEQUENCE ar_inbox.threads_id_seq RESTART 1000000000000000001',
	"INSERT INTO ar_inbox.threads (company_id, topic) SELECT 1 + i % 2, 'message' FROM generate_series(1, 600) i");
($payload) = heard();
ok(length $payload < 8000, 'with long ids the notice is not too long either');
is(said($payload), '1:many; 2:many', 'and names the companies alone');
sql("INSERT INTO ar_inbox.companies (id, name) SELECT i, 'C' FROM generate_series(1000, 1400) i", "INSERT INTO ar_inbox.threads (company_id, topic) SELECT i, 'message' FROM generate_series(1000, 1249) i");
($payload) = heard();
ok(length $payload < 8000 && 250 == @{ $json->decode($payload)->{companies} }, '250 companies are named');
sql("INSERT INTO ar_inbox.threads (company_id, topic) SELECT i, 'message' FROM generate_series(1000, 1400) i");
is_deeply([ heard() ], ['{"companies": [], "all": true}'], 'of 401 only that there are many');
sql("INSERT INTO ar_inbox.companies (id, name) SELECT i, 'C' FROM generate_series(2000, 2600) i", "INSERT INTO ar_inbox.threads (company_id, topic) SELECT i, 'message' FROM generate_series(2000, 2600) i",
	'BEGIN', 'SAVEPOINT a', "INSERT INTO ar_inbox.threads (company_id, topic) SELECT i, 'message' FROM generate_series(2000, 2600) i", 'ROLLBACK TO a', touch(1), 'COMMIT');
is_deeply(said_all(), [ 'all', '1:1' ], 'and of 601, but not if they rolled back');

# a session goes on after an error, and what a prepared transaction did
$node->psql('postgres', join(";\n", 'BEGIN', touch(2), 'SELECT 1 / 0', 'COMMIT', touch(3)), on_error_stop => 0);
is_deeply(said_all(), ['1:3'], 'what failed is not in the next one\'s notice');
sql('BEGIN', touch(2), "PREPARE TRANSACTION 'p'", touch(1));
is_deeply(said_all(), ['1:1'], 'a prepared transaction is in nobody\'s notice');
sql("COMMIT PREPARED 'p'");
is_deeply(said_all(), [], 'nor in one of its own');
like(sql('SELECT subject FROM ar_inbox.threads WHERE id = 2'), qr/!$/, 'but is committed');

# whoever writes without them is told
my ($code, undef, $error) = $node->psql('postgres', "CREATE TABLE public.t (company_id bigint); CREATE TRIGGER t AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION ar_inbox_internal.notify_trigger('id'); INSERT INTO public.t VALUES (1)");
like($error, qr/table "t" has no column "id"/, 'a table without the column');
($code, undef, $error) = $node->psql('postgres', "CREATE TRIGGER u BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION ar_inbox_internal.notify_trigger('company_id'); INSERT INTO public.t VALUES (1)");
like($error, qr/must be fired after/, 'a trigger of another kind');

$in .= "\\q\n";
$listener->finish;
$node->stop;
done_testing();

# ProviderPeer: what stands in the place of the providers of text messages and
# letters: it holds each request against what Twilio's Messages API and Lob's
# Letters API document, and can misbehave.
#
#   my $peer = ProviderPeer->new;
#   ... base_url => $peer->url('acme') ...     # each name has a behaviour of its own
#   $peer->behave(acme => 'stall');            # from now on; see _answer
#   $peer->requests('acme');                   # those that came, whole, as hashes
#   $peer->made('acme');                       # the messages made of them
#   $peer->faults;                             # what no provider would have taken
#   $peer->wait_for(acme => 2);                # until so many have come
#   $peer->stop;
#
# It is a process of its own, that ends with the test, even when that is killed.

package ProviderPeer;

use strict;
use warnings;

use Carp qw(croak);
use Digest::MD5 qw(md5_hex);
use File::Temp ();
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Time::HiRes qw(sleep time);

my %running;
my $json = JSON::PP->new->canonical->ascii;

sub new
{
	my ($class) = @_;

	my $listener = IO::Socket::INET->new(Listen => 1000, LocalAddr => '127.0.0.1', Proto => 'tcp', ReuseAddr => 1)
	  or croak "no port: $!";
	my $self = bless { port => $listener->sockport, folder => File::Temp->newdir('provider.XXXXXX', TMPDIR => 1) }, $class;
	my $parent = $$;
	$self->{pid} = fork // croak "fork: $!";
	if ($self->{pid} == 0)
	{
		$SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
		eval { $self->_serve($listener, $parent) };
		warn $@ if $@;
		POSIX::_exit(0);
	}
	close $listener;
	$running{ $self->{pid} } = $self;
	return $self;
}

sub port { $_[0]{port} }
sub url { "http://127.0.0.1:$_[0]{port}/$_[1]" }

sub behave
{
	my ($self, $name, $how) = @_;

	open my $file, '>', "$self->{folder}/new" or croak $!;
	print $file $how;
	close $file or croak $!;
	rename "$self->{folder}/new", "$self->{folder}/behave.$name" or croak $!;
	return $self;
}

sub requests { my ($self, $name) = @_; return grep { $_->{name} eq $name } $self->_log }
sub faults { return map { @{ $_->{faults} } } $_[0]->_log }
sub made { my ($self, $name) = @_; my %seen; return grep { !$seen{$_}++ } map { $_->{made} // () } $self->requests($name) }

sub wait_for
{
	my ($self, $name, $count, $timeout) = @_;

	my $deadline = time + ($timeout // 30);
	while ((my @got = $self->requests($name)) < $count)
	{
		return 0 if time > $deadline;
		sleep 0.02;
	}
	return 1;
}

sub stop
{
	my ($self) = @_;

	my $pid = delete $self->{pid} or return $self;
	delete $running{$pid};
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return $self;
}

sub _log
{
	my ($self) = @_;

	open my $file, '<', "$self->{folder}/log" or return;
	return map { $json->decode($_) } grep { /\n\z/ } <$file>;
}

sub _behaviour
{
	my ($self, $name) = @_;

	open my $file, '<', "$self->{folder}/behave.$name" or return 'well';
	local $/;
	return <$file> // 'well';
}

sub _serve
{
	my ($self, $listener, $parent) = @_;

	my $select = IO::Select->new($listener);
	my %buffer;
	local $SIG{PIPE} = 'IGNORE';
	while (getppid == $parent)
	{
		for my $socket ($select->can_read(0.5))
		{
			if ($socket == $listener)
			{
				my $new = $listener->accept or next;
				if ($self->_behaviour('all') eq 'close')
				{
					close $new;
					next;
				}
				$select->add($new);
				$buffer{$new} = '';
				next;
			}
			my $got = sysread $socket, $buffer{$socket}, 65536, length $buffer{$socket};
			my $keep = $got;
			if ($got && $buffer{$socket} =~ /^(.*?)\r\n\r\n/s)
			{
				my ($head, $begin) = ($1, $+[0]);
				my ($length) = $head =~ /^content-length:\s*(\d+)\s*$/mi;
				if (length($buffer{$socket}) - $begin >= ($length // 0))
				{
					$keep = $self->_answer($socket, $head, substr $buffer{$socket}, $begin);
					$buffer{$socket} = '';
				}
			}
			if (!$keep)
			{
				$select->remove($socket);
				delete $buffer{$socket};
				close $socket;
			}
		}
	}
}

# _answer: reads one request and answers as its name behaves; true where the
# connection stays open.
sub _answer
{
	my ($self, $socket, $head, $body) = @_;

	my ($line, @header) = split /\r\n/, $head;
	my %header;
	for (@header)
	{
		my ($name, $value) = /^([^:]+):\s*(.*?)\s*$/;
		$header{ lc $name } = $value;
	}
	my ($method, $name, $path) = $line =~ m{^(\w+) /([^/]+)(/\S*) HTTP/1\.1$};
	$name //= '?';
	my %request = (name => $name, path => $path, headers => \%header, faults => [], at => time);
	my $fault = sub { push @{ $request{faults} }, "$name: $_[0]" };
	my $provider = ($path // '') =~ m{^/v1/} ? 'lob' : 'twilio';
	$fault->("not a POST: $line") if ($method // '') ne 'POST';
	$fault->('no host') if !defined $header{host};
	$fault->('chunked') if defined $header{'transfer-encoding'};
	$fault->('waits for 100') if defined $header{expect};
	$fault->('length') if ($header{'content-length'} // -1) != length $body;
	@request{qw(user password)} = split /:/, decode_base64($1), 2 if ($header{authorization} // '') =~ /^Basic (\S+)$/;
	$fault->('no authorization') if !defined $request{password};
	$request{fields} = {};
	$provider eq 'lob' ? _read_letter(\%request, $body, $fault) : _read_text(\%request, $body, $fault);

	my $how = $self->_behaviour($name);
	if ($how =~ /^(?:well|taken)/)
	{
		# the same key makes the same letter
		my $key = $provider eq 'lob' ? $header{'idempotency-key'} // rand : rand() . time;
		$request{made} = $provider eq 'lob' ? 'ltr_' . substr(md5_hex($key), 0, 16) : 'SM' . md5_hex($key);
	}
	open my $log, '>>', "$self->{folder}/log" or die $!;
	syswrite $log, $json->encode(\%request) . "\n";
	close $log;

	if ($how =~ /^stall/ || $how =~ /^taken and stall/)
	{
		return 1;
	}
	elsif ($how =~ /^drop/ || $how =~ /^taken and drop/)
	{
		return 0;
	}
	elsif ($how eq 'garbage')
	{
		syswrite $socket, "220 this is not HTTP\r\n";
		return 0;
	}
	elsif ($how eq 'cut')
	{
		syswrite $socket, "HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{\"sid\": \"SM";
		return 0;
	}
	elsif ($how eq 'long')
	{
		my $left = 50_000_000;
		syswrite $socket, "HTTP/1.1 201 Created\r\nContent-Length: $left\r\n\r\n";
		while ($left > 0)
		{
			my $sent = syswrite($socket, 'x' x 65536) or last;
			$left -= $sent;
		}
		return 0;
	}
	elsif ($how eq 'nonsense')
	{
		return _send($socket, '201 Created', '<html>Welcome to the airport!</html>');
	}
	elsif (my ($status, $extra, $answer) = $how =~ /^(\d{3} [^|]*)\|([^|]*)\|(.*)$/s)
	{
		return _send($socket, $status, $answer, $extra);
	}
	if (@{ $request{faults} })
	{
		return _send($socket, '400 Bad Request', $json->encode({ code => 1, message => join '; ', @{ $request{faults} } }));
	}
	return _send($socket, '200 OK', $json->encode({ id => $request{made}, object => 'letter', to => {}, url => 'https://example.com' }))
	  if $provider eq 'lob';
	return _send($socket, '201 Created', $json->encode({ sid => $request{made}, status => 'queued', error_code => undef, to => $request{fields}{To} }));
}

sub _send
{
	my ($socket, $status, $body, $extra) = @_;

	syswrite $socket, "HTTP/1.1 $status\r\nContent-Type: application/json\r\n" . (length($extra // '') ? "$extra\r\n" : '')
	  . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
	return 1;
}

# _read_text: a request to Twilio's Messages API.
sub _read_text
{
	my ($request, $body, $fault) = @_;

	my $field = $request->{fields};
	my ($account) = ($request->{path} // '') =~ m{^/2010-04-01/Accounts/(AC[0-9a-f]{32})/Messages\.json$} or $fault->("path $request->{path}");
	$fault->('the user is not the account') if ($request->{user} // '') ne ($account // '');
	$fault->('content type') if ($request->{headers}{'content-type'} // '') ne 'application/x-www-form-urlencoded';
	for (split /&/, $body)
	{
		my ($name, $value) = map { s/\+/ /gr =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger } split /=/, $_, 2;
		$fault->("$name twice") if exists $field->{$name};
		$fault->("no parameter $name") if $name !~ /^(?:To|From|MessagingServiceSid|Body|StatusCallback)$/;
		$fault->("$name is not UTF-8") if !utf8::decode($value);
		$field->{$name} = $value;
	}
	$fault->('To is not E.164') if ($field->{To} // '') !~ /^\+[1-9]\d{6,14}$/;
	$fault->('From or MessagingServiceSid') if defined $field->{From} == defined $field->{MessagingServiceSid};
	$fault->('From') if defined $field->{From} && $field->{From} !~ /^(?:\+[1-9]\d{6,14}|\d{3,8}|[A-Za-z0-9 ]{1,11})$/;
	$fault->('MessagingServiceSid') if defined $field->{MessagingServiceSid} && $field->{MessagingServiceSid} !~ /^MG[0-9a-f]{32}$/;
	$fault->('Body') if length($field->{Body} // '') < 1 || length $field->{Body} > 1600;
	$fault->('StatusCallback') if defined $field->{StatusCallback} && $field->{StatusCallback} !~ m{^https?://\S+$};
	return;
}

# _read_letter: a request to Lob's Letters API.
sub _read_letter
{
	my ($request, $body, $fault) = @_;

	my $field = $request->{fields};
	$fault->("path $request->{path}") if $request->{path} ne '/v1/letters';
	$fault->('a password beside the key') if ($request->{password} // '') ne '';
	my $key = $request->{headers}{'idempotency-key'} // '';
	$fault->('Idempotency-Key') if length($key) < 1 || length $key > 256;
	my ($boundary) = ($request->{headers}{'content-type'} // '') =~ m{^multipart/form-data; boundary=([0-9A-Za-z]{1,70})$}
	  or return $fault->('content type');
	my @part = split /(?:^|\r\n)--\Q$boundary\E(?:--)?\r\n/, $body, -1;
	$fault->('multipart') if @part < 3 || shift @part ne '' || pop @part ne '' || $body !~ /--\Q$boundary\E--\r\n\z/;
	for (@part)
	{
		my ($head, $value) = split /\r\n\r\n/, $_, 2;
		my ($name) = $head =~ /^Content-Disposition: form-data; name="([^"]+)"/ or $fault->("part: $head");
		$fault->("$name twice") if exists $field->{$name};
		$fault->("no parameter $name")
		  if $name !~ /^(?:description|(?:to|from)\[(?:name|company|address_(?:line1|line2|city|state|zip|country))\]|color|use_type|metadata\[\w+\]|file)$/;
		$fault->("$name is not UTF-8") if !utf8::decode($value);
		$field->{$name} = $value;
		$request->{file_head} = $head if $name eq 'file';
	}
	for my $whom ('to', 'from')
	{
		my %part = map { /^$whom\[(\w+)\]$/ ? ($1 => $field->{$_}) : () } keys %$field;
		$fault->("$whom: nobody") if !defined $part{name} && !defined $part{company};
		$fault->("$whom: too long a name") if grep { defined && length > 40 } @part{qw(name company)};
		$fault->("$whom: $_") for grep { length($part{$_} // '') < 1 } qw(address_line1 address_city address_country);
		$fault->("$whom: country") if ($part{address_country} // '') !~ /^[A-Z]{2}$/;
		$fault->("$whom: state, zip") if ($part{address_country} // '') eq 'US' && (($part{address_state} // '') !~ /^[A-Z]{2}$/ || ($part{address_zip} // '') !~ /^\d{5}(?:-?\d{4})?$/);
	}
	$fault->('color') if ($field->{color} // '') !~ /^(?:true|false)$/;
	$fault->('use_type') if ($field->{use_type} // '') !~ /^(?:marketing|operational)$/;
	$fault->('description') if length($field->{description} // '') > 255;
	$fault->('file') if ($request->{file_head} // '') !~ m{; filename="[^"]+\.(?:html|pdf)"\r\nContent-Type: (?:text/html|application/pdf)$} || ($field->{file} // '') !~ /<html>.*<\/html>/s;
	return;
}

END
{
	local ($?, $!);
	$_->stop for values %running;
}

1;

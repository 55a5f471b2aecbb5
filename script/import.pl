#!/usr/bin/perl
# script/import.pl [OPTION...] FILE: from an export of any shop to the table "orders".
#
# This part looks at the first line and at the bytes: encoding, separator, which column is what.
# The fields themselves are read by the server's COPY, as text, and script/import.sql turns them
# into orders there, by what the whole column says. Uses the psql, and the database, of the
# environment (PGHOST, PGDATABASE, ...). Only what perl-base has is used.
#
# --sniff looks at the file alone, and says what is missing, before there is any server.
use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Getopt::Long qw(GetOptionsFromArray :config no_ignore_case no_auto_abbrev);

# What each column may be called, the best name first; names are compared by their letters and digits.
my %names = (
	customer => [qw(customeruniqueid customerid custid clientid buyerid userid memberid accountid customernumber customerno
		customercode customer client buyer user member customeremail emailbilling billingemail buyeremail useremail email emailaddress
		kundennummer kundennr kundenid kunde idclient cliente idcliente phone)],
	date => [qw(orderedat orderdate orderedon ordertime orderdatetime orderpurchasetimestamp purchasedate purchasedat purchasetimestamp
		createdat createddate createddateutc createdutc created invoicedate transactiondate transactiontime saledate solddate
		datetime timestamp date day paidat bestelldatum rechnungsdatum datum datecommande datedecommande fecha)],
	amount => [qw(amount orderamount ordertotal ordertotalamount grandtotal grandtotalpurchased grandtotalbase totalamount totalprice total
		netamount netrevenue nrevenue nrevenueformatted revenue linetotal lineamount sales spend spent paymentvalue value price
		betrag gesamtbetrag summe gesamt umsatz montant importe)],
	order => [qw(orderid ordernumber orderno ordernr order invoiceno invoiceid invoicenumber invoice transactionid receiptid receiptno
		receipt basketid incrementid bestellnummer bestellnr rechnungsnummer)],
	quantity => [qw(quantity qty quantityordered units menge)],
	unit_price => [qw(unitprice price itemprice)],
	status => [qw(status orderstatus bestellstatus auftragsstatus statut estado financialstatus paymentstatus state)],
	refund => [qw(refundedamount amountrefunded refundedtotal totalrefunded orderrefundamount refundamount)],
	cancelled => [qw(cancelledat canceledat cancelled canceled)],
	test => [qw(test istest testorder livemode mode)],
	currency => [qw(currency ordercurrency currencycode paymentcurrency)],
	payment => [qw(paymentmethod paymentmethodtitle paymentgateway gateway)],
);

# The exports that are known, by columns that only they have: which columns then are what.
my @kinds = (
	{ name => 'Shopify orders', has => [qw(name financialstatus total createdat)],
		customer => [qw(email phone)], date => ['createdat'], amount => ['total'], order => ['name'], status => ['financialstatus'],
		refund => ['refundedamount'], cancelled => ['cancelledat'], quantity => [] },
	{ name => 'Stripe payments', has => [qw(id amount amountrefunded status)],
		customer => [qw(customeremail customerid customerdescription)], date => [qw(createddateutc createdutc createddate created)],
		amount => [qw(convertedamount amount)], refund => [qw(convertedamountrefunded amountrefunded)],
		currency => [qw(convertedcurrency currency)], order => ['id'], quantity => [] },
	{ name => 'Magento orders', has => [qw(purchasedate status)], any => [qw(grandtotalpurchased grandtotalbase)],
		customer => [qw(customeremail)], date => ['purchasedate'], amount => [qw(grandtotalbase grandtotalpurchased)], order => ['id'],
		refund => ['totalrefunded'], drop => 'closed holded pending_payment', quantity => [] },
	{ name => 'WooCommerce orders', has => [], any => [qw(ordertotalamount emailbilling billingemail nrevenue nrevenueformatted)],
		customer => [qw(emailbilling billingemail customeremail customerid customer)],
		amount => [qw(ordertotalamount ordertotal total nrevenue netrevenue nrevenueformatted)], drop => 'pending pending_payment', quantity => [] },
	{ name => 'Online Retail lines', has => [qw(stockcode quantity invoicedate)], any => [qw(unitprice price)],
		customer => ['customerid'], date => ['invoicedate'], order => [qw(invoiceno invoice)], amount => [], cancels => 'C' },
	{ name => 'Olist', has => [qw(orderid orderpurchasetimestamp)], customer => [qw(customeruniqueid customerid)],
		date => ['orderpurchasetimestamp'], amount => [qw(price paymentvalue)], status => ['orderstatus'], drop => 'unavailable', quantity => [] },
);

# An order of one of these was not paid for, or its money went back.
my @dropped = qw(refunded refund fully_refunded voided void failed failure payment_failed declined denied cancelled canceled reversed
	expired trash draft checkout-draft auto-draft test fraud blocked error rejected returned abandoned unpaid uncaptured
	chargeback charged_back uncollectible incomplete requires_payment_method requires_action requires_confirmation
	storniert abgebrochen erstattet gutgeschrieben zurückgegeben retourniert fehlgeschlagen abgelehnt unbezahlt
	annulée annulé annulee annule remboursée remboursé remboursee rembourse échouée échoué refusée refusé
	cancelado cancelada anulado anulada reembolsado reembolsada fallido fallida rechazado rechazada);

sub fail { print STDERR "$ENV{DEMO_NAME}: @_\n"; exit 1; }
$ENV{DEMO_NAME} ||= 'import.pl';

# ---------------------------------------------------------------- arguments

my %option = (skip_bad => 0, lines => '', dates => '', decimal => '');
my @column_flags = qw(customer date amount order quantity status refund currency-column);
GetOptionsFromArray(\@ARGV, \%option, map({ "$_=s" } @column_flags, qw(dates decimal lines separator encoding currency keep-status drop-status)),
	'skip-bad', 'sniff') or exit 2;
@ARGV == 1 or fail 'one file, please';
my $file = $ARGV[0];
my $shown_file = $ENV{FILE_NAME} || $file;
$option{dates} =~ /\A(?:|dmy|mdy)\z/ or fail "--dates must be dmy or mdy, but is $option{dates}";
$option{decimal} =~ /\A[.,]?\z/ or fail "--decimal must be . or , but is $option{decimal}";
$option{lines} =~ /\A(?:|add|once|orders)\z/ or fail "--lines must be add, once or orders, but is $option{lines}";
my %separators = (comma => ',', semicolon => ';', tab => "\t", pipe => '|', ',' => ',', ';' => ';', '|' => '|', "\t" => "\t", '\t' => "\t");
!defined $option{separator} or $separators{$option{separator}}
	or fail "--separator must be comma, semicolon, tab or pipe, but is $option{separator}";

# ---------------------------------------------------------------- bytes

-e $file or fail "there is no file $shown_file";
-r $file && !-d $file or fail "$shown_file is not readable";
-s $file or fail "$shown_file is empty";
open my $in, '<:raw', $file or fail "$file: $!";
read $in, my $head, 1 << 16;

# Spreadsheets write UTF-16, which iconv of the C library knows.
if ($head =~ /\A(?:\xFF\xFE|\xFE\xFF)/)
{
	close $in;
	open $in, '-|', 'iconv', '-f', 'UTF-16', '-t', 'UTF-8', $file or fail "iconv: $!";
	binmode $in;
	my $directory = tempdir(CLEANUP => 1);
	open my $out, '>:raw', "$directory/utf8" or fail "$directory/utf8: $!";
	print $out $_ while <$in>;
	close $out;
	close $in or fail "$shown_file begins as UTF-16, and is not";
	open $in, '<:raw', $file = "$directory/utf8";
	read $in, $head, 1 << 16;
	$option{encoding} = 'UTF-8';
}

# What is not UTF-8 is taken for what Windows calls Latin-1, or Latin-1 itself.
sub encoding_of_file
{
	my ($utf8, $windows) = (1, 1);
	seek $in, 0, 0;
	while (my $line = <$in>)
	{
		$line !~ /\0/ or fail "$shown_file, line $.: a zero byte; this is no text file";
		next if $line !~ /[\x80-\xFF]/;
		$windows = 0 if $line =~ /[\x81\x8D\x8F\x90\x9D]/;
		$utf8 &&= utf8::decode($line);
	}
	return $utf8 ? 'UTF-8' : $windows ? 'Windows-1252' : 'Latin-1';
}
my $encoding = $option{encoding} || encoding_of_file();
my %server_encodings = ('utf-8' => 'UTF8', utf8 => 'UTF8', 'windows-1252' => 'WIN1252', 'latin-1' => 'LATIN1', latin1 => 'LATIN1');
my $server_encoding = $server_encodings{lc $encoding} || $encoding;
$server_encoding =~ /\A\w[\w-]*\z/ or fail "--encoding must be a name such as UTF-8 or Latin-1, but is $encoding";

# ---------------------------------------------------------------- the header

# What comes before the header: a byte order mark, "sep=;", empty lines.
my ($preamble) = $head =~ /\A((?:\xEF\xBB\xBF)?(?:sep=.\r?\n)?(?:[ \t]*\r?\n)*)/;
my $told = $preamble =~ /sep=(.)/ ? $1 : undef;
$head = substr $head, length $preamble;
my $lines_before = $preamble =~ tr/\n//;

# The fields of the header by this separator, and its length with the line's end.
sub header
{
	my ($separator) = @_;
	my @fields;
	my $s = quotemeta $separator;
	pos($head) = 0;
	while ($head =~ /\G(?: *"((?:[^"]|"")*)" *|([^$s\r\n]*))($s|\r?\n|\r|\z)/g)
	{
		my ($field, $end) = ($1 // $2, $3);
		$field =~ s/""/"/g;
		$field =~ s/\A\s+|\s+\z//g;
		push @fields, $field;
		return (\@fields, pos($head)) if $end ne $separator;
	}
	return ([], 0);
}
sub compared { my $name = lc shift; $name =~ s/[^a-z0-9\x80-\xFF]//g; return $name; }

my $separator = defined $option{separator} ? $separators{$option{separator}} : $told;
if (!defined $separator)
{
	my $most = 0;
	foreach my $candidate (',', ';', "\t", '|')
	{
		my $count = @{ (header($candidate))[0] };
		($separator, $most) = ($candidate, $count) if $count > $most;
	}
}
my ($header, $header_length) = header($separator);
@$header or fail "$shown_file, line 1: the header cannot be read; a quote may be missing";
my %place;    # of a column, by the letters and digits of its name
foreach my $i (0 .. $#$header)
{
	my $name = compared($header->[$i]);
	$place{$name} //= $i if $name ne '';
}
# "Total (EUR)" and "Amount USD" are a total and an amount, if nothing else is.
foreach my $i (0 .. $#$header)
{
	(my $name = $header->[$i]) =~ s/\s*(?:[(\[].*|\b(?:EUR|USD|GBP|CHF|AUD|CAD|JPY|SEK|NOK|DKK|PLN|BRL|INR))\s*\z//i;
	$place{ compared($name) } //= $i if compared($name) ne '';
}

# ---------------------------------------------------------------- which column is what

my $kind = { name => 'Orders' };
KIND: foreach my $candidate (@kinds)
{
	foreach (@{ $candidate->{has} }) { next KIND if !exists $place{$_}; }
	next if $candidate->{any} && !grep { exists $place{$_} } @{ $candidate->{any} };
	$kind = $candidate;
	last;
}

sub shown { return join ', ', map { qq("$_") } @_; }

# The places of the columns for a role: what the user says, else what the kind of export says, else the names that are known.
sub places
{
	my ($role, $flag) = @_;
	my $said = $option{ $flag // $role };
	if (defined $said)
	{
		return () if $said eq 'none';
		exists $place{ compared($said) } or fail "there is no column \"$said\"; the columns are " . shown(@$header);
		return $place{ compared($said) };
	}
	return map { $place{$_} } grep { exists $place{$_} } @{ $kind->{$role} // $names{$role} };
}

my %column = map { my ($place) = places($_); ($_ => $place) } qw(date order quantity status refund cancelled test payment);
($column{currency}) = places('currency', 'currency-column');
my @customer = places('customer');
# A customer without an id may still be known by an address: the first two names stand for each other.
$#customer = 1 if @customer > 2;
# Lines have the price of one piece, which counts as often as their quantity says; of an amount that is said to be the
# total, the quantity is that of something else.
my %is_unit_price = map { $_ => 1 } @{ $names{unit_price} };
my ($total) = grep { !defined $column{quantity} || !$is_unit_price{ compared($header->[$_]) } } places('amount');
my ($unit_price) = defined $column{quantity} && !defined $total ? places(defined $option{amount} ? 'amount' : 'unit_price') : ();
my $amount = $total // $unit_price;
delete $column{quantity} if !defined $unit_price && !(defined $option{amount} && defined $option{quantity});
my %missing = (customer => !@customer, date => !defined $column{date}, amount => !defined $amount);
if (my @missing = grep { $missing{$_} } qw(customer date amount))
{
	my $columns = shown(map { length > 60 ? substr($_, 0, 60) . '...' : $_ } @$header[0 .. ($#$header < 39 ? $#$header : 39)]);
	my $flags = join ' ', map { "--$_ COLUMN" } @missing;
	fail "$shown_file, line " . ($lines_before + 1) . ": no column is known for the " . join(' and the ', @missing)
		. "; say which: $flags\n    The first line must name the columns, and they are: $columns";
}
exit 0 if $option{sniff};

# ---------------------------------------------------------------- the server's part

sub literal { my $text = shift; return 'NULL' if !defined $text; $text =~ s/'/''/g; return "'$text'"; }
sub field { return defined $_[0] ? 'c' . ($_[0] + 1) : 'NULL::text'; }
sub name_of { return defined $_[0] ? $header->[ $_[0] ] : undef; }
sub words { return '{' . join(',', map { my $word = lc; $word =~ s/[\s,]+/_/g; $word =~ s/["\\{}]//g; qq("$word") } @_) . '}'; }

my %drop = map { $_ => 1 } @dropped, split(' ', $kind->{drop} // ''), split(/,/, lc($option{'drop-status'} // ''));
delete @drop{ split /,/, lc($option{'keep-status'} // '') };
my $customer_expression = @customer > 1 ? "coalesce(nullif(btrim(" . field($customer[0]) . "), ''), " . field($customer[1]) . ")" : field($customer[0]);
# WooCommerce numbers all guests 0.
$customer_expression = "nullif($customer_expression, '0')" if $kind->{name} =~ /Woo/;
my %separator_names = (',' => 'commas', ';' => 'semicolons', "\t" => 'tabs', '|' => 'bars');
my $total_like = name_of($amount) =~ /total|value|grand/i ? 'true' : 'false';

my %settings = (
	file => $shown_file, kind => $kind->{name}, encoding => $encoding, separator => $separator_names{$separator}, lines_before => $lines_before,
	customer => join(', else ', map { qq("$header->[$_]") } @customer), date => name_of($column{date}), amount => name_of($amount),
	order_id => name_of($column{order}), quantity => name_of($column{quantity}), refund => name_of($column{refund}),
	status => name_of($column{status}), columns => scalar(@$header),
	dropped => words(keys %drop), cancels => $kind->{cancels}, dates => $option{dates}, decimal => $option{decimal}, lines => $option{lines},
	currency => $option{currency}, skip_bad => $option{'skip-bad'} ? 'true' : 'false', total_like => $total_like,
	test_name => defined $column{test} ? compared(name_of($column{test})) : undef);

my $work = tempdir(CLEANUP => 1);
my $prelude = "$work/prelude.sql";
open my $sql, '>:raw', $prelude or fail "$prelude: $!";
my $list = join ', ', map { "c$_" } 1 .. @$header;
my $delimiter = $separator eq "\t" ? "E'\\t'" : "'$separator'";
print $sql "SET client_min_messages = warning;\nCREATE SCHEMA import;\n",
	"CREATE TABLE import.csv (number bigint GENERATED ALWAYS AS IDENTITY, ", join(', ', map { "c$_ text" } 1 .. @$header), ");\n",
	"\\copy import.csv ($list) FROM pstdin WITH (FORMAT csv, DELIMITER $delimiter, HEADER, ENCODING '$server_encoding')\n",
	"CREATE VIEW import.fields AS SELECT number, $customer_expression AS customer, ",
	join(', ', map { field($column{$_}) . " AS $_" } qw(date order quantity status refund cancelled test currency payment)), ', ',
	field($amount), " AS amount FROM import.csv;\n",
	"SET client_encoding = '$server_encoding';\n",
	"CREATE TABLE import.settings AS SELECT ", join(', ', map { literal($settings{$_}) . "::text AS $_" } sort keys %settings), ";\n",
	"SET client_encoding = 'UTF8';\n";
close $sql;

# Line ends become those of Unix, and empty lines at the end go: COPY takes neither.
sub send_file
{
	my ($to) = @_;
	seek $in, length $preamble, 0;
	my $empty = '';
	while (my $line = <$in>)
	{
		$line =~ s/\r\n\z/\n/;
		$line =~ s/\r(?!\z)/\n/g if index($line, "\r") >= 0;
		if ($line =~ /\A[\s$separator]*\z/) { $empty .= $line; next; }
		if ($empty ne '') { print $to $empty; $empty = ''; }
		$line = qq("\\."\n) if $line eq "\\.\n";
		print $to $line or return;
	}
}

local $SIG{PIPE} = 'IGNORE';
open my $errors, '>', "$work/errors" or fail "$work/errors: $!";
open my $stderr, '>&', \*STDERR;
open STDERR, '>&', $errors;
my $pid = open my $psql, '|-', 'psql', '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-f', $prelude, '-f', dirname($0) . '/import.sql'
	or fail "psql: $!";
binmode $psql;
send_file($psql);
close $psql;
my $status = $? >> 8;
open STDERR, '>&', $stderr;
exit 0 if $status == 0;

# "line 3: missing data for column ..." out of psql's ERROR and CONTEXT lines
open my $read, '<', "$work/errors";
my ($error, $line) = ('', '');
my @more;    # lines of the message
$told = 0;
while (<$read>)
{
	if (/ERROR:\s*(.*)/) { $error = $1; $told = 1; }
	elsif (/^(?:CONTEXT|DETAIL|HINT|LINE|STATEMENT|QUERY):/) { $told = 0; }
	elsif ($told) { chomp; push @more, "    $_"; }
	$line = $1 + $lines_before if /CONTEXT:.*\bline (\d+)/;
}
# What import.sql finds wrong with the orders.
if ($error =~ s/\Aimport: //)
{
	$error .= "\n$_" foreach @more;
	fail "$shown_file: $error";
}
$error =~ s/(column )"c(\d+)"/$1 . '"' . $header->[$2 - 1] . '"'/e;
print STDERR "    ", ($line ne '' ? "line $line: " : ''), "$error\n";
fail "$shown_file cannot be loaded";

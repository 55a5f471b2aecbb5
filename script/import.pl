#!/usr/bin/perl
# script/import.pl [OPTION...] FILE...: from an export of any shop to the table "orders".
#
# This part looks at the first line and at the bytes: encoding, separator, which column is what, and, of several
# files, which belong together: those with the same columns are read one after the other; amounts in a file of their
# own are joined by the order's number, and who customers are by the customer's.
# The fields themselves are read by the server's COPY, as text, and script/import.sql turns them
# into orders there, by what the whole column says. Uses the psql, and the database, of the
# environment (PGHOST, PGDATABASE, ...). Only what perl-base has is used.
#
# --sniff looks at the files alone, and says what is missing, before there is any server.
use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Getopt::Long qw(GetOptionsFromArray :config no_ignore_case no_auto_abbrev);

# What each column may be called, the best name first; names are compared by their letters and digits.
my %names = (
	customer => [qw(customeruniqueid customerid custid clientid buyerid userid memberid accountid customernumber customerno
		customercode customeruserid customer client buyer user member customeremail emailbilling billingemail billingemailaddress customeraccountemailaddress buyeremail useremail email emailaddress
		kundennummer kundennr kundenid kunde idclient cliente idcliente phone)],
	date => [qw(orderedat orderdate orderedon ordertime orderdatetime orderpurchasetimestamp purchasedate purchasedat purchasetimestamp
		createdat createddate createddateutc createdutc created invoicedate transactiondate transactiontime saledate solddate
		datetime timestamp date day paidat bestelldatum rechnungsdatum datum datecommande datedecommande fecha)],
	amount => [qw(amount orderamount ordertotal ordertotalamount grandtotal grandtotalpurchased grandtotalbase totalamount totalprice total
		netamount netrevenue nrevenue nrevenueformatted revenue linetotal lineamount sales spend spent paymentvalue value price
		betrag gesamtbetrag summe gesamt umsatz montant importe)],
	order => [qw(orderid ordernumber orderno ordernr orderreference orderref ordercode order invoiceno invoiceid invoicenumber invoice transactionid receiptid receiptno
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
# Where no column has one of these names: how its name ends, or begins, the likeliest first.
my %likely = (
	customer => [ qr/(?:customer|client|buyer|user|member|account)(?:id|nr|no|number|code|key|uuid)\z/, qr/e?mail(?:address)?\z/, qr/\A(?:customer|client|buyer)/ ],
	date => [ qr/\A(?:order|purchase|invoice|transaction|sale|payment)[a-z]*(?:date|time|timestamp|at|on)\z/, qr/\A(?:created|placed|completed|paid)[a-z]*(?:date|time|at|on)\z/, qr/(?:date|datum|timestamp)\z/ ],
	amount => [ qr/\A(?:order|grand|invoice|cart|basket|payment)[a-z]*(?:total|amount|value|sum)(?:incl[a-z]*|gross|brutto|paid)?\z/, qr/(?:total|amount|revenue)\z/ ],
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
	{ name => 'WooCommerce orders', has => [], any => [qw(ordertotalamount emailbilling billingemail billingemailaddress nrevenue nrevenueformatted)],
		customer => [qw(emailbilling billingemail billingemailaddress customeremail customeraccountemailaddress customerid customeruserid customer)],
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
@ARGV or fail 'name a file';
$option{dates} =~ /\A(?:|dmy|mdy)\z/ or fail "--dates must be dmy or mdy, but is $option{dates}";
$option{decimal} =~ /\A[.,]?\z/ or fail "--decimal must be . or , but is $option{decimal}";
$option{lines} =~ /\A(?:|add|once|orders)\z/ or fail "--lines must be add, once or orders, but is $option{lines}";
my %separators = (comma => ',', semicolon => ';', tab => "\t", pipe => '|', ',' => ',', ';' => ';', '|' => '|', "\t" => "\t", '\t' => "\t");
!defined $option{separator} or $separators{$option{separator}}
	or fail "--separator must be comma, semicolon, tab or pipe, but is $option{separator}";

my %server_encodings = ('utf-8' => 'UTF8', utf8 => 'UTF8', 'windows-1252' => 'WIN1252', 'latin-1' => 'LATIN1', latin1 => 'LATIN1');
($server_encodings{ lc($option{encoding} // 'utf8') } || $option{encoding}) =~ /\A\w[\w-]*\z/
	or fail "--encoding must be a name such as UTF-8 or Latin-1, but is $option{encoding}";

sub server_encoding { my ($file) = @_; return $server_encodings{ lc $file->{encoding} } || $file->{encoding}; }

# ---------------------------------------------------------------- bytes

# Spreadsheets write UTF-16, which iconv of the C library knows: the path of a copy in UTF-8.
sub from_utf16
{
	my ($file) = @_;
	my $directory = tempdir(CLEANUP => 1);
	open my $in, '-|', 'iconv', '-f', 'UTF-16', '-t', 'UTF-8', $file->{path} or fail "iconv: $!";
	binmode $in;
	open my $out, '>:raw', "$directory/utf8" or fail "$directory/utf8: $!";
	print $out $_ while <$in>;
	close $out;
	close $in or fail "$file->{shown} begins as UTF-16, and is not";
	return "$directory/utf8";
}

# What is not UTF-8 is taken for what Windows calls Latin-1, or Latin-1 itself.
sub encoding_of_file
{
	my ($file) = @_;
	my ($utf8, $windows, $in) = (1, 1, $file->{in});
	seek $in, 0, 0;
	while (my $line = <$in>)
	{
		$line !~ /\0/ or fail "$file->{shown}, line $.: a zero byte; this is no text file";
		next if $line !~ /[\x80-\xFF]/;
		$windows = 0 if $line =~ /[\x81\x8D\x8F\x90\x9D]/;
		$utf8 &&= utf8::decode($line);
	}
	return $utf8 ? 'UTF-8' : $windows ? 'Windows-1252' : 'Latin-1';
}

sub open_file
{
	my ($file) = @_;
	open $file->{in}, '<:raw', $file->{path} or fail "$file->{shown}: $!";
	read $file->{in}, $file->{head}, 1 << 16;
}

# ---------------------------------------------------------------- the header

# The fields of the header by this separator.
sub header
{
	my ($head, $separator) = @_;
	my @fields;
	my $s = quotemeta $separator;
	pos($head) = 0;
	while ($head =~ /\G(?: *"((?:[^"]|"")*)" *|([^$s\r\n]*))($s|\r\n?|\n|\z)/g)
	{
		my ($field, $end) = ($1 // $2, $3);
		$field =~ s/""/"/g;
		$field =~ s/\A\s+|\s+\z//g;
		push @fields, $field;
		return \@fields if $end ne $separator;
	}
	return [];
}

# Texts of another encoding, by iconv of the C library.
sub in_utf8
{
	my ($encoding, @texts) = @_;
	my $directory = tempdir(CLEANUP => 1);
	open my $out, '>:raw', "$directory/texts" or fail "$directory/texts: $!";
	print $out join("\0", @texts);
	close $out;
	open my $in, '-|', 'iconv', '-f', $encoding, '-t', 'UTF-8', "$directory/texts" or fail "iconv: $!";
	binmode $in;
	local $/;
	@texts = split /\0/, scalar(<$in>) // '', -1;
	close $in or fail "the header is not $encoding";
	return @texts;
}
sub compared { my $name = lc shift; $name =~ s/[^a-z0-9\x80-\xFF]//g; return $name; }

# A file as it is: in, encoding, separator, preamble, header, and how many lines are before it.
sub look_at
{
	my ($path, $shown) = @_;
	my $file = { path => $path, shown => $shown, encoding => $option{encoding} };
	-e $path or fail "there is no file $shown";
	-r $path && !-d $path or fail "$shown is not readable";
	-s $path or fail "$shown is empty";
	open_file($file);
	if ($file->{head} =~ /\A(?:\xFF\xFE|\xFE\xFF)/)
	{
		$file->{path} = from_utf16($file);
		open_file($file);
		$file->{encoding} = 'UTF-8';
	}
	$file->{encoding} ||= encoding_of_file($file);

	# What comes before the header: a byte order mark, "sep=;", empty lines.
	my ($preamble) = $file->{head} =~ /\A((?:\xEF\xBB\xBF)?(?:sep=.(?:\r\n?|\n))?(?:[ \t]*(?:\r\n?|\n))*)/;
	my $head = substr $file->{head}, length $preamble;
	my $separator = defined $option{separator} ? $separators{ $option{separator} } : $preamble =~ /sep=(.)/ ? $1 : undef;
	if (!defined $separator)
	{
		my $most = 0;
		foreach my $candidate (',', ';', "\t", '|')
		{
			my $count = @{ header($head, $candidate) };
			($separator, $most) = ($candidate, $count) if $count > $most;
		}
	}
	my $header = header($head, $separator);
	@$header or fail "$shown, line 1: the header cannot be read; a quote may be missing";
	my $encoding = server_encoding($file);
	@$header = in_utf8($encoding eq 'WIN1252' ? 'CP1252' : $encoding, @$header) if $encoding ne 'UTF8' && "@$header" =~ /[\x80-\xFF]/;
	return { %$file, preamble => $preamble, lines_before => scalar(() = $preamble =~ /\r\n?|\n/g), separator => $separator, header => $header };
}

# Files with the same columns, in whatever order where all have names, are one table.
my @tables;
foreach my $path (@ARGV)
{
	my $file = look_at($path, @ARGV == 1 ? $ENV{FILE_NAME} || $path : $path =~ s{.*/(?=.)}{}r);
	my (%seen, @names);
	@names = map { compared($_) } @{ $file->{header} };
	@names = sort @names if !grep { $_ eq '' || $seen{$_}++ } @names;
	my $columns = join ' ', @names;
	my ($table) = grep { $_->{columns} eq $columns } @tables;
	push @tables, $table = { columns => $columns, header => $file->{header} } if !$table;
	push @{ $table->{files} }, $file;
}
foreach my $table (@tables)
{
	$table->{shown} = join ', ', map { $_->{shown} } @{ $table->{files} };
	my $header = $table->{header};
	my $place = $table->{place} = {};    # of a column, by the letters and digits of its name
	foreach my $i (0 .. $#$header)
	{
		my $name = compared($header->[$i]);
		$place->{$name} //= $i if $name ne '';
	}
	# "Total (EUR)" and "Amount USD" are a total and an amount, if nothing else is.
	foreach my $i (0 .. $#$header)
	{
		(my $name = $header->[$i]) =~ s/\s*(?:[(\[].*|\b(?:EUR|USD|GBP|CHF|AUD|CAD|JPY|SEK|NOK|DKK|PLN|BRL|INR))\s*\z//i;
		$place->{ compared($name) } //= $i if compared($name) ne '';
	}
}

# ---------------------------------------------------------------- which files belong together

sub first_of { my ($table, @wanted) = @_; my ($found) = grep { exists $table->{place}{$_} } @wanted; return $found; }

# The orders are where the days and the customers are, rather than what was in them.
sub likeness
{
	my ($table) = @_;
	my $days = first_of($table, @{ $names{date} }, defined $option{date} ? compared($option{date}) : (), map { @{ $_->{date} // [] } } @kinds);
	return 4 * !!$days + 2 * !!first_of($table, @{ $names{customer} }) + !!first_of($table, @{ $names{order} }) + !!first_of($table, @{ $names{amount} })
		+ !!first_of($table, grep { $_ ne 'state' } @{ $names{status} }) - 2 * !!first_of($table, qw(productid sku productsku stockcode orderitemid lineitemid lineid));
}
my ($main) = sort { likeness($b) <=> likeness($a) } @tables;
my @used = ($main);

# The column by which the rows of another table belong to those of the orders: of both, or none.
sub shared_key
{
	my ($table, $role, @also_id) = @_;
	foreach my $name (grep { exists $table->{place}{$_} } @{ $names{$role} })
	{
		return [ $main->{place}{$name}, $table->{place}{$name} ] if exists $main->{place}{$name};
		return [ $main->{place}{id}, $table->{place}{$name} ] if @also_id && $name eq "${role}id" && exists $main->{place}{id};
	}
	return undef;
}
foreach my $table (grep { $_ != $main } @tables)
{
	$table->{order_key} = shared_key($table, 'order', 'id');
	$table->{customer_key} = shared_key($table, 'customer');
}

# ---------------------------------------------------------------- which column is what

# The columns of the orders, then those of the files that may be joined: [table, place in it], and by name.
my (@columns, %place);
sub take_columns
{
	my ($table) = @_;
	my $first = @columns;
	push @columns, map { [ $table, $_ ] } 0 .. $#{ $table->{header} };
	$place{$_} //= $first + $table->{place}{$_} foreach keys %{ $table->{place} };
}
take_columns($_) foreach $main, grep { $_->{order_key} || $_->{customer_key} } @tables;
sub table_of { return $columns[ $_[0] ][0]; }
sub name_of { return defined $_[0] ? $columns[ $_[0] ][0]{header}[ $columns[ $_[0] ][1] ] : undef; }

my $kind = { name => 'Orders' };
KIND: foreach my $candidate (@kinds)
{
	foreach (@{ $candidate->{has} }) { next KIND if !exists $place{$_}; }
	next if $candidate->{any} && !grep { exists $place{$_} } @{ $candidate->{any} };
	$kind = $candidate;
	last;
}

sub shown { return join ', ', map { qq("$_") } @_; }

# The places of the columns for a role: what the user says, else what the kind of export says, else the names that are known,
# else the likeliest one.
sub places
{
	my ($role, $flag) = @_;
	my $said = $option{ $flag // $role };
	if (defined $said)
	{
		return () if $said eq 'none';
		exists $place{ compared($said) } or fail "there is no column \"$said\"; the columns are " . shown(map { name_of($_) } 0 .. $#columns);
		return $place{ compared($said) };
	}
	my @known = map { $place{$_} } grep { exists $place{$_} } @{ $kind->{$role} // $names{$role} };
	return @known if @known || $kind->{$role} && !@{ $kind->{$role} };
	foreach my $pattern (@{ $likely{$role} // [] })
	{
		my ($found) = grep { compared(name_of($_)) =~ $pattern && compared(name_of($_)) !~ /refund|discount|tax|shipping|updated|modified|due|deliver|ship|birth/ } 0 .. $#columns;
		return $found if defined $found;
	}
	return ();
}
sub in_table { my ($table, @places) = @_; return grep { table_of($_) == $table } @places; }

# Lines have the price of one piece, which counts as often as their quantity says; of an amount that is said to be the
# total, the quantity is that of something else. The orders' own amounts come before those of another file.
my %is_unit_price = map { $_ => 1 } @{ $names{unit_price} };
my ($amount, $lines, %column, $is_unit_price);
foreach my $table ($main, grep { $_->{order_key} } @tables)
{
	my ($quantity) = in_table($table, places('quantity'));
	my ($total) = grep { !defined $quantity || !$is_unit_price{ compared(name_of($_)) } } in_table($table, places('amount'));
	my ($unit_price) = defined $quantity && !defined $total ? in_table($table, places(defined $option{amount} ? 'amount' : 'unit_price')) : ();
	next if !defined($total // $unit_price);
	($amount, $is_unit_price, $column{quantity}) = ($total // $unit_price, defined $unit_price, $quantity);
	$lines = $table if $table != $main;
	# of a shop that says what was paid and what was bought, the kind's first choice
	last if !$lines || !defined $kind->{amount} || defined $option{amount} || $amount == ($place{ $kind->{amount}[0] // '' } // -1);
}
delete $column{quantity} if !$is_unit_price && !(defined $option{amount} && defined $option{quantity});
foreach my $role (qw(date status cancelled test payment order)) { ($column{$role}) = in_table($main, places($role)); }
foreach my $role (qw(refund currency)) { ($column{$role}) = grep { table_of($_) == $main || $lines && table_of($_) == $lines } places($role, $role eq 'currency' ? 'currency-column' : ()); }
if ($lines)
{
	push @used, $lines;
	$column{order} = $lines->{order_key}[0];    # the columns of the orders come first
	$option{lines} ||= 'add';
}
# A customer without an id may still be known by an address: the first two names stand for each other. Of another file
# only the number of the person is taken, for a number of customers that is one of orders.
my ($people) = grep { $_->{customer_key} && exists $_->{place}{customeruniqueid} } @tables;
undef $people if $people && (defined $option{customer} ? table_of((places('customer'))[0] // 0) != $people : exists $main->{place}{customeruniqueid});
push @used, $people if $people;
my @customer = grep { my $table = table_of($_); $table == $main || $people && $table == $people } places('customer');
# of two columns with one name, the joined one is the other's
$#customer = 1 if @customer > 2;
my %missing = (customer => !@customer, date => !defined $column{date}, amount => !defined $amount);
if (my @missing = grep { $missing{$_} } qw(customer date amount))
{
	my $header = $main->{header};
	my $columns = shown(map { length > 60 ? substr($_, 0, 60) . '...' : $_ } @$header[0 .. ($#$header < 39 ? $#$header : 39)]);
	my $flags = join ' ', map { "--$_ COLUMN" } @missing;
	my $others = join ', ', map { $_->{shown} } grep { $_ != $main } @tables;
	fail "$main->{shown}, line " . ($main->{files}[0]{lines_before} + 1) . ": no column is known for the " . join(' and the ', @missing)
		. "; say which: $flags\n    The first line must name the columns, and they are: $columns"
		. ($others ne '' ? "\n    Nor is there one in a file that has the order's number, too: $others" : '');
}
exit 0 if $option{sniff};
# A joined export may have two columns of one name, which only the file can tell apart.
my %said;
foreach my $place (grep { defined $_ } @customer, $amount, map { $column{$_} } sort keys %column)
{
	my ($table, $name) = (table_of($place), compared(name_of($place)));
	my $like = grep { compared($_) eq $name } @{ $table->{header} };
	print STDERR "$ENV{DEMO_NAME}: $table->{shown} has $like columns ", shown(name_of($place)), ", of which the first is taken; give the others another name, or that one\n"
		if $like > 1 && !$said{ $table->{shown} }{$name}++;
}

# ---------------------------------------------------------------- the server's part

sub literal { my $text = shift; return 'NULL' if !defined $text; $text =~ s/'/''/g; return "'$text'"; }
# Each table that is used has a number.
$used[$_]{number} = $_ + 1 foreach 0 .. $#used;
sub field { return defined $_[0] ? 't' . $columns[ $_[0] ][0]{number} . '.c' . ($columns[ $_[0] ][1] + 1) : 'NULL::text'; }
sub key { my ($number, $place) = @_; return "nullif(btrim(t$number.c" . ($place + 1) . "), '')"; }
sub words { return '{' . join(',', map { my $word = lc; $word =~ s/[\s,]+/_/g; $word =~ s/["\\{}]//g; qq("$word") } @_) . '}'; }

my %drop = map { $_ => 1 } @dropped, split(' ', $kind->{drop} // ''), split(/,/, lc($option{'drop-status'} // ''));
delete @drop{ split /,/, lc($option{'keep-status'} // '') };
my $customer_expression = @customer > 1 ? "coalesce(nullif(btrim(" . field($customer[0]) . "), ''), " . field($customer[1]) . ")" : field($customer[0]);
# WooCommerce numbers all guests 0.
$customer_expression = "nullif($customer_expression, '0')" if $kind->{name} =~ /Woo/;
my $files = $main->{files};
my $shown_files = join ', ', map { $_->{shown} } @used;
my %separator_names = (',' => 'commas', ';' => 'semicolons', "\t" => 'tabs', '|' => 'bars');
# What all files have, or each of them.
sub said_of
{
	my ($what) = @_;
	my %values = map { ($what eq 'separator' ? $separator_names{ $_->{separator} } : $_->{$what}) => 1 } map { @{ $_->{files} } } @used;
	return join ' and ', sort keys %values;
}
my $total_like = name_of($amount) =~ /total|value|grand/i ? 'true' : 'false';

my %settings = (
	file => $shown_files, kind => $kind->{name}, encoding => said_of('encoding'), separator => said_of('separator'),
	customer => join(', else ', map { '"' . name_of($_) . '"' } @customer), date => name_of($column{date}), amount => name_of($amount),
	order_id => name_of($column{order}), quantity => name_of($column{quantity}), refund => name_of($column{refund}),
	status => name_of($column{status}), columns => scalar(map { @{ $_->{header} } } @used),
	dropped => words(keys %drop), cancels => $kind->{cancels}, dates => $option{dates}, decimal => $option{decimal}, lines => $option{lines},
	currency => $option{currency}, skip_bad => $option{'skip-bad'} ? 'true' : 'false', total_like => $total_like,
	test_name => defined $column{test} ? compared(name_of($column{test})) : undef);

# ---------------------------------------------------------------- into the server

my $work = tempdir(CLEANUP => 1);

my %separators_in = (',' => sub { return $_[0] =~ tr/,//; }, ';' => sub { return $_[0] =~ tr/;//; }, "\t" => sub { return $_[0] =~ tr/\t//; }, '|' => sub { return $_[0] =~ tr/|//; });

# What is wrong with the number of fields of a row, which COPY would end at; '' if nothing is.
sub unevenness
{
	my ($file, $row) = @_;
	my $wanted = @{ $file->{header} };
	my $fields = 1 + $separators_in{ $file->{separator} }->(index($row, '"') < 0 ? $row : $row =~ s/"[^"]*"//gr);
	return '' if $fields == $wanted;
	return $row =~ /\A\s*\z/ ? 'an empty line' : "$fields field" . ($fields > 1 ? 's' : '') . ", but the header has $wanted";
}

# A row goes after a first field of ours, which is empty. In one that has too few fields or too many it says so, and the others are
# empty. One of several lines is left to COPY, which ends there: a quote may be missing, and it would take other rows with it.
sub send_row
{
	my ($file, $to, $row) = @_;
	my $wrong = $file->{sent}++ > 0 && index($row, "\n") >= length($row) - 1 ? unevenness($file, $row) : '';
	return print $to $file->{separator}, $row if $wrong eq '';
	return print $to qq("$wrong"), $file->{separator} x @{ $file->{header} }, "\n";
}

# No field in quotes is so long that it is kept in memory: a quote may be missing.
use constant LONGEST_ROW => 1 << 20;

# Line ends become those of Unix, and empty lines at the end go.
sub send_file
{
	my ($file, $to) = @_;
	seek $file->{in}, length $file->{preamble}, 0;
	my ($in, $separator) = ($file->{in}, $file->{separator});
	my ($row, $quoted, $too_long, @empty) = ('', 0, 0);
	while (my $read = <$in>)
	{
		foreach my $line (index($read, "\r") < 0 ? $read : split /(?<=\n)/, $read =~ s/\r\n?/\n/gr)
		{
			if (!$quoted && $line =~ /\A[\s$separator]*\z/) { push @empty, $line; next; }
			send_row($file, $to, $_) foreach splice @empty;
			$row .= $line eq "\\.\n" ? qq("\\."\n) : $line;
			$quoted ^= $line =~ tr/"// & 1;
			next if $quoted && length $row < LONGEST_ROW;
			($too_long ? print $to $row : send_row($file, $to, $row)) or return;
			($row, $too_long) = ('', $quoted);
		}
	}
	print $to $too_long ? '' : $separator, $row if $row ne '';
}

# "line 3: missing data for column ..." out of psql's ERROR and CONTEXT lines
sub explain
{
	my ($file) = @_;
	open my $read, '<', "$work/errors" or fail "$work/errors: $!";
	my ($error, $line, $told) = ('', '', 0);
	my @more;    # lines of the message
	while (<$read>)
	{
		if (/ERROR:\s*(.*)/) { $error = $1; $told = 1; }
		elsif (/^(?:CONTEXT|DETAIL|HINT|LINE|STATEMENT|QUERY):/) { $told = 0; }
		elsif ($told) { chomp; push @more, "    $_"; }
		$line = $1 + ($file ? $file->{lines_before} : 0) if /CONTEXT:.*\bline (\d+)/;
	}
	# What import.sql finds wrong with the orders.
	fail join "\n", "$shown_files: $error", @more if $error =~ s/\Aimport: //;
	$error =~ s/(column )"c(\d+)"/$1 . '"' . $file->{columns}[$2 - 1] . '"'/e if $file;
	print STDERR "    ", ($line ne '' ? "line $line: " : ''), "$error\n";
	fail(($file ? $file->{shown} : $shown_files) . ' cannot be loaded');
}

# psql with these statements, and a file for its standard input; what goes wrong is explained.
sub run
{
	my ($file, @arguments) = @_;
	local $SIG{PIPE} = 'IGNORE';
	open my $errors, '>', "$work/errors" or fail "$work/errors: $!";
	open my $stderr, '>&', \*STDERR;
	open STDERR, '>&', $errors;
	my $pid = open my $psql, '|-', 'psql', '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', @arguments or fail "psql: $!";
	binmode $psql;
	send_file($file, $psql) if $file;
	close $psql;
	my $status = $? >> 8;
	open STDERR, '>&', $stderr;
	explain($file) if $status != 0;
}

sub script
{
	my ($name, @statements) = @_;
	open my $sql, '>:raw', "$work/$name.sql" or fail "$work/$name.sql: $!";
	print $sql "SET client_min_messages = warning;\n", map { "$_;\n" } @statements;
	close $sql;
	return ('-f', "$work/$name.sql");
}

run(undef, script('tables', 'CREATE SCHEMA import', 'CREATE TABLE import.files (source int, name text, first bigint, last bigint, lines_before bigint, again bigint DEFAULT 0)',
	map { my $table = $_; "CREATE TABLE import.csv$table->{number} (number bigint GENERATED ALWAYS AS IDENTITY, uneven text, " . join(', ', map { "c$_ text" } 1 .. @{ $table->{header} }) . ')' } @used));
foreach my $table (@used)
{
	my %number = map { (compared($table->{header}[$_]) => $_ + 1) } reverse 0 .. $#{ $table->{header} };
	foreach my $file (@{ $table->{files} })
	{
		my @order = "@{ $file->{header} }" eq "@{ $table->{header} }" ? (1 .. @{ $file->{header} }) : map { $number{ compared($_) } } @{ $file->{header} };
		$file->{columns} = $table->{header};
		my $delimiter = $file->{separator} eq "\t" ? "E'\\t'" : "'$file->{separator}'";
		open my $copy, '>:raw', "$work/copy.sql" or fail "$work/copy.sql: $!";
		print $copy "\\copy import.csv$table->{number} (", join(', ', 'uneven', map { "c$_" } @order), ") FROM pstdin WITH (FORMAT csv, DELIMITER $delimiter, HEADER, ENCODING '", server_encoding($file), "')\n",
			"INSERT INTO import.files SELECT $table->{number}, ", literal($file->{shown}), ", f.first, (SELECT coalesce(max(number), f.first - 1) FROM import.csv$table->{number}), $file->{lines_before}\n",
			"FROM (SELECT coalesce(max(last), 0) + 1 AS first FROM import.files WHERE source = $table->{number}) AS f;\n";
		close $copy;
		run($file, '-f', "$work/copy.sql");
	}
}

# Rows of one file that another one of the same columns has, too, were exported twice.
my @once = map { my $t = $_->{number}; @{ $_->{files} } < 2 ? () : (
	"CREATE TABLE import.again$t AS SELECT number, first FROM (SELECT number, first, min(first) OVER (PARTITION BY md5(ROW(" . join(', ', map { "c$_" } 1 .. @{ $_->{header} }) . ")::text)) AS first_of_all"
		. " FROM import.csv$t JOIN import.files ON source = $t AND number BETWEEN first AND last WHERE uneven IS NULL) AS r WHERE first > first_of_all",
	"UPDATE import.files AS f SET again = a.rows FROM (SELECT first, count(*) AS rows FROM import.again$t GROUP BY first) AS a WHERE f.source = $t AND f.first = a.first",
	"DELETE FROM import.csv$t WHERE number IN (SELECT number FROM import.again$t)") } @used;

# The rows of the orders, each with its lines in another file, and its customer's in a third.
my ($line_number, $from, $unmatched) = ('NULL::bigint', 'import.csv1 AS t1', 'NULL::text');
if ($lines)
{
	my ($mine, $theirs) = (key(1, $lines->{order_key}[0]), key($lines->{number}, $lines->{order_key}[1]));
	($line_number, $unmatched) = ("t$lines->{number}.number", "CASE WHEN t$lines->{number}.number IS NULL THEN " . literal("not in $lines->{shown}") . ' END');
	$from .= " LEFT JOIN import.csv$lines->{number} AS t$lines->{number} ON $mine = $theirs";
	$lines->{says} = "(SELECT format('%s, by \"%s\": %s rows of %s orders%s', " . literal($lines->{shown}) . ', ' . literal($lines->{header}[ $lines->{order_key}[1] ])
		. ", import.counted(count(*)), import.counted(count(DISTINCT $theirs)), nullif('; ' || import.counted(count(*) FILTER (WHERE o.key IS NULL)) || ' of no order', '; 0 of no order'))"
		. " FROM import.csv$lines->{number} AS t$lines->{number} LEFT JOIN (SELECT DISTINCT $mine AS key FROM import.csv1 AS t1) AS o ON o.key = $theirs)";
	push @once, "SELECT import.stop(format('\"%s\" %s is on %s rows of %s: it must be on one to be joined with %s', " . join(', ', literal($main->{header}[ $lines->{order_key}[0] ]), 'key', 'rows', literal($main->{shown}), literal($lines->{shown}))
		. ")) FROM (SELECT $mine AS key, count(*) AS rows FROM import.csv1 AS t1 GROUP BY 1) AS k WHERE rows > 1 AND key IS NOT NULL ORDER BY key LIMIT 1";
}
if ($people)
{
	my ($mine, $theirs, $person) = (key(1, $people->{customer_key}[0]), key($people->{number}, $people->{customer_key}[1]), key($people->{number}, $people->{place}{customeruniqueid}));
	my $t = "t$people->{number}";
	$from .= " LEFT JOIN (SELECT DISTINCT ON (key) * FROM (SELECT $theirs AS key, * FROM import.csv$people->{number} AS $t) AS k ORDER BY key, number) AS $t ON $mine = $t.key";
	$people->{says} = "(SELECT format('%s, by \"%s\": %s rows%s', " . literal($people->{shown}) . ', ' . literal($people->{header}[ $people->{customer_key}[1] ])
		. ", import.counted(count(*)), (SELECT '; ' || import.counted(count(*)) || CASE count(*) WHEN 1 THEN ' order has' ELSE ' orders have' END || ' no customer there' FROM import.csv1 AS t1 LEFT JOIN (SELECT DISTINCT $theirs AS key FROM import.csv$people->{number} AS $t) AS p ON p.key = $mine WHERE $mine IS NOT NULL AND p.key IS NULL HAVING count(*) > 0))"
		. " FROM import.csv$people->{number} AS $t)";
	push @once, "SELECT import.stop(format('\"%s\" %s is of %s different people in %s', " . join(', ', literal($people->{header}[ $people->{customer_key}[1] ]), 'key', 'people', literal($people->{shown}))
		. ")) FROM (SELECT $theirs AS key, count(DISTINCT $person) AS people FROM import.csv$people->{number} AS $t GROUP BY 1) AS k WHERE people > 1 AND key IS NOT NULL ORDER BY key LIMIT 1";
}
my @says = map { my $t = $_->{number};
	$_->{says} // "(SELECT string_agg(format('%s: %s rows%s', name, import.counted(last - first + 1), nullif('; ' || import.counted(again) || ' of them again', '; 0 of them again')), ', ' ORDER BY first) FROM import.files WHERE source = $t)" } @used;
my @unused = map { my $table = $_; (grep { $_ == $table } @used) ? () : $table->{shown} } @tables;
push @says, literal('not needed: ' . join(', ', @unused)) if @unused;
my $number = $lines ? 'row_number() OVER (ORDER BY t1.number, ' . "$line_number)" : 't1.number';

run(undef, script('fields',
		"SET client_encoding = 'UTF8'",
		# script/import.sql shows these messages and counts, too
		"CREATE FUNCTION import.stop(message text) RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'import: %', message; END \$\$",
		"CREATE FUNCTION import.counted(n bigint) RETURNS text LANGUAGE sql AS \$\$ SELECT btrim(to_char(n, '999,999,999,990')) \$\$",
		@once,
		"CREATE TABLE import.said_of_files AS SELECT * FROM (VALUES " . join(', ', map { "($_, " . $says[$_] . ')' } 0 .. $#says) . ') AS v(place, says)',
		'CREATE ' . ($lines ? 'TABLE' : 'VIEW') . " import.fields AS SELECT $number AS number, t1.number AS order_row, $line_number AS line_row, $unmatched AS unmatched, $customer_expression AS customer, "
			. join(', ', map { field($column{$_}) . " AS $_" } qw(date order quantity status refund cancelled test currency payment)) . ', ' . field($amount) . " AS amount FROM $from WHERE t1.uneven IS NULL",
		'CREATE VIEW import.uneven AS ' . join(' UNION ALL ', map { "SELECT $_ AS source, number AS row, uneven AS problem FROM import.csv$_ WHERE uneven IS NOT NULL" } 1 .. @used),
		'CREATE VIEW import.breaks AS ' . join(' UNION ALL ', map { "SELECT $_ AS source, number, length(c::text) - length(replace(c::text, E'\\n', '')) AS breaks FROM import.csv$_ AS c" } 1 .. @used),
		'CREATE TABLE import.settings AS SELECT ' . join(', ', map { literal($settings{$_}) . "::text AS $_" } sort keys %settings)),
	'-f', dirname($0) . '/import.sql');

# Expands lines "--@NAME FIRST SECOND ... -- NOTE" of SQL files, see the Makefile.

function read_template(file, text, line)
{
	text = ""
	while ((getline line < file) > 0)
		text = text line "\n"
	close(file)
	return text
}

# What sub() and gsub() would take for the match is taken literally.
function literal(text)
{
	gsub(/[\\&]/, "\\\\&", text)
	return text
}

# A line with what it stands for in the place of it; templates may use others.
function expanded(line, words, count, lines, note, at, room, text, i)
{
	if (line !~ /^--@/)
		return line "\n"
	note = ""
	if ((at = index(line, " -- ")) > 0)
	{
		note = substr(line, at + 4)
		line = substr(line, 1, at - 1)
	}
	count = split(line, words)
	words[1] = substr(words[1], 4) ".sql.in"
	room = FILENAME
	sub(/[^\/]*$/, "", room)
	text = read_template(room words[1])
	if (text == "")
		text = read_template(support "/" words[1])
	if (text == "")
	{
		print FILENAME ":" FNR ": no template " words[1] > "/dev/stderr"
		exit 1
	}
	for (i = 2; i <= count; i++)
		gsub("@" (i - 1) "@", literal(words[i]), text)
	gsub(/@note@/, literal(note), text)
	count = split(text, lines, "\n")
	text = ""
	for (i = 1; i < count; i++)
		text = text expanded(lines[i])
	return text
}

{ printf "%s", expanded($0) }

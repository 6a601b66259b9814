"""The shell blocks of a page as one script, and its outputs compared with what is printed.

    docs.py script PAGE WORK     prints the script; what `console` blocks print goes into files in WORK
    docs.py compare PAGE WORK    says where these differ

How pages are written is told in docs_test.sh.
"""

import difflib, pathlib, re, shlex, sys

MARK = re.compile(r"<!-- (run|not run: .+|run: \S+) -->$")


def blocks(page):
    """(line, language, mark, text) of each block, and (line, "hidden", None, commands) of what runs unseen."""
    mark, lines = None, iter(enumerate(pathlib.Path(page).read_text().split("\n"), 1))
    for number, line in lines:
        text = line.strip()
        if text == "<!-- hidden":
            hidden = []
            for _, line in lines:
                if line.strip() == "-->":
                    break
                hidden.append(line)
            yield number, "hidden", None, "\n".join(hidden)
        elif MARK.match(text):
            mark = MARK.match(text)[1]
        elif text.startswith("```"):
            indent, inner = len(line) - len(line.lstrip()), []
            for _, line in lines:
                if line.strip() == "```":
                    break
                inner.append(line[indent:])
            yield number, text[3:], mark, "\n".join(inner)
            mark = None
        elif text:
            mark = None


def commands(text):
    """(command, what it prints) of a transcript. A command goes on where its line ends with a backslash, or a quote of it
    is open."""
    found, output = [], []
    lines = iter(text.split("\n"))
    for line in lines:
        if not line.startswith("$ "):
            output.append(line)
            continue
        command = line[2:]
        while open_ended(command):
            command += "\n" + next(lines)
        output = []
        found.append((command, output))
    return [(command, "\n".join(output)) for command, output in found]


def open_ended(command):
    try:
        shlex.split(command)
    except ValueError:
        return True
    return command.endswith("\\")


def plain(text):
    """Without what differs from run to run, nor where lines were broken."""
    text = re.sub(r"\b[0-9A-F]{32}\b", "HEX", text)
    text = re.sub(r"\bAROA[0-9A-Z]+\b", "ID", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r"\b(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?(?<=[smhd])(?= ago\b|\s|$)", "AGE", text)
    return " ".join(text.split())


def script(page, work):
    print(f"set -Eeuo pipefail\ntrap 'echo \"{page}:$at: ended with status $?\" >&2' ERR")
    for number, language, mark, text in blocks(page):
        if language != "hidden" and mark != "run":
            continue
        print(f"at={number}; echo \"== {page}:$at\"")
        if language == "console":
            for index, (command, _) in enumerate(commands(text)):
                print(f"{{ {command}\n}} >{work}/{number}.{index} 2>&1 || true\ncat {work}/{number}.{index}")
        elif language == "yaml":
            print(f"kubectl apply -f - <<'END_OF_YAML'\n{text}\nEND_OF_YAML")
        else:
            print(text)


def compare(page, work):
    same = True
    for number, language, mark, text in blocks(page):
        if language != "console" or mark != "run":
            continue
        for index, (command, printed) in enumerate(commands(text)):
            file = pathlib.Path(work) / f"{number}.{index}"
            if not file.exists():  # it ended before that, which is told
                sys.exit(1)
            actual = file.read_text()
            # … stands for what is left out.
            pattern = ".*".join(re.escape(part.strip()) for part in plain(printed).split("…"))
            if not re.fullmatch(pattern.replace(re.escape("…"), ".*"), plain(actual)):
                same = False
                print(f"{page}:{number}: $ {command}")
                print("\n".join(difflib.unified_diff(printed.split("\n"), actual.strip("\n").split("\n"), "printed", "actual", lineterm="")))
    sys.exit(not same)


if __name__ == "__main__":
    {"script": script, "compare": compare}[sys.argv[1]](*sys.argv[2:])

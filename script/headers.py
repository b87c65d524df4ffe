"""The public interface as the headers in include/towline declare it: functions, fields of structs, errors."""

import re

# Headers of libraries of their own, beside libtowline's.
OTHER_LIBRARIES = {"socketio.h": "towline-socketio"}
COMMENT = r"/\*(.*?)\*/"


def of_library(folder, library="towline"):
    """The headers in a folder whose functions this library has."""
    return sorted(path for path in folder.glob("*.h") if OTHER_LIBRARIES.get(path.name, "towline") == library)


def text_of(header):
    """A header without comments and preprocessor lines."""
    text = re.sub(COMMENT, " ", header.read_text(), flags=re.S)
    return re.sub(r"^\s*#(?:.*\\\n)*.*$", "", text, flags=re.M)


def spaced(declaration):
    """With one space where there is any, and none inside of parentheses."""
    return re.sub(r"\( | (?=[),])", lambda match: match[0].strip(), re.sub(r"\s+", " ", declaration).strip())


def split(parameters):
    """At the commas outside of parentheses."""
    parts, depth = [""], 0
    for character in parameters:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [spaced(part) for part in parts]


def prototypes(headers):
    """name: (type, [parameters]) of all functions, those too that are `static inline`."""
    found = {}
    for header in headers:
        for kind, name, parameters in re.findall(
                r"^(?:static inline )?((?:const )?\w+(?: \w+)* \**)(tow_\w+)\(([^(){}]*(?:\([^()]*\)[^(){}]*)*)\)\s*[;{]",
                text_of(header), flags=re.M):
            if not kind.startswith("typedef"):
                found[name] = (spaced(kind), split(parameters))
    return found


def inline(headers):
    """The functions that are in the headers as a whole."""
    return {name for header in headers for name in re.findall(r"^static inline [^{(]*?(tow_\w+)\(", text_of(header), flags=re.M)}


def exported(headers):
    """The functions that the library has to show."""
    return set(prototypes(headers)) - inline(headers)


def documented(headers):
    """The functions that people call: what only passes a size on is not among them."""
    return {name for name in prototypes(headers) if not name.endswith("_sized")}


def fields(headers, struct):
    """[(declaration, name, comment)] of a struct; the comment is the one behind the field, else the one above it, else ""."""
    for header in headers:
        match = re.search(r"^typedef struct " + struct + r" \{\n(.*?)^\} " + struct + ";", header.read_text(), flags=re.M | re.S)
        if match is not None:
            break
    else:
        raise KeyError(struct)
    found = []
    for declaration, behind in re.findall(r"((?:/\*.*?\*/|[^;/])+);[ \t]*(?:" + COMMENT + r")?", match[1], flags=re.S):
        above = re.findall(COMMENT, declaration, flags=re.S)
        declaration = spaced(re.sub(COMMENT, " ", declaration, flags=re.S))
        name = re.search(r"\(\*(\w+)\)|(\w+)(?:\[\w+\])?$", declaration)
        if name is not None:
            comment = re.sub(r"\n\s*\*", "", behind or "".join(above[-1:]))
            found.append((declaration, name[1] or name[2], spaced(comment)))
    return found


def errors(headers):
    """[(name, number, text)] of the table of errors."""
    rows = [row for header in headers for row in re.findall(r'^ *X\((\w+), (-\d+), "(.*?)"\)', header.read_text(), flags=re.M)]
    return [(f"TOW_ERROR_{name}", number, text) for name, number, text in rows]

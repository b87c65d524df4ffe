"""Parts of header fields, read from left to right (RFC 9110, section 5.6)."""

import urllib.parse

_SEPARATORS = '()<>@,;:\\"/[]?={} \t'


def is_token_character(character):
    return '\x20' < character < '\x7f' and character not in _SEPARATORS


class ParsingState(object):
    """What is read, and how far that has come."""

    def __init__(self, data):
        self.data = data
        self.head = 0


def peek(state, pos=0):
    """The character that comes next, or `pos` behind that; None at the end."""
    at = state.head + pos
    return state.data[at] if at < len(state.data) else None


def consume(state, amount=1):
    """The next characters, which are gone then; None when there are fewer."""
    end = state.head + amount
    if end > len(state.data):
        return None
    data = state.data[state.head:end]
    state.head = end
    return data


def consume_string(state, expected):
    """Whether this text came next; then it is gone."""
    if not state.data.startswith(expected, state.head):
        return False
    state.head += len(expected)
    return True


def consume_lws(state):
    """A line's end may be part of white space, if more of that follows."""
    start = state.head
    consume_string(state, '\r\n')
    if peek(state) not in (' ', '\t'):
        state.head = start
        return False
    while peek(state) in (' ', '\t'):
        state.head += 1
    return True


def consume_lwses(state):
    while consume_lws(state):
        pass


def consume_token(state):
    """The token that comes next, or None."""
    start = state.head
    while peek(state) is not None and is_token_character(peek(state)):
        state.head += 1
    return state.data[start:state.head] if state.head > start else None


def consume_quoted_string(state):
    """What is between quotes that come next, without them; or None. Control
    characters may not be there (RFC 9110, section 5.6.4)."""
    start = state.head
    if not consume_string(state, '"'):
        return None
    text = []
    while True:
        character = consume(state)
        if character == '"':
            return ''.join(text)
        if character == '\\':
            character = consume(state)
        if character is None or (character != '\t' and
                                 not '\x20' <= character != '\x7f'):
            state.head = start
            return None
        text.append(character)


def consume_token_or_quoted_string(state):
    token = consume_token(state)
    return token if token is not None else consume_quoted_string(state)


def quote_if_necessary(s):
    """As a token, if it is one, else between quotes."""
    if s and all(is_token_character(character) for character in s):
        return s
    return '"%s"' % s.replace('\\', '\\\\').replace('"', '\\"')


def parse_uri(uri):
    """(host, port, path with query) of an absolute or a relative target;
    host and port are None in the latter. (None, None, None): it is none."""
    try:
        parts = urllib.parse.urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None, None, None
    if parts.fragment:
        return None, None, None
    resource = parts.path + ('?' + parts.query if parts.query else '')
    if parts.scheme == '' and parts.netloc == '':
        return None, None, uri
    if parts.scheme not in ('ws', 'wss', 'http', 'https') or host is None:
        return None, None, None
    if port is None:
        port = 443 if parts.scheme in ('wss', 'https') else 80
    return host, port, resource or '/'

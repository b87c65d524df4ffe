# All that a request has.
import json


def web_socket_do_extra_handshake(request):
    request.before = sorted(vars(request))


def web_socket_transfer_data(request):
    names = sorted(request.headers_in.keys())
    request.ws_stream.send_message(json.dumps({
        'uri': request.uri, 'unparsed_uri': request.unparsed_uri,
        'method': request.method, 'protocol': request.protocol,
        'https': request.is_https(), 'resource': request.ws_resource,
        'origin': request.ws_origin, 'version': request.ws_version,
        'remote': request.connection.remote_addr,
        'local': request.connection.local_addr,
        'line': request.connection.get_memorized_lines()[0].decode(),
        'host': request.headers_in['hOsT'],
        'none': request.headers_in['absent'],
        'get': request.headers_in.get('absent', 'fallback'),
        'has': 'HOST' in request.headers_in,
        'all': request.headers_in.get_all('x-two'),
        'dict': dict(request.headers_in)['X-Two'],
        'names': names, 'terminated': [request.client_terminated,
                                       request.server_terminated],
        'code': request.ws_close_code,
        'accept': request._accept.decode(),
        'private': getattr(request, '_request_handler', None),
        'offered': [e.name() for e in request.ws_requested_extensions or []],
        'extensions': [e.name() for e in request.ws_extensions or []],
        'processors': [p.name() for p in request.ws_extension_processors],
        'file': '__file__' in globals(), 'main': __name__ == '__main__',
        'unicode': unicode is str and basestring is str  # noqa: F821
        and unichr(65) == 'A' and long is int,           # noqa: F821
    }))

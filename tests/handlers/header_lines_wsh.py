# A line end inside of a value, and repeated names.
def web_socket_do_extra_handshake(request):
    request.extra_headers.append(('Set-Cookie', 'a=b; HttpOnly\r\nSet-Cookie: c=d'))
    request.extra_headers.append(('Set-Cookie', 'e=f'))


def web_socket_transfer_data(request):
    pass

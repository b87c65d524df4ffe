def web_socket_do_extra_handshake(request):
    print "in the manner of Python 2"

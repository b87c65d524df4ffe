"""WebSocket handlers in Python, in the manner of pywebsocket.

A handler is a file whose name ends in ``_wsh.py``. `towline serve -w DIR`
serves DIR/chat_wsh.py at /chat, and runs all handlers in one process, a
thread for each connection: what stands at a module's top level is shared by
all of them. It defines two functions, and may define a third::

    def web_socket_do_extra_handshake(request):
        # Before the answer to the handshake. Look at request.ws_origin,
        # set request.ws_protocol to one of request.ws_requested_protocols
        # (where that is not None), append to request.extra_headers. Any
        # exception refuses with 403; handshake.AbortedByUserException ends
        # the connection without an answer.
        pass

    def web_socket_transfer_data(request):
        # The connection is open. When this returns it is closed with 1000.
        while True:
            message = request.ws_stream.receive_message()
            if message is None:
                return
            request.ws_stream.send_message(message)

    def web_socket_passive_closing_handshake(request):
        # The client has closed: what is answered.
        return request.ws_close_code, request.ws_close_reason

receive_message waits; it gives a str for text, bytes for a binary message,
None when the client has closed. send_message(message, end=True,
binary=False) waits while the client does not take what was sent before. One
thread may receive while another one sends.

What the functions get is a request_handler.Request, its ws_stream a
stream.Stream; see there. How an exception in web_socket_transfer_data ends
the connection:

    AbortedByUserException          without a Close
    BadOperationException           Close 1011
    InvalidFrameException           Close 1002
    UnsupportedFrameException       Close 1003
    InvalidUTF8Exception            Close 1007
    ConnectionTerminatedException   it has ended already
    anything else                   without a Close; the log has where

Modules: common (numbers and names), msgutil (send_message, receive_message,
MessageReceiver, MessageSender), stream (frames, exceptions), handshake,
extensions, util, http_header_util, dispatch, standalone (the command),
websocket_server. The same are there under the name pywebsocket3.
"""

"""The laboratory: gradient descent in the browser. The page draws; every number on it comes from here.

    laboratory.py   one `call(method, params)` for every way in; knows nothing of sockets
    limits.py       how much a request may ask for
    functions.py, settings.py, reading.py    what is asked for, checked
    descents.py     many short descents with every step of each
    fan.py ...      the requests, one file each
    messages.py     answers in binary
    server.py       the local page, over a WebSocket
    widget.py       the same page in a notebook

docs/laboratory.md tells the messages and every request.
"""

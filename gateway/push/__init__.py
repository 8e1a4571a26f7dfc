"""Push: who follows what, and how what is new reaches everybody.

A change is published to the ``Hub``, whose ``Sweep`` offers it to each follower's ``Line`` in
slices; a ``Mailbox`` sends it, or keeps the newest while the socket takes no more. A
``Conversation`` is what one caller says and hears, a ``Stay`` its part in one room. ``WebSocket``
and ``EventStream`` are the connections, without a task or a timer of their own; ``frames`` is
RFC 6455, pure.
"""

"""Push: the hub and the mailboxes decide, the drivers carry.

``hub``, ``mailbox`` and ``conversation`` know nothing of any web framework; ``ws`` and ``sse`` are
thin shells around them, and a leaner edge may stand in their place.
"""

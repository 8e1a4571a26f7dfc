"""``x-`` documents whose source is an existing HTTP service: read once a TTL, whoever asks.

===============  =================================================================
addresses.py     what an operator writes
faults.py        what may be wrong with an upstream, in words
lifetimes.py     how long an answer may be believed (RFC 9111, RFC 5861)
answers.py       what an upstream may answer, and which answers are refused
contents.py      from the JSON of an upstream to position and data
fetch.py         one GET, bounded in size and time (aiohttp)
source.py        one upstream behind its circuit breaker
documents.py     what this node holds of the documents, as the pollers hold the rest
rounds.py        reads again what somebody follows
counts.py        the metrics
opening.py       the parts, wired
===============  =================================================================
"""

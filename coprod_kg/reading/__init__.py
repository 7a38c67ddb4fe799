"""From the bytes somebody sent to statements; it never changes or asks a store.

`coprod_kg.reading.sandbox` is the way in: what it is given is parsed, checked and reasoned over
in a disposable child process, because no parser can be trusted with what a stranger wrote.
"""

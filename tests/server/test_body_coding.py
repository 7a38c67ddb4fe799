"""The cache of compressed bodies, and bodies compressed as they come."""

import gzip
import random
from concurrent.futures import ThreadPoolExecutor

from coprod_kg.server.body_coding import GzipCache, gzip_stream


def test_compressed_bodies_never_take_more_than_their_room_and_are_never_confused() -> None:
    cache = GzipCache(100_000)
    dice = random.Random(7)
    bodies = [dice.randbytes(dice.randrange(1000, 20_000)) for _ in range(100)]
    turns = [dice.choice(bodies) for _ in range(1000)]
    with ThreadPoolExecutor(8) as threads:
        for body, data in zip(turns, threads.map(cache.compressed, turns), strict=True):
            assert gzip.decompress(data) == body
    assert 50_000 < cache.size <= 100_000


def test_a_body_in_pieces_is_compressed_whole() -> None:
    pieces = [b"", b"one,", b"two,", b"", b"three" * 100_000]
    assert gzip.decompress(b"".join(gzip_stream(iter(pieces)))) == b"".join(pieces)

"""Read fields of some bits each, most significant first."""

from __future__ import annotations

from typing import Final

_MAX_ZEROS: Final = 32


class OutOfBits(ValueError):
    """The fields reach over the end, or a number is absurd."""


class Bits:
    """A place in some bytes.

    Args:
        content: the bytes; of NAL units with emulation prevention taken out.
    """

    def __init__(self, content: bytes) -> None:
        self._value: Final = int.from_bytes(content, "big")
        self._left = 8 * len(content)

    def read(self, count: int) -> int:
        """Read an unsigned number, ``u(n)``.

        Raises:
            OutOfBits: there are not so many.
        """
        self._left -= count
        if self._left < 0:
            raise OutOfBits
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """Read an Exp-Golomb number, ``ue(v)`` (ITU-T H.264 9.1).

        Raises:
            OutOfBits: it does not end, or is over 32 bits.
        """
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > _MAX_ZEROS:
                raise OutOfBits
        return (1 << zeros) - 1 + self.read(zeros)

"""What a schema registry puts before a message: a magic byte, the id of the schema, and then the message itself.

A matcher has no network, so it cannot ask the registry for a schema: have it in the matcher, or in its configuration by
id. Take the frame off in :meth:`Matcher.decode`; the rest is the format's own package.
"""

from __future__ import annotations

from dataclasses import dataclass

from eventlatch_sdk.problem import Reject

#: The magic byte and the id.
_HEAD = 5

#: No number of 64 bits takes more bytes.
_LONGEST = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """A message as a schema registry's serializer wrote it."""

    #: The id of the schema by which the message was written.
    schema_id: int
    #: The message: of Avro one datum, of JSON Schema plain JSON; for Protobuf see :meth:`protobuf`.
    payload: bytes

    @classmethod
    def of(cls, value: bytes) -> Frame:
        """Takes the frame off a value; raises a :class:`Reject`."""
        if not value:
            raise Reject("empty message; expected the magic byte of a schema registry")
        if value[0] != 0 or len(value) < _HEAD:
            raise Reject("does not begin with a schema registry's magic byte and the id of a schema")
        return cls(int.from_bytes(value[1:_HEAD], "big"), value[_HEAD:])

    def protobuf(self) -> tuple[list[int], bytes]:
        """Of a message in Protobuf: which message of the schema file it is, and its bytes; raises a :class:`Reject`.

        The way to the type is a list of indexes, from the outermost: ``[0]`` is the first message of the file,
        ``[1, 0]`` the first one within the second.
        """
        count, rest = _zigzag(self.payload)
        indexes = []
        for _ in range(count):
            index, rest = _zigzag(rest)
            indexes.append(index)
        # The serializers shorten the most frequent list.
        return indexes or [0], rest


def _zigzag(data: bytes) -> tuple[int, bytes]:
    value = 0
    for at, byte in enumerate(data[:_LONGEST]):
        value |= (byte & 0x7F) << (7 * at)
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), data[at + 1 :]
    raise Reject("its Protobuf message indexes are cut off")

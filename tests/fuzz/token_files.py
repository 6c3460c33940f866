"""An independent reader of token files, with Python's standard library: llm.c's, NumPy's,
Megatron's, and headerless ones."""
import ast
import os
import re
import struct

from hugging_face import Refused, need

WHOLE = {"u1": 1, "i1": 1, "u2": 2, "i2": 2, "u4": 4, "i4": 4, "u8": 8, "i8": 8}
LETTERS = {"u1": "B", "i1": "b", "u2": "H", "i2": "h", "u4": "I", "i4": "i", "u8": "Q", "i8": "q"}
MEGATRON = {1: "u1", 2: "i1", 3: "i2", 4: "i4", 5: "i8", 8: "u2"}


def numbers(kind, data):
    need(len(data) % WHOLE[kind] == 0, "half a token")
    return list(struct.unpack("<%d%s" % (len(data) // WHOLE[kind], LETTERS[kind]), data))


def read_llmc(data):
    need(len(data) >= 1024, "short")
    magic, version, n = struct.unpack("<3i", data[:12])
    kind = {(20240520, 1): "u2", (20240801, 7): "u4"}.get((magic, version))
    need(kind and len(data) == 1024 + n * WHOLE[kind], "llm.c")
    return numbers(kind, data[1024:])


def read_npy(data):
    need(len(data) >= 10 and data[6] in (1, 2, 3), "version")
    size, start = (struct.unpack("<H", data[8:10])[0],
                   10) if data[6] == 1 else (struct.unpack("<I", data[8:12].ljust(4, b"\0"))[0], 12)
    need(start + size <= len(data), "header")
    try:
        header = ast.literal_eval(data[start:start + size].decode("latin1").strip())
        need(
            isinstance(header, dict) and set(header) == {"descr", "fortran_order", "shape"}, "keys")
        need(isinstance(header["descr"], str) and isinstance(header["shape"], tuple), "types")
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as e:
        raise Refused(e) from e
    match = re.fullmatch(r"[<|=]?([ui][1248])", header["descr"])
    need(match and len(header["shape"]) == 1, "no tokens")
    need(data[start + size:].__len__() == header["shape"][0] * WHOLE[match[1]], "size")
    return numbers(match[1], data[start + size:])


def read_megatron(data, index):
    need(len(index) >= 34 and index[:9] == b"MMIDIDX\0\0", "magic")
    version, code, n, documents = struct.unpack("<QBQQ", index[9:34])
    need(version == 1 and code in MEGATRON, "version or type")
    least = 34 + n * 12 + documents * 8
    need(len(index) in (least, least + n), "size of the index")
    sizes = struct.unpack("<%di" % n, index[34:34 + 4 * n])
    places = struct.unpack("<%dq" % n, index[34 + 4 * n:34 + 12 * n])
    at = 0
    for size, place in zip(sizes, places):
        need(size >= 0 and place == at, "a gap")
        at += size * WHOLE[MEGATRON[code]]
    need(at == len(data), "size of the .bin")
    return numbers(MEGATRON[code], data)


def read_tokens(path, form, vocab):
    """The tokens of a file. Raises Refused."""
    try:
        with open(path, "rb") as f:
            data = f.read()
        index = None
        if path.endswith(".bin") and os.path.exists(path[:-4] + ".idx"):
            with open(path[:-4] + ".idx", "rb") as f:
                index = f.read()
    except OSError as e:
        raise Refused(e) from e
    magic = struct.unpack("<i", data[:4])[0] if len(data) >= 4 else 0
    if index is not None:
        tokens = read_megatron(data, index)
    elif data[:6] == b"\x93NUMPY":
        tokens = read_npy(data)
    elif magic in (20240520, 20240801):
        tokens = read_llmc(data)
    else:
        need(form == "nanogpt", "no mark")
        tokens = numbers("u4" if vocab > 65536 else "u2", data)
    need(tokens and all(0 <= t < vocab for t in tokens), "a token beyond the vocabulary")
    return tokens
